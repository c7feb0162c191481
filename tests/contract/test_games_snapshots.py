from __future__ import annotations

from collections import Counter

import pytest
import trio

from tests.contract.faults import CrashError, Fault, FaultyStore
from tests.contract.helpers import ids_in, keys_in, log_of, new_meta, receive_events
from tradegame.core.repositories import CorruptStoreError, GameMeta, SnapshotRef
from tradegame.infra.kv import snapshots
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.infra.kv.port import Delete, KeyRange, KeyValueStore


async def turn(games: KvGameStateRepository, meta: GameMeta, state: bytes) -> GameMeta:
    """An entry, the next generation, its snapshot."""
    await games.update(meta, f"n1-{meta.generation}", b"x")
    raised = await games.raise_generation(meta)
    assert raised is not None
    saved = await games.save_snapshot(raised, raised.generation, f"d{raised.generation}", 10, state)
    assert saved is not None
    return saved


async def test_one_snapshot_alone_trims_nothing_and_a_replay_begins_at_the_start(
    games: KvGameStateRepository,
) -> None:
    meta = await turn(games, await games.create(new_meta()), b"a state in three parts")
    assert meta.snapshots == (SnapshotRef(2, "d2", 3, 10),)
    stored = await games.get("bazaar")
    assert (stored.meta, stored.base_generation, stored.snapshot) == (meta, 1, None)
    assert await ids_in(games) == ["n1-1"]


async def test_with_two_snapshots_a_replay_begins_at_the_older_one(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str
) -> None:
    meta = await turn(games, await games.create(new_meta()), b"the state of generation 2")
    meta = await turn(games, meta, "der Stand der Generation 3: größer".encode())
    await games.update(meta, "n1-3", b"x")
    stored = await games.get("bazaar")
    assert (stored.base_generation, stored.snapshot) == (2, b"the state of generation 2")
    assert [entry.id for entry in await log_of(games, stored)] == ["n1-2", "n1-3"]
    assert await keys_in(kv, f"{prefix}/games/bazaar/log/00000001/") == []


async def test_only_the_last_two_snapshots_and_their_log_are_kept(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str
) -> None:
    meta = await games.create(new_meta())
    for generation in range(2, 7):
        meta = await turn(games, meta, f"the state of generation {generation}".encode())
    assert [reference.generation for reference in meta.snapshots] == [5, 6]
    stored = await games.get("bazaar")
    assert (stored.base_generation, stored.snapshot) == (5, b"the state of generation 5")
    assert await ids_in(games) == ["n1-5"]
    root = f"{prefix}/games/bazaar/"
    generations = {tuple(key.removeprefix(root).split("/")[:2]) for key in await keys_in(kv, root)}
    generations -= {("tail",)}
    assert generations == {
        ("log", "00000005"),
        ("meta",),
        ("snapshot", "00000005"),
        ("snapshot", "00000006"),
    }


async def test_an_empty_state_is_a_snapshot_too(games: KvGameStateRepository) -> None:
    meta = await turn(games, await games.create(new_meta()), b"")
    await turn(games, meta, b"")
    assert (await games.get("bazaar")).snapshot == b""


async def test_parts_of_the_real_size_fit(kv: KeyValueStore, prefix: str) -> None:
    games = KvGameStateRepository(kv, prefix)
    state = bytes(range(256)) * 4096 * 5
    meta = await turn(games, await games.create(new_meta()), state)
    await turn(games, meta, b"{}")
    assert (await games.get("bazaar")).snapshot == state


async def test_a_snapshot_that_another_node_has_saved_is_not_wanted(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    raised = await games.raise_generation(meta)
    assert raised is not None
    saved = await games.save_snapshot(raised, 2, "d2", 10, b"state")
    assert saved is not None
    assert await games.save_snapshot(raised, 2, "d2", 10, b"state") is None
    assert await games.save_snapshot(saved, 1, "d1", 10, b"older") is None
    assert (await games.get("bazaar")).meta == saved


async def test_nodes_that_save_at_once_leave_one_whole_snapshot(kv: KeyValueStore, prefix: str) -> None:
    nodes = [KvGameStateRepository(kv, prefix, part_bytes=10) for _ in range(3)]
    meta = await turn(nodes[0], await nodes[0].create(new_meta()), b"first")
    raised = await nodes[0].raise_generation(meta)
    assert raised is not None
    states = [f"node {node} has gone astray in a state of its own".encode() for node in range(3)]
    saved: list[int] = []

    async def save(node: int) -> None:
        if await nodes[node].save_snapshot(raised, 3, f"digest{node}", 5, states[node]) is not None:
            saved.append(node)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for node in range(3):
                nursery.start_soon(save, node)
    assert len(saved) == 1
    newest = await nodes[0].raise_generation((await nodes[0].get("bazaar")).meta)
    assert newest is not None
    await nodes[0].save_snapshot(newest, 4, "d4", 6, b"last")
    assert (await nodes[0].get("bazaar")).snapshot == states[saved[0]]


async def test_appends_go_on_while_a_snapshot_is_saved(kv: KeyValueStore, prefix: str) -> None:
    games = KvGameStateRepository(kv, prefix, part_bytes=10)
    meta = await turn(games, await games.create(new_meta()), b"first")
    raised = await games.raise_generation(meta)
    assert raised is not None
    done = trio.Event()
    appended: list[str] = []

    async def append() -> None:
        while not done.is_set() or len(appended) < 5:
            await games.update(raised, f"n2-{len(appended)}", b"x")
            appended.append(f"n2-{len(appended)}")

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(append)
            assert await games.save_snapshot(raised, 3, "d3", 5, b"x" * 200) is not None
            done.set()
    assert await ids_in(games) == appended


@pytest.mark.parametrize("fault", list(Fault)[:3])
async def test_every_write_of_a_snapshot_is_looked_into_when_its_answer_is_lost(
    kv: KeyValueStore, prefix: str, fault: Fault
) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix, part_bytes=10)
    meta = await turn(games, await games.create(new_meta()), b"first")
    faulty.faults = [fault, None] * 8
    meta = await turn(games, meta, b"in three parts, this")
    faulty.faults = []
    stored = await games.get("bazaar")
    assert (stored.meta, stored.base_generation, stored.snapshot) == (meta, 2, b"first")
    assert await ids_in(games) == ["n1-2"]
    assert await keys_in(kv, f"{prefix}/games/bazaar/log/00000001/") == []


@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_a_node_that_dies_between_two_steps_leaves_a_game_that_others_go_on_with(
    kv: KeyValueStore, prefix: str, dies_at: int
) -> None:
    node, other = FaultyStore(kv), KvGameStateRepository(kv, prefix, part_bytes=10)
    games = KvGameStateRepository(node, prefix, part_bytes=10)
    meta = await turn(games, await games.create(new_meta()), b"the state of generation 2")
    node.transactions, node.dies_at = 0, dies_at
    # entry, generation, three parts, meta, trim: the eighth never comes.
    try:
        await turn(games, meta, b"the state of generation 3")
        assert dies_at == 8
    except CrashError:
        assert dies_at < 8

    stored = await other.get("bazaar")
    entries = [entry.id for entry in await log_of(other, stored)]
    if stored.snapshot is None:
        assert entries == ["n1-1", "n1-2"][: 1 if dies_at == 1 else 2]
    else:
        assert (stored.snapshot, entries) == (b"the state of generation 2", ["n1-2"])
        assert dies_at >= 7
    # The next ones clear up after it.
    meta = stored.meta
    if meta.snapshots[-1].generation < meta.generation:
        saved = await other.save_snapshot(meta, meta.generation, f"d{meta.generation}", 10, b"saved by another")
        assert saved is not None
        meta = saved
    for _ in range(2):
        meta = await turn(other, meta, b"the state after")
    base = (await other.get("bazaar")).base_generation
    assert base == meta.snapshots[0].generation
    for folder in ("log", "snapshot"):
        keys = await keys_in(kv, f"{prefix}/games/bazaar/{folder}/")
        assert all(int(key.split("/")[4]) >= base for key in keys)


async def test_a_long_generation_is_deleted_a_few_entries_at_a_time(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every node is told of each deleted key: 10 000 of them in one revision held its loop for 14 ms."""
    monkeypatch.setattr(snapshots, "TRIMMED_AT_ONCE", 3)
    meta = await games.create(new_meta())
    for number in range(9):
        await games.update(meta, f"n2-{number}", b"x")
    async with kv.watch(KeyRange.prefix(f"{prefix}/games/bazaar/log/"), (await games.get("bazaar")).revision) as watch:
        for _ in range(2):
            meta = await turn(games, meta, b"a state in three parts")
        told = await receive_events(watch, 2 + 10)
    deleted = Counter(event.mod_revision for event in told if event.value is None)
    assert list(deleted.values()) == [3, 3, 3, 1]
    assert await ids_in(games) == ["n1-2"]


async def test_a_snapshot_with_a_part_missing_is_reported_as_damaged(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str
) -> None:
    meta = await turn(games, await games.create(new_meta()), b"a state in three parts")
    await turn(games, meta, b"next")
    parts = await keys_in(kv, f"{prefix}/games/bazaar/snapshot/00000002/")
    assert len(parts) == 3
    await kv.transaction([], [Delete(KeyRange(parts[1]))])
    with pytest.raises(CorruptStoreError, match="3 parts"):
        await games.get("bazaar")


async def test_a_late_snapshot_leaves_nothing_in_a_deleted_game(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str
) -> None:
    meta = await games.create(new_meta())
    await games.delete("bazaar")
    assert await games.save_snapshot(meta, 1, "d1", 0, b"a state in three parts") is None
    assert await keys_in(kv, prefix) == []


@pytest.mark.parametrize("step", range(1, 6))
async def test_a_game_made_anew_between_two_steps_of_a_snapshot_is_left_alone(
    kv: KeyValueStore, prefix: str, step: int
) -> None:
    node, other = FaultyStore(kv), KvGameStateRepository(kv, prefix)
    games = KvGameStateRepository(node, prefix, part_bytes=10)
    meta = await turn(games, await games.create(new_meta()), b"first")
    raised = await games.raise_generation(meta)
    assert raised is not None
    made: list[GameMeta] = []

    async def make_anew() -> None:
        await other.delete("bazaar")
        made.append(await other.create(new_meta(epoch="new")))
        await other.update(made[0], "n2-1", b"of the new life")

    # Three parts, meta, trim.
    node.transactions, node.meddles_at, node.meddle = 0, step, make_anew
    saved = await games.save_snapshot(raised, 3, "d3", 10, b"a state in three parts")
    assert (saved is None) == (step < 5)
    assert (await other.get("bazaar")).meta == made[0]
    assert await ids_in(other) == ["n2-1"]
    assert await keys_in(kv, f"{prefix}/games/bazaar/snapshot/") == []
