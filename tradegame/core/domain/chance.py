"""Chance out of the state: a chain of BLAKE2b hashes (RFC 7693), so that every node draws the same.

Players see some of what was drawn, such as their own values and the house's walk. From a hash nobody can compute the
state, and so what others were dealt or what comes next.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

STATE_BITS = 128
_DIGEST = Struct("<16s6Q")
"""A hash is the next state and six times 64 bits."""


def draw(state: int, count: int = 1) -> tuple[int, list[int]]:
    """The next state and ``count`` numbers of 64 random bits; several at once cost little more than one."""
    drawn: list[int] = []
    while len(drawn) < count:
        following, *numbers = _DIGEST.unpack(blake2b(state.to_bytes(STATE_BITS // 8, "little")).digest())
        state = int.from_bytes(following, "little")
        drawn += numbers
    return state, drawn[:count]


def draw_between(state: int, low: int, high: int) -> tuple[int, int]:
    """The next state and an integer from ``low`` to ``high``, both included.

    The bias of the remainder is below one in 2**33 for the ranges used here.
    """
    state, (bits,) = draw(state)
    return state, low + bits % (high - low + 1)
