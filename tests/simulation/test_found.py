"""What the simulation found, each once more by itself, without a seed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import trio
from attrs import evolve

from tests.simulation.store import MemoryStore, open_memory
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.subscriptions import Subscriber
from tradegame.core.admission.budgets import Budgets
from tradegame.core.domain.definition import RULES_VERSION, GameDefinition, GoodDefinition, to_json
from tradegame.core.games.host import GameHost
from tradegame.core.games.settings import HostSettings
from tradegame.core.membership.clock_watch import ClockWatch
from tradegame.core.membership.presence import Presence
from tradegame.core.membership.register import ConnectionRegister, follow_register
from tradegame.core.repositories import GameMeta, LiveConnection, NodeInfo
from tradegame.core.use_cases.clients import Client
from tradegame.infra.kv import KvConnectionRepository, KvGameStateRepository
from tradegame.infra.kv.codec import encode
from tradegame.infra.kv.port import KeyRange, Put

NODE = NodeInfo("east", "ws://east/ws", "1", 0)
CONNECTION = LiveConnection("k1", "east", "p-ann", ("bazaar",), 0)
META = GameMeta(
    "bazaar",
    to_json(GameDefinition(id="bazaar", goods={"wool": GoodDefinition(endowment=5)})),
    epoch="k3v9",
    rules=RULES_VERSION,
    seed=7,
    created_at=0,
)


class Nobody:
    """Who watches a host and does nothing."""

    def applied(self, *_: Any) -> None: ...

    settled = restarted = ended = applied


@pytest.fixture
async def kv() -> AsyncIterator[MemoryStore]:
    async with open_memory() as store:
        with trio.fail_after(20):
            yield store


async def until_register_holds(kv: MemoryStore, expected: list[LiveConnection]) -> None:
    keys = KeyRange.prefix("test/connections/")
    while [pair.value for pair in (await kv.range(keys)).pairs] != [encode(each) for each in expected]:  # noqa: ASYNC110
        await trio.sleep(0.01)


@pytest.mark.parametrize(
    "late", [evolve(CONNECTION, games=()), evolve(CONNECTION, id="k0")], ids=["older", "of one that is gone"]
)
async def test_a_write_to_the_register_that_lands_long_after_it_was_given_up_does_not_stay(
    kv: MemoryStore, late: LiveConnection
) -> None:
    repository, presence = KvConnectionRepository(kv, "test"), Presence()
    register = ConnectionRegister(repository, NODE, lambda: 0)
    async with trio.open_nursery() as nursery:
        await nursery.start(register.run)
        seen = register.connections_seen
        nursery.start_soon(follow_register, repository, presence, lambda: None, register.nodes_seen, seen)
        register.put(CONNECTION)
        await until_register_holds(kv, [CONNECTION])
        (lease,) = kv.ledger.leases
        await kv.transaction([], [Put(f"test/connections/east/{late.id}", encode(late), lease)])
        await until_register_holds(kv, [CONNECTION])
        nursery.cancel_scope.cancel()


async def test_a_mute_watch_is_found_where_nobody_follows_the_game(kv: MemoryStore) -> None:
    repository = KvGameStateRepository(kv, "test")
    meta = await repository.create(META)
    host = GameHost(repository, meta, "east", Nobody(), lambda: 0, HostSettings(verify_s=0.02))
    async with trio.open_nursery() as nursery:
        await nursery.start(host.run)
        while not kv.watches:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)
        for watch in kv.watches:
            watch.mute = True
        await repository.update(meta, "west-1", b'{"schema":1,"at":5,"commands":[]}')
        while not host.game.state.entries:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("anew", [False, True])
async def test_a_node_that_has_not_heard_that_a_game_was_deleted_does_not_take_it_for_the_present(
    anew: bool, kv: MemoryStore
) -> None:
    repository = KvGameStateRepository(kv, "test")
    meta = await repository.create(META)
    host = GameHost(repository, meta, "east", Nobody(), lambda: 0, HostSettings(verify_s=0.02))
    async with trio.open_nursery() as nursery:
        await nursery.start(host.run)
        await repository.update(meta, "west-1", b'{"schema":1,"at":5,"commands":[]}')
        while not host.game.state.entries:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)
        for watch in kv.watches:
            watch.mute = True
        assert await repository.delete("bazaar")
        if anew:
            await repository.create(evolve(META, epoch="k3w0"))
        await host.catch_up()
        assert host.over
        nursery.cancel_scope.cancel()


def test_a_clock_that_is_set_wrong_in_a_running_node_is_noticed_at_the_others_next_heartbeat() -> None:
    now, wrong = 1_790_000_000_000, 0
    watch = ClockWatch("east", lambda: now + wrong)

    def heartbeats() -> None:
        nonlocal now
        now += 2_500
        watch.observe([evolve(NODE, id=name, clock=now) for name in ("west", "north")])

    for _ in range(10):
        heartbeats()
    assert watch.wrong() is None
    wrong = 3_600_000
    heartbeats()
    assert watch.wrong() is not None
    wrong = 0
    heartbeats()
    assert watch.wrong() is None


class _Host:
    """As much of a game's host as the hub asks of one that is at frame 3."""

    id = "bazaar"

    class game:  # noqa: N801 - stands for an attribute
        class state:  # noqa: N801
            seq = 3

    def follow(self, followers: int) -> None: ...


async def test_followers_are_sent_away_when_frames_are_missing_for_good(kv: MemoryStore) -> None:
    hub = Hub(Presence(), ConnectionRegister(KvConnectionRepository(kv, "test"), NODE, lambda: 0), "east", 8)
    ends: list[int] = []
    client = Client("k1", "10.0.0.1", Budgets(1, 1), 0)
    outbox = cast("Outbox", type("_Outbox", (), {"empty": True}))
    hub.enter(Subscriber(client, outbox, lambda code, reason: ends.append(code)))
    host = cast("GameHost", _Host())
    hub.follow(client, host, 3, plays=False)
    hub.restarted(host)
    assert ends == [1001]
