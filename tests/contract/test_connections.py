from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from attrs import evolve

from tests.contract.faults import FaultyStore
from tests.contract.helpers import DEADLINE_S, keys_in, put
from tradegame.core.repositories import (
    ConnectionsChanged,
    ConnectionWatch,
    LeaseLostError,
    LiveConnection,
    NodeInfo,
    NodesChanged,
)
from tradegame.infra.kv.connections import KvConnectionRepository
from tradegame.infra.kv.port import KeyValueStore

NODE = NodeInfo("n1", "ws://127.0.0.1:1/ws", "0.1", 1_790_000_000_000, 1_790_000_000_001)
OTHER = evolve(NODE, id="n2", address="ws://127.0.0.1:2/ws")


def connection(number: int, node: str = "n1") -> LiveConnection:
    return LiveConnection(f"c{number:04d}", node, f"p{number}", ("bazaar", "fair"), 1_790_000_000_000 + number)


class Picture:
    """What a receiver of the watch knows."""

    def __init__(self) -> None:
        self.connections: dict[str, LiveConnection] = {}
        self.nodes: tuple[NodeInfo, ...] = ()
        self.resets = 0

    async def follow(self, watch: ConnectionWatch, until: Callable[[Picture], bool]) -> None:
        with trio.fail_after(DEADLINE_S):
            while not until(self):
                change = await watch.receive()
                if isinstance(change, NodesChanged):
                    self.nodes = change.nodes
                else:
                    self.take(change)

    def take(self, change: ConnectionsChanged) -> None:
        if change.reset:
            self.connections.clear()
            self.resets += 1
        self.connections.update({saved.id: saved for saved in change.saved})
        for gone in change.removed:
            del self.connections[gone]


@pytest.fixture
def node(kv: KeyValueStore, prefix: str) -> KvConnectionRepository:
    return KvConnectionRepository(kv, prefix, lease_s=1)


async def test_a_watch_first_tells_what_is_there_and_then_what_changes(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await node.register(NODE)
    await node.save([connection(1), connection(2)])
    other = KvConnectionRepository(kv, prefix, lease_s=60)
    picture = Picture()
    async with other.watch() as watch:
        first = await watch.receive()
        assert first == ConnectionsChanged(saved=(connection(1), connection(2)), reset=True)
        assert await watch.receive() == NodesChanged((NODE,))
        picture.take(first)
        await other.register(OTHER)
        await other.save([connection(3, "n2"), evolve(connection(4, "n2"), games=())])
        await node.remove([connection(1)])
        await picture.follow(
            watch, lambda seen: len(seen.nodes) == 2 and set(seen.connections) == {"c0002", "c0003", "c0004"}
        )
    assert picture.nodes == (NODE, OTHER)
    assert picture.connections["c0004"].games == ()
    assert picture.resets == 1
    await other.unregister()


async def test_any_number_of_connections_is_saved_and_removed(kv: KeyValueStore, prefix: str) -> None:
    node = KvConnectionRepository(kv, prefix, lease_s=60)
    await node.register(NODE)
    many = [connection(number) for number in range(1234)]
    await node.save(many)
    picture = Picture()
    async with node.watch() as watch:
        await picture.follow(watch, lambda seen: bool(seen.nodes))
        assert list(picture.connections.values()) == many
        await node.remove(many[:-1])
        await picture.follow(watch, lambda seen: len(seen.connections) == 1)
    assert list(picture.connections) == ["c1233"]
    await node.unregister()


async def test_a_node_that_withdraws_is_no_longer_told_of_though_its_connections_stay(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await node.register(NODE)
    await node.save([connection(1)])
    await node.withdraw(NODE.id)
    assert await node.keep_alive(NODE) > 0
    assert await keys_in(kv, f"{prefix}/nodes/") == []
    assert len(await keys_in(kv, f"{prefix}/connections/")) == 1
    await node.register(NODE)
    assert await keys_in(kv, f"{prefix}/nodes/") == []
    await node.unregister()


async def test_a_dead_nodes_connections_vanish_with_its_lease(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    living = KvConnectionRepository(kv, prefix, lease_s=60)
    await living.register(OTHER)
    await living.save([connection(1, "n2")])
    await node.register(NODE)
    await node.save([connection(2), connection(3)])
    picture = Picture()
    async with living.watch() as watch:
        await picture.follow(watch, lambda seen: len(seen.nodes) == 2 and len(seen.connections) == 3)
        await picture.follow(watch, lambda seen: seen.nodes == (OTHER,) and list(seen.connections) == ["c0001"])
    with pytest.raises(LeaseLostError):
        await node.keep_alive(NODE)
    with pytest.raises(LeaseLostError):
        await node.save([connection(4)])
    await node.register(NODE)
    await node.save([connection(4)])
    assert len(await keys_in(kv, f"{prefix}/connections/")) == 2
    await living.unregister()


async def test_keeping_alive_keeps_the_node_and_tells_its_clock(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await node.register(NODE)
    await node.save([connection(1)])
    other = KvConnectionRepository(kv, prefix)
    picture = Picture()
    async with other.watch() as watch:
        for beat in range(1, 15):
            await trio.sleep(0.15)
            assert await node.keep_alive(evolve(NODE, clock=NODE.clock + beat)) == 1
        await picture.follow(watch, lambda seen: [each.clock for each in seen.nodes] == [NODE.clock + 14])
    assert list(picture.connections) == ["c0001"]


async def test_giving_the_lease_back_takes_everything_of_the_node_at_once(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await node.register(NODE)
    await node.save([connection(1)])
    await node.unregister()
    assert await keys_in(kv, prefix) == []
    await node.unregister()
    with pytest.raises(LeaseLostError):
        await node.save([connection(1)])


async def test_what_a_newer_version_says_besides_is_passed_over_and_the_rest_is_understood(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    about = b'{"schema":1,"id":"n2","address":"ws://n2/ws","version":"99","started_at":1,"clock":2,"region":{"a":1}}'
    there = b'{"schema":1,"id":"c9","node":"n2","player":"p9","games":["bazaar"],"since":1,"client":null}'
    await put(kv, f"{prefix}/nodes/n2", about)
    await put(kv, f"{prefix}/connections/n2/c9", there)
    picture = Picture()
    async with node.watch() as watch:
        await picture.follow(watch, lambda seen: bool(seen.nodes) and bool(seen.connections))
    assert picture.nodes == (NodeInfo("n2", "ws://n2/ws", "99", 1, 2),)
    assert picture.connections["c9"] == LiveConnection("c9", "n2", "p9", ("bazaar",), 1)


async def test_what_another_version_wrote_is_passed_over(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await node.register(NODE)
    await node.save([connection(1)])
    await put(kv, f"{prefix}/connections/n9/c9", b'{"schema":2}')
    await put(kv, f"{prefix}/nodes/n9", b"no json")
    picture = Picture()
    async with node.watch() as watch:
        await picture.follow(watch, lambda seen: bool(seen.nodes))
        await put(kv, f"{prefix}/connections/n9/c8", b"[]")
        await node.save([connection(2)])
        await picture.follow(watch, lambda seen: len(seen.connections) == 2)
    assert picture.nodes == (NODE,)


async def test_what_the_watchs_body_raises_comes_out_as_it_is(node: KvConnectionRepository) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with node.watch():
            raise LookupError("mine")


async def test_a_watch_whose_history_is_gone_tells_everything_anew(
    node: KvConnectionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await node.register(NODE)
    await node.save([connection(1)])
    faulty = FaultyStore(kv)
    faulty.compactions, faulty.unreadable = 2, 1
    picture = Picture()
    async with KvConnectionRepository(faulty, prefix).watch() as watch:
        await picture.follow(watch, lambda seen: seen.resets == 2)
        await node.save([connection(2)])
        await picture.follow(watch, lambda seen: len(seen.connections) == 2)
    assert (faulty.compactions, faulty.unreadable) == (0, 0)


async def test_connections_that_follow_many_games_are_saved_in_as_many_transactions_as_it_takes(
    kv: KeyValueStore, prefix: str
) -> None:
    """A hundred of them together are more than one transaction may hold; and this store takes less than most."""
    store = FaultyStore(kv)
    store.most_bytes = 100_000
    repository = KvConnectionRepository(store, prefix)
    await repository.register(NodeInfo("east", "ws://east/ws", "0", 1))
    games = tuple(f"game-{at:027d}" for at in range(500))
    await repository.save([LiveConnection(f"c-{at}", "east", "p-ann", games, 1) for at in range(100)])
    assert len(await keys_in(kv, f"{prefix}/connections/")) == 100
