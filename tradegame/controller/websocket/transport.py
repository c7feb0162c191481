"""One client's WebSocket.

trio-websocket's way from the socket to a message costs more than all the rest of a request. So plain text messages,
nearly all there is, are taken from the stream before it sees them (``incoming.py``), and what goes out is encoded once
and written to the socket directly (``outbox.py``).
"""

from __future__ import annotations

import trio

from tradegame.controller.backlog import Backlog
from tradegame.controller.head import Head
from tradegame.controller.websocket import frames
from tradegame.controller.websocket.incoming import Incoming, Pay
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.poller import Poller
from tradegame.controller.websocket.sink import sink_for
from tradegame.protocol.closing import GOING_AWAY, LOST, TOO_SLOW


class WebSocket(Incoming):
    """An open WebSocket, the server's side.

    One task may ``receive``. Anyone may ``send``, ``ping`` and ``close``, and put into ``outbox``.
    """

    __slots__ = ("_nursery", "_opened", "_over", "_refused", "_stream", "_written")

    def __init__(
        self,
        stream: trio.abc.Stream,
        head: Head,
        frame_bytes: int,
        outbox_bytes: int,
        pay: Pay,
        backlog: Backlog | None = None,
        poller: Poller | None = None,
    ) -> None:
        """For ``accept`` alone. Raises trio.BrokenResourceError."""
        sink = sink_for(stream)
        outbox = Outbox(sink, outbox_bytes, self._overflowed, backlog)
        super().__init__(sink, outbox, head.rest, frame_bytes, pay, poller)
        self._stream = stream
        self._nursery: trio.Nursery | None = None
        self._opened = False  # the handshake is over, and the client was answered
        self._refused = False  # the handshake failed, and the client was not answered
        self._written = False  # the writer has ended
        self._over = False  # nothing but closing the stream is left to do

    def ping(self) -> None:
        """Ask the client for a sign of life: its answer ends what ``silent_s`` counts."""
        self.send(frames.ping_frame())

    async def close(self, code: int, reason: str, within_s: float = 1.0) -> None:
        """Say ``code`` and ``reason`` (cut at 123 bytes), wait for the client to say it too, and close the socket.

        Takes at most ``within_s``, whatever the client does, and is not cancelled. Idempotent: an end that has begun
        keeps its code. What waits in the outbox goes first. What the client still sends is dropped.
        """
        self.begin_close(code, reason)
        if not self._over:
            with trio.move_on_after(within_s, shield=True):
                await self._changes.until(lambda: self._written)
                await self._await_peer()
            self.stop()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._stream)

    def _overflowed(self) -> None:
        """The outbox dropped what the client should have had: it must go, and resume."""
        self.begin_close(TOO_SLOW, "reads too slowly")
        if self._nursery is not None:
            self._nursery.start_soon(self.close, TOO_SLOW, "")

    def stop(self) -> None:
        """The end of everything but the stream."""
        if self._end is None:
            self._end = (LOST, "the connection broke", False)
        self.outbox.close()
        self._judge.end()
        self._written = self._over = True
        if self._handle is not None and self._poller is not None:
            self._poller.wake(self._sink.fileno())  # before that is closed
        self._changes.made()

    async def handshake(self, nursery: trio.Nursery, request: bytes, subprotocol: str | None) -> bool:
        """For ``accept`` alone: open it. Returns False if the request is malformed: then the client was not answered.

        What has to be done besides is done by tasks in ``nursery``. Raises trio.BrokenResourceError.
        """
        self._nursery = nursery
        nursery.start_soon(self._serve, name="writer")
        opened = await self._judge.handshake(nursery, request, subprotocol)
        if self._over:
            raise trio.BrokenResourceError
        self._opened = opened
        if not opened:
            self._refused = True
            self.outbox.close()
        return opened

    async def _serve(self) -> None:
        """Write until the end, and then close the stream, unless the client was refused."""
        try:
            try:
                await self.outbox.run_writer()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.stop()
            self._written = True
            self._changes.made()
            if not self._refused:
                await self._changes.until(lambda: self._over)
        finally:
            self._nursery = None
            if self._opened:  # cancelled before anybody closed it: a word, if the socket takes it at once
                self.begin_close(GOING_AWAY, "the server is going away")
            self.stop()
            if not self._refused:
                with trio.CancelScope(shield=True):
                    await trio.aclose_forcefully(self._stream)
