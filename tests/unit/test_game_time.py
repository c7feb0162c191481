"""A game whose node's wall clock is set, or was wrong: no round is lost, and the house goes on quoting."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define

from tests.unit.test_game_host import Crowd
from tradegame.core.domain.definition import RULES_VERSION as RULES
from tradegame.core.domain.definition import GameDefinition, GoodDefinition, HouseDefinition, RoundsDefinition, to_json
from tradegame.core.games.clock import LOOK_S, SETTLED_S, NodeClock
from tradegame.core.games.host import GameHost
from tradegame.core.repositories import GameMeta
from tradegame.infra.embedded import open_sqlite
from tradegame.infra.kv import KvGameStateRepository
from tradegame.utils import boot_clock

BEGIN = 1_790_000_000_000
HOUR = 3_600_000
HOUSE = {"grain": GoodDefinition(house=HouseDefinition(anchor=10_000, tick_s=2, drift_bps=5_000))}


@define
class Wall:
    off_ms: int = 0

    def ms(self) -> int:
        return BEGIN + int(trio.current_time() * 1000) + self.off_ms


@asynccontextmanager
async def served(
    wall: Wall, repository: KvGameStateRepository, game: GameMeta, node: str = "east"
) -> AsyncIterator[GameHost]:
    """One node's life with this game, somebody following it; the node's clock is kept as `app.Node` does."""
    clock = NodeClock(wall.ms)
    host = GameHost(repository, (await repository.get(game.game)).meta, node, Crowd(), clock.now_ms)

    async def keep_time() -> None:
        while True:
            clock.look()
            if not host.in_timed_round and (by_ms := clock.adopt()):
                host.node_jumped(by_ms)
            await trio.sleep(LOOK_S)

    async with trio.open_nursery() as nursery:
        await nursery.start(host.run)
        nursery.start_soon(keep_time)
        host.follow(+1)
        yield host
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def stored(wall: Wall, rounds: RoundsDefinition | None) -> AsyncIterator[tuple[KvGameStateRepository, GameMeta]]:
    definition = GameDefinition(id="bazaar", goods=HOUSE, rounds=rounds)
    async with open_sqlite(":memory:") as kv:
        repository = KvGameStateRepository(kv, "test")
        meta = GameMeta("bazaar", to_json(definition), "k3v9", RULES, seed=7, created_at=wall.ms())
        yield repository, await repository.create(meta)


async def until(host: GameHost, phase: str) -> None:
    with trio.fail_after(1_000):
        while host.game.state.phase != phase:
            await host.wait_for(host.game.state.seq + 1)


ROUNDS = RoundsDefinition(lobby_s=10, open_s=200, closed_s=100, repeat=3)


async def test_a_clock_an_hour_ahead_for_six_seconds_ends_no_round(autojump_clock: object) -> None:
    wall = Wall()
    async with stored(wall, ROUNDS) as (repository, meta), served(wall, repository, meta) as host:
        await trio.sleep(20)
        wall.off_ms = HOUR
        await trio.sleep(6)
        wall.off_ms = 0
        await trio.sleep(20)
        state = host.game.state
        assert (state.phase, state.round) == ("open", 1)
        assert state.ends_at is not None
        assert state.ends_at == pytest.approx(BEGIN + 210_000, abs=1_000)


async def test_a_clock_that_was_set_is_adopted_between_rounds_and_no_round_is_lost(autojump_clock: object) -> None:
    wall = Wall()
    async with stored(wall, ROUNDS) as (repository, meta), served(wall, repository, meta) as host:
        await trio.sleep(20)
        wall.off_ms = HOUR
        await trio.sleep(SETTLED_S + 20)
        assert host.game.state.phase == "open"
        assert host.now_ms() < wall.ms() - HOUR * 0.9
        await until(host, "closed")
        await trio.sleep(10)
        state = host.game.state
        assert (state.phase, state.round) == ("closed", 1)
        assert abs(host.now_ms() - wall.ms()) < 100
        await until(host, "lobby")
        assert (state.phase, state.round) == ("lobby", 2)


async def test_after_a_clock_was_an_hour_ahead_the_house_quotes_at_once(autojump_clock: object) -> None:
    """Put right, and the node started again: the game's own clock is an hour ahead, and does not stand still."""
    wall = Wall(HOUR)
    async with stored(wall, None) as (repository, meta):
        async with served(wall, repository, meta):
            await trio.sleep(20)
        wall.off_ms = 0
        async with served(wall, repository, meta, "west") as host:
            entries = host.counters.entries
            await trio.sleep(20)
            assert host.counters.entries - entries >= 9


async def test_put_right_while_it_runs_the_house_goes_on_too(autojump_clock: object) -> None:
    wall = Wall(HOUR)
    async with stored(wall, None) as (repository, meta), served(wall, repository, meta) as host:
        await trio.sleep(20)
        wall.off_ms = 0
        entries = host.counters.entries
        await trio.sleep(SETTLED_S + 60)
        assert host.counters.entries - entries >= 50


@pytest.mark.parametrize(
    ("platform", "clocks", "chosen"),
    [
        ("linux", ["CLOCK_MONOTONIC", "CLOCK_BOOTTIME"], "CLOCK_BOOTTIME"),
        ("darwin", ["CLOCK_MONOTONIC"], "CLOCK_MONOTONIC"),
        ("win32", [], None),
    ],
)
def test_each_system_has_a_clock_that_counts_sleep(
    platform: str, clocks: list[str], chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        if name in clocks:
            monkeypatch.setattr(time, name, name, raising=False)
        else:
            monkeypatch.delattr(time, name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: clock, raising=False)
    source: Callable[[], object] = boot_clock._source()
    assert source() == chosen if chosen else source is time.monotonic


def test_deadlines_include_time_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that waits while the machine sleeps for an hour is too late when it wakes."""
    now = [0.0]
    monkeypatch.setattr(boot_clock, "boot_s", lambda: now[0])

    async def sleep_for_an_hour() -> bool:
        with trio.move_on_after(5) as deadline:
            now[0] += 3_600
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
        return deadline.cancelled_caught

    assert trio.run(sleep_for_an_hour, clock=boot_clock.BootClock())


@pytest.mark.parametrize("due", [True, False])
async def test_a_node_that_slept_alone_goes_on_where_it_fell_asleep(autojump_clock: object, due: bool) -> None:
    """The first entry of a node that wakes says since when it slept, before what was due meanwhile comes."""
    wall = Wall()
    async with stored(wall, ROUNDS if due else None) as (repository, meta), served(wall, repository, meta) as host:
        await trio.sleep(20)
        state = host.game.state
        slept_at = host.now_ms()
        host.slept(500)  # had it not run since half a second
        await host.wait_for(state.seq + 1)
        assert state.paused_at is not None
        assert slept_at - 500 <= state.paused_at <= slept_at
        await trio.sleep(1_000)
        assert (state.phase, state.round) == ("open", 1)


async def test_a_game_that_somebody_else_went_on_with_and_one_that_nobody_follows_are_not_paused(
    autojump_clock: object,
) -> None:
    wall = Wall()
    async with stored(wall, ROUNDS) as (repository, meta), served(wall, repository, meta) as host:
        await trio.sleep(20)
        host.slept(15_000)
        await trio.sleep(5)
        assert host.game.state.paused_at is None
        host.follow(-1)
        host.slept(10)
        await trio.sleep(5)
        assert host.game.state.paused_at is None
