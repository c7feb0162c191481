"""A clock that stands while this process works: what it moves by, the process was idle, suspended, or not scheduled.

The server looks at it for every frame of a client. But to ask the system for a process's CPU time is a real system
call, of 0.4 to 10 µs by the kind of machine: up to a tenth of a ``buy``. So both times are asked for together, at most
every 50 ms, and in between the clock shows what it showed last: 0.1 µs. Whoever looks for a jump of seconds misses
none, because the wall clock, which costs next to nothing, tells when a sample is due.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import define, field

from tradegame.utils.boot_clock import boot_s

SAMPLE_S = 0.05
"""So far the clock may be behind."""


@define(eq=False)
class IdleClock:
    """Call it for the seconds, from an arbitrary moment, in which this process did not work, those included in which
    the machine slept. ``wall_s`` and ``worked_s``: the clocks that it compares.
    """

    wall_s: Callable[[], float] = boot_s
    worked_s: Callable[[], float] = time.process_time
    _due_at: float = field(default=float("-inf"), init=False)
    _idle_s: float = field(default=0.0, init=False)

    def __call__(self) -> float:
        now = self.wall_s()
        if now >= self._due_at:
            # Both at one moment: the time between two samples would else count as idle, or as work.
            self._due_at, self._idle_s = now + SAMPLE_S, now - self.worked_s()
        return self._idle_s
