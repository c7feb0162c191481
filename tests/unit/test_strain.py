"""A node that has more to do than it can grants less to everybody, and all of it again when there is time."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.unit.test_budgets import Clock, granted
from tradegame.core.admission import budgets as module
from tradegame.core.admission.budgets import Budgets
from tradegame.core.admission.pools import Pace
from tradegame.core.admission.strain import LEAST, LEAST_AT_THE_DOOR, LOOK_S, Strain
from tradegame.protocol.errors import RateLimitedError


async def test_budgets_shrink_while_the_loop_has_no_time_and_grow_back(autojump_clock: MockClock) -> None:
    pace, door, worked, part = Pace(), Pace(), 0.0, 1.0

    async def work() -> None:
        nonlocal worked
        while True:
            await trio.sleep(LOOK_S / 10)
            worked += part * LOOK_S / 10

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        nursery.start_soon(Strain(pace, door, lambda: worked).run)
        await trio.sleep(2)
        assert LEAST_AT_THE_DOOR < door.value < pace.value == LEAST
        await trio.sleep(3)
        assert (door.value, pace.value) == (LEAST_AT_THE_DOOR, LEAST)
        part = 0.1
        await trio.sleep(8)
        assert LEAST < pace.value == door.value < 1
        await trio.sleep(10)
        assert (door.value, pace.value) == (1, 1)
        nursery.cancel_scope.cancel()


def test_who_sends_most_is_refused_first() -> None:
    clock = Clock()
    budgets = Budgets(20, 40, now=clock)
    budgets.pace.value = LEAST
    heavy = modest = 0
    for _ in range(60):
        clock.now += 1
        heavy += granted(lambda: budgets.take("heavy", "10.0.0.1"), 30)
        modest += granted(lambda: budgets.take("modest", "10.0.0.1"), 3)
    assert modest == 180
    assert 60 * 20 * LEAST <= heavy <= 40 + 60 * 20 * LEAST


def test_the_door_shrinks_further_than_the_players() -> None:
    """The node may have budgets for many addresses under way: who plays goes on, who comes in waits."""
    clock = Clock()
    budgets = Budgets(20, 40, now=clock)
    budgets.pace.value, budgets.door.value = LEAST, LEAST_AT_THE_DOOR
    played = came = read = 0
    for _ in range(60):
        clock.now += 1
        played += granted(lambda: budgets.take("player", "10.0.0.1"), 4)
        came += sum(budgets.knock("10.0.0.1") for _ in range(100))
        read += granted(lambda: budgets.http("10.0.0.1#1", "10.0.0.1", 5.0), 100)
    assert played == 240
    assert came <= (5_000 + 60 * 200) * LEAST_AT_THE_DOOR + 1
    assert read <= (10_000 + 60 * 2_000) * LEAST_AT_THE_DOOR / 5 + 1


def test_the_time_to_wait_is_that_of_the_pace_and_the_dearest_request_is_possible() -> None:
    clock = Clock()
    budgets = Budgets(20, 40, now=clock)
    budgets.pace.value = LEAST
    assert granted(lambda: budgets.take("p", "10.0.0.1"), 50) == 40 * LEAST
    with pytest.raises(RateLimitedError) as refused:
        budgets.take("p", "10.0.0.1", 30.0)
    wait_s = refused.value.retry_after_ms / 1000
    assert wait_s == pytest.approx(30 / (20 * LEAST), rel=0.01)
    clock.now += wait_s
    budgets.take("p", "10.0.0.1", 30.0)


def test_full_budgets_are_dropped_under_strain_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_KEPT", 0)
    clock = Clock()
    budgets = Budgets(20, 40, now=clock)
    budgets.pace.value = LEAST
    for number in range(100):
        clock.now += 60
        budgets.take(f"p-{number}", f"10.0.0.{number}")
    assert len(budgets) < 10


def test_a_debt_is_paid_as_soon_as_on_a_calm_node() -> None:
    waits = []
    for pace in (1.0, LEAST):
        clock = Clock()
        budgets = Budgets(20, 40, now=clock)
        budgets.pace.value = pace
        for number in range(2_000):
            budgets.charge(f"p-{number}", "10.0.0.1", 1_000.0)
        with pytest.raises(RateLimitedError) as refused:
            budgets.take("newcomer", "10.0.0.1")
        waits.append(refused.value.retry_after_ms)
        clock.now += waits[-1] / 1000
        budgets.take("newcomer", "10.0.0.1")
    assert waits[1] == pytest.approx(waits[0], rel=0.1)
