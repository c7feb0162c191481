"""How long a loop was held, on a machine that is shared with others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.checks import memory_is_flat, the_loop_is_not_held
from tests.hostile.honest import Log
from tests.hostile.siege import Look, Record
from tests.hostile.stalls import Stalls, together
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
    assert (round(holds.longest_ms), holds.stolen_ms, holds.long) == (1, 10, [])
    stretch(holds, clock, 31, stolen_ms=10)
    ((begin, end, ms, by),) = holds.long
    assert (round(holds.longest_ms), holds.stolen_ms, round(ms)) == (21, 20, 21)
    assert (end - begin, end) == (31 * MS, clock.ns)
    assert by.startswith("the scheduler, ")


def test_what_was_stolen_long_before_excuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, holds = Clock(monkeypatch), Holds()
    stretch(holds, clock, 5)
    clock.stolen_ms += 1_000
    clock.ns += 2 * STOLEN_NS
    stretch(holds, clock, LONG_MS + 5)
    assert (round(holds.longest_ms), holds.stolen_ms) == (15, 0)


def test_a_machine_stands_still_only_when_all_of_its_processors_do() -> None:
    one, other = [(10, 20), (50, 90), (100, 110)], [(15, 30), (40, 60), (80, 85), (111, 120)]
    assert together([one]) == one
    assert together([one, other]) == [(15, 20), (50, 60), (80, 85)]
    assert together([one, other, [(0, 17), (84, 200)]]) == [(15, 17), (84, 85)]
    assert together([one, []]) == []


def look(number: int = 0, **more: Any) -> Look:
    plain = dict.fromkeys(("resident", "cpu_s", "log_bytes", "starved_s", "keys", "accounts", "cached", "freed"), 0)
    held: dict[str, Any] = {"lag_s": None, "held_ms": 0.0, "held_by": "", "stolen_ms": 0.0, "long_holds": []}
    return Look(number, "siege", "", **{**plain, **held, **more})


def record_of(*looks: Look) -> Record:
    return Record("", 1, 1, {}, Log(), looks=list(looks))


def test_what_falls_into_a_stall_of_the_machine_is_not_counted() -> None:
    record = record_of(
        look(held_ms=27.0, long_holds=[(90 * MS, 144 * MS, 27.0, "appending on a machine that is half as fast")]),
        look(held_ms=40.0, long_holds=[(190 * MS, 210 * MS, 40.0, "reading")]),
        look(held_ms=4.0, held_by="writing"),
    )
    record.stalls.spans = [(100 * MS, 140 * MS), (200 * MS, 205 * MS)]
    assert record.holds("siege") == [
        (pytest.approx(30.0), "reading"),
        (pytest.approx(7.0), "appending on a machine that is half as fast"),
        (4.0, "writing"),
    ]
    assert list(the_loop_is_not_held(record)) == ["the loop was held for 30 ms by reading; 1 times too long"]


def test_the_watchers_of_the_machine_end_when_they_are_told() -> None:
    with Stalls() as stalls:
        pass
    assert all(begin < end for begin, end in stalls.spans)
    assert not stalls.unknown or "PermissionError" in stalls.unknown


@pytest.mark.parametrize(("kept", "found"), [({}, 1), ({"cached": 5}, 0), ({"freed": 5}, 0), ({"freed": -1}, 1)])
def test_memory_is_flat_besides_what_has_its_own_bound(kept: dict[str, int], found: int) -> None:
    quarters = [number // 30 for number in range(120)]
    looks = [
        look(resident=100 + quarter * 10 << 20, **{name: quarter * 2 * most << 20 for name, most in kept.items()})
        for quarter in quarters
    ]
    assert len(list(memory_is_flat(record_of(*looks)))) == found
