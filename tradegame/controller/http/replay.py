"""A client's stream as Hypercorn wants it: it begins with what was read already, and nothing on it takes for ever."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial

import trio
from attrs import define, field

from tradegame.controller.backlog import Backlog, Share
from tradegame.controller.head import Pay, free
from tradegame.controller.tls import SecureStream

SEND_S = 10.0
"""How long the peer may take for each 64 KiB it is sent: slower than 6 KiB/s is given up."""
_PIECE = 65_536
_CLOSE_S = 1.0

READER: ContextVar[Share | None] = ContextVar("READER", default=None)
"""Whose request is answered: what of the answer waits counts there."""


@define(eq=False)
class Lost:
    """Whether something could not be sent: the peer has gone, or was given up for a ``reason``."""

    reason: str = field(default="", init=False)
    _event: trio.Event = field(factory=trio.Event, init=False)

    def set(self, reason: str = "") -> None:
        """It could not. The first reason stays."""
        self.reason = self.reason or reason
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        """Return when it is set."""
        await self._event.wait()


class Replay(trio.abc.HalfCloseableStream):
    """A TCP stream of which the first bytes come from memory.

    Hypercorn sends in a shield, without a deadline: the deadline is here. A send that misses it, or a close that takes
    over 1 s, closes the socket. What waits to be sent counts in the backlog, for which the socket may be closed, too.
    """

    __slots__ = ("_first", "_pause_s", "_pay", "_released", "_stream", "lost", "share", "socket")

    def __init__(
        self,
        stream: trio.SocketStream | SecureStream,
        first: bytes,
        backlog: Backlog | None = None,
        pay: Pay = free,
    ) -> None:
        """``pay`` is charged for each read."""
        self._pay = pay
        self._pause_s = 0.0
        self._stream = stream
        self._first = first
        self._released = False
        self.lost = Lost()
        self.share = Share(backlog or Backlog(), partial(self.lost.set, "too much waits for clients"))
        self.socket = stream.socket

    def release(self) -> None:
        """The stream is somebody else's from here on: it is not closed any more."""
        self._released = True

    def cut(self) -> None:
        """Close the socket, now. What waits for it is woken by an error."""
        if not self._released:
            self.socket.close()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """The first bytes, then the stream's."""
        if self._first:
            await trio.lowlevel.checkpoint()
            first, self._first = self._first, b""
            return first
        if self._pause_s:
            await trio.sleep(self._pause_s)
        data = bytes(await self._stream.receive_some(max_bytes))
        self.owe()
        return data

    def owe(self) -> None:
        """Charge a read, or what costs as much: the next one may have to wait for it."""
        self._pause_s = self._pay(1)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Raises trio.BrokenResourceError if the peer is too slow, too."""
        waiting = (data,)
        self.share.hold(waiting)
        self.share.backlog.relieve()
        try:
            with memoryview(data) as view:
                for at in range(0, len(view), _PIECE):
                    with trio.move_on_after(SEND_S) as deadline:
                        await self._stream.send_all(view[at : at + _PIECE])
                    if deadline.cancelled_caught:
                        self.lost.set(slow := "the client reads too slowly")
                        self.cut()
                        raise trio.BrokenResourceError(slow)
                    self.share.took()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.lost.set()
            raise
        finally:
            self.share.release(waiting)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream's."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """As the stream's; nothing over TLS, whose close says it."""
        if isinstance(self._stream, trio.SocketStream) and not self._released:
            await self._stream.send_eof()
        else:
            await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close the stream, within 1 s."""
        if self._released:
            await trio.lowlevel.checkpoint()
            return
        with trio.move_on_after(_CLOSE_S):
            await self._stream.aclose()
        self.cut()


class SecureReplay(Replay):
    """The same over TLS. The handshake is behind it; Hypercorn tells TLS from TCP by these three."""

    __slots__ = ("transport_stream",)

    def __init__(
        self,
        stream: SecureStream,
        first: bytes,
        backlog: Backlog | None = None,
        pay: Pay = free,
    ) -> None:
        super().__init__(stream, first, backlog, pay)
        self.transport_stream = stream.plain

    async def do_handshake(self) -> None:
        """It has been done."""
        await trio.lowlevel.checkpoint()

    def selected_alpn_protocol(self) -> str:
        """The only one that we offer."""
        return "http/1.1"
