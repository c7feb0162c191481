"""trio-websocket, to which every frame but the plainest is fed. The only file of the server that imports it.

It does the handshake, reassembles fragments, answers what closes are not of the usual kind, and judges what breaks the
protocol. It takes a third of an idle connection's memory, so it goes after the handshake and comes back, for good, at
the first frame for it: until then the connection has sent nothing but whole messages, and is to it as good as new.
"""

from __future__ import annotations

from typing import cast

import trio
import trio_websocket

from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.tap import ReaderNursery, Tap

_ANY_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Judge:
    """It works on a stream of our own (``Tap``), and what it writes goes into the outbox."""

    __slots__ = ("_conn", "_frame_bytes", "_nursery", "_outbox", "_tap")

    def __init__(self, outbox: Outbox, frame_bytes: int) -> None:
        """``frame_bytes``: the most that a message may have."""
        self._outbox = outbox
        self._frame_bytes = frame_bytes
        self._nursery: trio.Nursery | None = None
        self._tap: Tap | None = None
        self._conn: trio_websocket.WebSocketConnection | None = None

    @property
    def called(self) -> bool:
        """Whether a frame was fed: from then on every other one must be."""
        return self._conn is not None

    @property
    def ended(self) -> bool:
        """Its reader task is gone, after a close or a fault."""
        return self._tap is None or self._tap.ended

    async def handshake(self, nursery: trio.Nursery, request: bytes, subprotocol: str | None) -> bool:
        """Accept an upgrade request, as it came. Returns False if it is malformed: then nothing was answered.

        Its reader task runs in ``nursery``, now and after the first ``feed``.
        """
        self._nursery = nursery
        conn = await self._open(nursery, request, subprotocol, answered=False)
        if self._tap is not None:
            self._tap.end()
        self._tap = None
        return conn is not None

    async def feed(self, data: bytes) -> tuple[int, str] | None:
        """Let it have whole frames. Returns the code and the reason if they made it close."""
        if self._tap is None and self._nursery is not None:
            self._conn = await self._open(self._nursery, _ANY_REQUEST, None, answered=True)
        if self._tap is None or self._conn is None:
            return None
        await self._tap.feed(data)
        closed = self._conn.closed
        return None if closed is None else (closed.code, closed.reason or "")

    async def message(self) -> str | bytes | None:
        """The message whose last fragment was just fed; None if there is none."""
        assert self._conn is not None
        try:
            return await self._conn.get_message()
        except trio_websocket.ConnectionClosed:
            return None

    def end(self) -> None:
        """End its reader task, and a handshake that is under way. It takes no more frames."""
        self._nursery = None
        if self._tap is not None:
            self._tap.end()

    async def _open(
        self, nursery: trio.Nursery, request: bytes, subprotocol: str | None, *, answered: bool
    ) -> trio_websocket.WebSocketConnection | None:
        """``answered``: the client has its answer to the handshake, and gets no other."""
        tap, conn = Tap(self._outbox, request), None
        self._tap = tap
        with trio.CancelScope() as waiting:
            tap.on_end = waiting.cancel  # it refuses by closing the stream, and says nothing to who waits
            proposal = await trio_websocket.wrap_server_stream(
                cast("trio.Nursery", ReaderNursery(nursery, tap)),
                tap,
                max_message_size=self._frame_bytes,
                receive_buffer_size=None,
            )
            tap.holding = answered
            conn = await proposal.accept(subprotocol=subprotocol)
        tap.holding, tap.on_end = False, None
        return conn
