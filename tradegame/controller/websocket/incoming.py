"""What one client says: from the bytes of its socket to messages.

Plain text messages, nearly all there is, are taken from the stream before trio-websocket sees them. All other frames
are fed to it one by one, each in its turn (``judge.py``). While nothing else comes, one task reads for all connections
(``poller.py``), and a connection's own reader sleeps in ``receive``; for everything else it takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

import trio

from tradegame.controller.websocket import frames
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.judge import Judge
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.poller import Poller
from tradegame.controller.websocket.sink import Sink
from tradegame.core.admission.budgets import READ_BYTES
from tradegame.protocol.closing import INTERNAL, LOST, MALFORMED, NEVER_SENT, TOO_LARGE
from tradegame.utils.changes import Changes

FRAGMENTS = 64
"""The most that a message may come in: each costs as much as a message. Libraries that cut do so at kilobytes."""

_MESSAGES_WITHOUT_YIELDING = 16
_MESSAGES_A_TURN = 64
"""One client's full buffer must not hold up all others. A turn of the poller's takes at most 1 ms."""

Pay: TypeAlias = Callable[[float], float]
Handle: TypeAlias = Callable[[str], bool]
"""Handles a plain message without waiting. Returns False if the connection's task has to wait before the next one."""


class Incoming:
    """The receiving half of a WebSocket. One task may ``receive``, and nothing is read while none does."""

    __slots__ = (
        "_buffer",
        "_changes",
        "_end",
        "_fragments",
        "_frame_bytes",
        "_handle",
        "_held_up",
        "_inbox",
        "_judge",
        "_message_bytes",
        "_owes",
        "_pause_s",
        "_pay",
        "_peer_closed",
        "_poller",
        "_reading_since",
        "_sink",
        "_yield_in",
        "outbox",
    )

    def __init__(
        self, sink: Sink, outbox: Outbox, rest: bytes, frame_bytes: int, pay: Pay, poller: Poller | None
    ) -> None:
        """``rest``: what was read behind the handshake."""
        self._sink = sink
        self.outbox = outbox
        """Where the hub puts frames that it has encoded once for all."""
        self._judge = Judge(outbox, frame_bytes)
        self._frame_bytes = frame_bytes
        self._pay = pay
        self._poller = poller if sink.direct else None
        self._buffer = rest  # read, but not yet taken
        self._inbox: list[str] = []  # messages that came in one read, the last one first
        self._fragments = self._message_bytes = 0  # so far, of an unfinished message
        self._owes = 0.0  # frames that are not charged yet
        self._pause_s = 0.0  # nothing more is read for so long
        self._yield_in = _MESSAGES_WITHOUT_YIELDING
        self._handle: Handle | None = None  # while it is polled
        self._held_up = False  # ``_handle`` returned False
        self._end: tuple[int, str, bool] | None = None  # code, reason, by us: from then on nothing is received
        self._reading_since: float | None = None  # bytes are waited for, since then on trio's clock
        self._peer_closed = False  # its close frame has come, or the end of its bytes
        self._changes = Changes()  # of one of these

    def send(self, frame: bytes) -> None:
        """Send one whole, encoded frame: at once if the socket takes it. Silent after the end."""
        self.outbox.put(frame)
        self.outbox.flush()

    def begin_close(self, code: int, reason: str) -> None:
        """Say goodbye, behind what waits, and take nothing more. `close` does the rest. Never waits. Idempotent."""
        if self._end is None:
            self._end = (code, reason, True)
        self.outbox.finish(b"" if code in NEVER_SENT else frames.close_frame(code, reason))

    def silent_s(self) -> float:
        """For how long the client has given no sign of life: for so long its bytes have been waited for.

        0 while nothing is read, for then it cannot give any; what waits in its socket meanwhile counts when it is read.
        """
        return 0.0 if self._reading_since is None else trio.current_time() - self._reading_since

    async def receive(self, handle: Handle | None = None) -> str | bytes | None:
        """The next message: text, or the bytes of a binary one, which this protocol does not have (close with 1003).

        While nobody receives, nothing is read: no ping is answered, and the client is held back. Cancelled while it
        waits for the client, it loses nothing. Raises Disconnected, and nothing else.

        With a poller, plain messages that come while this waits are given to ``handle``, by another task. Returns None
        when that has returned False, and raises what it raises.
        """
        while True:
            if self._end is not None:
                raise self._disconnected()
            if self._inbox:
                self._yield_in -= 1
                if self._yield_in == 0:
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
            if self._owes >= 1 or self._pause_s:
                await self._settle()
                if self._end is not None:
                    continue
            if handle is not None and self._poller is not None and not (self._buffer or self._fragments):
                await self._sleep(self._poller, handle)
                if self._held_up:
                    return None
            else:
                await self._read()
                if self._end is None:
                    self._take_texts()

    # Through the poller

    async def _sleep(self, poller: Poller, handle: Handle) -> None:
        """Let the poller read, until there is something for this task."""
        self._handle, self._held_up = handle, False
        self._reading_since = trio.current_time()
        try:
            fd = self._sink.fileno()
            if fd < 0:
                self._lose()
            else:
                await poller.watch(fd, self._take_turn)
        finally:
            self._handle = self._reading_since = None
            self._changes.made()

    def _take_turn(self) -> bool:
        """In the poller's task: one read, the plain messages in it, and a ping or pong if that is all there is beside.

        False: the rest is for the connection's own task.
        """
        try:
            data = self._sink.try_read()
        except OSError:
            data = b""
        if data is None:
            return True
        self._reading_since = trio.current_time()
        if not data:
            self._lose()
            return False
        self._owes += len(data) / READ_BYTES
        if self._end is not None:
            self._buffer = data
            return False
        handle, texts = self._handle, self._inbox
        assert handle is not None
        taken = frames.take_texts(data, self._frame_bytes, texts)
        if taken < len(data):
            self._buffer = data[taken:]
        texts.reverse()
        for _ in range(min(len(texts), _MESSAGES_A_TURN)):
            if not handle(texts.pop()):
                self._held_up = True
                return False
            if self._end is not None:
                return False
        if self._buffer and not texts:
            header = frames.read_header(self._buffer)
            if header is not None and header.fills(self._buffer) and header.opcode in (frames.PING, frames.PONG):
                self._owes += 1
                self._answer(header)
        if self._owes >= 1:
            self._charge()
        return not (texts or self._buffer or self._pause_s)

    # By itself

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
            self._lose()
            raise self._disconnected()
        self._owes += len(data) / READ_BYTES
        self._buffer = self._buffer + data if self._buffer else data

    def _lose(self) -> None:
        """No more bytes will come."""
        self._peer_closed = True
        if self._end is None:
            self._end = (LOST, "the connection broke", False)

    def _charge(self) -> None:
        """Pay what is owed. A client with nothing left is not read for a while: its bytes wait in its own socket."""
        owes, self._owes = self._owes, 0.0
        self._pause_s = self._pay(owes)

    async def _settle(self) -> None:
        """The same, and wait for so long."""
        if not self._pause_s:
            self._charge()
        if self._pause_s:
            pause_s, self._pause_s = self._pause_s, 0.0
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
                self._answer(header)
                continue
            if header.opcode == frames.CLOSE and not self._judge.called:
                self._agree(header)
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

    def _answer(self, header: frames.Header) -> None:
        """Take a ping or a pong off the buffer."""
        if header.opcode == frames.PING:
            self.send(frames.pong_frame(header.payload(self._buffer)))
        self._buffer = self._buffer[header.head_size + header.size :]

    def _agree(self, header: frames.Header) -> None:
        """Answer a close, if it is of the usual kind: to call the judge for it takes 0.15 ms."""
        payload = header.payload(self._buffer)
        said = frames.usual_close(payload)
        if said is not None:
            self.outbox.finish(frames.close_answer(payload))
            self._close_came(*said)

    def _close_came(self, code: int, reason: str) -> NoReturn:
        self._peer_closed = True
        if self._end is None:
            self._end = (code, reason, False)
        raise self._disconnected()

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
            self._close_came(*closed)
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
