"""A WebSocket connection of plain bytes over a trio socket: none of tradegame's own code, and quick to kill.

Only what a server of whole, uncompressed text frames sends is understood; anything else is an error.
"""

from __future__ import annotations

import base64
import functools
import os
import socket
import ssl
import struct
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trio

RECEIVE_BUFFER = 16 * 1024
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A


class LostError(Exception):
    """The connection is gone: refused, cut, or closed by the server (``code``)."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


class StalledError(Exception):
    """What was waited for did not come."""


class Wire:
    """One connection. One task receives; any may send. ``abort`` drops it without a word.

    ``gentle``: at the end of its block it is closed, not reset, so that a server which gets around to it later reads
    what was sent.
    """

    def __init__(self, tcp: trio.SocketStream) -> None:
        self.gentle = False
        self._tcp = tcp
        self._stream: trio.abc.Stream = tcp
        self._buffer = b""
        self._sending = trio.Lock()

    @classmethod
    async def open(cls, url: str, deadline_s: float = 10.0, *, window: int = RECEIVE_BUFFER) -> Wire:
        """Connect and shake hands. Raises LostError, and StalledError when it takes long.

        ``window``: so many bytes may wait here unread, before they wait at the server; 0: as many as the system gives.
        ``wss:`` is TLS with whoever it is.
        """
        with trio.move_on_after(deadline_s):
            return await cls.open_and_send(url, window=window)
        raise StalledError(f"no handshake within {deadline_s} s")

    @classmethod
    async def open_and_send(cls, url: str, *texts: bytes, window: int = RECEIVE_BUFFER) -> Wire:
        """Connect, shake hands, and send these without waiting for the other hand. Raises LostError."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        try:
            tcp = await trio.open_tcp_stream(parts.hostname, parts.port)
        except OSError as error:
            raise LostError(f"refused: {error}") from None
        if window:  # a small one: what a client does not read stays with the server
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        wire = cls(tcp)
        try:
            if parts.scheme == "wss":
                await wire._secure()
            await wire._shake_hands(parts.netloc, parts.path, b"".join([_frame(_TEXT, text) for text in texts]))
        except BaseException:
            wire.abort()
            raise
        return wire

    async def send(self, *texts: bytes) -> None:
        """Send text frames, all in one write. Raises LostError."""
        await self._send_all(b"".join([_frame(_TEXT, text) for text in texts]))

    async def receive(self) -> list[bytes]:
        """The next text frames, one or more. Raises LostError."""
        while True:
            texts = await self._take()
            if texts:
                return texts
            await self._read()

    def abort(self) -> None:
        """Drop the connection: the server sees a reset. Idempotent."""
        if self._tcp.socket.fileno() == -1:
            return
        # Linger for no time: close sends a RST. socket(7)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._tcp.socket.close()

    async def _secure(self) -> None:
        stream = trio.SSLStream(self._tcp, trusting(), https_compatible=True)
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError as error:
            raise LostError(f"no TLS: {error.__cause__}") from None
        self._stream = stream

    async def _shake_hands(self, host: str, path: str, first: bytes) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        await self._send_all(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: tradegame.v1\r\n\r\n".encode()
            + first
        )
        while b"\r\n\r\n" not in self._buffer:
            await self._read()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise LostError(f"not upgraded: {head[:80]!r}")

    async def _send_all(self, data: bytes) -> None:
        async with self._sending:
            try:
                await self._stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise LostError(f"cut while sending: {error}") from None

    async def _read(self) -> None:
        try:
            data = await self._stream.receive_some(65_536)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LostError(f"cut: {error}") from None
        if not data:
            raise LostError("ended without a close frame")
        self._buffer += data

    async def _take(self) -> list[bytes]:
        """The whole text frames in the buffer; pings are answered."""
        buffer, at, texts = self._buffer, 0, []
        while len(buffer) >= at + 2:
            start, opcode, size, begin = at, buffer[at], buffer[at + 1], at + 2
            if size == 126:
                begin, size = at + 4, int.from_bytes(buffer[at + 2 : at + 4], "big")
            elif size == 127:
                begin, size = at + 10, int.from_bytes(buffer[at + 2 : at + 10], "big")
            if len(buffer) < begin + size:
                break
            payload = buffer[begin : begin + size]
            at = begin + size
            if opcode == _TEXT:
                texts.append(payload)
            elif opcode == _PING:
                await self._send_all(_frame(_PONG, payload))
            elif opcode == _CLOSE and not texts:
                raise LostError(f"closed: {payload[2:].decode()}", int.from_bytes(payload[:2], "big"))
            elif opcode == _CLOSE:
                at = start  # its turn comes at the next call
                break
            else:
                raise AssertionError(f"a frame of the opcode {opcode:#x}")
        self._buffer = buffer[at:]
        return texts

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.gentle:
            self._tcp.socket.close()
        self.abort()


@functools.cache
def trusting() -> ssl.SSLContext:
    """TLS with whoever it is: certificates are the tests' own. No authority is loaded, which would take 30 ms."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame: masked. RFC 6455, section 5.3."""
    size = len(payload)
    key = os.urandom(4)
    mask = int.from_bytes((key * (size // 4 + 1))[:size], "little")
    masked = (int.from_bytes(payload, "little") ^ mask).to_bytes(size, "little")
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((opcode,)) + length + key + masked
