"""trio-websocket, to which every frame but plain text is fed. The only file of the server that imports it.

It does the handshake, reassembles fragments, answers a close, and judges what breaks the protocol.
"""

from __future__ import annotations

from typing import cast

import trio
import trio_websocket

from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.tap import ReaderNursery, Tap


class Judge:
    """It works on a stream of our own (``Tap``), and what it writes goes into the outbox."""

    __slots__ = ("_conn", "_tap")

    def __init__(self, outbox: Outbox, request: bytes) -> None:
        """``request``: the upgrade request, as it came."""
        self._tap = Tap(outbox, request)
        self._conn: trio_websocket.WebSocketConnection | None = None

    async def handshake(self, nursery: trio.Nursery, subprotocol: str | None, frame_bytes: int) -> bool:
        """Accept the request. Returns False if it is malformed: then nothing was answered.

        From here on, its reader task runs in ``nursery``.
        """
        reader_nursery = cast("trio.Nursery", ReaderNursery(nursery, self._tap))
        with trio.CancelScope() as waiting:
            self._tap.on_end = waiting.cancel  # it refuses by closing the stream, and says nothing to who waits
            request = await trio_websocket.wrap_server_stream(
                reader_nursery, self._tap, max_message_size=frame_bytes, receive_buffer_size=None
            )
            self._tap.holding = False
            self._conn = await request.accept(subprotocol=subprotocol)
        self._tap.on_end = None
        return self._conn is not None

    async def feed(self, data: bytes) -> tuple[int, str] | None:
        """Let it have whole frames. Returns the code and the reason if they made it close."""
        assert self._conn is not None
        await self._tap.feed(data)
        closed = self._conn.closed
        return None if closed is None else (closed.code, closed.reason or "")

    @property
    def ended(self) -> bool:
        """Its reader task is gone, after a close or a fault."""
        return self._tap.ended

    async def message(self) -> str | bytes | None:
        """The message whose last fragment was just fed; None if there is none."""
        assert self._conn is not None
        try:
            return await self._conn.get_message()
        except trio_websocket.ConnectionClosed:
            return None
