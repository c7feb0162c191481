"""What a player has, in coins."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from tradegame.core.domain.private_values import SELLER, owned_value, redemption
from tradegame.core.domain.state import GameState


def worth(state: GameState, player: str) -> int:
    """Cash, held or free, and every good at its last price; a good that has none is worth nothing yet.

    A good with private values counts at what it is worth to this player.
    """
    owned = state.accounts[player]
    total = owned.cash + owned.held_cash
    private = state.definition.private_values
    for good, market in state.markets.items():
        if private is not None and good == private.good:
            continue
        if market.last is not None:
            total += (owned.goods[good] + owned.held_goods[good]) * market.last
    return total + (owned_value(state, state.players[player], owned) or 0)


@frozen
class Holding:
    """What a player has, held or free, as far as it counts in the standings: so that it can be valued later.

    With private values it is the ``score`` alone: all else would tell them.
    """

    cash: int
    goods: tuple[tuple[str, int], ...]
    score: int

    def worth(self, prices: Mapping[str, int]) -> int:
        """At these prices, in coins."""
        return self.cash + sum([qty * prices[good] for good, qty in self.goods])


def holding(state: GameState, player: str) -> Holding:
    """What the player has now."""
    score = state.players[player].score
    if state.definition.private_values is not None:
        return Holding(score, (), score)
    owned = state.accounts[player]
    goods = tuple([(good, owned.goods[good] + owned.held_goods[good]) for good in state.markets])
    return Holding(owned.cash + owned.held_cash, goods, score)


def start(state: GameState, player: str) -> int:
    """What the player began this round with, valued as it would be now; what settled, at what it paid."""
    definition, fields = state.definition, state.players[player]
    total = definition.cash
    for good, given in definition.goods.items():
        total += given.endowment * (state.settled.get(good, state.markets[good].last) or 0)
    return total + (redemption(fields.values, len(fields.values)) if fields.role == SELLER else 0)
