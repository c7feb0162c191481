"""A copy of the embedded store, made while it is in use."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
import trio

from tradegame.core.repositories import CorruptStoreError, StoreUnavailableError
from tradegame.infra.embedded import SqliteStore, open_sqlite
from tradegame.infra.embedded.backup import Backups, check
from tradegame.infra.kv.port import KeyRange, Put

ALL = KeyRange("a", "~")


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "store").mkdir()
    return str(tmp_path / "store" / "game.db")


def write_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)


async def fill(store: SqliteStore, megabytes: int = 4) -> None:
    for number in range(megabytes * 10):
        await store.transaction([], [Put(f"a/{number:04}", os.urandom(100_000))])


async def save(store: SqliteStore, to: Path) -> Path:
    with await Backups(store).make() as copied:
        write_file(to, copied.read())
    check(to)
    return to


async def test_a_copy_has_all_that_was_acknowledged_and_is_of_one_moment(path: str, tmp_path: Path) -> None:
    written = 0

    async def write(store: SqliteStore, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        nonlocal written
        while True:
            number = str(written).encode()
            puts = [Put("b/one", number), Put(f"a/{written % 40:04}", number * 1_000), Put("b/two", number)]
            await store.transaction([], puts)
            if not written:
                task_status.started()
            written += 1

    async with open_sqlite(path) as store:
        await fill(store)
        async with trio.open_nursery() as nursery:
            await nursery.start(write, store)
            before = written
            copied = await save(store, tmp_path / "copy.db")
            assert written > before, "it went on meanwhile"
            nursery.cancel_scope.cancel()
        assert sorted(os.listdir(os.path.dirname(path))) == ["game.db", "game.db-wal"]
    async with open_sqlite(str(copied)) as store:
        found = {pair.key: pair.value for pair in (await store.range(ALL)).pairs}
        assert found["b/one"] == found["b/two"]
        assert int(found["b/one"]) >= before - 1
        await store.transaction([], [Put("c", b"")])


async def test_no_other_process_gets_in_because_of_a_copy(path: str) -> None:
    async with open_sqlite(path) as store:
        (await Backups(store).make()).close()
        code = f"import sqlite3; sqlite3.connect({path!r}, timeout=0).execute('SELECT 1 FROM pairs')"
        result = await trio.run_process([sys.executable, "-c", code], check=False, capture_stderr=True)
        assert b"database is locked" in result.stderr


async def test_the_log_is_moved_into_the_database_again_after_a_copy(path: str) -> None:
    async with open_sqlite(path) as store:
        (await Backups(store).make()).close()
        await fill(store, 20)
        assert os.stat(f"{path}-wal").st_size < 10_000_000


async def test_a_copy_that_is_broken_off_leaves_nothing(path: str) -> None:
    async with open_sqlite(path) as store:
        await fill(store)
        with trio.CancelScope() as scope:
            scope.cancel()
            await Backups(store).make()
        with trio.move_on_after(0.002):
            (await Backups(store).make()).close()
        assert [name for name in os.listdir(os.path.dirname(path)) if "backup" in name] == []
        await store.transaction([], [Put("b", b"")])


async def test_what_a_killed_server_left_is_replaced_and_no_copy_is_made_where_there_is_no_room(path: str) -> None:
    write_file(Path(f"{path}.backup"), b"half")
    async with open_sqlite(path) as store:
        (await Backups(store).make()).close()
        os.mkdir(f"{path}.backup")
        with pytest.raises(StoreUnavailableError, match="cannot be written"):
            await Backups(store).make()


async def test_a_damaged_copy_is_refused(path: str, tmp_path: Path) -> None:
    async with open_sqlite(path) as store:
        await fill(store, 1)
        copied = await save(store, tmp_path / "copy.db")
    whole = copied.read_bytes()
    for broken in (whole[: len(whole) // 2 // 4096 * 4096], b"", b"no database" * 1_000):
        copied.write_bytes(broken)
        with pytest.raises(CorruptStoreError, match=r"copy\.db is not sound"):
            check(copied)
    copied.unlink()
    with closing(sqlite3.connect(copied)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(CorruptStoreError, match="not of this program"):
        check(copied)
