"""Opens the SQLite file: one process, a known schema, and no acknowledged write that a crash could undo."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from tradegame.core.repositories.errors import (
    CorruptStoreError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

MEMORY = ":memory:"
SCHEMA_VERSION = 2

# "trdg": tells `file` and us whose database this is. https://www.sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = 0x74726467

_SCHEMA = """
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    value BLOB NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    lease INTEGER NOT NULL
) STRICT;
CREATE INDEX pairs_by_lease ON pairs (lease, key) WHERE lease != 0;
CREATE TABLE leases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ttl_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE store (revision INTEGER NOT NULL) STRICT;
INSERT INTO store VALUES (1);
"""


def open_database(path: str) -> sqlite3.Connection:
    """Open or create the database, and keep every other process out until it is closed. Only the file's owner may read
    it, whatever the umask is and the file's mode was: whispers are in it.

    Raises StoreUnavailableError (with the path) if the file cannot be opened or another process has it open,
    CorruptStoreError if it is not a database of ours or has another schema.
    """
    if path != MEMORY:
        _make_private(path)
    try:
        connection = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _opening_error(path, error) from error
    try:
        _prepare(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise _opening_error(path, error) from error
        raise
    return connection


def _make_private(path: str) -> None:
    """Create the file with mode 0600, or give it and what SQLite keeps beside it that mode. New ones of the latter get
    the database's mode: https://www.sqlite.org/src/doc/trunk/src/os_unix.c (findCreateFileMode).

    A failure is not reported here: if the file cannot be used, SQLite says why.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    # By name: to open and close the file would drop the locks that this process may hold on it.
    for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal"):
        with contextlib.suppress(OSError):
            os.chmod(name, 0o600)


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    # Exclusive: the lock is held until the connection closes, and WAL then needs no shared memory file.
    # https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise CorruptStoreError(f"{path} belongs to another program")
    if version > SCHEMA_VERSION:
        raise CorruptStoreError(
            f"{path} was written by a newer version (schema {version}; this one knows up to {SCHEMA_VERSION})"
        )
    if version and version < SCHEMA_VERSION:
        raise CorruptStoreError(
            f"{path} was written by an older version (schema {version}; this one knows {SCHEMA_VERSION}) and cannot be"
            " read: move the file away, and a new one is made"
        )
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -32768")
    if version == 0:
        # In one transaction with the version: after a crash there is either no store or a whole one.
        connection.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )


def close_database(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the database and close it. A crash instead loses nothing."""
    with contextlib.closing(connection):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def vacuum(path: str) -> None:
    """Write the file anew, without what was deleted from it. Needs as much room again. Raises StoreError."""
    connection = open_database(path)
    try:
        connection.execute("VACUUM")
        close_database(connection)
    except sqlite3.Error as error:
        raise store_error(error, definite=True) from error
    finally:
        connection.close()


def store_error(error: sqlite3.Error, *, definite: bool) -> StoreUnavailableError:
    """The failure as one of the store's own errors. A full disk is definite: SQLite wrote nothing that counts."""
    if _code(error) == sqlite3.SQLITE_FULL:
        return StoreFullError(f"the store's disk is full: {error}")
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return StoreUnavailableError(f"the store's file cannot be used: {error} ({name})", definite=definite)


MALFORMED = "database disk image is malformed"
"""SQLite's own message, for damage that only we detect."""


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether a part of the file is damaged: a retry will fail, too."""
    text = str(error)
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or (
        # For text that is no longer valid, Python itself raises the second, without a code.
        text == MALFORMED or text.startswith("Could not decode to UTF-8")
    )


def call_error(error: sqlite3.Error, path: str) -> StoreError:
    """What went wrong with one call, which had no effect."""
    if is_corrupt(error):
        return CorruptStoreError(
            f"a part of the file {path} is damaged ({error}): stop the server and put a backup in its place, or save"
            " what can be read: docs/OPERATIONS.md, A damaged file"
        )
    return store_error(error, definite=True)


def _opening_error(path: str, error: sqlite3.Error) -> CorruptStoreError | StoreUnavailableError:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailableError(
            f"{path} is in use by another process: an embedded store serves one server only", definite=True
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return CorruptStoreError(f"{path} cannot be read as a database: {error}")
    if path != MEMORY and not Path(path).parent.is_dir():
        return StoreUnavailableError(f"{path} cannot be opened: there is no folder {Path(path).parent}", definite=True)
    return StoreUnavailableError(f"{path} cannot be opened: {error}", definite=True)


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 if Python itself raised the error. https://www.sqlite.org/rescode.html"""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
