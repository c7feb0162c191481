from __future__ import annotations

import time

import pytest
import trio

from tradegame.core.repositories import LeaseLostError
from tradegame.infra.embedded.leases import LeaseDeadlines
from tradegame.infra.embedded.store import open_sqlite


class Clocks:
    def __init__(self) -> None:
        self.monotonic = 100.0
        self.wall = 1_790_000_000.0

    def go(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def leases(clocks: Clocks) -> LeaseDeadlines:
    return LeaseDeadlines(lambda: clocks.monotonic, lambda: clocks.wall)


def test_a_lease_is_due_when_its_time_is_over_and_not_before(leases: LeaseDeadlines, clocks: Clocks) -> None:
    leases.add(1, 10_000)
    clocks.go(9.9)
    assert (leases.any_due(), leases.due(10)) == (False, [])
    clocks.go(0.2)
    assert (leases.any_due(), leases.due(10)) == (True, [1])


def test_a_renewed_lease_begins_anew(leases: LeaseDeadlines, clocks: Clocks) -> None:
    leases.add(1, 10_000)
    clocks.go(9)
    leases.renew(1)
    clocks.go(9)
    assert leases.due(10) == []
    clocks.go(2)
    assert leases.due(10) == [1]


def test_a_wall_clock_set_anew_ends_no_lease_and_prolongs_none(leases: LeaseDeadlines, clocks: Clocks) -> None:
    leases.add(1, 10_000)
    clocks.wall += 3600
    assert leases.due(10) == []
    clocks.wall -= 7200
    clocks.go(11)
    assert leases.due(10) == [1]


def test_a_due_lease_that_is_not_removed_comes_up_again(leases: LeaseDeadlines, clocks: Clocks) -> None:
    leases.add(1, 1000)
    clocks.go(2)
    assert leases.due(10) == [1]
    assert leases.due(10) == []
    clocks.go(1.5)
    assert leases.due(10) == [1]
    leases.remove(1)
    clocks.go(1.5)
    assert leases.due(10) == []


def test_at_most_as_many_as_asked_for_are_due_at_once(leases: LeaseDeadlines, clocks: Clocks) -> None:
    for lease in range(1, 6):
        leases.add(lease, 1000)
    clocks.go(2)
    assert (leases.due(3), leases.due(3)) == ([1, 2, 3], [4, 5])


def test_the_stored_time_is_renewed_only_when_a_tenth_behind(leases: LeaseDeadlines, clocks: Clocks) -> None:
    leases.add(1, 100_000)
    clocks.go(9)
    assert leases.renew(1) is None
    clocks.go(2)
    assert leases.renew(1) == int(clocks.wall * 1000) + 100_000
    assert leases.renew(1) is None


def test_a_lease_read_back_ends_late_but_never_early(leases: LeaseDeadlines, clocks: Clocks) -> None:
    # Renewed 9 s after what is stored says, then the process died.
    leases.restore([(1, 100_000, int(clocks.wall * 1000) + 91_000)])
    clocks.go(100)
    assert leases.due(10) == []
    clocks.go(2)
    assert leases.due(10) == [1]


def test_a_stored_time_that_is_over_or_absurd_counts_for_what_it_can_be(leases: LeaseDeadlines, clocks: Clocks) -> None:
    now = int(clocks.wall * 1000)
    leases.restore([(1, 10_000, now - 3_600_000), (2, 10_000, now + 3_600_000)])
    clocks.go(1.1)
    assert leases.due(10) == [1]
    clocks.go(10)
    assert 2 in leases.due(10)


def test_restoring_again_keeps_the_deadlines_that_are_known(leases: LeaseDeadlines, clocks: Clocks) -> None:
    leases.add(1, 10_000)
    clocks.go(5)
    leases.restore([(1, 10_000, int(clocks.wall * 1000) + 10_000)])
    clocks.go(6)
    assert leases.due(10) == [1]


async def test_a_busy_loop_costs_nobody_their_lease() -> None:
    """Who keeps it alive is in the same loop: they get their turn before it is looked whether it ended."""
    ahead_s = 0.0
    async with open_sqlite(":memory:") as kv:
        kv._engine._leases._monotonic = lambda: time.monotonic() + ahead_s
        lease = await kv.grant(10)
        left = await kv.grant(10)

        async def keep() -> None:
            while True:
                await trio.sleep(0.1)
                await kv.keep_alive(lease)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep)
            for _ in range(4):
                await trio.sleep(0.2)
                ahead_s += 60  # so long the loop was busy
                time.sleep(0.7)  # noqa: ASYNC251 - in which the store's thread saw that leases are due
            await trio.sleep(0.7)
            nursery.cancel_scope.cancel()
        with pytest.raises(LeaseLostError):
            await kv.keep_alive(left)
