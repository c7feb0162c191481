"""The loop's lag as the server measures it, and as the tests do."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from tests.support.loop_holds import LoopHolds, slowness
from tradegame.utils.loop_lag import BEAT_S, LAG_BUCKETS_S, ROUNDED_S, WINDOW_S, LoopLag


def turn(lag: LoopLag, clock: MockClock, held_s: float) -> None:
    """A turn of the loop in which some task works for so long."""
    lag.after_io_wait(0.0)
    clock.jump(held_s)
    lag.before_io_wait(0.0)


async def test_who_holds_the_loop_is_seen() -> None:
    lag = LoopLag()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lag.run)
        await trio.sleep(BEAT_S)
        time.sleep(0.2)  # noqa: ASYNC251 - that is what is measured
        await trio.sleep(BEAT_S)
        nursery.cancel_scope.cancel()
    assert lag.longest_s() >= 0.2


async def test_the_longest_hold_of_each_period_is_counted(mock_clock: MockClock) -> None:
    lag = LoopLag()
    turn(lag, mock_clock, BEAT_S)
    for held_s in (0.0, 0.004, 0.002, 0.001, BEAT_S):
        turn(lag, mock_clock, held_s)
    for _ in range(100):
        turn(lag, mock_clock, 0.0005)
    counts = dict(zip(LAG_BUCKETS_S, lag.seconds.counts, strict=False))
    assert {edge: count for edge, count in counts.items() if count} == {0.001: 2, 0.025: 2}


async def test_who_keeps_the_interpreter_from_a_loop_that_sleeps_is_seen(mock_clock: MockClock) -> None:
    lag = LoopLag()
    turn(lag, mock_clock, 0.0)
    mock_clock.jump(0.3)
    lag.after_io_wait(0.05)
    lag.before_io_wait(0.0)
    assert lag.longest_s() == pytest.approx(0.25 - ROUNDED_S)


async def test_the_longest_of_the_last_minute_is_told(autojump_clock: MockClock) -> None:
    lag = LoopLag()
    lag.observe(0.3)
    await trio.sleep(WINDOW_S / 2)
    lag.observe(0.1)
    assert lag.longest_s() == 0.3
    await trio.sleep(WINDOW_S / 2 + 1)
    assert lag.longest_s() == 0.1
    await trio.sleep(WINDOW_S)
    assert lag.longest_s() == 0.0


async def test_a_process_that_stood_still_is_no_lag(mock_clock: MockClock) -> None:
    stood_still = 0.0
    lag = LoopLag(lambda: stood_still, 5.0)
    turn(lag, mock_clock, 0.01)
    lag.after_io_wait(0.0)
    stood_still += 3_600
    mock_clock.jump(3_600)
    lag.before_io_wait(0.0)
    assert lag.longest_s() == 0
    turn(lag, mock_clock, 10)  # that is work
    assert lag.longest_s() == pytest.approx(10)


def held(work: Callable[[], Awaitable[None]]) -> LoopHolds:
    holds = LoopHolds()

    async def main() -> None:
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        await work()

    trio.run(main, instruments=[holds])
    return holds


def test_a_hold_is_measured_in_cpu_time_of_the_loops_thread() -> None:
    async def spin() -> None:
        end = time.thread_time_ns() + 50_000_000
        while time.thread_time_ns() < end:
            pass
        await trio.lowlevel.checkpoint()

    async def wait() -> None:
        time.sleep(0.05)  # noqa: ASYNC251 - a busy machine does the same
        await trio.lowlevel.checkpoint()

    assert held(spin).longest_ms >= 49
    assert "main" in held(spin).where
    assert held(wait).longest_ms < 25


def test_a_hold_by_a_callback_or_the_collector_counts() -> None:
    async def callback() -> None:
        def spin() -> None:
            end = time.thread_time_ns() + 30_000_000
            while time.thread_time_ns() < end:
                pass

        trio.lowlevel.current_trio_token().run_sync_soon(spin)
        await trio.sleep(0.1)

    async def collect() -> None:
        visited = [[number] for number in range(100_000)]
        before = time.thread_time_ns()
        gc.collect()
        del visited
        took.append((time.thread_time_ns() - before) / 1e6)
        await trio.lowlevel.checkpoint()

    took: list[float] = []
    assert held(callback).longest_ms >= 29
    assert held(collect).longest_ms >= took[0]


def test_a_slow_machine_gets_more_time() -> None:
    assert slowness() >= 1
    assert LoopHolds(longest_ms=9.0).within(10)
    assert not LoopHolds(longest_ms=10_000.0).within(10)


@pytest.mark.parametrize("longest", [0.0, 3.0])
def test_what_was_measured_can_be_forgotten(longest: float) -> None:
    holds = LoopHolds(longest_ms=longest)
    holds.reset()
    assert holds.longest_ms == 0
