"""The house: a participant like any other that quotes both sides of its goods at its ticks."""

from __future__ import annotations

from attrs import field, frozen

from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.blotter import CANCELLED
from tradegame.core.domain.book import ASK, BID, MAX_FILLS
from tradegame.core.domain.chance import draw_between
from tradegame.core.domain.definition import HouseDefinition
from tradegame.core.domain.marking import MarkService
from tradegame.core.domain.state import DUE_AN_ENTRY, MICRO, OPEN, Effects, GameState, HouseState
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.bounds import MAX_PRICE, SideName

WANDER = 4
"""The anchor's walk stays between a ``WANDER``-th of its base and ``WANDER`` times its base.

Without a bound a market that is open for months would walk to nothing."""


@frozen
class HouseService:
    """Quotes, and moves the anchors."""

    state: GameState
    trading: TradingService
    marks: MarkService
    _quotes: dict[str, list[int]] = field(init=False)
    """By good, the numbers of its orders; some may be gone since."""

    @_quotes.default
    def _open_quotes(self) -> dict[str, list[int]]:
        quotes: dict[str, list[int]] = {good: [] for good in self.state.markets}
        for order in self.state.accounts[HOUSE].orders.values():
            quotes[order.good].append(order.number)
        return quotes

    def price(self) -> None:
        """At the very beginning the anchor stands for the last price."""
        for good, fields in self.state.definition.goods.items():
            if fields.house is not None:
                self.state.markets[good].last = fields.house.anchor

    def open(self) -> None:
        """Begin a round: anchors where the definition has them, the first quotes due now."""
        for good, fields in self.state.definition.goods.items():
            market = self.state.markets[good]
            if fields.house is not None:
                anchor = fields.house.anchor * MICRO
                market.house = HouseState(anchor, anchor, self.state.clock)

    def next_tick(self) -> int | None:
        """When the next quote is due, in ms; None while nothing is."""
        due = self._next()
        return None if due is None else due[1].next_tick

    def tick(self, until: int, effects: Effects) -> None:
        """Walk the anchor, take the old quotes back and make new ones, which meet ``MAX_FILLS`` orders together.

        Ticks that nobody saw are not made up for: when the game goes on at ``until`` (ms) after a long
        time, the next one is the last that would have been due by then.
        """
        due = self._next()
        assert due is not None
        good, market = due
        house = self._definition(good)
        interval = house.tick_s * 1000
        market.next_tick += interval
        if market.next_tick <= until:
            market.next_tick += (until - market.next_tick) // interval * interval
        if house.drift_bps:
            self.state.chance, step = draw_between(self.state.chance, -house.drift_bps, house.drift_bps)
            moved = market.anchor + _toward_zero(market.anchor * step, 10_000)
            market.anchor = min(max(moved, market.base // WANDER, MICRO), market.base * WANDER)
        self._withdraw(good, effects)
        self._quote(good, house, market, effects)

    def shift(self, good: str, bps: int, effects: Effects) -> None:
        """News: the anchor and the base around which it wanders move by ``bps`` basis points, and the quotes with them.

        A house whose tick is due as well only takes its quotes back, and so does any if too much was due in this entry.
        """
        market = self.state.markets[good].house
        if market is not None and self.state.phase == OPEN:
            market.base = min(max(market.base * (10_000 + bps) // 10_000, MICRO), MAX_PRICE * MICRO)
            market.anchor = min(max(market.anchor * (10_000 + bps) // 10_000, MICRO), MAX_PRICE * MICRO)
            self._withdraw(good, effects)
            if effects.spent >= DUE_AN_ENTRY:
                market.next_tick = min(market.next_tick, self.state.clock)
            elif market.next_tick > self.state.clock:
                self._quote(good, self._definition(good), market, effects)

    def _next(self) -> tuple[str, HouseState] | None:
        """The good that is quoted next."""
        first: tuple[str, HouseState] | None = None
        if self.state.phase == OPEN:
            for good, market in self.state.markets.items():
                if market.house is not None and (first is None or market.house.next_tick < first[1].next_tick):
                    first = good, market.house
        return first

    def _definition(self, good: str) -> HouseDefinition:
        house = self.state.definition.goods[good].house
        assert house is not None
        return house

    def _withdraw(self, good: str, effects: Effects) -> None:
        orders = self.state.accounts[HOUSE].orders
        for number in self._quotes[good]:
            if (order := orders.get(number)) is not None:
                self.trading.withdraw(order, effects, CANCELLED)
        self._quotes[good].clear()

    def _quote(self, good: str, house: HouseDefinition, market: HouseState, effects: Effects) -> None:
        """Levels are a step apart, and further where its price would move further once a level was taken: else whoever
        took them all could give them back at the next tick for more.
        """
        account, terms = self.state.accounts[HOUSE], self.state.terms.goods[good]
        stock, left = account.goods[good], MAX_FILLS
        mid = mid_price(house, market.anchor, stock)
        for level in range(house.levels):
            taken = (level + 1) * house.size
            after = mid_price(house, market.anchor, stock - taken)
            price = max(mid + -(-house.spread // 2) + level * house.step, after, terms.floor)
            qty = min(house.size, account.goods[good])
            left -= self._place(good, ASK, qty, price, left, effects)
            after = mid_price(house, market.anchor, stock + taken)
            price = min(mid - house.spread // 2 - level * house.step, after, terms.ceiling)
            qty = min(house.size, account.cash // (price + terms.buyer_tax)) if price > 0 else 0
            left -= self._place(good, BID, qty, price, left, effects)
        effects.spent += 2 * house.levels + MAX_FILLS - left
        self.marks.quoted(good, mid, effects)

    def _place(self, good: str, side: SideName, qty: int, price: int, most: int, effects: Effects) -> int:
        """How many orders it met."""
        terms = self.state.terms.goods[good]
        if qty <= 0 or not terms.floor <= price <= terms.ceiling:
            return 0
        placed = self.state.orders
        fills = self.trading.quote(good, side, qty, price, most, effects)
        if self.state.orders > placed:
            self._quotes[good].append(self.state.orders)
        return fills


def mid_price(house: HouseDefinition, anchor: int, stock: int) -> int:
    """``anchor * (1 + slope * (target - stock) / target)``, the anchor in millionths, in whole coins, at least 1."""
    mid = anchor + anchor * house.slope * (house.target - stock) // house.target
    return min(max((mid + MICRO // 2) // MICRO, 1), MAX_PRICE)


def _toward_zero(dividend: int, divisor: int) -> int:
    """Division that treats up and down alike, where ``//`` would let every walk drift down."""
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)
