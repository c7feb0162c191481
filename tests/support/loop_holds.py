"""The longest stretch for which a trio loop was held: between one look at whoever may run and the next.

In CPU time of the loop's thread, so that a busy machine does not blur it: garbage collection and the callbacks of
``run_sync_soon`` included, time in which another process had the processor left out. A bound is given for the machine
that ``REFERENCE_MS`` was measured on; ``within`` gives a slower one as much more.

    holds = LoopHolds()
    with ServerThread("memory:", instruments=[holds]) as server:
        …
        holds.reset()
        …
        assert holds.within(10), holds
"""

from __future__ import annotations

import time
from statistics import median

import trio
from attrs import define, field

REFERENCE_MS = 7.0
"""What ``_work`` takes on the machine for which bounds are given, in ms."""

SHORT_NS = 1_000_000
"""Steps that took less together are counted with the one after them: the thread's clock is a system call, and asked
after each step it would be a tenth of a busy server's time."""


@define(eq=False)
class LoopHolds(trio.abc.Instrument):
    """Give it to ``trio.run`` as an instrument. ``longest_ms``, and ``where`` it was: the task, or the scheduler."""

    longest_ms: float = 0.0
    where: str = ""
    _from: int = field(default=0, init=False)
    _looked: int = field(default=0, init=False)  # when, in ns of a clock that costs next to nothing to ask

    def reset(self) -> None:
        """Forget what was measured."""
        self.longest_ms, self.where = 0.0, ""

    def within(self, most_ms: float) -> bool:
        """Whether no stretch was longer, on a machine as fast as the one that bounds are given for."""
        return self.longest_ms <= most_ms * slowness()

    def before_run(self) -> None:
        self.after_io_wait(0)

    def after_io_wait(self, timeout: float) -> None:
        self._looked, self._from = time.perf_counter_ns(), time.thread_time_ns()

    def before_io_wait(self, timeout: float) -> None:
        if time.perf_counter_ns() - self._looked > SHORT_NS:
            self._mark("the scheduler")

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        looked = time.perf_counter_ns()
        if looked - self._looked > SHORT_NS:
            self._looked = looked
            self._mark(task.name)

    def _mark(self, where: str) -> float:
        """A stretch is over. Returns how long it was, in ms."""
        now = time.thread_time_ns()
        held_ms = self._own((now - self._from) / 1e6)
        self._from = now
        if held_ms > self.longest_ms:
            self.longest_ms, self.where = held_ms, where
        return held_ms

    def _own(self, held_ms: float) -> float:
        """What of a stretch is its own."""
        return held_ms


def slowness() -> float:
    """How many times slower this machine is now than the one that bounds are given for; at least 1."""
    return max(1.0, median(_work() for _ in range(5)) / REFERENCE_MS)


def _work() -> float:
    begun = time.thread_time_ns()
    table: dict[str, int] = {}
    for number in range(60_000):
        key = f"{number % 997}"
        table[key] = table.get(key, 0) + number
    return (time.thread_time_ns() - begun) / 1e6
