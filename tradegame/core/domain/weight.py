"""What commands may cost at most, found without running them: so that an entry can be cut before it is appended."""

from __future__ import annotations

from collections.abc import Iterator

from tradegame.core.domain.account import Account
from tradegame.core.domain.book import ASK, BID, MAX_FILLS
from tradegame.core.domain.orders import amended, is_to_come, open_order
from tradegame.core.domain.state import OPEN, GameState
from tradegame.protocol.bounds import SideName
from tradegame.protocol.commands import (
    Announce,
    Arrive,
    Command,
    Depart,
    Join,
    Remove,
    SetPhase,
    SetRobots,
    SitIn,
    Staff,
    Tell,
)
from tradegame.protocol.ops import PlayerCommand
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, Say, SellGood

BYTES_A_UNIT = 128
"""A ``trade`` event is about as long as this in a frame; so much of a message weighs the same."""
ORDERS_A_UNIT = 8
"""So many orders that are withdrawn at once take about as long as a fill."""
PRICES_A_UNIT = 100_000
"""To move so many prices of a book takes about as long as a fill."""
_ANY_QTY = 1 << 62
_TRADES = (BuyGood, SellGood)


class EntryWeight:
    """Weighs the commands of one entry, one after the other, all against the state before it.

    ``add`` takes a few us, and returns an upper bound, in fills (each about 10 us of every node's time, and an event).
    For an order, new or amended, or an immediate trade: 1, and the resting orders that it can meet, at most
    ``MAX_FILLS``; to amend one that is still to be placed: in any good. Where orders come or go: also the prices that
    move, by ``PRICES_A_UNIT``. For ``arrive``: 1, and its players. Where all orders of a player may go, also since a
    robot leaves the seat: those, too, by ``ORDERS_A_UNIT``. For ``say`` and ``tell``: by the length of the text in
    UTF-8. For a change of the phase, to remove a player, where robots come or go, and for news that moves a price: the
    most. For anything else, and for what would be refused at once: 1.

    What a command meets depends on those before it: they take what stood in front, withdraw it, or pay for what comes.
    So the commands that take from one side of a book walk it together, each from where the one before it may have
    come. That place is never nearer than where they come when they are carried out: so all commands of an entry
    together meet no more orders than they weigh, and those that the entry itself puts into the books. This holds if
    nothing else is applied in between.

    ``unsettled``: what is due comes before the entry's commands, and may withdraw, place or pay anything. Then, and
    after a command that may, all that a limit allows counts.
    """

    def __init__(self, state: GameState, *, unsettled: bool = False) -> None:
        self._state = state
        self._unsettled = unsettled
        self._walks: dict[tuple[str, SideName], _Walk] = {}
        self._withdrawn: dict[tuple[str, SideName], int] = {}
        """Units that may be withdrawn before they trade."""
        self._bought: dict[tuple[str, str], int] = {}
        """Units that a player may get, by the player and the good."""
        self._paid: set[str] = set()
        """Players who may get cash."""

    def add(self, command: Command, *, places: bool = True) -> int:
        """What it weighs as the next one of the entry.

        ``places``: its player may have placed an order before it, which the state does not have yet.
        """
        player, taken_back = command.player, 0
        if player in self._state.seats and not (isinstance(command, PlayerCommand) and command.by_robot):
            taken_back = self._orders(player)
        return taken_back + self._alone(command, places)

    def _alone(self, command: Command, places: bool) -> int:
        if isinstance(command, _TRADES):
            return 1 + self._fills(command)
        if isinstance(command, PlaceOrder):
            return 1 + self._fills(command) + self._moved(command.good)
        if isinstance(command, AmendOrder):
            return self._amend(command, places)
        if isinstance(command, CancelOrder):
            order = open_order(self._state, command.player, command.order)
            if order is None:
                return 1
            self._withdraw(order.good, order.side, order.qty)
            return 1 + self._moved(order.good)
        if isinstance(command, CancelAll):
            return 1 + self._orders(command.player)
        if isinstance(command, Join):
            self._unsettled |= command.player not in self._state.players
            return 1
        if isinstance(command, Arrive):
            returned = [player for player in command.players if player in self._state.seats]
            return 1 + len(command.players) + sum(map(self._orders, returned))
        if isinstance(command, Say | Tell):
            return 1 + min(len(command.text.encode()) // BYTES_A_UNIT, MAX_FILLS)
        if isinstance(command, Remove):
            return 1 + MAX_FILLS + self._orders(command.account)
        if isinstance(command, Depart):
            return 1 + sum(map(self._orders, [player for player in command.players if player in self._state.robots]))
        if isinstance(command, SitIn):
            return 1 + self._orders(command.account)
        if isinstance(command, SetPhase | SetRobots | Staff) or (isinstance(command, Announce) and command.anchor_bps):
            self._unsettled = True
            return 1 + MAX_FILLS
        return 1

    def _amend(self, command: AmendOrder, places: bool) -> int:
        order = open_order(self._state, command.player, command.order)
        if order is None:
            if command.price is None or not (places and is_to_come(self._state, command.order)):
                return 1  # where it rests nobody else does on the other side
            self._unsettled = True
            return 1 + self._most_fills(command.price)
        anew = amended(command, order)
        if anew is None:
            return 1
        self._withdraw(order.good, order.side, order.qty)
        return 1 + self._fills(anew) + 2 * self._moved(order.good)

    def _orders(self, player: str) -> int:
        account = self._state.accounts.get(player)
        if account is None or not account.orders:
            return 0
        for order in account.orders.values():
            self._withdraw(order.good, order.side, order.qty)
        return len(account.orders) // ORDERS_A_UNIT + 4 * sum(self._moved(good) for good in self._state.markets)

    def _withdraw(self, good: str, side: SideName, qty: int) -> None:
        self._withdrawn[good, side] = self._withdrawn.get((good, side), 0) + qty

    def _moved(self, good: str) -> int:
        market = self._state.markets.get(good)
        return 0 if market is None else market.book.depth() // PRICES_A_UNIT

    def _fills(self, command: BuyGood | SellGood | PlaceOrder) -> int:
        """With all that the player owns or may have got by then: what orders hold may have been released."""
        state, player, good = self._state, command.player, command.good
        account, market = state.accounts.get(player), state.markets.get(good)
        if market is None or (account is None and not self._unsettled):
            return 0
        buys = isinstance(command, BuyGood) or (isinstance(command, PlaceOrder) and command.side == BID)
        side: SideName = ASK if buys else BID
        limit = command.price if isinstance(command, PlaceOrder) else command.limit
        if account is None or self._unsettled:
            return _Walk(market.book.ranks(side), buys).go(_ANY_QTY, limit, None)
        qty, purse = command.qty, None
        if state.phase == OPEN and player not in state.dealt:
            pass  # by this command they are dealt to
        elif buys:
            if player not in self._paid and not self._is_paid(account):
                purse = account.cash + account.held_cash
        else:
            owned = account.goods[good] + account.held_goods[good] + self._bought.get((player, good), 0)
            if (good, BID) in self._walks:
                owned += _own(account, good, BID)
            if not owned or (isinstance(command, PlaceOrder) and qty > owned):
                return 0
            qty = min(qty, owned)
        if own := _own(account, good, side):
            qty, purse = qty + own, None  # those do not trade: the walk goes on past them
        if withdrawn := self._withdrawn.get((good, side)):
            qty, purse = qty + withdrawn, None
        if buys:
            self._bought[player, good] = self._bought.get((player, good), 0) + command.qty
        else:
            self._paid.add(player)
        walk = self._walks.get((good, side))
        if walk is None:
            walk = self._walks[good, side] = _Walk(market.book.ranks(side), buys)
        return walk.go(qty, limit, purse)

    def _is_paid(self, account: Account) -> bool:
        """Whether somebody may have bought from an order of this player."""
        return any(order.side == ASK and (order.good, ASK) in self._walks for order in account.orders.values())

    def _most_fills(self, price: int) -> int:
        """What an order would meet that comes to this price, of whichever good and side."""
        most = 0
        for market in self._state.markets.values():
            for side in (BID, ASK):
                most = max(most, _Walk(market.book.ranks(side), side == ASK).go(_ANY_QTY, price, None))
                if most == MAX_FILLS:
                    return most
        return most


class _Walk:
    """Along one side of a book, from the best price, level by level. ``ranks``: price, units and orders of each."""

    __slots__ = ("_ascends", "_left", "_next", "_ranks")

    def __init__(self, ranks: Iterator[tuple[int, int, int]], ascends: bool) -> None:
        self._ranks = ranks
        self._ascends = ascends
        self._next = next(ranks, None)
        self._left: tuple[int, int] | None = None
        """Of the level that was left midway: its price, and how many orders were not met."""

    def go(self, qty: int, limit: int | None, purse: int | None) -> int:
        """How many more orders, at most ``MAX_FILLS``, rest on the levels that ``qty`` and ``purse`` reach."""
        met = 0
        if self._left is not None:
            price, orders = self._left
            if self._beyond(price, limit):
                return 0
            met = min(orders, qty, MAX_FILLS)
            self._left = (price, orders - met) if orders > met else None
        while self._next is not None and met < MAX_FILLS and qty > 0 and (purse is None or purse >= 0):
            price, units, orders = self._next
            if self._beyond(price, limit):
                break
            if purse is not None:
                purse -= units * price
            meets = min(orders, qty, MAX_FILLS - met)  # each order met takes a unit
            met, qty = met + meets, qty - units
            if meets < orders:
                self._left = price, orders - meets
            self._next = next(self._ranks, None)
        return met

    def _beyond(self, price: int, limit: int | None) -> bool:
        return limit is not None and (price > limit if self._ascends else price < limit)


def weight(state: GameState, command: Command, *, places: bool = True) -> int:
    """What one command by itself does at most: see `EntryWeight.add`."""
    return EntryWeight(state).add(command, places=places)


def _own(account: Account, good: str, side: SideName) -> int:
    """The player's own units on this side."""
    if not account.orders:
        return 0
    return sum(order.qty for order in account.orders.values() if order.side == side and order.good == good)
