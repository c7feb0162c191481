"""The house: a participant like any other that quotes both sides of its goods at its ticks."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.book import ASK, BID
from tradegame.core.domain.chance import draw_between
from tradegame.core.domain.commands import PlaceOrder
from tradegame.core.domain.definition import MAX_PRICE, HouseDefinition
from tradegame.core.domain.errors import InsufficientCashError
from tradegame.core.domain.state import MICRO, OPEN, Effects, GameState, HouseState
from tradegame.core.domain.trading import TradingService

WANDER = 4
"""The anchor's walk stays between a ``WANDER``-th of its base and ``WANDER`` times its base.

Without a bound a market that is open for months would walk to nothing."""


@frozen
class HouseService:
    """Quotes, and moves the anchors."""

    state: GameState
    trading: TradingService

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
        """Walk the anchor, take the old quotes back and make new ones.

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
        self.trading.withdraw_all(HOUSE, effects, good)
        account = self.state.accounts[HOUSE]
        mid = mid_price(house, market.anchor, account.goods[good])
        for level in range(house.levels):
            price = mid + -(-house.spread // 2) + level * house.step
            qty = min(house.size, account.goods[good])
            self._place(good, ASK, qty, price, effects)
            price = mid - house.spread // 2 - level * house.step
            qty = min(house.size, account.cash // price) if price > 0 else 0
            self._place(good, BID, qty, price, effects)

    def _place(self, good: str, side: str, qty: int, price: int, effects: Effects) -> None:
        if qty <= 0 or not 1 <= price <= MAX_PRICE:
            return
        try:
            self.trading.order(PlaceOrder(player=HOUSE, good=good, side=side, qty=qty, price=price), effects)
        except InsufficientCashError:
            return  # a bid that would trade at once and could not pay the fee on top


def mid_price(house: HouseDefinition, anchor: int, stock: int) -> int:
    """``anchor * (1 + slope * (target - stock) / target)``, the anchor in millionths, in whole coins, at least 1."""
    mid = anchor + anchor * house.slope * (house.target - stock) // house.target
    return min(max((mid + MICRO // 2) // MICRO, 1), MAX_PRICE)


def _toward_zero(dividend: int, divisor: int) -> int:
    """Division that treats up and down alike, where ``//`` would let every walk drift down."""
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)
