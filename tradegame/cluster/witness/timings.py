"""How long answers take, as the witnesses feel it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from attrs import define, field

WINDOW_S = 10.0
KEPT = 5_000


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value below which ``share`` (0 to 1) of them lie; None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else None


@define(eq=False)
class Timings:
    """The answers of the last ten seconds, each with the URL of its node. Times on any one clock, in seconds.

    ``longest``: the longest that anybody ever waited for an answer.
    """

    longest: float = field(default=0.0, init=False)
    _recent: deque[tuple[float, float, str]] = field(factory=lambda: deque(maxlen=KEPT), init=False)

    def answered(self, now: float, took: float, url: str) -> None:
        self._recent.append((now, took, url))

    def waits(self, so_far: float) -> None:
        """Somebody has waited that long, answered or not."""
        self.longest = max(self.longest, so_far)

    def p99(self, now: float, url: str | None = None) -> float | None:
        """Over all nodes, or one; None when nothing was answered lately."""
        return percentile(
            (took for at, took, where in self._recent if now - at <= WINDOW_S and url in (None, where)), 0.99
        )
