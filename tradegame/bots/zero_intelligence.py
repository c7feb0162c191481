"""Traders without a strategy, but with a budget: Gode & Sunder's ZI-C.

Each has a private value for a unit and quotes a uniformly random price that loses no money at that value. A market of
only such traders still finds the price (Gode and Sunder, "Allocative Efficiency of Markets with Zero-Intelligence
Traders", Journal of Political Economy 101, 1993): the institution does it, not the traders.
"""

from __future__ import annotations

from typing import ClassVar

from tradegame.bots.base import Action, Bot, Quote, Withdraw
from tradegame.bots.terms import Terms, terms_of
from tradegame.client.state import State
from tradegame.protocol.state import Account

GUESS = 20
"""A unit is worth at most so many coins if nobody has ever named a price."""


class ZeroIntelligence(Bot):
    """Random orders of 1 to ``most`` units. Values are drawn within ``spread`` (a fraction) of the market's price."""

    kind: ClassVar[str] = "zero_intelligence"

    def __init__(
        self, seed: int | str = 0, pace: float = 1.0, most: int = 5, spread: float = 0.2, open_orders: int = 6
    ) -> None:
        super().__init__(seed, pace)
        self.most = most
        self.spread = spread
        self.open_orders = open_orders

    def decide(self, state: State, me: Account) -> list[Action]:
        if not state.goods:
            return []
        if me.values:
            ((good, values),) = me.values.items()
            return self._by_private_value(me, good, values, terms_of(state, good))
        actions: list[Action] = []
        if len(me.orders) >= self.open_orders:
            actions.append(Withdraw(me.orders[0].order))  # the oldest: the market has moved on
        good = self.chance.choice(sorted(state.goods))
        around = state.goods[good].price or GUESS
        terms = terms_of(state, good)
        value = max(1, round(terms.worth(around) * self.chance.uniform(1 - self.spread, 1 + self.spread)))
        qty = self.chance.randint(1, self.most)
        has = me.goods.get(good, 0)
        if has and self.chance.random() < 0.5:
            if (least := terms.lowest_ask(value)) == 0:
                return actions
            price = self.chance.randint(least, min(terms.ceiling, max(least, around * 3 // 2)))
            return [*actions, Quote(good, "ask", min(qty, has), price)]
        if (most := terms.highest_bid(value)) == 0:
            return actions
        price = self.chance.randint(min(most, max(terms.floor, around // 2)), most)
        qty = min(qty, me.cash // terms.paid(price))
        return [*actions, Quote(good, "bid", qty, price)] if qty else actions

    def _by_private_value(self, me: Account, good: str, values: tuple[int, ...], terms: Terms) -> list[Action]:
        """One unit at a time, as in the paper: cancel the old quote, and make a new one that loses nothing."""
        actions: list[Action] = [Withdraw(order.order) for order in me.orders]
        owned = me.goods[good] + me.held_goods[good]
        if me.role == "buyer":
            if owned < len(values) and (most := terms.highest_bid(values[owned])):
                price = min(self.chance.randint(terms.floor, most), terms.highest_bid(me.cash + me.held_cash))
                return [*actions, Quote(good, "bid", 1, price)] if price else actions
            return actions
        # the unit that is worth least to the seller goes first
        if 0 < owned <= len(values) and (least := terms.lowest_ask(values[owned - 1])):
            dearest = terms.lowest_ask(2 * values[0]) or terms.ceiling
            return [*actions, Quote(good, "ask", 1, self.chance.randint(least, dearest))]
        return actions
