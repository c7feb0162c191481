"""Waiting for a change."""

from __future__ import annotations

import trio
import trio.testing

from tradegame.utils.changes import Changes


async def test_everybody_who_waits_is_woken_by_the_next_change_and_by_no_earlier_one() -> None:
    changes, woken = Changes(), 0
    changes.made()

    async def wait() -> None:
        nonlocal woken
        await changes.wait()
        woken += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert woken == 0
        changes.made()
    assert woken == 2


async def test_a_condition_is_looked_at_again_after_each_change() -> None:
    changes, made = Changes(), 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(changes.until, lambda: made == 2)
        for _ in range(2):
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks
            made += 1
            changes.made()
    with trio.fail_after(1):
        await changes.until(lambda: True)
