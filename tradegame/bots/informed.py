"""Traders on what they were told: a good that settles is worth the mean of what it may still be.

Each knows of values that it is not; what the others know shows in prices (Plott and Sunder, "Rational expectations and
the aggregation of diverse information in laboratory security markets", Econometrica 56, 1988).
"""

from __future__ import annotations

from typing import ClassVar

from tradegame.bots.base import Action, Bot, Quote, Withdraw
from tradegame.bots.terms import terms_of
from tradegame.client.state import State
from tradegame.protocol.state import Account


class Informed(Bot):
    """Bids below its estimate and asks above it, by up to ``margin`` (a fraction), for 1 to ``most`` units."""

    kind: ClassVar[str] = "informed"

    def __init__(self, seed: int | str = 0, pace: float = 1.0, most: int = 3, margin: float = 0.15) -> None:
        super().__init__(seed, pace)
        self.most = most
        self.margin = margin

    def decide(self, state: State, me: Account) -> list[Action]:
        settling = {good: rules.settlement for good, rules in state.rules.goods.items() if rules.settlement}
        if not settling:
            return []
        actions: list[Action] = [Withdraw(order.order) for order in me.orders[:2]] if len(me.orders) > 3 else []
        good = self.chance.choice(sorted(settling))
        ruled_out = {hint.not_ for hint in me.hints or () if hint.good == good}
        left = [value for value in settling[good] if value not in ruled_out]
        terms = terms_of(state, good)
        estimate = sum(left) / len(left)
        if (price := state.goods[good].price) is not None:
            estimate = (2 * estimate + terms.worth(price)) / 3  # the others know something too
        off = self.chance.uniform(0, self.margin)
        qty = self.chance.randint(1, self.most)
        if me.goods[good] >= qty and self.chance.random() < 0.5:
            ask = terms.lowest_ask(round(estimate * (1 + off)))
            return [*actions, Quote(good, "ask", qty, ask)] if ask else actions
        bid = terms.highest_bid(max(1, round(estimate * (1 - off))))
        qty = min(qty, me.cash // terms.paid(bid)) if bid else 0
        return [*actions, Quote(good, "bid", qty, bid)] if qty else actions
