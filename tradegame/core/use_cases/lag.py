"""How long the event loop keeps everybody waiting, whatever holds it, including garbage collection and callbacks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.core.use_cases.vigil import STOOD_STILL_S
from tradegame.utils.metrics import Histogram

BEAT_S = 0.02
"""How often the loop is checked: at most this much of a hold goes unseen."""
WINDOW_S = 60.0
LAG_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@define(eq=False)
class LoopLag:
    """Sleeps briefly, again and again, and notes how late it wakes.

    ``elapsed_s``: a clock that keeps running while the process is suspended, and need not run while it works. A
    suspended process or machine is not lag: see `Vigil`, which counts those.
    """

    elapsed_s: Callable[[], float] = trio.current_time
    seconds: Histogram = field(factory=lambda: Histogram(LAG_BUCKETS_S), init=False)
    _worst: deque[tuple[float, float]] = field(factory=deque, init=False)

    def longest_s(self) -> float:
        """The greatest lag of the last minute, in s."""
        self._forget(trio.current_time())
        return self._worst[0][1] if self._worst else 0.0

    async def run(self) -> None:
        """Until cancelled."""
        before = self.elapsed_s()
        while True:
            due = trio.current_time() + BEAT_S
            await trio.sleep_until(due)
            after = self.elapsed_s()
            if after - before < STOOD_STILL_S:
                self.observe(trio.current_time() - due)
            before = after

    def observe(self, lag_s: float) -> None:
        """Count one. Keeps only those that no later one has exceeded."""
        now, lag_s = trio.current_time(), max(lag_s, 0.0)
        self.seconds.observe(lag_s)
        self._forget(now)
        while self._worst and self._worst[-1][1] <= lag_s:
            self._worst.pop()
        self._worst.append((now, lag_s))

    def _forget(self, now: float) -> None:
        while self._worst and self._worst[0][0] < now - WINDOW_S:
            self._worst.popleft()
