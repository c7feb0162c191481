"""The stream that trio-websocket works on: what we feed it, it reads; what it writes, our outbox takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
import trio

from tradegame.controller.websocket import frames
from tradegame.controller.websocket.outbox import Outbox

log = structlog.get_logger(__name__)


class Tap(trio.abc.Stream):
    """A stream between trio-websocket's reader task and us.

    **Order.** ``feed`` returns when the reader has dealt with all it was fed, and asks for more, or has ended: so a
    frame's effects (a pong, a message) are there when it returns.

    **Error handling.** What the reader raises is logged, and ends the tap: it never reaches the nursery.
    """

    __slots__ = ("_data", "_fed", "_idle", "_outbox", "ended", "holding", "on_end")

    def __init__(self, outbox: Outbox, first: bytes) -> None:
        """``first``: what the reader finds when it first reads."""
        self._outbox = outbox
        self._data = first
        self._fed: trio.Event | None = None  # the reader waits for bytes
        self._idle: trio.Event | None = None  # a feeder waits for the reader
        self.ended = False
        """The reader has closed the stream, or is gone."""
        self.holding = True
        """What the reader writes is dropped: before the handshake is accepted it could only be a refusal."""
        self.on_end: Callable[[], None] | None = None

    async def feed(self, data: bytes) -> None:
        """Let the reader have these bytes, all at once, and wait until it is done with them."""
        if self.ended:
            return
        self._data += data
        self._idle = trio.Event()
        if self._fed is not None:
            self._fed.set()
        await self._idle.wait()
        self._idle = None

    async def run_reader(self, reader: Callable[[], Awaitable[None]]) -> None:
        """Run trio-websocket's reader task."""
        try:
            await reader()
        except Exception as error:
            if self.holding:  # wsproto fails on some heads that it should refuse, and it comes to the same
                log.debug("websocket_handshake_failed", error=repr(error))
            else:
                log.exception("websocket_reader_failed")
        finally:
            self.end()

    def end(self) -> None:
        """The reader finds its stream closed, and ends."""
        self.ended = True
        for event in (self._fed, self._idle):
            if event is not None:
                event.set()
        if self.on_end is not None:
            self.on_end()

    # What trio-websocket calls

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """All that was fed. ``max_bytes`` is not heeded: the caller does not give one."""
        if not self._data:
            if self._idle is not None:
                self._idle.set()
            if not self.ended:
                self._fed = trio.Event()
                await self._fed.wait()
                self._fed = None
        if self.ended:
            raise trio.ClosedResourceError
        data, self._data = self._data, b""
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Into the outbox. A close frame is the last thing that goes there."""
        await trio.lowlevel.checkpoint()
        frame = bytes(data)
        if self.holding:
            return
        if frames.is_close(frame):
            self._outbox.finish(frame)
        else:
            self._outbox.put(frame)
            self._outbox.flush()

    async def wait_send_all_might_not_block(self) -> None:
        """It never does: the outbox bounds what may wait."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Ends the tap, not the client's stream."""
        self.end()
        await trio.lowlevel.checkpoint()


class ReaderNursery:
    """As much of a nursery as trio-websocket starts its reader task with."""

    __slots__ = ("_nursery", "_tap")

    def __init__(self, nursery: trio.Nursery, tap: Tap) -> None:
        self._nursery = nursery
        self._tap = tap

    def start_soon(self, reader: Callable[[], Awaitable[None]]) -> None:
        """Start it as the tap's reader."""
        self._nursery.start_soon(self._tap.run_reader, reader)
