"""Chance out of the state: SplitMix64, so that every node draws the same.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1


def draw(state: int) -> tuple[int, int]:
    """The next state and 64 random bits."""
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return state, z ^ (z >> 31)


def draw_between(state: int, low: int, high: int) -> tuple[int, int]:
    """The next state and an integer from ``low`` to ``high``, both included.

    The bias of the remainder is below one in 2**40 for the ranges used here.
    """
    state, bits = draw(state)
    return state, low + bits % (high - low + 1)
