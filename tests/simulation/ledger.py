"""etcd's data model as a plain state machine: revisions, transactions, leases, history, compaction. No I/O, no waiting.

https://etcd.io/docs/v3.5/learning/data_model/
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence

from attrs import Factory, define, evolve

from tradegame.core.repositories.errors import CompactedError, LeaseLostError
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


@define
class Lease:
    """``deadline`` on the ledger's clock, in s. ``keys`` hang on it."""

    ttl_s: float
    deadline: float
    keys: dict[str, None] = Factory(dict)


@define(eq=False)
class Ledger:
    """The one truth that all nodes share. ``now`` in s; ``observe`` hears of every revision that writes.

    Leases end when `expire` is called after their deadline: whoever owns the ledger sees to that.
    """

    now: Callable[[], float]
    observers: list[Callable[[int, tuple[Event, ...]], None]] = Factory(list)
    revision: int = 1
    compacted: int = 0
    leases: dict[int, Lease] = Factory(dict)
    pairs: dict[str, KeyValuePair] = Factory(dict)
    _keys: list[str] = Factory(list)
    _history: deque[tuple[int, tuple[Event, ...]]] = Factory(deque)
    _granted: int = 0

    def range(self, keys: KeyRange, limit: int, keys_only: bool = False) -> RangeResult:
        found = [evolve(pair, value=b"") if keys_only else pair for pair in self._in(keys)]
        more = bool(limit) and len(found) > limit
        return RangeResult(self.revision, tuple(found[:limit] if limit else found), more)

    def transaction(
        self, compare: Sequence[Compare], success: Sequence[Operation], failure: Sequence[Operation]
    ) -> TransactionResult:
        """Raises LeaseLostError, and then nothing of it happened."""
        succeeded = all(
            (pair.mod_revision if (pair := self.pairs.get(each.key)) else 0) == each.mod_revision for each in compare
        )
        operations = success if succeeded else failure
        for operation in operations:
            if isinstance(operation, Put) and operation.lease and operation.lease not in self.leases:
                raise LeaseLostError(f"no lease {operation.lease}")
        events: list[Event] = []
        read: list[tuple[KeyValuePair, ...]] = []
        for operation in operations:
            if isinstance(operation, Put):
                events.append(self._put(operation))
            elif isinstance(operation, Delete):
                events += self._delete([pair.key for pair in self._in(operation.range)])
            elif isinstance(operation, Get):
                read.append(tuple(self._in(operation.range)))
        self._commit(events)
        return TransactionResult(succeeded, self.revision, tuple(read))

    def since(self, revision: int, keys: KeyRange) -> list[tuple[int, tuple[Event, ...]]]:
        """What happened in ``keys`` after ``revision``, by revision. Raises CompactedError."""
        if revision < self.compacted:
            raise CompactedError(f"what happened after revision {revision} is compacted up to {self.compacted}")
        happened = []
        for at, events in reversed(self._history):
            if at <= revision:
                break
            if wanted := tuple(event for event in events if event.key in keys):
                happened.append((at, wanted))
        return happened[::-1]

    def compact(self, revision: int) -> None:
        """Forget what happened up to ``revision``. What is there stays."""
        self.compacted = max(self.compacted, min(revision, self.revision))
        while self._history and self._history[0][0] <= self.compacted:
            self._history.popleft()

    def grant(self, ttl_s: int) -> int:
        self._granted += 1
        lease = 7_000 + self._granted
        self.leases[lease] = Lease(ttl_s, self.now() + ttl_s)
        return lease

    def keep_alive(self, lease: int) -> int:
        self.expire()
        known = self.leases.get(lease)
        if known is None:
            raise LeaseLostError(f"the lease {lease} is over")
        known.deadline = self.now() + known.ttl_s
        return int(known.ttl_s)

    def revoke(self, lease: int) -> None:
        known = self.leases.pop(lease, None)
        if known is not None:
            self._commit(self._delete(sorted(known.keys)))

    def expire(self) -> None:
        """End every lease whose time is over."""
        now = self.now()
        for lease in [lease for lease, known in self.leases.items() if known.deadline <= now]:
            self.revoke(lease)

    def next_expiry(self) -> float:
        """When the next lease ends, on the ledger's clock; infinity when there is none."""
        return min((known.deadline for known in self.leases.values()), default=float("inf"))

    def _in(self, keys: KeyRange) -> list[KeyValuePair]:
        if keys.end is None:
            pair = self.pairs.get(keys.start)
            return [pair] if pair else []
        return [
            self.pairs[key]
            for key in self._keys[bisect_left(self._keys, keys.start) : bisect_left(self._keys, keys.end)]
        ]

    def _put(self, put: Put) -> Event:
        known = self.pairs.get(put.key)
        if known is None:
            insort(self._keys, put.key)
            pair = KeyValuePair(put.key, put.value, self.revision + 1, self.revision + 1, put.lease)
        else:
            if known.lease in self.leases:
                del self.leases[known.lease].keys[put.key]
            pair = evolve(known, value=put.value, mod_revision=self.revision + 1, lease=put.lease)
        self.pairs[put.key] = pair
        if put.lease:
            self.leases[put.lease].keys[put.key] = None
        return Event(pair.key, pair.value, pair.mod_revision, pair.create_revision)

    def _delete(self, keys: Sequence[str]) -> list[Event]:
        for key in keys:
            pair = self.pairs.pop(key)
            del self._keys[bisect_left(self._keys, key)]
            if pair.lease in self.leases:
                del self.leases[pair.lease].keys[key]
        return [Event(key, None, self.revision + 1) for key in keys]

    def _commit(self, events: Sequence[Event]) -> None:
        if not events:
            return
        self.revision += 1
        told = tuple(events)
        self._history.append((self.revision, told))
        for observer in list(self.observers):
            observer(self.revision, told)
