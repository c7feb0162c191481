"""The time that games are played by, when the wall clock is set, drifts, or was wrong from the start."""

from __future__ import annotations

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from tradegame.core.games.clock import SETTLED_S, SLEW, STEP_MS, GameTime, NodeClock

BEGIN = 1_790_000_000_000
HOUR = 3_600_000


@define
class Machine:
    """A machine whose clocks are moved by hand: real time, and how far the wall clock is off."""

    s: float = 0.0
    off_ms: int = 0

    def boot_s(self) -> float:
        return self.s

    def wall_ms(self) -> int:
        return BEGIN + int(self.s * 1000) + self.off_ms

    @property
    def true_ms(self) -> int:
        return BEGIN + int(self.s * 1000)

    def clock(self) -> NodeClock:
        return NodeClock(self.wall_ms, self.boot_s)

    def run(self, clock: NodeClock, seconds: float) -> None:
        """A second at a time, as a node looks."""
        end = self.s + seconds
        while self.s < end:
            self.s = min(self.s + 1, end)
            clock.look()


def test_a_clock_an_hour_ahead_for_six_seconds_moves_the_time_by_less_than_half_a_second() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.run(clock, 10)
    machine.off_ms = HOUR
    machine.run(clock, 6)
    assert (abs(clock.now_ms() - machine.true_ms) < 500, clock.steps, clock.adopt()) == (True, 1, 0)
    machine.off_ms = 0
    machine.run(clock, 10)
    assert abs(clock.now_ms() - machine.true_ms) <= 1
    assert clock.steps == 1


@pytest.mark.parametrize("off_ms", [HOUR, -HOUR])
def test_a_step_that_lasts_is_logged_once_and_adopted_when_asked(
    off_ms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.off_ms = off_ms
    machine.run(clock, SETTLED_S + 2)
    held_ms = clock.behind_ms()
    assert abs(held_ms) > abs(off_ms) * 0.99
    assert clock.adopt() == held_ms
    assert (clock.now_ms(), clock.adopt()) == (machine.wall_ms(), 0)
    machine.run(clock, 5)
    told = capsys.readouterr().out
    assert (told.count("clock_stepped"), told.count("clock_adopted")) == (1, 1)


def test_a_machine_that_slept_has_no_step() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.s += 8 * 3_600
    clock.look()
    assert (clock.steps, clock.now_ms()) == (0, machine.true_ms)


def test_small_differences_are_slewed_away() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.off_ms = STEP_MS
    machine.run(clock, 1)
    assert clock.now_ms() == pytest.approx(machine.true_ms + 1000 * SLEW, abs=2)
    machine.run(clock, 25)
    assert (clock.now_ms(), clock.steps) == (machine.wall_ms(), 0)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(-2 * HOUR, 2 * HOUR)), max_size=30))
def test_the_time_never_goes_back_and_never_runs_faster_than_the_slew(moves: list[tuple[float, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_ms()
    for seconds, off_ms in moves:
        machine.s += seconds
        machine.off_ms = off_ms
        now = clock.now_ms()
        assert int(seconds * 1000 * (1 - SLEW)) - 2 <= now - before <= seconds * 1000 * (1 + SLEW) + 2
        before = now


def test_a_game_that_is_ahead_of_its_node_goes_on_from_there() -> None:
    """Before a restart the clock was an hour ahead: the house goes on quoting."""
    machine = Machine()
    time = GameTime(lambda: machine.true_ms)
    ahead = machine.true_ms + HOUR
    assert time.now_ms(ahead) == ahead
    machine.s += 10
    assert time.now_ms(ahead) == pytest.approx(ahead + 10_000 * (1 - SLEW), abs=2)


def test_a_game_that_is_ahead_is_slewed_back_to_its_node() -> None:
    machine = Machine()
    time = GameTime(lambda: machine.true_ms)
    clock = machine.true_ms + 1_000
    for _ in range(30):
        clock = time.now_ms(clock)
        machine.s += 1
    assert time.now_ms(clock) == machine.true_ms


def test_when_the_node_jumps_the_game_goes_on_until_its_clock_is_set() -> None:
    machine = Machine()
    node = Machine()
    time = GameTime(node.wall_ms)
    clock = time.now_ms(0)
    node.off_ms = HOUR
    time.node_jumped(HOUR)
    assert time.now_ms(clock) == machine.true_ms
    time.follow_node()
    assert time.now_ms(clock) == node.wall_ms()
