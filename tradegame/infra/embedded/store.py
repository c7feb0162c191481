"""The embedded store: SQLite behind the key-value port.

Statements run in the trio thread; only the commit (the fsync) runs in a thread of its own. Python's sqlite3 releases
the GIL at every statement, and getting it back from a busy trio thread takes up to 5 ms each time: an append took 30 ms
in a thread beside a busy loop, and 0.03 ms in the loop itself. Deleting a whole range is the exception: trimming 250 MB
takes a second or two, so that runs in the thread as well.

Calls that arrive while a commit is under way go into the next one: group commit, without timers.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
import trio
from attrs import define, field

from tradegame.core.repositories.errors import CorruptStoreError, StoreUnavailableError
from tradegame.infra.embedded.committer import Committer
from tradegame.infra.embedded.database import MEMORY, close_database, open_database
from tradegame.infra.embedded.engine import Batch, Call, Engine
from tradegame.infra.embedded.watches import CHANNEL_BATCHES, History, SqliteWatch, Watches
from tradegame.infra.kv.limits import check_transaction
from tradegame.infra.kv.port import Compare, Delete, KeyRange, Operation, RangeResult, TransactionResult
from tradegame.utils.trouble import Trouble

log = structlog.get_logger(__name__)

DEADLINE_S = 10.0
MAX_WAITING = 1024
# One batch's share of the loop, some 3 ms: the rest waits for the next batch. With 256 it was over 10 ms.
MAX_BATCH = 64
_CLOSE_S = 10.0
# Before a due lease is ended, the loop turns so often, and everybody who can run does. To renew one takes two turns.
_TURNS = 8


_Committed = tuple[Batch, sqlite3.Error | None]


@define(eq=False)
class _Job:
    call: Call
    # It may take longer than the loop can wait.
    long: bool = False
    done: trio.Event = field(factory=trio.Event)
    begun: bool = False
    outcome: Any = None


@asynccontextmanager
async def open_sqlite(
    path: str, *, deadline_s: float = DEADLINE_S, watch_buffer: int = CHANNEL_BATCHES
) -> AsyncIterator[SqliteStore]:
    """Open the store in the file ``path``, created if missing, or a temporary one in ``:memory:``.

    No other process can open the file meanwhile. When the context ends, waiting calls and watches raise
    StoreUnavailableError; what was acknowledged is already on disk. Raises StoreUnavailableError if the file cannot be
    opened (the message says why: in use, no folder), CorruptStoreError if it is damaged, not ours, or from another
    version. Can be cancelled while the disk is slow.
    """
    connection, engine = await trio.to_thread.run_sync(_open, path, abandon_on_cancel=True)
    store = SqliteStore(engine, path, deadline_s, watch_buffer)
    try:
        yield store
    finally:
        store.close()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CLOSE_S) as scope:
            await trio.to_thread.run_sync(_close, store, connection, abandon_on_cancel=True)
        if scope.cancelled_caught:
            log.error("store_not_closed", path=path, reason="the disk did not answer", waited_s=_CLOSE_S)


def _open(path: str) -> tuple[sqlite3.Connection, Engine]:
    connection = open_database(path)
    try:
        return connection, Engine(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise CorruptStoreError(f"{path} cannot be read: {error}") from error


def _close(store: SqliteStore, connection: sqlite3.Connection) -> None:
    store.join()
    try:
        close_database(connection)
    except sqlite3.Error as error:
        # Nothing is lost: the next start reads the write-ahead log.
        log.warning("store_not_checkpointed", path=store.path, reason=str(error))


def _deletes_a_range(operations: Sequence[Operation]) -> bool:
    return any(isinstance(operation, Delete) and operation.range.end is not None for operation in operations)


@define(eq=False)
class SqliteStore:
    """A KeyValueStore on one SQLite database. Made by `open_sqlite`, which also closes it."""

    _engine: Engine
    path: str
    _deadline_s: float
    _watch_buffer: int
    _watches: Watches = field(init=False)
    _committer: Committer = field(init=False)
    _waiting: deque[_Job] = field(factory=deque)
    _room: trio.Semaphore = field(factory=lambda: trio.Semaphore(MAX_WAITING))
    _committing: list[_Job] | None = None
    _committing_since: float = 0.0
    # Why the last write failed; a successful write clears it.
    _fault: str | None = None
    _closed: bool = False
    _expiring: bool = False
    # It stays until somebody repairs the file, so it is logged once.
    _damage: Trouble = field(factory=lambda: Trouble("store_damaged", ""))
    _trouble: Trouble = field(factory=lambda: Trouble("store_batch_failed", "store_writes_again"))

    def __attrs_post_init__(self) -> None:
        self._watches = Watches(History(self._engine.revision))
        self._committer = Committer(self._committed, self._break, lambda: self._engine.lease_due, self._expire)
        self._committer.start()

    # -- the port --------------------------------------------------------------------------------------

    async def range(
        self, keys: KeyRange, *, limit: int = 0, tolerant: bool = False, keys_only: bool = False
    ) -> RangeResult:
        result: RangeResult = await self._run(partial(self._engine.range, keys, limit, tolerant, keys_only))
        return result

    async def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation] = ()
    ) -> TransactionResult:
        check_transaction(compare, success, failure)
        call = partial(self._engine.transaction, compare, success, failure)
        result: TransactionResult = await self._run(call, long=_deletes_a_range((*success, *failure)))
        return result

    @asynccontextmanager
    async def watch(self, keys: KeyRange, after_revision: int) -> AsyncIterator[SqliteWatch]:
        watch = self._watches.open(keys, after_revision, self._watch_buffer)
        try:
            yield watch
        finally:
            self._watches.close(watch)

    async def grant(self, ttl_s: int) -> int:
        if ttl_s <= 0:
            raise ValueError(f"a lease of {ttl_s} s")
        lease: int = await self._run(partial(self._engine.grant, ttl_s))
        return lease

    async def keep_alive(self, lease: int) -> int:
        ttl_s: int = await self._run(partial(self._engine.keep_alive, lease))
        return ttl_s

    async def revoke(self, lease: int) -> None:
        await self._run(partial(self._engine.revoke, lease))

    @property
    def shared(self) -> bool:
        return False

    def ready(self) -> str | None:
        if self._closed:
            return "the store is closed"
        if self._committing is not None:
            waited_s = trio.current_time() - self._committing_since
            if waited_s > self._deadline_s / 2:
                return f"the store's disk has not answered for {waited_s:.0f} s"
        return self._fault

    async def checkpoint_by_itself(self, on: bool) -> None:
        """Whether SQLite moves the write-ahead log into the database when it is long: not during a backup."""
        await self._run(partial(self._engine.checkpoint_by_itself, on))

    # -- running calls ---------------------------------------------------------------------------------

    async def _run(self, call: Call, *, long: bool = False) -> Any:
        job = _Job(call, long)
        with trio.move_on_after(self._deadline_s):
            async with self._room:
                if self._closed:
                    raise StoreUnavailableError("the store is closed", definite=True)
                self._waiting.append(job)
                self._flush()
                try:
                    await job.done.wait()
                finally:
                    if not job.begun and not job.done.is_set():
                        self._waiting.remove(job)
        if not job.done.is_set():
            raise StoreUnavailableError(
                f"the store's disk did not answer within {self._deadline_s} s", definite=not job.begun
            )
        if isinstance(job.outcome, Exception):
            raise job.outcome
        return job.outcome

    def _flush(self) -> None:
        """Run waiting calls, unless a commit is under way; its end runs them."""
        while self._waiting and self._committing is None:
            jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            for job in jobs:
                job.begun = True
            calls = [job.call for job in jobs]
            if any(job.long for job in jobs) and self.path != MEMORY:
                self._hand_over(jobs, partial(self._run_and_commit, calls))
                return
            batch = self._engine.run(calls)
            if not batch.wrote:
                self._deliver(jobs, batch)
            elif self.path == MEMORY:
                self._deliver(jobs, self._engine.finish(batch, self._engine.commit()))
            else:
                self._hand_over(jobs, partial(self._commit, batch))

    def _hand_over(self, jobs: list[_Job], work: Callable[[], _Committed]) -> None:
        self._committing, self._committing_since = jobs, trio.current_time()
        self._committer.submit(work)

    def _commit(self, batch: Batch) -> _Committed:
        """In the thread."""
        return batch, self._engine.commit()

    def _run_and_commit(self, calls: Sequence[Call]) -> _Committed:
        """In the thread."""
        batch = self._engine.run(calls)
        return self._commit(batch) if batch.wrote else (batch, None)

    def _committed(self, committed: _Committed) -> None:
        """The thread is done. Called by trio between tasks: an exception here would end the run."""
        try:
            if self._committing is None:
                raise AssertionError("a commit ended that was not begun")
            jobs, self._committing = self._committing, None
            self._deliver(jobs, self._engine.finish(*committed))
            self._flush()
        except Exception as failure:  # noqa: BLE001 - `_break` logs it and ends the store
            self._break(failure)

    def _deliver(self, jobs: Sequence[_Job], batch: Batch) -> None:
        """Events first: a task woken by its own write finds them in the watches."""
        self._watches.dispatch(batch.events)
        failure = next((outcome for outcome in batch.outcomes if isinstance(outcome, StoreUnavailableError)), None)
        if failure is not None:
            self._fault = str(failure)
            self._trouble.happened(calls=len(jobs), definite=failure.definite, reason=str(failure))
        elif batch.wrote:
            self._fault = None
            self._trouble.over()
        for outcome in batch.outcomes:
            if isinstance(outcome, CorruptStoreError):
                self._damage.happened(reason=str(outcome))
        for job, outcome in zip(jobs, batch.outcomes, strict=True):
            job.outcome = outcome
            job.done.set()

    def _expire(self) -> None:
        """A lease is due. Called by trio between tasks, like `_committed`."""
        if not self._expiring and not self._closed:
            self._expiring = True
            trio.lowlevel.spawn_system_task(self._end_leases)

    async def _end_leases(self) -> None:
        """End the leases that are still due once everybody had a turn: their owners run in this process, and could not
        renew them while the loop was busy.
        """
        try:
            for _ in range(_TURNS):
                await trio.lowlevel.checkpoint()
            if not self._closed:
                self._waiting.extend(_Job(partial(self._engine.end, lease)) for lease in self._engine.leases_due())
                self._flush()
        except Exception as failure:  # noqa: BLE001 - `_break` logs it and ends the store
            self._break(failure)
        finally:
            self._expiring = False

    def _break(self, failure: Exception) -> None:
        """An internal error, not the disk's: stop, rather than continue in an unknown state."""
        log.error("store_broken", exc_info=failure)
        self._fault = f"the store failed: {failure!r}"
        self._closed = True
        self._refuse(StoreUnavailableError(self._fault, definite=False))
        self._watches.close_all()

    # -- the end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Accept nothing more and refuse what waits. `open_sqlite` calls this, then `join` in a thread."""
        self._closed = True
        self._refuse(StoreUnavailableError("the store is closed", definite=True))
        self._watches.close_all()
        self._committer.stop()

    def join(self) -> None:
        """Block until a commit that is under way has ended."""
        self._committer.join()

    def _refuse(self, error: StoreUnavailableError) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            job.outcome = error
            job.done.set()
