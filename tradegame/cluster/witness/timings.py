"""How long answers take, as the witnesses measure it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from attrs import define, field

WINDOW_S = 10.0
KEPT = 5_000


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which ``share`` (0 to 1) of the values lie; None if there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else None


@define(eq=False)
class Timings:
    """The answers of the last ten seconds, each with its node's URL. Times in seconds, on any one clock.

    ``longest``: the longest wait for an answer so far.
    """

    longest: float = field(default=0.0, init=False)
    _recent: deque[tuple[float, float, str]] = field(factory=lambda: deque(maxlen=KEPT), init=False)

    def answered(self, now: float, took: float, url: str) -> None:
        self._recent.append((now, took, url))

    def waits(self, so_far: float) -> None:
        """Somebody has been waiting this long, answered or not."""
        self.longest = max(self.longest, so_far)

    def p99(self, now: float, url: str | None = None) -> float | None:
        """Over all nodes, or one; None if nothing was answered lately."""
        return percentile(
            (took for at, took, where in self._recent if now - at <= WINDOW_S and url in (None, where)), 0.99
        )
