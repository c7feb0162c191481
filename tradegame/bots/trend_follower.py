"""Buys what goes up, sells what goes down: the crossing of two moving averages over the trades."""

from __future__ import annotations

from typing import ClassVar

from tradegame.bots.base import Action, Bot, Take
from tradegame.bots.terms import terms_of
from tradegame.client.state import Good, State
from tradegame.protocol.state import Account


class TrendFollower(Bot):
    """When the average of the last ``short`` trades rises above that of the last ``long``, it buys up to ``size``
    units; when it falls below, it sells all it has, ``size`` at a time. ``long`` is at most 200.
    """

    kind: ClassVar[str] = "trend_follower"

    def __init__(self, seed: int | str = 0, pace: float = 1.0, short: int = 5, long: int = 20, size: int = 10) -> None:
        super().__init__(seed, pace)
        if not 0 < short < long <= 200:
            raise ValueError("0 < short < long <= 200")
        self.short = short
        self.long = long
        self.size = size
        self._rising: dict[str, bool] = {}

    def decide(self, state: State, me: Account) -> list[Action]:
        actions: list[Action] = []
        for name in sorted(state.goods):
            good = state.goods[name]
            rising = self._trend(good)
            if rising is None:
                continue
            crossed = self._rising.get(name, rising) != rising
            self._rising[name] = rising
            has = me.goods.get(name, 0)
            if rising and crossed and good.best_ask is not None:
                limit = good.best_ask + 1
                paid = terms_of(state, name).paid(limit)
                qty = min(self.size, me.cash // (2 * paid))  # never more than half of what it has
                if qty:
                    actions.append(Take(name, "buy", qty, limit))
            elif not rising and has and good.best_bid is not None:
                actions.append(Take(name, "sell", min(self.size, has), max(1, good.best_bid - 1)))
        self.chance.shuffle(actions)
        return actions

    def _trend(self, good: Good) -> bool | None:
        """Whether the short average is above the long one. None: too few trades, or they are equal."""
        prices = [price for _, price, _ in good.recent][-self.long :]
        if len(prices) < self.long:
            return None
        # Cross-multiplied, to stay in integers.
        difference = sum(prices[-self.short :]) * self.long - sum(prices) * self.short
        return difference > 0 if difference else None
