"""A node that stood still, or lost the store, finds out by the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import trio
import trio.testing
from attrs import define, field

from tradegame.core.membership.presence import Presence
from tradegame.core.membership.register import ConnectionRegister
from tradegame.core.membership.watchdog import SLEPT_S, STOOD_STILL_S, Watchdog
from tradegame.core.repositories import (
    LeaseLostError,
    LiveConnection,
    NodeInfo,
    StoreFullError,
    StoreUnavailableError,
)
from tradegame.core.repositories.connections import LEASE_S

EAST, WEST = NodeInfo("east", "ws://east/ws", "1", 0), NodeInfo("west", "ws://west/ws", "1", 0)
TTL_S = 10.0


class Store:
    """A connection repository that answers, or does not, or says that the lease is over, or that it is full."""

    def __init__(self) -> None:
        self.answer: Exception | None = None
        self.registrations = 0
        self.asked = 0

    async def _ask(self) -> None:
        self.asked += 1
        if isinstance(self.answer, StoreUnavailableError) and not isinstance(self.answer, StoreFullError):
            await trio.sleep(2)
        await trio.lowlevel.checkpoint()
        if self.answer is not None:
            raise self.answer

    async def register(self, node: NodeInfo) -> None:
        await self._ask()
        self.registrations += 1

    async def keep_alive(self, node: NodeInfo) -> float:
        await self._ask()
        return TTL_S

    async def save(self, connections: Sequence[LiveConnection]) -> None:
        await self._ask()

    async def remove(self, connections: Sequence[LiveConnection]) -> None:
        await self._ask()

    async def unregister(self) -> None:
        await trio.lowlevel.checkpoint()


@define(eq=False)
class World:
    """A node's watchdog. ``stand_still`` moves its clock on while nothing runs; ``told`` is what was done, in order."""

    store: Store = field(factory=Store)
    told: list[str] = field(factory=list)
    slept_s: float = 0.0
    presence: Presence = field(factory=Presence)
    register: ConnectionRegister = field(init=False)
    watchdog: Watchdog = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.presence.nodes = (EAST, WEST)
        self.register = ConnectionRegister(self.store, EAST, lambda: 42)  # type: ignore[arg-type]
        self.watchdog = Watchdog(
            self.register, self.presence, self, self.told.append, lambda: trio.current_time() + self.slept_s
        )

    def doubt(self) -> None:
        self.told.append("doubt")

    def slept(self, by_ms: int) -> None:
        self.told.append(f"slept {by_ms // 1000} s")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with trio.open_nursery() as nursery:
        await nursery.start(world.register.run)
        nursery.start_soon(world.watchdog.run)
        await trio.sleep(3)
        yield world
        nursery.cancel_scope.cancel()


UNAVAILABLE = StoreUnavailableError("silent", definite=False)


async def test_all_is_well_while_the_clock_runs_and_the_store_answers(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    await trio.sleep(100)
    assert world.told == []
    assert world.watchdog.refuses() is None
    assert world.register.ready() is None


async def test_a_process_that_stood_still_sends_everyone_away_before_it_hears_anything(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    world.slept_s += STOOD_STILL_S + 1
    world.watchdog.look()
    assert world.told == ["doubt", "this node stood still"]
    assert world.register.ready() == "this node's lease may be over"
    world.watchdog.look()
    assert len(world.told) == 2
    asked = world.store.asked
    await trio.testing.wait_all_tasks_blocked()
    assert world.store.asked > asked  # at once, not when the next time would have come
    assert world.register.ready() is None
    await trio.sleep(LEASE_S * 2)
    assert len(world.told) == 2
    assert world.watchdog.freezes == 1


@pytest.mark.parametrize(("nodes", "sleeps"), [((EAST,), True), ((), True), ((EAST, WEST), False)])
async def test_a_single_node_that_slept_says_for_how_long_before_anything_else(
    world: World, autojump_clock: trio.testing.MockClock, nodes: tuple[NodeInfo, ...], sleeps: bool
) -> None:
    world.presence.nodes = nodes
    world.slept_s += SLEPT_S + 5
    world.watchdog.look()
    assert world.told[:-2] == (["slept 35 s"] if sleeps else [])
    world.told.clear()
    world.slept_s += SLEPT_S - 1
    world.watchdog.look()
    assert world.told == ["doubt", "this node stood still"]


async def test_it_finds_out_by_itself_where_nobody_says_anything(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    world.slept_s += 3_600
    await trio.sleep(1)
    assert world.told == ["doubt", "this node stood still"]


async def test_a_short_pause_is_none(world: World, autojump_clock: trio.testing.MockClock) -> None:
    world.slept_s += STOOD_STILL_S - 1
    world.watchdog.look()
    assert world.told == []


async def test_a_node_without_the_store_for_as_long_as_its_lease_lasts_sends_its_clients_to_the_others(
    world: World,
    autojump_clock: trio.testing.MockClock,
) -> None:
    world.store.answer = UNAVAILABLE
    await trio.sleep(LEASE_S - 4)
    assert world.told == []
    await trio.sleep(5)
    assert world.told == ["doubt", "this node has lost the store"]
    assert world.watchdog.refuses() == "this node has lost the store"
    assert world.register.ready() == "this node's lease may be over"
    await trio.sleep(100)
    assert len(world.told) == 2
    world.store.answer = None
    await trio.sleep(4)
    assert world.watchdog.refuses() is None
    assert world.register.ready() is None


async def test_a_node_that_is_alone_keeps_its_clients_and_lets_nobody_in(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    world.presence.nodes = (EAST,)
    world.store.answer = UNAVAILABLE
    await trio.sleep(LEASE_S + 2)
    assert world.told == ["doubt"]
    assert world.watchdog.refuses()


async def test_a_store_that_is_full_is_not_lost_and_the_lease_is_kept(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    world.store.answer = StoreFullError("no room")
    await trio.sleep(60)
    assert world.told == []
    assert world.store.registrations == 1
    assert world.register.ready() == "the store is full: no room"
    world.store.answer = None
    await trio.sleep(3)
    assert world.register.ready() is None


async def test_a_lost_lease_makes_unready_until_it_is_taken_again_and_is_no_lost_store(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    world.store.answer = LeaseLostError("expired")
    await trio.sleep(60)
    assert world.register.ready() == "not registered in the store"
    assert world.told == []
    world.store.answer = None
    await trio.sleep(1)
    assert world.register.ready() is None
    assert world.store.registrations == 2


async def test_a_node_that_misses_itself_in_the_register_asks_at_once(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    await trio.testing.wait_all_tasks_blocked()
    asked = world.store.asked
    world.register.nodes_seen((EAST, WEST))
    await trio.testing.wait_all_tasks_blocked()
    assert world.store.asked == asked
    world.register.nodes_seen((WEST,))
    await trio.testing.wait_all_tasks_blocked()
    assert world.store.asked > asked


async def test_a_loop_that_was_busy_has_not_lost_the_store(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    """Nobody could ask meanwhile, so that nobody was answered says nothing."""
    for _ in range(5):
        world.slept_s -= LEASE_S * 3  # the process worked
        autojump_clock.jump(LEASE_S * 3)
        await trio.sleep(1)
    assert world.told == []
    assert world.watchdog.refuses() is None
    world.store.answer = UNAVAILABLE
    await trio.sleep(LEASE_S * 2)
    assert world.told == ["doubt", "this node has lost the store"]
