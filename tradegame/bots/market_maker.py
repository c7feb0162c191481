"""Quotes both sides and lives on the difference, leaning against its own stock."""

from __future__ import annotations

from typing import ClassVar, Literal

from tradegame.bots.base import Action, Bot, Quote, Withdraw
from tradegame.client.state import Good, State
from tradegame.protocol.state import Account, OpenOrder


class MarketMaker(Bot):
    """One bid and one ask of ``size`` units in each good, ``half_spread`` coins around its estimate of the price.

    The estimate falls by a coin for every ``lean`` units it owns above ``target``, and rises below, so that it buys
    less of what it has too much of (the inventory skew of Ho and Stoll, 1981, made linear).
    """

    kind: ClassVar[str] = "market_maker"

    def __init__(
        self,
        seed: int | str = 0,
        pace: float = 1.0,
        size: int = 10,
        half_spread: int = 1,
        target: int = 20,
        lean: int = 10,
    ) -> None:
        super().__init__(seed, pace)
        self.size = size
        self.half_spread = half_spread
        self.target = target
        self.lean = lean
        self._turn = 0

    def decide(self, state: State, me: Account) -> list[Action]:
        goods = sorted(state.goods)
        if not goods:
            return []
        good = goods[self._turn % len(goods)]
        self._turn += 1
        middle = _middle(state.goods[good])
        if middle is None:
            return []
        stock = me.goods.get(good, 0) + me.held_goods.get(good, 0)
        fair = max(1 + self.half_spread, middle - (stock - self.target) // self.lean)
        mine = [order for order in me.orders if order.good == good]
        actions: list[Action] = []
        cash, free = me.cash // len(goods), me.goods.get(good, 0)
        for side, price in (("bid", fair - self.half_spread), ("ask", fair + self.half_spread)):
            kept, stale = self._sort_out([order for order in mine if order.side == side], price)
            actions += [Withdraw(order.order) for order in stale]
            if kept:
                continue
            if side == "bid":
                qty = min(self.size, (cash + sum(order.qty * order.price for order in stale)) // price)
                actions += _quote(good, "bid", qty, price)
            else:
                qty = min(self.size, free + sum(order.qty for order in stale))
                actions += _quote(good, "ask", qty, price)
        return actions

    def _sort_out(self, orders: list[OpenOrder], price: int) -> tuple[OpenOrder | None, list[OpenOrder]]:
        """The order that may stay, if one is at the price and not nearly used up; and those to cancel."""
        kept = next((order for order in orders if order.price == price and 2 * order.qty >= self.size), None)
        return kept, [order for order in orders if order is not kept]


def _quote(good: str, side: Literal["bid", "ask"], qty: int, price: int) -> list[Action]:
    return [Quote(good, side, qty, price)] if qty > 0 else []


def _middle(good: Good) -> int | None:
    """The mean of the book's middle and the last trade: the book alone is mostly our own quotes."""
    if good.price is None or good.last is None:
        return good.price
    return (good.price + good.last) // 2
