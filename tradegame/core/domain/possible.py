"""What a player could have gained at the equilibrium, which is what theory predicts for a market like this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tradegame.core.domain.private_values import BUYER
from tradegame.protocol.bounds import Role


def equilibrium_price(equilibrium: Mapping[str, int]) -> int:
    """The middle of the equilibrium's prices, rounded down: one of them, in coins."""
    return (equilibrium["low"] + equilibrium["high"]) // 2


def possible(role: Role, values: Sequence[int], price: int) -> int:
    """What a player with these private values gains who trades each unit that brings a gain, all at ``price``.

    No other trades at that price gain more. At a price of the equilibrium, those of all who take part sum up to the
    most that trade can make (Smith, "An experimental study of competitive market behavior", JPE 70, 1962).
    """
    return sum(max(0, value - price if role == BUYER else price - value) for value in values)
