"""Trading: buy, sell, order. Each checks everything first and changes things after."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from tradegame.core.domain.account import FEES, HOUSE, Account
from tradegame.core.domain.blotter import FILLED, MET_OWN, REPLACED
from tradegame.core.domain.book import ASK, BID, MAX_FILLS, Order, Walk
from tradegame.core.domain.charges import ChargeService
from tradegame.core.domain.recording import RecordingService
from tradegame.core.domain.state import OPEN, Effects, GameState, Market
from tradegame.protocol.bounds import Became, SideName, Taker
from tradegame.protocol.errors import (
    InsufficientCashError,
    InsufficientGoodsError,
    InsufficientLiquidityError,
    NoLiquidityError,
    NotOpenError,
    TooManyFillsError,
    TooManyOrdersError,
    UnknownGoodError,
    WouldTradeError,
)
from tradegame.protocol.pushes import Trade
from tradegame.protocol.reasons import Why, why
from tradegame.protocol.replies import Bought, Ordered, ReleasedAll, Sold
from tradegame.protocol.requests import BuyGood, PlaceOrder, SellGood

FREED_AT_ONCE = 5_000
"""References to dropped orders that are given up in one go, in about 1 ms."""


@frozen
class TradingService:
    """The market of one game."""

    state: GameState
    recording: RecordingService
    charges: ChargeService
    _dropped: list[dict[int, Order]] = field(factory=list, init=False)
    """What is nothing but memory: orders that were withdrawn all at once."""

    def buy(self, command: BuyGood, effects: Effects) -> Bought:
        market, account = self._open_market(command.good), self.state.accounts[command.player]
        walk = market.book.walk(ASK, command.player, command.qty, command.limit, account.cash)
        if not walk.filled:
            raise NoLiquidityError(_nothing_there("no_ask", command.good, command.limit))
        fee = self.charges.of(command.good, BID, walk)
        self._check_cash(walk, command.qty, walk.notional + fee, account.cash)
        if command.fill_or_kill:
            _check_whole(walk, command.qty)
        self._take(command, BID, market, walk, effects)
        return Bought(walk.filled, walk.notional, fee, account.cash, seq=0)

    def sell(self, command: SellGood, effects: Effects) -> Sold:
        market, account = self._open_market(command.good), self.state.accounts[command.player]
        free = account.goods[command.good]
        if not free:
            raise InsufficientGoodsError(why("no_free_goods", good=command.good))
        if command.fill_or_kill:
            _check_goods(command.good, command.qty, free)
        walk = market.book.walk(BID, command.player, min(command.qty, free), command.limit)
        if not walk.filled:
            raise NoLiquidityError(_nothing_there("no_bid", command.good, command.limit))
        if command.fill_or_kill:
            _check_whole(walk, command.qty)
        fee = self.charges.check_proceeds(command.good, walk, account)
        self._take(command, ASK, market, walk, effects)
        return Sold(walk.filled, walk.notional, fee, account.cash, seq=0)

    def order(self, command: PlaceOrder, effects: Effects, replaced: Order | None = None) -> Ordered:
        """What it will cost is known before it is taken in: what trades at once, its fees, and what then rests.

        A resting order is never a taker again, so it holds no fee. ``replaced``: an order on the same side that it
        takes the place of, and whose funds it may use.
        """
        market, account = self._open_market(command.good), self.state.accounts[command.player]
        bid, cash, free = command.side == BID, account.cash, account.goods[command.good]
        self.charges.check_price(command.good, command.price)
        if replaced is not None:
            held = self.charges.held(replaced)
            cash, free = cash + held.cash, free + held.qty
        walk = market.book.walk(ASK if bid else BID, command.player, command.qty, command.price, cash if bid else None)
        if command.post_only and walk.fills:
            raise WouldTradeError(why("would_trade_at", price=walk.fills[0][0].price))
        if not bid:
            _check_goods(command.good, command.qty, free)
        if walk.more:
            raise TooManyFillsError(_too_many_fills())
        rest = command.qty - walk.filled
        if bid:
            resting = rest * self.charges.each(command.good, command.price)
            needed = walk.notional + self.charges.of(command.good, BID, walk) + resting
            self._check_cash(walk, command.qty, needed, cash)
        else:
            self.charges.check_proceeds(command.good, walk, account)
        cap, stay = self.state.definition.open_orders, len(account.orders) - len(walk.own) - (replaced is not None)
        if rest and stay >= cap:
            raise TooManyOrdersError(why("orders_open", open=len(account.orders), cap=cap))
        if replaced is not None:
            self.withdraw(replaced, effects, REPLACED)
        order = self._number(command.player, command.good, command.side, rest, command.price, walk, effects)
        self._trade(command.player, command.side, market, walk, effects, order.number)
        self._rest(order, effects)
        return Ordered(order.id, walk.filled, rest, account.cash, seq=0)

    def quote(self, good: str, side: SideName, qty: int, price: int, most: int, effects: Effects) -> int:
        """An order of the house's: never refused for what it meets. It takes what ``most`` fills allow and then rests
        nothing, so that no crowd of tiny orders keeps the house from its market.

        Returns the number of fills. Nothing happens if the house cannot pay for all of it.
        """
        market, account = self.state.markets[good], self.state.accounts[HOUSE]
        bid = side == BID
        walk = market.book.walk(ASK if bid else BID, HOUSE, qty, price, account.cash if bid else None, most)
        rest = 0 if walk.more else qty - walk.filled
        charges = self.charges.of(good, side, walk)
        needed = walk.notional + charges + rest * self.charges.each(good, price) if bid else charges - walk.notional
        if needed > account.cash:
            return 0
        order = self._number(HOUSE, good, side, rest, price, walk, effects)
        self._trade(HOUSE, side, market, walk, effects, order.number)
        self._rest(order, effects)
        return len(walk.fills)

    def _number(
        self, player: str, good: str, side: SideName, rest: int, price: int, walk: Walk, effects: Effects
    ) -> Order:
        """The next order of the game, as it is once the walk has happened."""
        self.state.orders += 1
        order = Order(self.state.orders, player, good, side, rest, price, walk.filled)
        self.recording.placed(order, effects)
        return order

    def _take(self, command: BuyGood | SellGood, side: SideName, market: Market, walk: Walk, effects: Effects) -> None:
        player, good, limit, qty = command.player, command.good, command.limit, command.qty
        self.recording.taken(player, side, good, limit, qty, walk.filled, effects.at)
        self._trade(player, side, market, walk, effects)

    def _rest(self, order: Order, effects: Effects) -> None:
        """Put what is left of an order into the book."""
        account = self.state.accounts[order.player]
        if order.qty:
            self.charges.hold(account, order, order.qty)
            account.orders[order.number] = order
            self.state.markets[order.good].book.add(order)
            effects.books[order.good] = None
            effects.accounts[order.player] = None
        else:
            self.recording.done(order, FILLED, effects)

    def withdraw(self, order: Order, effects: Effects, became: Became) -> None:
        """Take an order out of the book and release what it held. ``became``: why, as its player is told later."""
        self._release(order, effects, became)
        self.state.markets[order.good].book.reduce(order, order.qty)

    def withdraw_all(self, orders: Iterable[Order], effects: Effects, became: Became) -> ReleasedAll:
        """The same for many: about 1 µs each, however deep the books are. Returns what they held."""
        cash, goods = 0, dict[str, int]()
        gone: dict[str, list[Order]] = {}
        for order in orders:
            held = self.charges.held(order)
            cash += held.cash
            if held.qty:
                goods[order.good] = goods.get(order.good, 0) + held.qty
            self._release(order, effects, became)
            gone.setdefault(order.good, []).append(order)
        for good, some in gone.items():
            self.state.markets[good].book.remove(some)
        return ReleasedAll(cash, goods)

    def _release(self, order: Order, effects: Effects, became: Became) -> None:
        """What it held is free, and it is not its player's any more. It must leave the book, too."""
        account = self.state.accounts[order.player]
        self.recording.done(order, became, effects)
        self.charges.hold(account, order, -order.qty)
        del account.orders[order.number]
        effects.books[order.good] = None
        effects.accounts[order.player] = None

    def withdraw_everything(self, effects: Effects) -> None:
        """Every open order of everybody: what is held becomes free, and the books are dropped whole.

        They are not recorded one by one: `past_orders` tells of what was before the next round. The orders' memory is
        freed later, bit by bit, by `free_some`: of 500 000 it takes 150 ms.
        """
        state = self.state
        told = dict.fromkeys(good for good, market in state.markets.items() if not market.book.empty())
        for name, account in state.accounts.items():
            if not account.orders:
                continue
            for order in account.orders.values() if told else ():
                if order.good in told:
                    del told[order.good]
                    effects.books[order.good] = None
            account.cash += account.held_cash
            account.held_cash = 0
            for good, qty in account.held_goods.items():
                if qty:
                    account.goods[good] += qty
                    account.held_goods[good] = 0
            self._dropped.append(account.orders)
            account.orders = {}
            effects.accounts[name] = None
        for market in state.markets.values():
            self._dropped.extend(market.book.clear())

    def has_dropped(self) -> bool:
        """Whether there is anything to free for `free_some`."""
        return bool(self._dropped)

    def free_some(self) -> None:
        """Give up some of the memory that is of no more use. It changes nothing."""
        left = FREED_AT_ONCE
        while self._dropped and left > 0:
            orders = self._dropped[-1]
            for _ in range(min(left, len(orders))):
                orders.popitem()
                left -= 1
            if not orders:
                self._dropped.pop()
                left -= 1

    def _open_market(self, good: str) -> Market:
        market = self.state.markets.get(good)
        if market is None:
            raise UnknownGoodError(f"no good {good!r} in this game")
        self.check_trading()
        return market

    def check_open(self) -> None:
        if self.state.phase != OPEN:
            raise NotOpenError(why(f"in_{self.state.phase}"))

    def check_trading(self) -> None:
        """Besides, that the game is not paused."""
        self.check_open()
        if self.state.paused_at is not None:
            raise NotOpenError(why("paused"))

    def _check_cash(self, walk: Walk, qty: int, needed: int, free: int) -> None:
        if walk.filled < qty and walk.notional > free:  # the walk went no further: nobody knows the whole
            raise InsufficientCashError(why("needs_cash_at_least", needed=walk.notional, free=free))
        if needed > free:
            raise InsufficientCashError(why("needs_cash", needed=needed, free=free))

    def _trade(self, taker: str, side: SideName, market: Market, walk: Walk, effects: Effects, number: int = 0) -> None:
        """Let a checked walk happen: the taker's own orders in its way go, then each fill is settled.

        The fee is rounded once: that of a fill is what the fill adds to it. ``number``: of the order that takes, if it
        is one.
        """
        for order in walk.own:
            self.withdraw(order, effects, MET_OWN)
        if not walk.fills:
            return
        record, terms = self.recording.fill, self.state.terms
        free, taxes = not terms.fee_bps, terms.goods[walk.fills[0][0].good]
        notional = paid = fee = 0
        for order, qty in walk.fills:
            if not free:
                notional += qty * order.price
                fee = self.charges.fee(notional) - paid
                paid += fee
            bought, sold = qty * taxes.buyer_tax, qty * taxes.seller_tax
            tax, makers = (bought, sold) if side == BID else (sold, bought)
            ours, theirs = self._settle(taker, side, market, order, qty, fee + tax, makers, effects)
            record(taker, ours, side, number, order, theirs, qty, fee, tax, makers, effects)
        effects.accounts[taker] = None
        effects.books[order.good] = None

    def _settle(
        self, taker: str, side: SideName, market: Market, order: Order, qty: int, fee: int, tax: int, effects: Effects
    ) -> tuple[Account, Account]:
        """``fee``: all that the taker pays besides the price; ``tax``: what the maker pays.

        Returns the taker's account, and that of who made the market.
        """
        state, good, price, maker = self.state, order.good, order.price, order.player
        word: Taker
        notional = qty * price
        ours, theirs = state.accounts[taker], state.accounts[maker]
        if side == BID:
            ours.cash -= notional + fee
            ours.goods[good] += qty
            theirs.held_goods[good] -= qty
            theirs.cash += notional - tax
            buyer, seller, word = taker, maker, "buy"
        else:
            ours.goods[good] -= qty
            ours.cash += notional - fee
            theirs.held_cash -= notional + tax
            theirs.goods[good] += qty
            buyer, seller, word = maker, taker, "sell"
        if fee or tax:
            state.accounts[FEES].cash += fee + tax
        market.book.reduce(order, qty)
        order.filled += qty
        if order.qty == 0:
            del theirs.orders[order.number]
            self.recording.done(order, FILLED, effects)
        market.last = price
        market.volume += qty
        market.recent.append((effects.at, price, qty))
        market.ohlcv.trade(price, qty)
        state.trades += 1
        if state.definition.anonymous:
            effects.events.append(Trade(good, price, qty, word, number=state.trades))
        else:
            effects.events.append(Trade(good, price, qty, word, buyer, seller, state.trades))
        effects.accounts[maker] = None
        return ours, theirs


def _nothing_there(name: str, good: str, limit: int | None) -> Why:
    return why(name, good=good) if limit is None else why(f"{name}_within", good=good, limit=limit)


def _check_goods(good: str, needed: int, free: int) -> None:
    if needed > free:
        raise InsufficientGoodsError(why("needs_goods", needed=needed, good=good, free=free))


def _check_whole(walk: Walk, qty: int) -> None:
    """Of what is filled whole or not at all."""
    if walk.filled < qty:
        if walk.more:
            raise TooManyFillsError(_too_many_fills())
        raise InsufficientLiquidityError(why("only_some_filled", filled=walk.filled, qty=qty))


def _too_many_fills() -> str:
    return f"would meet more than {MAX_FILLS} orders at once"
