"""What must hold in every state of a game, checked from scratch, a slice at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from itertools import islice

from tradegame.core.domain.account import FEES, HOUSE, MINT, Account
from tradegame.core.domain.blotter import Blotter
from tradegame.core.domain.book import ASK, BID, Book, Order, PriceLevel
from tradegame.core.domain.state import OPEN, GameState, Player
from tradegame.core.domain.worth import endowment
from tradegame.protocol.bounds import KEYS_REMEMBERED, SideName
from tradegame.protocol.ops import HOST

STEP = 1_500
"""Amounts and orders that are looked at in one step, about: 1 ms."""
FOUND_MOST = 100
"""Violations that are told of one audit: one fault may break every account."""
CATCH_UP_STEPS = 1_000
"""After so many steps in which accounts change as quickly as they are read, their sums are left to the next audit."""
LEVEL_TRIES = 3
"""A price level of more than `STEP` orders takes several steps. If it changed meanwhile it is looked at again, so many
times; then it is left to the next audit."""


def audit(state: GameState) -> list[str]:
    """Every violation, in words; an empty list for a sound state. Takes time in proportion to the state."""
    whole = Audit(state)
    for _ in whole.steps():
        pass
    return list(whole.found)


class Audit:
    """One look at everything, in ``steps``. Between two of them entries may be applied, if ``saw`` is told of them.

    An account and a price level are each looked at in one step, and what is wrong with them is wrong then. Only the
    sums over all accounts need more: who changed is read again, so that they are of one and the same moment.
    ``found``: the violations so far, in words.
    """

    def __init__(self, state: GameState) -> None:
        self.found: dict[str, None] = {}
        self._state = state
        self._read: dict[str, list[int]] = {}
        """By account, its cash, and its units of each good; free and held together."""
        self._sums = [0] * (1 + len(state.markets))
        self._changed: dict[str, None] = {}

    def saw(self, accounts: Iterable[str]) -> None:
        """An entry was applied, which changed the accounts of these players, and maybe those of the game's own."""
        self._changed.update(dict.fromkeys(accounts))
        self._changed.update(dict.fromkeys((MINT, HOUSE, FEES)))

    def steps(self) -> Iterator[None]:
        yield from self._accounts()
        yield
        yield from self._players()
        yield
        self._seats()
        yield
        if (yield from self._catch_up()):
            for name, total in zip(("cash", *self._state.markets), self._sums, strict=True):
                if total:
                    self._find(f"{name} sums to {total}, not 0")
        yield
        for good, market in self._state.markets.items():
            yield from self._book(good, market.book)

    def _find(self, violation: str) -> None:
        if len(self.found) < FOUND_MOST:
            self.found[violation] = None

    def _accounts(self) -> Iterator[None]:
        work = 0
        for name, account in list(self._state.accounts.items()):
            if name not in self._state.accounts:
                continue  # removed since
            self._sum(name)
            self._account(name, account)
            work += 4 * len(account.goods) + 3 * len(account.orders)
            if work >= STEP:
                work = 0
                yield

    def _seats(self) -> None:
        """The two ways to look a seat up, and their count. In one go: a few ms for 20 000."""
        state = self._state
        if {seat.number: look for look, seat in state.seating.items()} != state.looks:
            self._find("the seats' numbers are not those of the roster")
        if sum(seat.listed for seat in state.seating.values()) != state.listed:
            self._find(f"{state.listed} seats are not how many are listed")
        grouped = Counter(player.group for player in state.players.values()) if state.grouped else {}
        if [grouped.get(number, 0) for number in range(1, len(state.grouped) + 1)] != state.grouped:
            self._find("the groups are not as large as they are said to be")

    def _sum(self, name: str) -> None:
        account = self._state.accounts.get(name)
        if account is None:  # removed
            now = [0] * len(self._sums)
        else:
            now = [account.cash + account.held_cash]
            now += [qty + held for qty, held in zip(account.goods.values(), account.held_goods.values(), strict=True)]
        before = self._read.get(name)
        if before is None:
            self._sums = [total + new for total, new in zip(self._sums, now, strict=True)]
        elif before != now:
            changes = zip(self._sums, now, before, strict=True)
            self._sums = [total + new - old for total, new, old in changes]
        self._read[name] = now

    def _catch_up(self) -> Generator[None, None, bool]:
        """Read again who changed. Ends, in one step with the last that was read, with whether nobody is left."""
        for _ in range(CATCH_UP_STEPS):
            for name in list(islice(self._changed, max(1, STEP // (2 + len(self._state.markets))))):
                del self._changed[name]
                self._sum(name)
            if not self._changed:
                return True
            yield
        return False

    def _account(self, name: str, account: Account) -> None:
        amounts = [account.held_cash, *account.held_goods.values()]
        if name != MINT:
            amounts += [account.cash, *account.goods.values()]
        if min(amounts) < 0:
            self._find(f"{name} owns less than nothing")
        bids, asks = 0, dict.fromkeys(account.held_goods, 0)
        for order in account.orders.values():
            if order.player != name:
                self._find(f"{name} has the order {order.id} of {order.player}")
            if order.side == BID:
                bids += order.qty * (order.price + self._state.terms.goods[order.good].buyer_tax)
            else:
                asks[order.good] += order.qty
            level = self._state.markets[order.good].book.level(order.side, order.price)
            if level is None or level.orders.get(order.number) is not order:
                self._find(_strangers(order.good))
        if bids != account.held_cash:
            self._find(f"{name} holds {account.held_cash} coins for bids of {bids}")
        for good, held in account.held_goods.items():
            if asks[good] != held:
                self._find(f"{name} holds {held} {good} for asks of {asks[good]}")
        if self._state.phase == OPEN and name in self._state.dealt:
            self._traded(name, account)

    def _traded(self, name: str, account: Account) -> None:
        """While a round is open, a player owns what they were dealt and what they traded since."""
        traded = (account.blotter or Blotter()).traded
        cash = self._state.definition.cash
        for each in traded.values():
            cash += each.proceeds - each.cost - each.fees
        if cash != account.cash + account.held_cash:
            self._find(f"{name} owns {account.cash + account.held_cash} coins, and {cash} by their trades")
        for index, (good, qty) in enumerate(account.goods.items()):
            owned, expected = qty + account.held_goods[good], endowment(self._state, name, good)
            if index in traded:
                expected += traded[index].bought - traded[index].sold
            if owned != expected:
                self._find(f"{name} owns {owned} {good}, and {expected} by their trades")

    def _players(self) -> Iterator[None]:
        self._keys(HOST, self._state.host)
        self._departed()
        yield
        work = 0
        for player, fields in list(self._state.players.items()):
            if player not in self._state.players:
                continue
            self._keys(player, fields)
            if player not in self._state.accounts:
                self._find(f"{player} has no account")
            elif not self._state.takes_part(player) and _owns(self._state.accounts[player]):
                self._find(f"{player} owns something, and takes no part in a round")
            work += 2 + len(self._state.markets)
            if work >= STEP:
                work = 0
                yield

    def _departed(self) -> None:
        state = self._state
        if state.cancel_on_disconnect.keys() - state.players.keys():
            self._find("somebody without an account has chosen to have orders withdrawn")
        if (state.robots.keys() | state.seats.keys()) - state.players.keys():
            self._find("a robot plays for somebody without an account")
        if state.robots.keys() & state.seats.keys():
            self._find("a robot sits in for a robot")
        if state.seats.keys() & state.departed.keys():
            self._find("somebody has departed for whom a robot sits in")
        if state.departed.keys() - state.cancel_on_disconnect.keys():
            self._find("somebody has departed who has not chosen to have orders withdrawn")
        since = list(state.departed.values())
        if since != sorted(since) or any(at > state.clock for at in since[-1:]):
            self._find("the departed are not in the order of their time")

    def _keys(self, name: str, fields: Player) -> None:
        known, counted = len(fields.keys), self._state.remembered
        if known > KEYS_REMEMBERED or not known <= fields.ever <= counted:
            self._find(f"{name} has {known} of {fields.ever} keys, of {counted} in all")

    def _book(self, good: str, book: Book) -> Iterator[None]:
        bid, ask = book.best(BID), book.best(ASK)
        if bid is not None and ask is not None and bid >= ask:
            self._find(f"{good} is crossed: bid {bid}, ask {ask}")
        work = 0
        for side in (BID, ASK):
            for price in book.prices(side):
                level = book.level(side, price)
                if level is None:
                    continue
                if len(level.orders) > STEP:
                    yield from self._large_level(good, book, side, price)
                    continue
                if sum(self._order(good, order) for order in level.orders.values()) != level.qty:
                    self._find(_wrong_levels(good, side))
                work += 1 + len(level.orders)
                if work >= STEP:
                    work = 0
                    yield

    def _large_level(self, good: str, book: Book, side: SideName, price: int) -> Iterator[None]:
        for _ in range(LEVEL_TRIES):
            yield
            level, total = book.level(side, price), 0
            if level is None:
                return
            version = _version(level)
            orders = iter(list(level.orders.values()))
            while some := list(islice(orders, STEP)):
                yield
                if book.level(side, price) is not level or _version(level) != version:
                    break
                total += sum(self._order(good, order) for order in some)
            else:
                if total != level.qty:
                    self._find(_wrong_levels(good, side))
                return

    def _order(self, good: str, order: Order) -> int:
        """Its quantity."""
        if order.qty <= 0:
            self._find(f"{order.id} rests with {order.qty} units")
        owner = self._state.accounts.get(order.player)
        if owner is None or owner.orders.get(order.number) is not order:
            self._find(_strangers(good))
        return order.qty


def _owns(account: Account) -> bool:
    return any((account.cash, account.held_cash, *account.goods.values(), *account.held_goods.values()))


def _version(level: PriceLevel) -> tuple[int, int]:
    """Whoever adds to a level or takes from it changes its quantity, or else its last order."""
    return level.qty, next(reversed(level.orders), 0)


def _strangers(good: str) -> str:
    return f"the book of {good} and its owners do not know the same orders"


def _wrong_levels(good: str, side: SideName) -> str:
    return f"the {side} levels of {good} do not sum up their orders"
