"""Where an outbox's bytes go: straight to a socket's file descriptor, or through a trio stream."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Protocol

import trio

PIECES_A_WRITE = 64
"""A frame may consist of many pieces that clients share; systems take 1 024 at once, and none of them gains by it."""

_READ_SIZE = 8_192  # the most that one read takes: some 40 commands


class Sink(Protocol):
    """One peer's byte stream, both ways, as the transport needs it. It does not own the stream beneath."""

    @property
    def direct(self) -> bool:
        """Whether ``try_write`` can do anything."""
        ...

    def try_write(self, data: bytes | memoryview) -> int:
        """Write now, without waiting. Returns how many bytes went, 0 if none could. Raises OSError."""
        ...

    def try_write_all_of(self, pieces: Sequence[bytes | memoryview]) -> int:
        """The same for several pieces in a row, at most ``PIECES_A_WRITE`` of them."""
        ...

    async def wait_writable(self) -> None:
        """Wait until ``try_write`` may do something. Raises trio.ClosedResourceError."""
        ...

    async def send_all(self, data: bytes | memoryview) -> None:
        """Write everything. Cancelled half-way, it leaves a torn frame. Raises what trio.abc.SendStream does."""
        ...

    def try_read(self) -> bytes | None:
        """What the peer has sent, without waiting: None if that is nothing; empty at its end. Raises OSError."""
        ...

    def fileno(self) -> int:
        """The descriptor to wait for; -1 if there is none, or it is closed."""
        ...

    async def read(self) -> bytes:
        """What the peer sent next; empty at its end. Raises what trio.abc.ReceiveStream does, and never OSError."""
        ...


class SocketSink:
    """Past trio's socket layer to the descriptor itself, which trio has made non-blocking.

    The descriptor is asked for anew each time: after the stream was closed it is -1, and never another
    connection's that has got the same number since.
    """

    __slots__ = ("fileno",)
    direct = True

    def __init__(self, stream: trio.SocketStream) -> None:
        self.fileno = stream.socket.fileno

    def try_write(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0

    def try_write_all_of(self, pieces: Sequence[bytes | memoryview]) -> int:
        try:
            return os.writev(self.fileno(), pieces)
        except BlockingIOError:
            return 0

    async def wait_writable(self) -> None:
        await trio.lowlevel.wait_writable(self._open_fd())

    async def send_all(self, data: bytes | memoryview) -> None:
        sent = 0
        while sent < len(data):
            await self.wait_writable()
            try:
                sent += self.try_write(data[sent:])
            except OSError as error:
                raise trio.BrokenResourceError from error

    async def read(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._open_fd())
            try:
                data = self.try_read()
            except OSError as error:
                raise trio.BrokenResourceError from error
            if data is not None:
                return data

    def try_read(self) -> bytes | None:
        try:
            return os.read(self.fileno(), _READ_SIZE)
        except BlockingIOError:
            return None

    def _open_fd(self) -> int:
        fd = self.fileno()
        if fd < 0:
            raise trio.ClosedResourceError
        return fd


class StreamSink:
    """Any trio stream: TLS, a pair in memory for a test, and Windows, where a socket is no file."""

    __slots__ = ("_stream",)
    direct = False

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    def try_write(self, data: bytes | memoryview) -> int:
        return 0

    def try_write_all_of(self, pieces: Sequence[bytes | memoryview]) -> int:
        return 0

    async def wait_writable(self) -> None:
        await trio.lowlevel.checkpoint()

    async def send_all(self, data: bytes | memoryview) -> None:
        await self._stream.send_all(data)

    def try_read(self) -> bytes | None:
        return None

    def fileno(self) -> int:
        return -1

    async def read(self) -> bytes:
        return bytes(await self._stream.receive_some(_READ_SIZE))


def sink_for(stream: trio.abc.Stream) -> Sink:
    """The fastest sink that this stream allows."""
    if isinstance(stream, trio.SocketStream) and sys.platform != "win32":
        return SocketSink(stream)
    return StreamSink(stream)
