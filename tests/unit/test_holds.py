"""How long a loop was held, on a machine that is shared with others."""

from __future__ import annotations

import pytest

from tests.support import node
from tests.support.node import LONG_MS, STOLEN_NS, Holds

MS = 1_000_000


class Clock:
    """The clocks that a stretch is measured by, and what other machines had, in ms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ns, self.stolen_ms = 1_000 * MS, 500.0
        monkeypatch.setattr("tests.support.loop_holds.time.perf_counter_ns", lambda: self.ns)
        monkeypatch.setattr("tests.support.loop_holds.time.thread_time_ns", lambda: self.ns)
        monkeypatch.setattr(node, "_stolen_ms", lambda: self.stolen_ms)


def stretch(holds: Holds, clock: Clock, ms: float, stolen_ms: float = 0.0) -> None:
    holds.after_io_wait(0)
    clock.ns += round(ms * MS)
    clock.stolen_ms += stolen_ms
    holds.before_io_wait(0)


def test_what_another_machine_had_of_a_stretch_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, holds = Clock(monkeypatch), Holds()
    stretch(holds, clock, 11, stolen_ms=10)
    assert (round(holds.longest_ms), holds.stolen_ms, holds.long) == (1, 10, {})
    stretch(holds, clock, 31, stolen_ms=10)
    assert (round(holds.longest_ms), holds.stolen_ms, holds.long) == (21, 20, {"the scheduler": 1})


def test_what_was_stolen_long_before_excuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, holds = Clock(monkeypatch), Holds()
    stretch(holds, clock, 5)
    clock.stolen_ms += 1_000
    clock.ns += 2 * STOLEN_NS
    stretch(holds, clock, LONG_MS + 5)
    assert (round(holds.longest_ms), holds.stolen_ms) == (15, 0)
