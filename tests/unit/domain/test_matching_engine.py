"""The book against an independent one, ``lightmatchingengine``: the same trades in the same order.

Every order is a player's of its own, so that no rule about one's own orders comes in; there is no house and no fee.
An immediate order is, over there, a limit order whose rest is cancelled at once.
"""

from __future__ import annotations

import random

from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st
from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

from tests.support.domain import Table, events
from tradegame.core.domain.definition import MAX_PRICE, GoodDefinition
from tradegame.protocol.commands import Join
from tradegame.protocol.pushes import Trade
from tradegame.protocol.replies import Ordered
from tradegame.protocol.requests import BuyGood, CancelOrder, PlaceOrder, SellGood

GOOD = "grain"


@frozen
class Arrival:
    """A limit order, or an immediate one (``price`` None: at any price), or a cancel of the ``cancels``-th open one."""

    side: str = "bid"
    qty: int = 1
    price: int | None = None
    rests: bool = True
    cancels: int | None = None


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
        if arrival.cancels is None:
            self.order(arrival)
        elif self.open:
            player = list(self.open)[arrival.cancels % len(self.open)]
            theirs, ours = self.open.pop(player)
            (outcome,) = self.table.entry(CancelOrder(player=player, order=ours)).outcomes
            assert self.engine.cancel_order(theirs, GOOD) is not None
            assert outcome.result.order == ours  # type: ignore[union-attr]
        assert self.table.book() == self.theirs()

    def order(self, arrival: Arrival) -> None:
        self.players += 1
        player, bid = f"p{self.players}", arrival.side == "bid"
        price = arrival.price or (MAX_PRICE if bid else 1)
        order, fills = self.engine.add_order(GOOD, price, arrival.qty, Side.BUY if bid else Side.SELL)
        self.numbers[order.order_id] = player
        expected = []
        for fill in fills:
            if fill.order_id != order.order_id:  # it tells the taker's side of a trade too, summed by price
                other = self.numbers[fill.order_id]
                buyer, seller = (player, other) if bid else (other, player)
                word = "buy" if bid else "sell"
                number = self.trades + len(expected) + 1
                expected.append(Trade(GOOD, fill.trade_price, fill.trade_qty, word, buyer, seller, number))
        command: PlaceOrder | BuyGood | SellGood
        if arrival.rests:
            command = PlaceOrder(player=player, good=GOOD, side=arrival.side, qty=arrival.qty, price=price)
        else:
            kind = BuyGood if bid else SellGood
            command = kind(player=player, good=GOOD, qty=arrival.qty, limit=arrival.price)
        applied = self.table.entry(Join(player=player, name=player), command)
        assert events(applied, Trade) == expected
        self.trades += len(expected)
        if order.leaves_qty and arrival.rests:
            result = applied.outcomes[1].result
            assert isinstance(result, Ordered)
            assert result.resting == order.leaves_qty
            self.open[player] = order.order_id, result.order
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
arrivals = st.one_of(
    st.builds(Arrival, side=sides, qty=quantities, price=prices),
    st.builds(Arrival, side=sides, qty=quantities, price=prices),
    st.builds(Arrival, side=sides, qty=quantities, price=st.none() | prices, rests=st.just(False)),
    st.builds(Arrival, cancels=st.integers(0, 50)),
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
        price = round(rng.gauss(98 if side == "bid" else 102, 4))
        if kind < 0.6:
            books.arrive(Arrival(side, qty, price))
        elif kind < 0.8:
            books.arrive(Arrival(side, qty, rng.choice((None, price)), rests=False))
        else:
            books.arrive(Arrival(cancels=rng.randrange(10**6)))
    assert books.trades > 1_000
    assert len(books.open) > 50
