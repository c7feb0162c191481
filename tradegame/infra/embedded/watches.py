"""Watches inside the process: a bounded channel each, and a shared history for watches that lag or start in the
past.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import trio
from attrs import define, field

from tradegame.core.repositories.errors import CompactedError, StoreUnavailableError
from tradegame.infra.kv.port import Event, EventBatch, KeyRange

HISTORY_EVENTS = 4_096
HISTORY_BYTES = 16 << 20
"""A watch in the same process is a few turns of the loop behind; one that is further reads the present anew."""
CHANNEL_BATCHES = 256


@define
class History:
    """The newest events in order: all since ``floor``, limited by number and by bytes of values.

    In memory only. After a restart nobody asks for what was before, since a watch begins with reading the present.
    """

    floor: int
    revision: int = field(init=False)
    max_events: int = HISTORY_EVENTS
    max_bytes: int = HISTORY_BYTES
    _events: deque[Event] = field(factory=deque)
    _bytes: int = 0

    def __attrs_post_init__(self) -> None:
        self.revision = self.floor

    def add(self, events: Sequence[Event]) -> None:
        """Add whole revisions, and drop whole revisions of the oldest beyond the limits."""
        self._events.extend(events)
        self._bytes += sum(_size(event) for event in events)
        self.revision = events[-1].mod_revision
        while len(self._events) > self.max_events or self._bytes > self.max_bytes:
            self.floor = self._events[0].mod_revision
            while self._events and self._events[0].mod_revision == self.floor:
                self._bytes -= _size(self._events.popleft())

    def since(self, revision: int, keys: KeyRange) -> tuple[Event, ...]:
        """What happened in ``keys`` after ``revision``. Raises CompactedError if some of it was dropped."""
        if revision < self.floor:
            raise CompactedError(f"what happened after revision {revision} is gone up to {self.floor}")
        newest_first = []
        for event in reversed(self._events):
            if event.mod_revision <= revision:
                break
            if event.key in keys:
                newest_first.append(event)
        return tuple(reversed(newest_first))


def _size(event: Event) -> int:
    return len(event.value or b"")


@define(eq=False)
class SqliteWatch:
    """One watch. If its channel is full, nothing waits for it: it continues from the history."""

    _keys: KeyRange
    _seen: int
    _history: History
    _send: trio.MemorySendChannel[EventBatch]
    _receive: trio.MemoryReceiveChannel[EventBatch]
    # Something between `_seen` (and what the channel holds) and the present must come from the history.
    _behind: bool

    @classmethod
    def open(cls, keys: KeyRange, after_revision: int, history: History, buffer: int) -> SqliteWatch:
        send, receive = trio.open_memory_channel[EventBatch](buffer)
        behind = after_revision < history.revision
        return cls(keys, after_revision, history, send, receive, behind)

    async def receive(self) -> EventBatch:
        """See `Watch.receive`. A cancelled call loses nothing."""
        while True:
            await trio.lowlevel.checkpoint_if_cancelled()
            try:
                batch = self._receive.receive_nowait()
            except trio.WouldBlock:
                if self._behind:
                    batch = self._caught_up()
                    if not batch.events:
                        continue
                    await trio.lowlevel.cancel_shielded_checkpoint()
                else:
                    batch = await self._wait()
            except trio.EndOfChannel:
                raise _closed() from None
            else:
                await trio.lowlevel.cancel_shielded_checkpoint()
            self._seen = batch.revision
            return batch

    def deliver(self, events: Sequence[Event]) -> None:
        """Deliver new events; called by the store, never waits."""
        if self._behind:
            return
        wanted = tuple(event for event in events if event.key in self._keys and event.mod_revision > self._seen)
        if not wanted:
            return
        try:
            self._send.send_nowait(EventBatch(wanted[-1].mod_revision, wanted))
        except trio.WouldBlock:
            self._behind = True

    def close(self) -> None:
        self._send.close()

    async def _wait(self) -> EventBatch:
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            raise _closed() from None

    def _caught_up(self) -> EventBatch:
        events = self._history.since(self._seen, self._keys)
        self._behind = False
        revision = max(self._seen, self._history.revision)
        self._seen = revision
        return EventBatch(revision, events)


def _closed() -> StoreUnavailableError:
    return StoreUnavailableError("the store is closed", definite=True)


@define(eq=False)
class Watches:
    """Every open watch, and the history they share."""

    history: History
    _open: set[SqliteWatch] = field(factory=set)
    _closed: bool = False

    def open(self, keys: KeyRange, after_revision: int, buffer: int = CHANNEL_BATCHES) -> SqliteWatch:
        watch = SqliteWatch.open(keys, after_revision, self.history, buffer)
        if self._closed:
            watch.close()
        self._open.add(watch)
        return watch

    def close(self, watch: SqliteWatch) -> None:
        watch.close()
        self._open.discard(watch)

    def dispatch(self, events: Sequence[Event]) -> None:
        if not events:
            return
        self.history.add(events)
        for watch in self._open:
            watch.deliver(events)

    def close_all(self) -> None:
        """Every receive raises StoreUnavailableError from now on, after what was already delivered."""
        self._closed = True
        for watch in self._open:
            watch.close()
