"""What a player has, in coins."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from tradegame.core.domain.account import Account
from tradegame.core.domain.private_values import SELLER, owned_value, redemption
from tradegame.core.domain.state import GameState


def worth(state: GameState, player: str) -> int:
    """Cash, held or free, and every good at its last price; a good that has none is worth nothing yet.

    A good with private values counts at what it is worth to this player.
    """
    owned = state.accounts[player]
    return _worth(owned, _prices(state)) + (owned_value(state, state.players[player], owned) or 0)


@frozen
class Holding:
    """What a player has, held or free, as far as it counts in the standings: so that it can be valued later.

    With private values it is the ``score`` alone: all else would tell them. In an anonymous game too: when the price
    moves, a worth moves by as many units as the player has, and so tells who traded.
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
    if state.definition.private_values is not None or state.definition.anonymous:
        return Holding(score, (), score)
    owned = state.accounts[player]
    goods = tuple([(good, owned.goods[good] + owned.held_goods[good]) for good in state.markets])
    return Holding(owned.cash + owned.held_cash, goods, score)


def start(state: GameState, player: str) -> int:
    """What the player began this round with, valued as it would be now; what settled, at what it paid."""
    fields = state.players[player]
    return _endowment(state) + (sum(fields.values) if fields.role == SELLER else 0)


def gains(state: GameState) -> list[tuple[str, int, int]]:
    """Everyone who took part in this round, with ``start`` and ``worth``: what is the same for all is found once."""
    prices, given, private = _prices(state), _endowment(state), state.definition.private_values
    found = []
    for name in state.dealt:
        fields, owned = state.players[name], state.accounts[name]
        before, after = given, _worth(owned, prices)
        if private is not None:
            before += sum(fields.values) if fields.role == SELLER else 0
            after += redemption(fields.values, owned.goods[private.good] + owned.held_goods[private.good])
        found.append((name, before, after))
    return found


def _prices(state: GameState) -> list[tuple[str, int]]:
    """What goods are worth to everybody alike."""
    private = state.definition.private_values
    secret = None if private is None else private.good
    markets = state.markets.items()
    return [(good, market.last) for good, market in markets if good != secret and market.last is not None]


def _worth(owned: Account, prices: list[tuple[str, int]]) -> int:
    total, goods, held = owned.cash + owned.held_cash, owned.goods, owned.held_goods
    for good, price in prices:
        total += (goods[good] + held[good]) * price
    return total


def _endowment(state: GameState) -> int:
    """What everybody is given at the beginning of a round, at today's prices."""
    total = state.definition.cash
    for good, given in state.definition.goods.items():
        total += given.endowment * (state.settled.get(good, state.markets[good].last) or 0)
    return total
