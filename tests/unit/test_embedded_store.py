from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from tradegame.core.repositories import (
    ConnectionsChanged,
    LeaseLostError,
    LiveConnection,
    NodeInfo,
    StoreFullError,
    StoreUnavailableError,
)
from tradegame.infra.embedded.engine import Engine
from tradegame.infra.embedded.store import MAX_BATCH, SqliteStore, open_sqlite
from tradegame.infra.kv.connections import KvConnectionRepository
from tradegame.infra.kv.port import KeyRange, Put

ALL = KeyRange("a", "~")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "game.db")


async def put(store: SqliteStore, key: str, value: bytes = b"1") -> int:
    return (await store.transaction([], [Put(key, value)])).revision


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for happens in a thread that knows no trio
        await trio.sleep(0.01)


class Gate:
    """Commits wait for `open`, and fail as told."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.opened.set()
        self.commits = 0
        self.error: sqlite3.Error | None = None
        # Whether the failing commit happened all the same.
        self.happens = False


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    real = Engine.commit

    def commit(engine: Engine) -> sqlite3.Error | None:
        gate.commits += 1
        assert gate.opened.wait(20)
        if gate.error is None or gate.happens:
            assert real(engine) is None
        return gate.error

    monkeypatch.setattr(Engine, "commit", commit)
    yield gate
    gate.opened.set()


def io_error(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


# -- group commit, deadlines, the end ------------------------------------------------------------------


@pytest.mark.parametrize(("calls", "commits"), [(1 + MAX_BATCH, 2), (2 + MAX_BATCH, 3)])
async def test_what_comes_in_during_a_commit_goes_into_one_more_up_to_a_bound(
    path: str, gate: Gate, calls: int, commits: int
) -> None:
    revisions: list[int] = []

    async def write(store: SqliteStore, number: int) -> None:
        revisions.append(await put(store, f"k{number}"))

    async with open_sqlite(path) as store:
        gate.opened.clear()
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for number in range(calls):
                    nursery.start_soon(write, store, number)
                await trio.testing.wait_all_tasks_blocked(0.01)
                assert revisions == []
                gate.opened.set()
    assert sorted(revisions) == list(range(2, 2 + calls))
    assert gate.commits == commits


async def test_an_error_in_one_call_undoes_only_that_one(path: str, gate: Gate) -> None:
    lost: list[LeaseLostError] = []

    async def fail(store: SqliteStore) -> None:
        try:
            await store.transaction([], [Put("bad", b"1"), Put("worse", b"1", 77)])
        except LeaseLostError as error:
            lost.append(error)

    async with open_sqlite(path) as store:
        gate.opened.clear()
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(put, store, "first")
                await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.start_soon(put, store, "good1")
                nursery.start_soon(fail, store)
                nursery.start_soon(put, store, "good2")
                await trio.testing.wait_all_tasks_blocked(0.01)
                gate.opened.set()
        pairs = (await store.range(ALL)).pairs
    assert gate.commits == 2
    assert len(lost) == 1
    assert [pair.key for pair in pairs] == ["first", "good1", "good2"]
    assert sorted(pair.mod_revision for pair in pairs) == [2, 3, 4]


async def test_a_call_that_fails_half_way_leaves_nothing_though_it_has_its_transaction_to_itself(path: str) -> None:
    async with open_sqlite(path) as store:
        before = await put(store, "b")
        with pytest.raises(LeaseLostError):
            await store.transaction([], [Put("a", b"half"), Put("b", b"2", lease=99)])
        assert [pair.value for pair in (await store.range(ALL)).pairs] == [b"1"]
        assert await put(store, "c") == before + 1


async def test_a_disk_that_does_not_answer_is_told_by_the_deadline(path: str, gate: Gate) -> None:
    definite: list[bool] = []

    async def write(store: SqliteStore, key: str) -> None:
        try:
            await put(store, key)
        except StoreUnavailableError as error:
            definite.append(error.definite)

    async with open_sqlite(path, deadline_s=0.3) as store:
        gate.opened.clear()
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(write, store, "begun")
                await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.start_soon(write, store, "waiting")
            assert sorted(definite) == [False, True]
            assert "has not answered" in (store.ready() or "")
            gate.opened.set()
            await until(lambda: store.ready() is None)
        # What was begun has happened, what was waiting never will.
        assert [pair.key for pair in (await store.range(ALL)).pairs] == ["begun"]


async def test_a_cancelled_call_that_waits_never_happens(path: str, gate: Gate) -> None:
    async with open_sqlite(path) as store:
        gate.opened.clear()
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(put, store, "first")
                await trio.testing.wait_all_tasks_blocked(0.01)
                with trio.move_on_after(0.05):
                    await put(store, "second")
                gate.opened.set()
        assert [pair.key for pair in (await store.range(ALL)).pairs] == ["first"]


async def test_closing_ends_calls_and_watches_and_keeps_what_was_begun(path: str, gate: Gate) -> None:
    told: list[str] = []

    async def write(store: SqliteStore, key: str) -> None:
        try:
            await put(store, key)
            told.append(f"{key} done")
        except StoreUnavailableError as error:
            told.append(f"{key} {error.definite}")

    async def look(store: SqliteStore) -> None:
        async with store.watch(ALL, 100) as watch:
            try:
                await watch.receive()
            except StoreUnavailableError:
                told.append("watch ended")

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            async with open_sqlite(path) as store:
                gate.opened.clear()
                nursery.start_soon(look, store)
                nursery.start_soon(write, store, "begun")
                await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.start_soon(write, store, "waiting")
                await trio.testing.wait_all_tasks_blocked(0.01)
                threading.Timer(0.1, gate.opened.set).start()
        assert sorted(told) == ["begun done", "waiting True", "watch ended"]
        with pytest.raises(StoreUnavailableError):
            await store.range(ALL)
        assert store.ready() == "the store is closed"
        async with open_sqlite(path) as store:
            assert [pair.key for pair in (await store.range(ALL)).pairs] == ["begun"]


# -- a disk that fails ---------------------------------------------------------------------------------


async def test_a_full_disk_is_told_and_reads_go_on_and_room_heals(path: str) -> None:
    async with open_sqlite(path) as store:
        first = await put(store, "a")
        connection = store._engine._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFullError) as caught:
            await put(store, "big", bytes(1 << 20))
        assert caught.value.definite
        assert "full" in (store.ready() or "")
        result = await store.range(ALL)
        assert ([pair.key for pair in result.pairs], result.revision) == (["a"], first)
        connection.execute("PRAGMA max_page_count = 1000000")
        assert await put(store, "big", bytes(1 << 20)) == first + 1
        assert store.ready() is None


async def test_a_commit_that_finds_the_disk_full_did_not_happen(path: str, gate: Gate) -> None:
    async with open_sqlite(path) as store:
        first = await put(store, "a")
        gate.error = io_error(sqlite3.SQLITE_FULL, "database or disk is full")
        with pytest.raises(StoreFullError):
            await put(store, "b")
        gate.error = None
        async with store.watch(ALL, first) as watch:
            assert await put(store, "c") == first + 1
            assert [event.key for event in (await watch.receive()).events] == ["c"]


@pytest.mark.parametrize("happens", [True, False])
async def test_a_commit_that_failed_is_of_unknown_outcome_and_the_watch_tells_the_truth(
    path: str, gate: Gate, happens: bool
) -> None:
    async with open_sqlite(path) as store:
        first = await put(store, "a")
        async with store.watch(ALL, first) as watch:
            gate.error, gate.happens = io_error(sqlite3.SQLITE_IOERR, "disk I/O error"), happens
            with pytest.raises(StoreUnavailableError) as caught:
                await put(store, "b")
            assert not caught.value.definite
            assert "disk I/O error" in (store.ready() or "")
            gate.error = None
            await put(store, "c")
            assert store.ready() is None
            told: list[str] = []
            with trio.fail_after(60):
                while "c" not in told:
                    told += [event.key for event in (await watch.receive()).events]
        keys = [pair.key for pair in (await store.range(ALL)).pairs]
    assert keys[1:] == told == (["b", "c"] if happens else ["c"])


async def test_a_lease_whose_end_could_not_be_written_ends_later(path: str, gate: Gate) -> None:
    async with open_sqlite(path) as store:
        lease = await store.grant(1)
        revision = (await store.transaction([], [Put("a", b"1", lease)])).revision
        gate.error = io_error(sqlite3.SQLITE_IOERR, "disk I/O error")
        commits = gate.commits
        with trio.fail_after(60):
            await until(lambda: gate.commits > commits)
            gate.error = None
            async with store.watch(ALL, revision) as watch:
                (event,) = (await watch.receive()).events
        assert (event.key, event.value) == ("a", None)


async def test_a_store_in_memory_needs_no_thread_to_write() -> None:
    async with open_sqlite(":memory:") as store:
        before = threading.active_count()
        for number in range(100):
            await put(store, f"k{number}")
        assert threading.active_count() == before
        assert len((await store.range(ALL)).pairs) == 100


async def test_a_connection_removed_and_saved_again_in_one_commit_is_told_as_saved(path: str, gate: Gate) -> None:
    connection = LiveConnection("c1", "n1", "p1", (), 1)
    async with open_sqlite(path) as store:
        node = KvConnectionRepository(store, "t")
        await node.register(NodeInfo("n1", "", "", 1))
        await node.save([connection])
        async with node.watch() as watch:
            with trio.fail_after(60):
                assert await watch.receive() == ConnectionsChanged(saved=(connection,), reset=True)
                await watch.receive()
                async with trio.open_nursery() as nursery:
                    gate.opened.clear()
                    nursery.start_soon(put, store, "first")
                    await trio.testing.wait_all_tasks_blocked(0.01)
                    nursery.start_soon(node.remove, [connection])
                    await trio.testing.wait_all_tasks_blocked(0.01)
                    nursery.start_soon(node.save, [connection])
                    await trio.testing.wait_all_tasks_blocked(0.01)
                    gate.opened.set()
                assert await watch.receive() == ConnectionsChanged(saved=(connection,))
