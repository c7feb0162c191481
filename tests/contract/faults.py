"""A store whose writes go wrong as told: dropped, done without an answer, refused, or the end of the node."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

import trio

from tradegame.core.repositories.errors import CompactedError, StoreFullError, StoreRefusedError, StoreUnavailableError
from tradegame.infra.kv.port import (
    Compare,
    EventBatch,
    KeyRange,
    KeyValueStore,
    Operation,
    Put,
    RangeResult,
    TransactionResult,
    Watch,
)


class Fault(enum.Enum):
    REFUSED = "it certainly did not happen"
    DROPPED = "it did not happen, and nobody knows"
    UNANSWERED = "it happened, and nobody knows"
    SILENT = "it did not happen, and no answer comes, ever"
    FULL = "there is no room"
    FILLED = "it happened, and after it there was no room"


class CrashError(Exception):
    """The node died here."""


class _CompactedWatch:
    async def receive(self) -> EventBatch:
        await trio.lowlevel.checkpoint()
        raise CompactedError("compacted")


class FaultyStore:
    """Passes everything on, but ``faults`` befall the next transactions, in that order (None: all is well).

    Right before the ``meddles_at``-th, ``meddle`` is awaited: what another node does at that moment.
    So many of the next ranges fail as ``unreadable`` says, and so many of the next watches meet a compaction at
    once as ``compactions`` says.
    A transaction that puts more than ``most_bytes`` is refused, as by an etcd with a smaller ``--max-request-bytes``.
    With ``dies_at`` n the n-th transaction from now on never reaches the store and raises CrashError.
    """

    def __init__(self, kv: KeyValueStore, faults: Sequence[Fault | None] = ()) -> None:
        self._kv = kv
        self.faults = list(faults)
        self.dies_at: int | None = None
        self.transactions = 0
        self.meddles_at: int | None = None
        self.meddle: Callable[[], Awaitable[object]] = trio.lowlevel.checkpoint
        self.unreadable = 0
        self.ranges = 0
        self.compactions = 0
        self.most_bytes: int | None = None

    async def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation] = ()
    ) -> TransactionResult:
        self.transactions += 1
        if self.transactions == self.meddles_at:
            await self.meddle()
        if self.dies_at == self.transactions:
            raise CrashError
        size = sum(len(operation.value) for operation in success if isinstance(operation, Put))
        if self.most_bytes is not None and size > self.most_bytes:
            raise StoreRefusedError("etcdserver: request is too large (INVALID_ARGUMENT)")
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.REFUSED:
            raise StoreUnavailableError("refused", definite=True)
        if fault is Fault.DROPPED:
            raise StoreUnavailableError("dropped", definite=False)
        if fault is Fault.SILENT:
            await trio.sleep_forever()
        if fault is Fault.FULL:
            raise StoreFullError("full")
        result = await self._kv.transaction(compare, success, failure)
        if fault is Fault.UNANSWERED:
            raise StoreUnavailableError("unanswered", definite=False)
        if fault is Fault.FILLED:
            raise StoreFullError("full")
        return result

    async def range(
        self, keys: KeyRange, *, limit: int = 0, tolerant: bool = False, keys_only: bool = False
    ) -> RangeResult:
        self.ranges += 1
        if self.unreadable:
            self.unreadable -= 1
            raise StoreUnavailableError("unreadable", definite=True)
        return await self._kv.range(keys, limit=limit, tolerant=tolerant, keys_only=keys_only)

    def watch(self, keys: KeyRange, after_revision: int) -> AbstractAsyncContextManager[Watch]:
        if self.compactions:
            self.compactions -= 1
            return nullcontext(_CompactedWatch())
        return self._kv.watch(keys, after_revision)

    async def grant(self, ttl_s: int) -> int:
        return await self._kv.grant(ttl_s)

    async def keep_alive(self, lease: int) -> int:
        return await self._kv.keep_alive(lease)

    async def revoke(self, lease: int) -> None:
        await self._kv.revoke(lease)

    @property
    def shared(self) -> bool:
        return self._kv.shared

    def ready(self) -> str | None:
        return self._kv.ready()
