"""The clock by which a node notices that it stood still: cheap to look at, and never behind by more than a moment."""

from __future__ import annotations

from attrs import define

from tradegame.core.membership.watchdog import STOOD_STILL_S
from tradegame.utils.idle_clock import SAMPLE_S, IdleClock


@define
class Process:
    """A process whose wall clock and CPU time are set by hand. ``asked``: how often its CPU time was asked for."""

    wall_s: float = 1_000.0
    cpu_s: float = 3.0
    asked: int = 0

    def clock(self) -> IdleClock:
        return IdleClock(lambda: self.wall_s, self._worked_s)

    def idle(self, seconds: float) -> None:
        self.wall_s += seconds

    def work(self, seconds: float) -> None:
        self.wall_s += seconds
        self.cpu_s += seconds

    def _worked_s(self) -> float:
        self.asked += 1
        return self.cpu_s


def test_a_standstill_is_seen_by_the_very_next_look_even_right_after_a_sample() -> None:
    process = Process()
    clock = process.clock()
    before = clock()
    process.idle(STOOD_STILL_S)
    assert clock() - before == STOOD_STILL_S


def test_work_is_no_standstill_however_long_it_takes() -> None:
    process = Process()
    clock = process.clock()
    before = clock()
    process.work(60)
    assert clock() == before


def test_an_idle_process_that_is_looked_at_all_the_time_never_stood_still() -> None:
    """A look that returned early, and a later one that counted all the time since the last sample, would add up."""
    process = Process()
    clock = process.clock()
    shown, longest = clock(), 0.0
    for _ in range(20_000):
        process.idle(0.001)
        process.work(0.0002)
        longest, shown = max(longest, clock() - shown), clock()
    assert longest < 2 * SAMPLE_S


def test_cpu_time_is_asked_for_at_most_every_50_ms() -> None:
    process = Process()
    clock = process.clock()
    for _ in range(10_000):
        process.work(0.0001)
        clock()
    assert process.asked <= 1 + 1.0 / SAMPLE_S
