from __future__ import annotations

import random
from collections import Counter

from tradegame.client.backoff import Backoff


class Longest(random.Random):
    """Chance at its worst."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_waits_double_up_to_four_seconds_and_begin_again_after_a_reset() -> None:
    backoff = Backoff(Longest())
    assert [backoff.next() for _ in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.next() == 0.25


def test_a_class_that_waits_for_one_server_comes_back_spread_out() -> None:
    class_ = [Backoff(random.Random(number), tries=9) for number in range(1_000)]
    tenths = Counter(int(backoff.next() * 10) for backoff in class_)
    assert max(tenths) <= 39
    assert max(tenths.values()) < 60  # on average 25
