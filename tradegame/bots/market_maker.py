"""Quotes both sides and lives on the difference, leaning against its own stock."""

from __future__ import annotations

from typing import ClassVar

from tradegame.bots.base import Action, Amend, Bot, Quote, Withdraw
from tradegame.bots.terms import terms_of
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
        terms = terms_of(state, good)
        fair = max(1 + self.half_spread, terms.worth(middle) - (stock - self.target) // self.lean)
        bid = terms.highest_bid(fair - self.half_spread, rests=True)
        ask = terms.lowest_ask(fair + self.half_spread, rests=True)
        bids, asks = (
            [each for each in me.orders if each.good == good and each.side == side] for side in ("bid", "ask")
        )
        cash = me.cash // len(goods) + sum(order.qty * terms.paid(order.price, rests=True) for order in bids)
        free = me.goods.get(good, 0) + sum(order.qty for order in asks)
        affordable = cash // terms.paid(bid, rests=True) if bid else 0
        down = self._requote(Quote(good, "bid", min(self.size, affordable), bid), bids)
        up = self._requote(Quote(good, "ask", min(self.size, free) if ask else 0, ask), asks)
        rises = any(order.price < bid for order in bids)
        return up + down if rises else down + up  # so that neither meets the other's old quote

    def _requote(self, quote: Quote, orders: list[OpenOrder]) -> list[Action]:
        """One order at the price of the quote, of those that there are; it may stay unless it is nearly used up."""
        if not orders:
            return [quote] if quote.qty else []
        first = next((order for order in orders if order.price == quote.price), orders[0])
        others: list[Action] = [Withdraw(order.order) for order in orders if order is not first]
        if not quote.qty:
            return [*others, Withdraw(first.order)]
        if first.price == quote.price and first.qty >= min(quote.qty, self.size / 2):
            return others
        return [*others, Amend(first.order, quote.qty, quote.price)]


def _middle(good: Good) -> int | None:
    """The mean of the book's middle and the last trade: the book alone is mostly our own quotes."""
    if good.price is None or good.last is None:
        return good.price
    return (good.price + good.last) // 2
