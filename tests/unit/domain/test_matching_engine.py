"""The book against an independent one, ``lightmatchingengine``: the same trades in the same order.

Every order is a player's of its own, so that no rule about one's own orders comes in; there is no house and no fee.
An immediate order is, over there, a limit order whose rest is cancelled at once. An amended order is one that has fewer
units, or one that is cancelled and a new one. What is refused never comes there.
"""

from __future__ import annotations

import random

from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st
from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

from tests.support.domain import Table, code, events
from tradegame.core.domain.definition import MAX_PRICE, GoodDefinition
from tradegame.core.domain.events import Applied, Rejected
from tradegame.protocol.pushes import Trade
from tradegame.protocol.replies import Ordered
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, SellGood

GOOD = "grain"


@frozen
class Arrival:
    """A limit order, or an immediate one (``price`` None: at any price), or a cancel or an amendment of an open one.

    ``strict``: only to rest, or to be filled whole; a cancel is of all that the player has.
    """

    side: str = "bid"
    qty: int = 1
    price: int | None = None
    rests: bool = True
    cancels: int | None = None
    amends: int | None = None
    strict: bool = False


@define
class BothBooks:
    table: Table = field(
        factory=lambda: Table.of(cash=10**15, open_orders=1_000, goods={GOOD: GoodDefinition(endowment=10**12)})
    )
    engine: LightMatchingEngine = field(factory=LightMatchingEngine)
    players: int = 0
    numbers: dict[int, str] = field(factory=dict)
    """Whose order a number of the engine's is."""
    open: dict[str, tuple[int, str]] = field(factory=dict)
    """Of each player with a resting order: its number over there, its id here."""
    trades: int = 0

    def arrive(self, arrival: Arrival) -> None:
        self.open = {player: ids for player, ids in self.open.items() if self.table.account(player).orders}
        if arrival.cancels is None and arrival.amends is None:
            self.order(arrival)
        elif self.open:
            player = list(self.open)[(arrival.cancels or arrival.amends or 0) % len(self.open)]
            if arrival.cancels is None:
                self.amend(player, arrival)
            else:
                self.cancel(player, arrival)
        assert self.table.book() == self.theirs()

    def cancel(self, player: str, arrival: Arrival) -> None:
        theirs, ours = self.open.pop(player)
        command = CancelAll(player=player) if arrival.strict else CancelOrder(player=player, order=ours)
        (outcome,) = self.table.entry(command).outcomes
        assert self.engine.cancel_order(theirs, GOOD) is not None
        assert not isinstance(outcome.result, Rejected)

    def amend(self, player: str, arrival: Arrival) -> None:
        theirs, ours = self.open[player]
        old = self.engine.order_books[GOOD].order_id_map[theirs]
        bid, price = old.side == Side.BUY, arrival.price or old.price
        command = AmendOrder(player=player, order=ours, qty=arrival.qty, price=arrival.price, post_only=arrival.strict)
        applied = self.table.entry(command)
        if price == old.price and arrival.qty <= old.leaves_qty:
            old.leaves_qty = arrival.qty
            assert events(applied) == []
            assert applied.outcomes[0].result.order == ours  # type: ignore[union-attr]
        elif arrival.strict and self.reach(bid, price):
            assert code(applied.outcomes[0].result) == "would_trade"
        else:
            assert self.engine.cancel_order(theirs, GOOD) is not None
            self.took(player, bid, price, arrival.qty, applied)

    def order(self, arrival: Arrival) -> None:
        self.players += 1
        player, bid = f"p{self.players}", arrival.side == "bid"
        price = arrival.price or (MAX_PRICE if bid else 1)
        self.table.join(player)
        command: PlaceOrder | BuyGood | SellGood
        if arrival.rests:
            command = PlaceOrder(
                player=player, good=GOOD, side=arrival.side, qty=arrival.qty, price=price, post_only=arrival.strict
            )
        else:
            kind = BuyGood if bid else SellGood
            command = kind(player=player, good=GOOD, qty=arrival.qty, limit=arrival.price, fill_or_kill=arrival.strict)
        applied, there = self.table.entry(command), self.reach(bid, price)
        if arrival.strict and arrival.rests and there:
            assert code(applied.outcomes[0].result) == "would_trade"
        elif arrival.strict and not arrival.rests and 0 < there < arrival.qty:
            assert code(applied.outcomes[0].result) == "insufficient_liquidity"
        else:
            self.took(player, bid, price, arrival.qty, applied, rests=arrival.rests)

    def reach(self, bid: bool, price: int) -> int:
        """How many units over there an order would meet."""
        book = self.engine.order_books.get(GOOD)
        levels = {} if book is None else book.asks if bid else book.bids
        within = [at for at in levels if (at <= price if bid else at >= price)]
        return sum(order.leaves_qty for at in within for order in levels[at])

    def took(self, player: str, bid: bool, price: int, qty: int, applied: Applied, *, rests: bool = True) -> None:
        """An order came that was taken in: over there it comes to the same."""
        order, fills = self.engine.add_order(GOOD, price, qty, Side.BUY if bid else Side.SELL)
        self.numbers[order.order_id] = player
        expected = []
        for fill in fills:
            if fill.order_id != order.order_id:  # it tells the taker's side of a trade too, summed by price
                other = self.numbers[fill.order_id]
                buyer, seller = (player, other) if bid else (other, player)
                word = "buy" if bid else "sell"
                number = self.trades + len(expected) + 1
                expected.append(Trade(GOOD, fill.trade_price, fill.trade_qty, word, buyer, seller, number))
        assert events(applied, Trade) == expected
        self.trades += len(expected)
        if order.leaves_qty and rests:
            (outcome,) = applied.outcomes
            assert isinstance(outcome.result, Ordered)
            assert outcome.result.resting == order.leaves_qty
            self.open[player] = order.order_id, outcome.result.order
        elif order.leaves_qty:
            self.engine.cancel_order(order.order_id, GOOD)

    def theirs(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        book = self.engine.order_books.get(GOOD)
        if book is None:
            return [], []
        bids, asks = (
            {price: sum(o.leaves_qty for o in side[price]) for price in side} for side in (book.bids, book.asks)
        )
        return sorted(bids.items(), reverse=True), sorted(asks.items())


sides = st.sampled_from(["bid", "ask"])
quantities = st.one_of(st.integers(1, 9), st.integers(1, 1_000_000))
prices = st.one_of(st.integers(1, 8), st.integers(1, 8), st.integers(1, 10**6))
now_and_then = st.sampled_from([False, False, False, True])
arrivals = st.one_of(
    st.builds(Arrival, side=sides, qty=quantities, price=prices, strict=now_and_then),
    st.builds(Arrival, side=sides, qty=quantities, price=prices),
    st.builds(Arrival, side=sides, qty=quantities, price=st.none() | prices, rests=st.just(False), strict=now_and_then),
    st.builds(Arrival, cancels=st.integers(0, 50), strict=now_and_then),
    st.builds(Arrival, amends=st.integers(0, 50), qty=quantities, price=st.none() | prices, strict=now_and_then),
)


@given(st.lists(arrivals, min_size=1, max_size=60))
def test_any_stream_of_orders_trades_like_an_independent_engine(stream: list[Arrival]) -> None:
    books = BothBooks()
    for arrival in stream:
        books.arrive(arrival)


def test_a_long_stream_of_orders_trades_like_an_independent_engine() -> None:
    rng, books = random.Random(7), BothBooks()
    for _ in range(2_500):
        kind, side, qty = rng.random(), rng.choice(("bid", "ask")), rng.randint(1, 30)
        price, strict, which = (
            round(rng.gauss(98 if side == "bid" else 102, 4)),
            rng.random() < 0.2,
            rng.randrange(10**6),
        )
        if kind < 0.55:
            books.arrive(Arrival(side, qty, price, strict=strict))
        elif kind < 0.73:
            books.arrive(Arrival(side, qty, rng.choice((None, price)), rests=False, strict=strict))
        elif kind < 0.93:
            books.arrive(Arrival(side, qty, rng.choice((None, price)), amends=which, strict=strict))
        else:
            books.arrive(Arrival(cancels=which, strict=strict))
    assert books.trades > 1_000
    assert len(books.open) > 50
