"""Many tasks sleep, and one timeout wakes them: not before their time, and not much later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tradegame.controller.websocket.timers import AT_ONCE, TICK_S, Timers


@asynccontextmanager
async def running() -> AsyncIterator[Timers]:
    timers = Timers()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        yield timers
        nursery.cancel_scope.cancel()


async def test_each_wakes_at_its_time_in_whatever_order_they_went_to_sleep(autojump_clock: MockClock) -> None:
    late: dict[float, float] = {}

    async def sleep(timers: Timers, seconds: float) -> None:
        due = trio.current_time() + seconds
        await timers.sleep(seconds)
        late[seconds] = trio.current_time() - due

    async with running() as timers, trio.open_nursery() as nursery:
        for seconds in (5, 1, 0, 20, 1.01, 1.02, 3, 0.5, 1.13, 120):
            nursery.start_soon(sleep, timers, seconds)
            await wait_all_tasks_blocked()
    assert len(late) == 10
    assert all(0 <= by <= TICK_S + 1e-6 for by in late.values())
    assert late[5] == late[20] == late[120] == 0


async def test_who_is_cancelled_is_forgotten_and_the_others_are_woken(autojump_clock: MockClock) -> None:
    async with running() as timers:
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.sleep, 10)
            with trio.move_on_after(1):
                await timers.sleep(5)
            assert trio.current_time() - begun == 1
        assert trio.current_time() - begun == 10
        assert not timers._sleeping
        assert not timers._due


async def test_a_class_that_came_together_is_woken_in_parts(mock_clock: MockClock) -> None:
    timers, left = Timers(), []
    async with trio.open_nursery() as nursery:
        for _ in range(3 * AT_ONCE):
            nursery.start_soon(timers.sleep, 1)
        await wait_all_tasks_blocked()
        assert not timers._wake_due()
        mock_clock.jump(1)
        while timers._wake_due():
            left.append(len(timers._sleeping))
    assert left == [2 * AT_ONCE, AT_ONCE, 0]
