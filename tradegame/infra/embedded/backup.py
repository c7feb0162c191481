"""A copy of the database, made while it is in use.

The server holds the file's lock as long as it runs (see `database`), so no other program can copy it: the `.backup` of
the sqlite3 shell says that the database is locked, and Python's ``Connection.backup`` retries that for ever. SQLite's
own backup, from the server's connection, would hold that connection while it writes to a slow disk (0.14 s at a time).

But while nothing moves the write-ahead log into the database, the database does not change, and the log only grows. So
both are copied as files, in this order, without SQLite. A transaction that is cut off lacks its checksum, and SQLite
ignores it. https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import trio
from attrs import define, field

from tradegame.core.repositories.errors import CorruptStoreError, StoreError, StoreUnavailableError
from tradegame.infra.embedded.database import APPLICATION_ID, store_error
from tradegame.infra.embedded.store import SqliteStore

PIECE_BYTES = 1_048_576


@define(eq=False)
class Backups:
    """Makes copies of one store that is in a file, one at a time."""

    store: SqliteStore
    _one: trio.Lock = field(factory=trio.Lock, init=False)
    # Never closed: to close any descriptor of a file drops the locks that the process has on it, SQLite's too.
    # https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    _database: int | None = field(default=None, init=False)

    async def make(self) -> BinaryIO:
        """A new file with everything acknowledged so far, and perhaps more. It has no name, so it is gone when closed.

        Needs as much room beside the database. Raises StoreUnavailableError.
        """
        name = f"{self.store.path}.backup"
        async with self._one:
            try:
                if self._database is None:
                    self._database = os.open(self.store.path, os.O_RDONLY)
                await self.store.checkpoint_by_itself(False)
                try:
                    await trio.to_thread.run_sync(self._copy, name)
                finally:
                    with trio.CancelScope(shield=True), contextlib.suppress(StoreError):
                        await self.store.checkpoint_by_itself(True)
                return await trio.to_thread.run_sync(_merged, name)
            except OSError as error:
                raise StoreUnavailableError(f"{name} cannot be written: {error}", definite=True) from error
            finally:
                with contextlib.suppress(OSError):
                    _remove(name)

    def _copy(self, name: str) -> None:
        assert self._database is not None
        _remove(name)  # a server that was killed left it
        _write(self._database, name, trio.from_thread.check_cancelled)
        with contextlib.suppress(FileNotFoundError):  # nothing was written yet
            log = os.open(f"{self.store.path}-wal", os.O_RDONLY)
            try:
                _write(log, f"{name}-wal", trio.from_thread.check_cancelled)
            finally:
                os.close(log)


def _merged(name: str) -> BinaryIO:
    """One file of a copied database and its write-ahead log. Raises StoreUnavailableError and OSError."""
    try:
        with contextlib.closing(sqlite3.connect(name, isolation_level=None)) as copied:
            copied.execute("PRAGMA locking_mode = EXCLUSIVE")  # nothing else is made beside it
            copied.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise store_error(error, definite=True) from error
    return open(name, "rb")


def check(file: Path) -> None:
    """Raises CorruptStoreError if a copy is not whole."""
    try:
        # Immutable: nothing is made beside the copy. https://www.sqlite.org/uri.html
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?immutable=1", uri=True)) as copied:
            (application,) = copied.execute("PRAGMA application_id").fetchone()
            (found,) = copied.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise CorruptStoreError(f"{file} is not sound: {error}") from error
    if application != APPLICATION_ID or found != "ok":
        raise CorruptStoreError(f"{file} is not sound: {found if found != 'ok' else 'it is not of this program'}")


def _write(source: int, name: str, go_on: Callable[[], None]) -> None:
    """Copy what is in the file ``source`` by now. ``go_on`` is called often, and ends it by an exception."""
    with open(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0) as made:
        at, size = 0, os.fstat(source).st_size
        while at < size and (piece := os.pread(source, min(PIECE_BYTES, size - at), at)):
            at += made.write(piece)
            go_on()


def _remove(name: str) -> None:
    for each in (name, f"{name}-wal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(each)
