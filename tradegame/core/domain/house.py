"""The house: a participant like any other that quotes both sides of its goods at its ticks."""

from __future__ import annotations

from attrs import field, frozen

from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.book import ASK, BID, MAX_FILLS
from tradegame.core.domain.chance import draw_between
from tradegame.core.domain.definition import HouseDefinition
from tradegame.core.domain.state import MICRO, OPEN, Effects, GameState, HouseState
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

    def next_tick(self) -> tuple[int, str] | None:
        """When the next quote is due, in ms, and for which good; None while nothing is."""
        if self.state.phase != OPEN:
            return None
        due: tuple[int, str] | None = None
        for good, market in self.state.markets.items():
            if market.house is not None and (due is None or market.house.next_tick < due[0]):
                due = market.house.next_tick, good
        return due

    def tick(self, good: str, until: int, effects: Effects) -> None:
        """Walk the anchor, take the old quotes back and make new ones, which meet ``MAX_FILLS`` orders together.

        Ticks that nobody saw are not made up for: when the game goes on at ``until`` (ms) after a long
        time, the next one is the last that would have been due by then.
        """
        market, house = self.state.markets[good].house, self._definition(good)
        assert market is not None
        interval = house.tick_s * 1000
        market.next_tick += interval
        if market.next_tick <= until:
            market.next_tick += (until - market.next_tick) // interval * interval
        if house.drift_bps:
            self.state.chance, step = draw_between(self.state.chance, -house.drift_bps, house.drift_bps)
            moved = market.anchor + _toward_zero(market.anchor * step, 10_000)
            market.anchor = min(max(moved, market.base // WANDER, MICRO), market.base * WANDER)
        self._quote(good, house, market, effects)

    def shift(self, good: str, bps: int) -> None:
        """News: the anchor and the base around which it wanders move by ``bps`` basis points."""
        market = self.state.markets[good].house
        if market is not None:
            market.base = min(max(market.base * (10_000 + bps) // 10_000, MICRO), MAX_PRICE * MICRO)
            market.anchor = min(max(market.anchor * (10_000 + bps) // 10_000, MICRO), MAX_PRICE * MICRO)

    def _definition(self, good: str) -> HouseDefinition:
        house = self.state.definition.goods[good].house
        assert house is not None
        return house

    def _quote(self, good: str, house: HouseDefinition, market: HouseState, effects: Effects) -> None:
        account = self.state.accounts[HOUSE]
        for number in self._quotes[good]:
            if (order := account.orders.get(number)) is not None:
                self.trading.withdraw(order, effects)
        self._quotes[good].clear()
        mid = mid_price(house, market.anchor, account.goods[good])
        left = MAX_FILLS
        for level in range(house.levels):
            price = mid + -(-house.spread // 2) + level * house.step
            qty = min(house.size, account.goods[good])
            left -= self._place(good, ASK, qty, price, left, effects)
            price = mid - house.spread // 2 - level * house.step
            qty = min(house.size, account.cash // price) if price > 0 else 0
            left -= self._place(good, BID, qty, price, left, effects)
        effects.spent += 2 * house.levels + MAX_FILLS - left

    def _place(self, good: str, side: SideName, qty: int, price: int, most: int, effects: Effects) -> int:
        """How many orders it met."""
        if qty <= 0 or not 1 <= price <= MAX_PRICE:
            return 0
        fills = self.trading.quote(good, side, qty, price, most, effects)
        self._quotes[good].append(self.state.orders)
        return fills


def mid_price(house: HouseDefinition, anchor: int, stock: int) -> int:
    """``anchor * (1 + slope * (target - stock) / target)``, the anchor in millionths, in whole coins, at least 1."""
    mid = anchor + anchor * house.slope * (house.target - stock) // house.target
    return min(max((mid + MICRO // 2) // MICRO, 1), MAX_PRICE)


def _toward_zero(dividend: int, divisor: int) -> int:
    """Division that treats up and down alike, where ``//`` would let every walk drift down."""
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)
