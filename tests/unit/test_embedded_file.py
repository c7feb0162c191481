"""What stays in the file: over restarts, kills, other processes and other versions."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from tradegame.core.repositories import CompactedError, CorruptStoreError, StoreUnavailableError
from tradegame.infra.embedded.store import SqliteStore, open_sqlite
from tradegame.infra.kv.port import Compare, KeyRange, Put

ALL = KeyRange("a", "~")

HOLD = """
import sys, trio
from tradegame.infra.embedded.store import open_sqlite
async def main():
    async with open_sqlite(sys.argv[1]):
        print("open", flush=True)
        await trio.sleep_forever()
trio.run(main)
"""

WRITE = """
import sys, trio
from tradegame.infra.embedded.store import open_sqlite
from tradegame.infra.kv.port import Put
async def write(store, name):
    number = 0
    while True:
        await store.transaction([], [Put(f"k/{name}/{number:06d}", bytes(3000)), Put(f"last/{name}", b"%d" % number)])
        print(name, number, flush=True)
        number += 1
async def main():
    async with open_sqlite(sys.argv[1]) as store, trio.open_nursery() as nursery:
        for name in range(8):
            nursery.start_soon(write, store, name)
trio.run(main)
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "game.db")


async def put(store: SqliteStore, key: str, value: bytes = b"1") -> int:
    return (await store.transaction([], [Put(key, value)])).revision


@contextmanager
def child(code: str, path: str) -> Iterator[subprocess.Popen[str]]:
    """Killed at the end, whatever happens."""
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read(path: str) -> bytes:
    return Path(path).read_bytes()


def write(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)


async def test_everything_is_there_after_a_restart_and_revisions_go_on(path: str) -> None:
    async with open_sqlite(path) as store:
        first = await put(store, "a")
        await put(store, "b")
        lease = await store.grant(60)
        await store.transaction([], [Put("c", b"1", lease)])
        await store.revoke(lease)
        revision = (await store.range(ALL)).revision
    assert revision == first + 3
    async with open_sqlite(path) as store:
        result = await store.range(ALL)
        assert ([pair.key for pair in result.pairs], result.revision) == (["a", "b"], revision)
        assert await put(store, "d") == revision + 1
        assert not (await store.transaction([Compare("a", 0)], [])).succeeded


async def test_closing_leaves_one_file(path: str) -> None:
    async with open_sqlite(path) as store:
        await put(store, "a")
    assert os.listdir(os.path.dirname(path)) == ["game.db"]


@pytest.mark.parametrize("before", [None, 0o644])
async def test_only_its_owner_can_read_the_file_and_what_is_beside_it(path: str, before: int | None) -> None:
    if before is not None:
        async with open_sqlite(path):
            pass
        os.chmod(path, before)
        write(f"{path}-wal", b"")
    was = os.umask(0)
    try:
        async with open_sqlite(path) as store:
            await put(store, "a")
            names = os.listdir(os.path.dirname(path))
            assert "game.db-wal" in names
            folder = os.path.dirname(path)
            assert {os.stat(f"{folder}/{name}").st_mode & 0o777 for name in names} == {0o600}
    finally:
        os.umask(was)


async def test_what_was_acknowledged_is_there_after_a_sigkill(path: str) -> None:
    with child(WRITE, path) as process:
        assert process.stdout is not None
        lines = [next(process.stdout) for _ in range(400)]
        process.kill()
        lines += process.stdout
    acknowledged = [line.split() for line in lines if line.endswith("\n")]
    async with open_sqlite(path) as store:
        result = await store.range(KeyRange.prefix("k/"))
        keys = {pair.key for pair in result.pairs}
        assert {f"k/{name}/{int(number):06d}" for name, number in acknowledged} <= keys
        assert result.revision >= max(pair.mod_revision for pair in result.pairs)
        # Each transaction is there as a whole or not at all.
        for pair in (await store.range(KeyRange.prefix("last/"))).pairs:
            name = pair.key.removeprefix("last/")
            assert max(key for key in keys if key.startswith(f"k/{name}/")).endswith(f"{int(pair.value):06d}")


async def test_a_second_process_is_told_that_the_file_is_in_use(path: str) -> None:
    with child(HOLD, path) as process:
        assert process.stdout is not None
        assert next(process.stdout) == "open\n"
        with pytest.raises(StoreUnavailableError, match=rf"{path} is in use by another process"):
            async with open_sqlite(path):
                pass
    async with open_sqlite(path) as store:
        await put(store, "a")


async def test_a_newer_schema_is_refused_and_left_alone(path: str) -> None:
    async with open_sqlite(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CorruptStoreError, match=r"game\.db was written by a newer version \(schema 99"):
        async with open_sqlite(path):
            pass


async def test_another_programs_database_is_refused_and_left_alone(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = read(path)
    with pytest.raises(CorruptStoreError, match="another program"):
        async with open_sqlite(path):
            pass
    assert read(path) == before


async def test_what_is_no_database_is_refused(path: str) -> None:
    write(path, b"a letter to a friend, and a long one at that\n" * 50)
    with pytest.raises(CorruptStoreError, match=r"game\.db cannot be read as a database"):
        async with open_sqlite(path):
            pass


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"there is no folder .*nowhere"):
        async with open_sqlite(str(tmp_path / "nowhere" / "game.db")):
            pass


async def test_a_lease_lives_through_a_restart_and_then_ends(path: str) -> None:
    async with open_sqlite(path) as store:
        lease = await store.grant(1)
        await store.transaction([], [Put("a", b"1", lease)])
    async with open_sqlite(path) as store:
        result = await store.range(ALL)
        assert [pair.lease for pair in result.pairs] == [lease]
        async with store.watch(ALL, result.revision) as watch:
            with trio.fail_after(60):
                (event,) = (await watch.receive()).events
        assert (event.key, event.value) == ("a", None)


async def test_a_watch_from_before_the_start_is_compacted(path: str) -> None:
    async with open_sqlite(path) as store:
        first = await put(store, "a")
        await put(store, "b")
    async with open_sqlite(path) as store:
        async with store.watch(ALL, first) as watch:
            with pytest.raises(CompactedError):
                await watch.receive()
