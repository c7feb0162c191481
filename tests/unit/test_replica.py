"""A replica lets others run, however large the game has grown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import trio
import trio.testing
from attrs import evolve

from tradegame.core.domain import audit as auditing
from tradegame.core.domain.audit import Audit
from tradegame.core.domain.definition import RULES_VERSION, GameDefinition, GoodDefinition, to_json
from tradegame.core.domain.remembered import remember
from tradegame.core.domain.snapshot import state_hash
from tradegame.core.games.replica import REPLAY_SLICE, Replica
from tradegame.core.repositories import GameMeta, LogEntry
from tradegame.infra.embedded import open_sqlite
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.protocol.commands import Entry, Join, encode_entry
from tradegame.protocol.replies import Bought
from tradegame.protocol.requests import Say

META = GameMeta(
    game="pit",
    definition=to_json(GameDefinition(id="pit", goods={"grain": GoodDefinition(endowment=5)})),
    epoch="k3v9",
    rules=RULES_VERSION,
    seed=7,
    created_at=1_000,
)
PLAYERS, KEYS = 500, 100
LINES = PLAYERS * KEYS * 60 // 100_000


@pytest.fixture
async def repository() -> AsyncIterator[KvGameStateRepository]:
    async with open_sqlite(":memory:") as kv:
        repository = KvGameStateRepository(kv, "test")
        await repository.create(META)
        yield repository


async def append(repository: KvGameStateRepository, *entries: Entry) -> None:
    meta = (await repository.get("pit")).meta
    for number, entry in enumerate(entries):
        await repository.update(meta, f"n-{meta.generation}-{number}", encode_entry(entry))


def crowd(keys: int = KEYS) -> Entry:
    return Entry(2_000, tuple(Join(player=f"p{n}", name="P") for n in range(PLAYERS)))


async def built(repository: KvGameStateRepository) -> Replica:
    replica = Replica(repository, (await repository.get("pit")).meta)
    await replica.rebuild(lambda entry: None, lambda: None)
    return replica


def remember_much(replica: Replica) -> None:
    for player in replica.game.state.players.values():
        player.keys.update({f"c1-{n}": remember(0, "0" * 16, Bought(n, n, n, n, seq=n)) for n in range(KEYS)})


async def turns_of_others(work: Callable[[], Awaitable[object]]) -> int:
    """How often another task has a turn while this is done."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await work()
        nursery.cancel_scope.cancel()
    return turns


async def test_others_run_while_a_state_is_written_down(repository: KvGameStateRepository) -> None:
    await append(repository, crowd())
    replica = await built(repository)
    remember_much(replica)
    meta = evolve(replica.meta, generation=2, revision=replica.meta.revision + 1)
    assert await turns_of_others(lambda: replica.meta_changed(meta)) > LINES


async def test_others_run_while_a_state_is_read_and_looked_at(
    repository: KvGameStateRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "STEP", 50)
    await append(repository, crowd())
    replica = await built(repository)
    remember_much(replica)
    for _ in range(2):  # of two snapshots the older is the base
        raised = await repository.raise_generation((await repository.get("pit")).meta)
        assert raised is not None
        boundary = await replica.meta_changed(raised)
        assert boundary is not None
        assert boundary.digest == state_hash(replica.game)
        saved = await repository.save_snapshot(raised, raised.generation, boundary.digest, boundary.seq, boundary.state)
        assert saved is not None
    late = Replica(repository, saved)
    assert await turns_of_others(lambda: late.rebuild(lambda entry: None, lambda: None)) > 2 * LINES
    assert state_hash(late.game) == boundary.digest
    assert await turns_of_others(late.audit) > 10


async def test_others_run_while_what_was_known_is_applied_again(repository: KvGameStateRepository) -> None:
    entries = 10 * REPLAY_SLICE
    await append(repository, crowd(), *[Entry(2_000, (Say(player="p0", text="hi"),)) for _ in range(entries)])
    replica = await built(repository)
    stored = await repository.get("pit")
    pages = [page async for page in repository.entries(stored)]
    assert sum(map(len, pages)) == entries + 1
    chain = replica.game.state.chain
    turns = await turns_of_others(lambda: replica.rebuild(lambda entry: None, lambda: None))
    assert turns > entries // REPLAY_SLICE
    assert replica.game.state.chain == chain


async def test_an_audit_of_a_game_that_is_rebuilt_meanwhile_says_nothing(
    repository: KvGameStateRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(repository, crowd())
    replica = await built(repository)
    replica.game.state.accounts["fees"].cash += 1
    assert await replica.audit() == ["cash sums to 1, not 0"]
    found: list[list[str] | None] = []
    rebuilt = False

    def endless(self: Audit) -> Iterator[None]:
        while not rebuilt:
            yield

    async def look() -> None:
        found.append(await replica.audit())

    with monkeypatch.context() as patched:
        patched.setattr(Audit, "steps", endless)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            while replica._audit is None:
                await trio.lowlevel.checkpoint()
            await replica.rebuild(lambda entry: None, lambda: None)
            await trio.testing.wait_all_tasks_blocked()
            assert found == [None]
            rebuilt = True
    assert await replica.audit() == []


async def test_a_replica_that_is_behind_does_not_say_that_the_generation_is_full(
    repository: KvGameStateRepository,
) -> None:
    """Its append told it of the newest meta. To raise that again would leave a generation of next to no frames."""
    replica = await built(repository)
    assert replica.generation_full(0, 0)
    replica.saw(evolve(replica.meta, generation=2, revision=replica.meta.revision + 1))
    assert not replica.generation_full(0, 0)
    await replica.meta_changed(replica.meta)
    assert replica.generation_full(0, 0)


async def test_a_history_that_is_filled_anew_is_not_taken_for_whole(repository: KvGameStateRepository) -> None:
    replica, told = await built(repository), []
    replica.game.state.seq = 9  # what came between is lost
    await append(repository, crowd())

    def show(entry: LogEntry) -> None:
        told.append(replica.fills)
        replica.apply(entry)

    await replica.rebuild(show, lambda: None)
    assert told == [True]
    assert not replica.fills
