"""How long the event loop keeps everybody waiting, whatever holds it, including garbage collection and callbacks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.utils.metrics import Histogram

BEAT_S = 0.02
"""The longest hold of each such period is counted."""
ROUNDED_S = 0.001
"""The system wakes whoever waits for a time up to so much later."""
WINDOW_S = 60.0
LAG_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@define(eq=False)
class LoopLag(trio.abc.Instrument):
    """Measures each turn of the loop, in which whatever becomes ready has to wait, and how late the loop wakes. A turn
    costs 0.4 us; to sleep briefly, again and again, kept an idle node awake 50 times a second.

    ``elapsed_s``: a clock that keeps running while the process is suspended, and need not run while it works.
    ``suspended_s``: a pause of so long on that clock was a suspended process or machine, which is not lag.
    """

    elapsed_s: Callable[[], float] = trio.current_time
    suspended_s: float = math.inf
    seconds: Histogram = field(factory=lambda: Histogram(LAG_BUCKETS_S), init=False)
    _worst: deque[tuple[float, float]] = field(factory=deque, init=False)
    _woken: float = field(default=0.0, init=False)
    _slept: float = field(default=math.inf, init=False)
    _longest: float = field(default=0.0, init=False)
    _due: float = field(default=0.0, init=False)
    _elapsed: float = field(default=0.0, init=False)

    def longest_s(self) -> float:
        """The greatest lag of the last minute, in s."""
        self._forget(trio.current_time())
        return max(self._longest, self._worst[0][1] if self._worst else 0.0)

    async def run(self) -> None:
        """Until cancelled."""
        self._woken, self._elapsed = trio.current_time(), self.elapsed_s()
        trio.lowlevel.add_instrument(self)
        try:
            await trio.sleep_forever()
        finally:
            trio.lowlevel.remove_instrument(self)

    def before_io_wait(self, timeout: float) -> None:
        """A turn ends."""
        now = trio.current_time()
        self._saw(now - self._woken)
        if now >= self._due:
            self.observe(self._longest)
            self._longest, self._due, self._elapsed = 0.0, now + BEAT_S, self.elapsed_s()
        self._slept = now

    def after_io_wait(self, timeout: float) -> None:
        """A turn begins. It is late if another thread keeps the interpreter, or the machine has other work."""
        self._woken = now = trio.current_time()
        self._saw(now - self._slept - timeout - ROUNDED_S)

    def observe(self, lag_s: float) -> None:
        """Count one. Keeps only those that no later one has exceeded."""
        now, lag_s = trio.current_time(), max(lag_s, 0.0)
        self.seconds.observe(lag_s)
        self._forget(now)
        while self._worst and self._worst[-1][1] <= lag_s:
            self._worst.pop()
        self._worst.append((now, lag_s))

    def _saw(self, lag_s: float) -> None:
        if lag_s > self._longest and (lag_s < self.suspended_s or self.elapsed_s() - self._elapsed < self.suspended_s):
            self._longest = lag_s

    def _forget(self, now: float) -> None:
        while self._worst and self._worst[0][0] < now - WINDOW_S:
            self._worst.popleft()
