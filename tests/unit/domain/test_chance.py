"""Chance: the same on every node, even, and not to be computed from what players have seen of it."""

from __future__ import annotations

import hashlib

import pytest

from tradegame.core.domain.chance import STATE_BITS, draw, draw_between


def test_what_is_drawn_is_the_hash_of_the_state() -> None:
    """By the definition in docs/rules.md."""
    state, numbers = draw(1_234_567, 8)
    first = hashlib.blake2b((1_234_567).to_bytes(16, "little")).digest()
    second = hashlib.blake2b(first[:16]).digest()
    words = [first[at : at + 8] for at in range(16, 64, 8)] + [second[16:24], second[24:32]]
    assert numbers == [int.from_bytes(word, "little") for word in words]
    assert state == int.from_bytes(second[:16], "little")
    assert draw(1_234_567)[1] == numbers[:1]


def unmixed(bits: int) -> int:
    """The state of SplitMix64 after it drew ``bits``. An offset per draw leads from it to all it ever draws."""
    mask = (1 << 64) - 1

    def unshift(z: int, by: int) -> int:
        found = z
        for _ in range(64 // by):
            found = z ^ (found >> by)
        return found

    z = unshift(bits, 31) * pow(0x94D049BB133111EB, -1, 1 << 64) & mask
    z = unshift(z, 27) * pow(0xBF58476D1CE4E5B9, -1, 1 << 64) & mask
    return unshift(z, 30)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, 2**128 - 1])
def test_the_state_does_not_follow_from_what_it_drew(seed: int) -> None:
    """Of a value between 0 and 10^9 some 2^34 numbers of 64 bits are possible: to try them all takes minutes."""
    state, (bits, *others) = draw(seed, 3)
    assert state >= 1 << 64, "the state is longer than what is seen of it"
    assert state not in {unmixed(each) for each in (bits, *others)}
    assert STATE_BITS >= 128


def test_each_number_of_a_range_is_drawn_about_as_often() -> None:
    state, counts = 7, dict.fromkeys(range(-3, 4), 0)
    for _ in range(7_000):
        state, drawn = draw_between(state, -3, 3)
        counts[drawn] += 1
    assert all(850 < count < 1_150 for count in counts.values())
