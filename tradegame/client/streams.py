"""A consumer's own bounded buffer of events, which never makes the reader of the socket wait."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

import trio

from tradegame.client.errors import Stop
from tradegame.client.events import Event, Lagged


class EventStream(AsyncIterator[Event]):
    """What ``game.events()`` returns: events from the moment of that call on.

    At most ``buffer`` events wait. When one more comes, the oldest is dropped, and the next thing read is
    ``Lagged(missed)``. The iteration ends when the game is left or the client is closed; when the server
    stopped the connection, it raises that, after what was buffered. One task may read it at a time.
    Nothing needs closing: a stream that nobody holds any more is forgotten.
    """

    def __init__(self, buffer: int) -> None:
        if buffer < 1:
            raise ValueError("buffer must be at least 1")
        self._events: deque[Event] = deque()
        self._buffer = buffer
        self._missed = 0
        self._over = False
        self._stop: Stop | None = None
        self._parked = trio.lowlevel.ParkingLot()

    def put(self, event: Event) -> None:
        if len(self._events) >= self._buffer:
            self._events.popleft()
            self._missed += 1
        self._events.append(event)
        self._parked.unpark()

    def end(self, stop: Stop | None = None) -> None:
        """Nothing more comes; with a ``stop``, the reader is told so by its error."""
        if not self._over:
            self._over, self._stop = True, stop
            self._parked.unpark_all()

    async def __anext__(self) -> Event:
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._events:
            if self._over:
                if self._stop is not None:
                    raise self._stop.error()
                raise StopAsyncIteration
            await self._parked.park()
        if self._missed:
            missed, self._missed = self._missed, 0
            return Lagged(missed)
        event = self._events.popleft()
        await trio.lowlevel.cancel_shielded_checkpoint()
        return event
