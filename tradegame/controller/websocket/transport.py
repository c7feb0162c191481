"""One client's WebSocket.

trio-websocket's way from the socket to a message costs more than all the rest of a request. So plain text messages,
nearly all there is, are taken from the stream before it sees them, and what goes out is encoded once and written to
the socket directly. All other frames are fed to it one by one, each in its turn (``judge.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

import trio

from tradegame.controller.backlog import Backlog
from tradegame.controller.head import Head
from tradegame.controller.websocket import frames
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.judge import Judge
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.sink import sink_for
from tradegame.core.admission.budgets import READ_BYTES
from tradegame.protocol.closing import INTERNAL, LOST, MALFORMED, NEVER_SENT, TOO_LARGE, TOO_SLOW
from tradegame.utils.changes import Changes

FRAGMENTS = 64
"""The most that a message may come in: each costs as much as a message. Libraries that cut do so at kilobytes."""

_MESSAGES_WITHOUT_YIELDING = 16


Pay: TypeAlias = Callable[[float], float]


class WebSocket:
    """An open WebSocket, the server's side.

    One task may ``receive``. Anyone may ``send``, ``ping`` and ``close``, and put into ``outbox``.
    """

    __slots__ = (
        "_buffer",
        "_changes",
        "_end",
        "_fragments",
        "_frame_bytes",
        "_inbox",
        "_judge",
        "_message_bytes",
        "_nursery",
        "_opened",
        "_over",
        "_owes",
        "_pay",
        "_peer_closed",
        "_reading_since",
        "_sink",
        "_stream",
        "_written",
        "_yield_in",
        "outbox",
        "refused",
    )

    def __init__(
        self,
        stream: trio.abc.Stream,
        head: Head,
        frame_bytes: int,
        outbox_bytes: int,
        pay: Pay,
        backlog: Backlog | None = None,
    ) -> None:
        """For ``accept`` alone. Raises trio.BrokenResourceError."""
        self._stream = stream
        self._sink = sink_for(stream)
        self.outbox = Outbox(self._sink, outbox_bytes, self._overflowed, backlog)
        """Where the hub puts frames that it has encoded once for all."""
        self._frame_bytes = frame_bytes
        self._judge = Judge(self.outbox, head.raw)
        self._nursery: trio.Nursery | None = None
        self._buffer = head.rest  # read, but not yet taken
        self._inbox: list[str] = []  # messages that came in one read, the last one first
        self._fragments = self._message_bytes = 0  # so far, of an unfinished message
        self._pay = pay
        self._owes = 0.0  # frames that are not charged yet
        self._yield_in = _MESSAGES_WITHOUT_YIELDING
        self._end: tuple[int, str, bool] | None = None  # code, reason, by us: from then on nothing is received
        self.refused = False
        """The handshake failed, and the client was not answered."""
        self._reading_since: float | None = None  # a task waits for bytes, since then on trio's clock
        self._opened = False  # the handshake is over, one way or another
        self._written = False  # the writer has ended
        self._peer_closed = False  # its close frame has come, or the end of its bytes
        self._over = False  # nothing but closing the stream is left to do
        self._changes = Changes()  # of one of these

    # What the server says

    def send(self, frame: bytes) -> None:
        """Send one whole, encoded frame: at once if the socket takes it. Silent after the end."""
        self.outbox.put(frame)
        self.outbox.flush()

    def ping(self) -> None:
        """Ask the client for a sign of life: its answer ends what ``silent_s`` counts."""
        self.send(frames.ping_frame())

    def silent_s(self) -> float:
        """For how long the client has given no sign of life: for so long its bytes have been waited for.

        0 while nothing is read, for then it cannot give any; what waits in its socket meanwhile counts when it is read.
        """
        return 0.0 if self._reading_since is None else trio.current_time() - self._reading_since

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

    def begin_close(self, code: int, reason: str) -> None:
        """Say goodbye, behind what waits, and take nothing more. `close` does the rest. Never waits. Idempotent."""
        if self._end is None:
            self._end = (code, reason, True)
        self.outbox.finish(b"" if code in NEVER_SENT else frames.close_frame(code, reason))

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
        self._opened = self._written = self._over = True
        self._changes.made()
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def opened(self) -> None:
        """Wait until the handshake is over, one way or another."""
        await self._changes.until(lambda: self._opened)

    # The task that serves it

    async def serve(self, subprotocol: str | None) -> None:
        """For ``accept`` alone: open it, write, and close the stream at the end."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._handshake, nursery, subprotocol)
                try:
                    await self.outbox.run_writer()
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self.stop()
                self._written = True
                self._changes.made()
                if not self.refused:
                    await trio.sleep_forever()
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            self.stop()
            if not self.refused:
                with trio.CancelScope(shield=True):
                    await trio.aclose_forcefully(self._stream)

    async def _handshake(self, nursery: trio.Nursery, subprotocol: str | None) -> None:
        if await self._judge.handshake(nursery, subprotocol, self._frame_bytes):
            self._opened = True
            self._changes.made()
        else:
            self.refused = True
            self.outbox.close()

    # What the client says

    async def receive(self) -> str | bytes:
        """The next message: text, or the bytes of a binary one, which this protocol does not have (close with 1003).

        While nobody receives, nothing is read: no ping is answered, and the client is held back. Cancelled while it
        waits for the client, it loses nothing. Raises Disconnected, and nothing else.
        """
        while True:
            if self._end is not None:
                raise self._disconnected()
            if self._inbox:
                self._yield_in -= 1
                if self._yield_in == 0:  # one client's full buffer must not hold up all others
                    self._yield_in = _MESSAGES_WITHOUT_YIELDING
                    await trio.lowlevel.checkpoint()
                return self._inbox.pop()
            if self._buffer:
                message = await self._take()
                if message is not None:
                    return message
                if self._inbox:
                    continue
                self._owes += 1  # a read that completed nothing: tiny segments are as dear as frames
            if self._owes >= 1:
                await self._settle()
                if self._end is not None:
                    continue
            await self._read()
            if self._end is None:
                self._take_texts()

    async def _read(self) -> None:
        """More bytes into the buffer. At their end, Disconnected."""
        self._reading_since = trio.current_time()
        try:
            data = await self._sink.read()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        finally:
            self._reading_since = None
            self._changes.made()
        if not data:
            self._peer_closed = True
            if self._end is None:
                self._end = (LOST, "the connection broke", False)
            raise self._disconnected()
        self._owes += len(data) / READ_BYTES
        self._buffer = self._buffer + data if self._buffer else data

    async def _settle(self) -> None:
        """Pay what is owed. A client with nothing left is not read for a while: its bytes wait in its own socket."""
        owes, self._owes = self._owes, 0.0
        pause_s = self._pay(owes)
        if pause_s:
            await trio.sleep(pause_s)

    def _take_texts(self) -> None:
        """The plain messages at the front of the buffer, into the inbox."""
        if not self._fragments:
            taken = frames.take_texts(self._buffer, self._frame_bytes, self._inbox)
            self._buffer = self._buffer[taken:]
            if len(self._inbox) > 1:
                self._inbox.reverse()

    async def _take(self) -> str | bytes | None:
        """Up to the first message in the buffer. None: it is in the inbox, or more bytes are needed."""
        while True:
            self._take_texts()
            if self._inbox:
                return None
            header = frames.read_header(self._buffer)
            if header is None:
                return None
            if not header.legal:
                await self._feed(header.head_size)
                self._fail(MALFORMED, "not a frame of a client's")
            if not header.control and self._message_bytes + header.size > self._frame_bytes:
                self._fail(TOO_LARGE, f"a message has at most {self._frame_bytes} bytes")
            whole = header.head_size + header.size
            if len(self._buffer) < whole:
                return None
            self._owes += 1
            await self._settle()
            if self._end is not None:
                raise self._disconnected()
            if header.opcode in (frames.PING, frames.PONG):
                if header.opcode == frames.PING:
                    start = header.head_size
                    key, payload = self._buffer[start - 4 : start], self._buffer[start:whole]
                    self.send(frames.pong_frame(frames.unmask(payload, key)))
                self._buffer = self._buffer[whole:]
                continue
            await self._feed(whole)
            if not header.control:
                self._fragments, self._message_bytes = self._fragments + 1, self._message_bytes + header.size
                if header.fin:
                    self._fragments = self._message_bytes = 0
                    message = await self._judge.message()
                    if message is None:
                        self._fail(MALFORMED, "not a frame of a client's")
                    return message
                if self._fragments >= FRAGMENTS:
                    self._fail(TOO_LARGE, f"a message has at most {FRAGMENTS} fragments")

    async def _feed(self, size: int) -> None:
        """Let trio-websocket judge that many bytes. Raises Disconnected when they made it close."""
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        closed = await self._judge.feed(data)
        if closed is None:
            if self._judge.ended:
                self._fail(INTERNAL, "internal error")
            if self._end is not None:  # meanwhile: an overflow, or another task. What comes next is its close's to read
                raise self._disconnected()
            return
        if self.outbox.finishing:  # it has answered the client's close
            self._peer_closed = True
            if self._end is None:
                self._end = (*closed, False)
            raise self._disconnected()
        # What breaks the protocol it only notes, without a word to the client.
        self._fail(*closed)

    def _fail(self, code: int, reason: str) -> NoReturn:
        """RFC 6455, section 7.1.7."""
        self.begin_close(code, reason)
        raise self._disconnected()

    def _disconnected(self) -> Disconnected:
        assert self._end is not None
        code, reason, by_us = self._end
        return Disconnected(code, reason, by_us=by_us)

    async def _await_peer(self) -> None:
        """Until the client has closed too: drop what it sends."""
        left = 0  # bytes still to come of a frame that is dropped
        while True:
            left = self._drop(left)
            if self._peer_closed:
                return
            await self._settle()
            if self._reading_since is not None:
                await self._changes.until(lambda: self._reading_since is None)
                continue
            try:
                await self._read()
            except Disconnected:
                return

    def _drop(self, left: int) -> int:
        """Frames off the front of the buffer; how much of the last one is still to come. Notes a close."""
        data, at = self._buffer, left
        while (header := frames.read_header(data, at)) is not None:
            self._peer_closed |= header.opcode == frames.CLOSE
            self._owes += 1
            at = at + header.head_size + header.size if header.legal else len(data)
        self._buffer = data[at:]
        return max(at - len(data), 0)
