"""From a thread into trio, bounded, many items at a time.

``trio.from_thread.run(channel.send, …)`` for each item keeps thread and trio in lockstep: 200 items a second beside a
busy trio. Here the thread runs ahead up to the bound, and trio takes several at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")

_LIMIT = 32
AT_ONCE = 8
"""What a task takes in one turn of the loop: each watch response may hold many events."""


@define(eq=False)
class Handoff(Generic[T]):
    """One thread puts, one task takes. Made in trio."""

    _items: deque[T] = field(factory=deque)
    _room: threading.Semaphore = field(factory=lambda: threading.Semaphore(_LIMIT))
    _closed: bool = False
    _arrived: trio.Event = field(factory=trio.Event)
    _token: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token)

    def put(self, item: T) -> bool:
        """From the thread: hand over an item, waiting for room. Returns False once it is closed."""
        self._room.acquire()
        if self._closed:
            return False
        self._items.append(item)
        self._token.run_sync_soon(self._wake, idempotent=True)
        return True

    def close(self) -> None:
        """Release a waiting thread for good; and the task, once it has taken everything."""
        self._closed = True
        self._room.release()
        self._wake()

    async def take(self) -> Sequence[T]:
        """The first items that are there, in order: at least one, at most ``AT_ONCE``; none after the close."""
        while not self._items and not self._closed:
            await self._arrived.wait()
            self._arrived = trio.Event()
        taken: list[T] = []
        while self._items and len(taken) < AT_ONCE:
            taken.append(self._items.popleft())
            self._room.release()
        return taken

    def _wake(self) -> None:
        self._arrived.set()
