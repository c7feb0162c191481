"""The key-value semantics on one SQLite connection: many calls, one SQLite transaction, one fsync."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from attrs import define, field

from tradegame.core.repositories.errors import LeaseLostError, StoreError, StoreUnavailableError
from tradegame.infra.embedded.database import MALFORMED, call_error, is_corrupt, store_error
from tradegame.infra.embedded.leases import LeaseDeadlines
from tradegame.infra.kv.port import (
    Compare,
    Delete,
    Event,
    Get,
    KeyRange,
    KeyValuePair,
    Operation,
    Put,
    RangeResult,
    TransactionResult,
)

log = structlog.get_logger(__name__)

Call = Callable[[], Any]

_COLUMNS = "key, value, create_revision, mod_revision, lease"
_KEYS_ONLY = "key, X'', create_revision, mod_revision, lease"
_PUT = """
INSERT INTO pairs (key, value, create_revision, mod_revision, lease) VALUES (?1, ?2, ?3, ?3, ?4)
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, mod_revision = excluded.mod_revision, lease = excluded.lease
RETURNING create_revision
"""
_REVISION = "(SELECT mod_revision FROM pairs WHERE key = ?)"
CHECKPOINT_PAGES = 1_000
"""SQLite's own default. https://www.sqlite.org/pragma.html#pragma_wal_autocheckpoint"""
# At most this many leases end at once; the others at the next look.
_EXPIRED_AT_ONCE = 100


@define
class Batch:
    """The outcomes of a list of calls. ``wrote``: its transaction is open and waits for its commit."""

    outcomes: list[Any]
    first_revision: int
    events: list[Event] = field(factory=list)
    wrote: bool = False


@define(eq=False)
class Engine:
    """Runs calls to its own methods in batches: `run`, then `commit` if it wrote, then `finish`.

    `commit` waits for the disk; it (and a long `run`) may run in another thread while nothing else here is called. An
    outcome is a call's result, or the exception to raise for it.
    """

    _connection: sqlite3.Connection
    _path: str
    _leases: LeaseDeadlines = field(factory=LeaseDeadlines)
    revision: int = field(init=False)
    _batch: Batch = field(init=False)
    # Whether the batch has one call, as nearly all have: its transaction is then this call's, and needs no savepoint.
    _alone: bool = False
    # For the current call: what it reads if it can do without damaged rows; the lease that it ends.
    _tolerant: tuple[KeyRange, int] | None = None
    _ending: int | None = None

    def __attrs_post_init__(self) -> None:
        self.revision = self._stored_revision()
        self._batch = Batch([], self.revision)
        self._leases.restore(self._connection.execute("SELECT id, ttl_ms, expires_at_ms FROM leases"))

    # -- batches ---------------------------------------------------------------------------------------

    def run(self, calls: Sequence[Call]) -> Batch:
        """Run the calls in one transaction. An error in one undoes only that one.

        SQLite refuses to continue a transaction that met a damaged page: then everything runs again, without that call.
        """
        settled: dict[int, Any] = {}
        self._alone = len(calls) == 1
        while True:
            self._batch = batch = Batch([], self.revision)
            try:
                self._connection.execute("BEGIN")
                for number, call in enumerate(calls):
                    batch.outcomes.append(settled[number] if number in settled else self._outcome(call))
                if self.revision != batch.first_revision:
                    self._connection.execute("UPDATE store SET revision = ?", (self.revision,))
                if not batch.wrote:
                    self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                # Nothing was committed yet, and nothing will be.
                number = len(batch.outcomes)
                self._fail(batch, calls, store_error(error, definite=True))
                if is_corrupt(error) and number < len(calls):
                    settled[number] = self._salvaged(error)
                    continue
            return batch

    def commit(self) -> sqlite3.Error | None:
        """Make the batch durable. Returns what went wrong."""
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            return error
        return None

    def finish(self, batch: Batch, error: sqlite3.Error | None) -> Batch:
        """The finished batch. After a failed commit, checks whether it happened all the same."""
        if error is None:
            return batch
        failure = store_error(error, definite=False)
        revision = self.revision
        self._fail(batch, batch.outcomes, failure, keep_events=True)
        if self.revision != revision or failure.definite:
            batch.events.clear()
        return batch

    @property
    def lease_due(self) -> bool:
        """Whether any lease is due. Thread-safe."""
        return self._leases.any_due()

    def leases_due(self) -> list[int]:
        """Leases that must `end` now, at most so many."""
        return self._leases.due(_EXPIRED_AT_ONCE)

    def _outcome(self, call: Call) -> Any:
        self._tolerant = self._ending = None
        try:
            return call()
        except StoreError as error:
            return error
        except sqlite3.Error as error:
            if is_corrupt(error) or not self._connection.in_transaction:
                # SQLite rolled back the whole transaction, with the other calls' writes.
                # https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
                raise
            return store_error(error, definite=True)
        except Exception as error:  # noqa: BLE001 - a caller's mistake (a key that is no text): raised there
            return error

    def _salvaged(self, error: sqlite3.Error) -> Any:
        """The outcome of the call that met a damaged page. Each statement here is a transaction of its own."""
        if self._ending is not None:
            # The lease's keys stay until the file is repaired; other leases end all the same.
            log.error("lease_not_ended", lease=self._ending, reason=str(error))
            self._leases.remove(self._ending)
        try:
            return call_error(error, self._path) if self._tolerant is None else self._readable(*self._tolerant)
        except sqlite3.Error as failure:
            return call_error(failure, self._path)

    def _fail(
        self, batch: Batch, calls: Sequence[Any], failure: StoreUnavailableError, *, keep_events: bool = False
    ) -> None:
        batch.outcomes = [failure] * len(calls)
        batch.wrote = False
        if not keep_events:
            batch.events.clear()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self.revision = self._stored_revision()
            self._leases.restore(self._connection.execute("SELECT id, ttl_ms, expires_at_ms FROM leases"))
        except sqlite3.Error:
            # Nothing can be read any more. The next call will say so to its caller.
            self.revision = batch.first_revision

    def _stored_revision(self) -> int:
        return int(self._connection.execute("SELECT revision FROM store").fetchone()[0])

    # -- calls: only inside `run` ----------------------------------------------------------------------

    def range(self, keys: KeyRange, limit: int = 0, tolerant: bool = False, keys_only: bool = False) -> RangeResult:
        self._tolerant = (keys, limit) if tolerant else None
        rows = self._rows(_KEYS_ONLY if keys_only else _COLUMNS, keys, limit)
        more = bool(limit) and len(rows) > limit
        return RangeResult(self.revision, tuple(_pair(row) for row in (rows[:limit] if more else rows)), more)

    def _readable(self, keys: KeyRange, limit: int) -> RangeResult:
        """Row by row, without the damaged ones. Their keys are also in the index, another part of the file."""
        names = [name for (name,) in self._rows("key", keys, limit)]
        pairs: list[KeyValuePair] = []
        unreadable: list[str] = []
        for name in names[:limit] if limit else names:
            try:
                pairs += [_pair(row) for row in self._rows(_COLUMNS, KeyRange(name), 0)]
            except sqlite3.Error as error:
                if not is_corrupt(error):
                    raise
                unreadable.append(name)
        return RangeResult(self.revision, tuple(pairs), bool(limit) and len(names) > limit, tuple(unreadable))

    def _rows(self, columns: str, keys: KeyRange, limit: int) -> list[Any]:
        """In key order; one more than the limit allows, if there is one."""
        where, parameters = _where(keys)
        return self._connection.execute(
            f"SELECT {columns} FROM pairs WHERE {where} ORDER BY key LIMIT ?",
            (*parameters, limit + 1 if limit else -1),
        ).fetchall()

    def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation]
    ) -> TransactionResult:
        succeeded = self._hold(compare)
        operations = success if succeeded else failure
        if all(isinstance(operation, Get) for operation in operations):
            return TransactionResult(succeeded, self.revision, self._operate(operations, 0, []))
        events: list[Event] = []
        with self._all_or_nothing(events) as revision:
            pairs = self._operate(operations, revision, events)
        return TransactionResult(succeeded, self.revision, pairs)

    def grant(self, ttl_s: int) -> int:
        with self._all_or_nothing([]):
            cursor = self._connection.execute(
                "INSERT INTO leases (ttl_ms, expires_at_ms) VALUES (?, ?)",
                (ttl_s * 1000, self._leases.expiry_ms(ttl_s * 1000)),
            )
        lease = cursor.lastrowid
        if lease is None:
            raise AssertionError("an INSERT without a row id")
        self._batch.wrote = True
        self._leases.add(lease, ttl_s * 1000)
        return lease

    def keep_alive(self, lease: int) -> int:
        row = self._connection.execute("SELECT ttl_ms FROM leases WHERE id = ?", (lease,)).fetchone()
        if row is None:
            raise LeaseLostError(f"the lease {lease} is over")
        expires_at_ms = self._leases.renew(lease)
        if expires_at_ms is not None:
            self._connection.execute("UPDATE leases SET expires_at_ms = ? WHERE id = ?", (expires_at_ms, lease))
            self._batch.wrote = True
        return int(row[0]) // 1000

    def revoke(self, lease: int) -> None:
        events: list[Event] = []
        with self._all_or_nothing(events) as revision:
            deleted = self._connection.execute("DELETE FROM leases WHERE id = ?", (lease,)).rowcount
            self._delete("lease = ? AND lease != 0", [lease], revision, events)
        self._batch.wrote |= deleted > 0
        self._leases.remove(lease)

    def end(self, lease: int) -> None:
        """End a lease that is due, unless it was renewed meanwhile."""
        if self._leases.is_due(lease):
            self._ending = lease
            self.revoke(lease)

    def checkpoint_by_itself(self, on: bool) -> None:
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES if on else 0}")

    # -- pieces ----------------------------------------------------------------------------------------

    @contextmanager
    def _all_or_nothing(self, events: list[Event]) -> Iterator[int]:
        """Undo what the call did if it fails. Yields the next revision, used if there are events at the end."""
        execute = self._connection.execute
        if not self._alone:
            execute("SAVEPOINT one_call")
        try:
            yield self.revision + 1
        except BaseException:
            if self._connection.in_transaction:
                for undo in ("ROLLBACK", "BEGIN") if self._alone else ("ROLLBACK TO one_call", "RELEASE one_call"):
                    execute(undo)
            raise
        if not self._alone:
            execute("RELEASE one_call")
        if events:
            self.revision += 1
            self._batch.events += events
            self._batch.wrote = True

    def _hold(self, compare: Sequence[Compare]) -> bool:
        """Whether all of them do, by one statement: each costs some 3 µs, whatever it finds."""
        if not compare:
            return True
        revisions = ", ".join([_REVISION] * len(compare))
        row = self._connection.execute(f"SELECT {revisions}", [each.key for each in compare]).fetchone()
        return all((found or 0) == each.mod_revision for found, each in zip(row, compare, strict=True))

    def _operate(
        self, operations: Sequence[Operation], revision: int, events: list[Event]
    ) -> tuple[tuple[KeyValuePair, ...], ...]:
        pairs = []
        for operation in operations:
            match operation:
                case Put(key, value, lease):
                    if lease and not self._lease_lives(lease):
                        raise LeaseLostError(f"the lease {lease} is over")
                    row = self._connection.execute(_PUT, (key, value, revision, lease)).fetchone()
                    events.append(Event(key, value, revision, row[0]))
                case Delete(keys):
                    self._delete(*_where(keys), revision, events)
                case Get(keys):
                    pairs.append(self.range(keys).pairs)
        return tuple(pairs)

    def _delete(self, where: str, parameters: list[Any], revision: int, events: list[Event]) -> None:
        # In key order, as etcd delivers them. As one value: this may run in a thread, and Python's sqlite3 releases the
        # GIL at every row.
        found = self._connection.execute(
            f"SELECT json_group_array(key) FROM (SELECT key FROM pairs WHERE {where} ORDER BY key)", parameters
        )
        keys = json.loads(found.fetchone()[0])
        if keys:
            self._connection.execute(f"DELETE FROM pairs WHERE {where}", parameters)
            events.extend(Event(key, None, revision) for key in keys)

    def _lease_lives(self, lease: int) -> bool:
        return self._connection.execute("SELECT 1 FROM leases WHERE id = ?", (lease,)).fetchone() is not None


def _pair(row: Any) -> KeyValuePair:
    """Raises sqlite3.DatabaseError for a row of a damaged page that SQLite considers valid."""
    if type(row[1]) is not bytes or type(row[3]) is not int:
        raise sqlite3.DatabaseError(MALFORMED)
    return KeyValuePair(*row)


def _where(keys: KeyRange) -> tuple[str, list[Any]]:
    if keys.end is None:
        return "key = ?", [keys.start]
    return "key >= ? AND key < ?", [keys.start, keys.end]
