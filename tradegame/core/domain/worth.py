"""What a player has, in coins."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from attrs import frozen

from tradegame.core.domain.account import Account
from tradegame.core.domain.blotter import Traded
from tradegame.core.domain.mark import Mark
from tradegame.core.domain.private_values import SELLER, owned_value, redemption
from tradegame.core.domain.state import GameState

WINNERS_TOLD = 10
"""Of more who are equal these are told."""


def worth(state: GameState, player: str) -> int:
    """Cash, held or free, and every good at its mark.

    A good with private values counts at what it is worth to this player.
    """
    owned = state.accounts[player]
    return _worth(owned, marks(state)) + (owned_value(state, state.players[player], owned) or 0)


@frozen
class Holding:
    """What a player has, held or free, as far as it counts in the standings: so that it can be valued later.

    With private values it is the ``score`` alone: all else would tell them. In an anonymous game too: when the price
    moves, a worth moves by as many units as the player has, and so tells who traded.
    """

    cash: int
    goods: tuple[tuple[str, int], ...]
    score: int

    def worth(self, marks: Mapping[str, Mark]) -> int:
        """At these marks, in coins."""
        return self.cash + sum([marks[good].value(qty) for good, qty in self.goods])


def holding(state: GameState, player: str) -> Holding:
    """What the player has now."""
    score = state.players[player].score
    if state.definition.private_values is not None or state.definition.anonymous:
        return Holding(score, (), score)
    owned = state.accounts[player]
    held = owned.held_goods
    goods = tuple([(good, have) for good, qty in owned.goods.items() if (have := qty + held[good])])
    return Holding(owned.cash + owned.held_cash, goods, score)


def start(state: GameState, player: str) -> int:
    """What the player began this round with, at the marks of now."""
    fields = state.players[player]
    return _endowment(state) + (sum(fields.values) if fields.role == SELLER else 0)


def gain(state: GameState, player: str, good: str, traded: Traded) -> int:
    """What trading one good has made for a player who takes part in the round: the good's part of ``worth - start``.

    It is the same before and after the units were paid at the close. Of a good that was not traded it is 0, so those of
    all goods together are ``worth - start``.
    """
    given = endowment(state, player, good)
    kept = given + traded.bought - traded.sold
    private, mark, values = state.definition.private_values, state.markets[good].mark, state.players[player].values
    if private is not None and private.good == good:
        earned = redemption(values, kept) - redemption(values, given)
    else:
        earned = mark.value(kept) - mark.value(given)
    return earned + traded.proceeds - traded.cost - traded.fees


def endowment(state: GameState, player: str, good: str) -> int:
    """How many units of a good a player who takes part began this round with."""
    private, fields = state.definition.private_values, state.players[player]
    if private is not None and private.good == good:
        return len(fields.values) if fields.role == SELLER else 0
    return state.definition.goods[good].endowment


def gains(state: GameState) -> list[tuple[str, int, int]]:
    """Everyone who took part in this round, with ``start`` and ``worth``: what is the same for all is found once."""
    at, given, private = marks(state), _endowment(state), state.definition.private_values
    found = []
    for name in state.dealt:
        fields, owned = state.players[name], state.accounts[name]
        before, after = given, _worth(owned, at)
        if private is not None:
            before += sum(fields.values) if fields.role == SELLER else 0
            after += redemption(fields.values, owned.goods[private.good] + owned.held_goods[private.good])
        found.append((name, before, after))
    return found


def leaders(state: GameState) -> list[str]:
    """Who has gained most in all closed rounds together, in the order of joining; nobody if nobody gained anything.

    Robots only where no person gained anything.
    """
    scores = {name: player.score for name, player in state.players.items() if player.score > 0}
    people = {name: score for name, score in scores.items() if name not in state.robots}
    scores = people or scores
    best = max(scores.values(), default=0)
    return list(islice((name for name, score in scores.items() if score == best), WINNERS_TOLD))


def marks(state: GameState) -> dict[str, Mark]:
    """What goods count for, to everybody alike: the one with private values for nothing."""
    return {good: market.mark for good, market in state.markets.items()}


def _worth(owned: Account, at: dict[str, Mark]) -> int:
    total, held = owned.cash + owned.held_cash, owned.held_goods
    for good, qty in owned.goods.items():
        if qty := qty + held[good]:
            total += at[good].value(qty)
    return total


def _endowment(state: GameState) -> int:
    """What everybody is given at the beginning of a round, at the marks of now."""
    total, markets = state.definition.cash, state.markets
    for good, fields in state.definition.goods.items():
        if fields.endowment:
            total += markets[good].mark.value(fields.endowment)
    return total
