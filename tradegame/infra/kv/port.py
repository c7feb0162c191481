"""The ordered key-value store on which the repositories are built: etcd's data model, in typed Python.

Every write takes the next *revision* of the whole store. A key knows the revision that created it (``create_revision``)
and the last that changed it (``mod_revision``). A transaction compares, then performs one list of operations or the
other, atomically, in one revision. A watch delivers the writes to a range of keys in revision order, from any revision
that still exists. See https://etcd.io/docs/v3.5/learning/data_model/.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import field, frozen


@frozen
class KeyRange:
    """The keys ``start <= key < end``; ``end=None`` is the one key ``start``."""

    start: str
    end: str | None = None

    @classmethod
    def prefix(cls, prefix: str) -> KeyRange:
        """Every key that begins with ``prefix`` (which must not be empty)."""
        return cls(prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))

    def __contains__(self, key: str) -> bool:
        if self.end is None:
            return key == self.start
        return self.start <= key < self.end


@frozen
class KeyValuePair:
    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    lease: int = 0


@frozen
class Put:
    """Write a key; with ``lease`` not 0 it vanishes with that lease."""

    key: str
    value: bytes
    lease: int = 0


@frozen
class Delete:
    """Delete a range, which may be empty."""

    range: KeyRange


@frozen
class Get:
    """Read a range inside a transaction, in key order."""

    range: KeyRange


Operation = Put | Delete | Get


@frozen
class Compare:
    """Holds when the key's ``mod_revision`` equals ``mod_revision``; 0 means the key is absent."""

    key: str
    mod_revision: int


@frozen
class TransactionResult:
    """``succeeded``: which branch ran. ``pairs``: what its ``Get`` operations found, one tuple each, in order.

    ``revision``: the store's revision after the transaction (its own, if it wrote).
    """

    succeeded: bool
    revision: int
    pairs: tuple[tuple[KeyValuePair, ...], ...] = ()


@frozen
class RangeResult:
    """``revision``: the store's revision at the time of the read. ``more``: the limit cut it short. ``unreadable``:
    keys whose values the store has lost (a damaged file), if that was requested.
    """

    revision: int
    pairs: tuple[KeyValuePair, ...]
    more: bool = False
    unreadable: tuple[str, ...] = ()


@frozen
class Event:
    """One write to one key. ``value`` is None if the key was deleted (or its lease ended)."""

    key: str
    value: bytes | None
    mod_revision: int
    create_revision: int = 0


@frozen
class EventBatch:
    """Everything that one or more whole revisions did in the watched range, in order. Never part of a revision."""

    revision: int
    events: tuple[Event, ...] = field(factory=tuple)


class Watch(Protocol):
    """One open watch. A single task receives from it."""

    async def receive(self) -> EventBatch:
        """The next batch. Never ends by itself.

        Raises CompactedError if what comes next is gone from the store: the watch is then over.
        """
        ...


class KeyValueStore(Protocol):
    """An ordered key-value store.

    Every method may raise StoreUnavailableError within its own deadline (``definite`` tells whether a write can have
    happened); none waits for ever. Every method may raise CorruptStoreError if it meets a damaged part of the store; a
    retry will meet it again.
    """

    @property
    def shared(self) -> bool:
        """Whether other processes may write to it."""
        ...

    async def range(
        self, keys: KeyRange, *, limit: int = 0, tolerant: bool = False, keys_only: bool = False
    ) -> RangeResult:
        """Read keys, linearizably, in order. ``limit`` keeps the first that many; 0 means no limit. With ``keys_only``
        every value is empty.

        There is no filter by revision: etcd reads the whole range for one, whatever the limit. Raises CorruptStoreError
        if something there cannot be read; if ``tolerant``, the result names it instead.
        """
        ...

    async def transaction(
        self,
        compare: Sequence[Compare],
        success: Sequence[Operation],
        failure: Sequence[Operation] = (),
    ) -> TransactionResult:
        """Compare and write, once. At most 100 operations, at most 1 MiB of values.

        Raises StoreRefusedError if it is too much, or writes a key twice. Never retried after it may have reached the
        store: an unknown outcome is StoreUnavailableError(definite=False), and the caller finds out.
        """
        ...

    def watch(self, keys: KeyRange, after_revision: int) -> AbstractAsyncContextManager[Watch]:
        """Everything that happens in ``keys`` after ``after_revision``, in order, without gap or repeat.

        Uses a bounded trio memory channel; resumes by itself if a connection breaks. An empty batch is a sign of
        progress: everything before its revision was delivered.
        """
        ...

    async def grant(self, ttl_s: int) -> int:
        """A new lease that lives ``ttl_s`` seconds past its last keep-alive. Returns its id, never 0."""
        ...

    async def keep_alive(self, lease: int) -> int:
        """Renew the lease; returns its time to live in s. Raises LeaseLostError."""
        ...

    async def revoke(self, lease: int) -> None:
        """End the lease and delete its keys. Does nothing for an unknown lease."""
        ...

    def ready(self) -> str | None:
        """None while the store answers and its watches are known to be live; otherwise the reason."""
        ...
