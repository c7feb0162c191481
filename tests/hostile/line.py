"""A hostile client's connection: plain bytes over TCP or TLS, from an address of its choice."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

import trio
from attrs import define, field, frozen

from tests.robustness.wire import trusting
from tests.support.raw import CLOSE, TEXT, ask, upgrade

OPEN_S = 10.0
CHUNK = 65_536
MOST_KEPT = 4 * 1024 * 1024
"""A hostile client keeps no more of what it read."""


class GoneError(Exception):
    """The server refused the connection, closed it, or did not answer in time."""


@frozen
class Target:
    """Where the server listens on this machine."""

    port: int
    tls: bool = False


LOOK_S = 0.1
"""Who is over its share does nothing for so long at least."""


@define(eq=False)
class Governor:
    """Caps the CPU of a process full of hostile clients, so that they attack the server and not the machine.

    ``share``: of one core.
    """

    share: float
    _begun: float = field(factory=trio.current_time)
    _cpu: float = field(factory=time.process_time)

    async def pause(self) -> None:
        """To be awaited before anything that costs."""
        await trio.lowlevel.checkpoint()
        while (over := self._over_s()) > 0:  # noqa: ASYNC110 - it waits for time to pass
            # Never a moment only: fifty that look again and again would use up the share by looking.
            await trio.sleep(min(max(over / self.share, LOOK_S), 0.25))

    def _over_s(self) -> float:
        return time.process_time() - self._cpu - self.share * (trio.current_time() - self._begun)


@define(eq=False)
class Line:
    """One connection. Whatever ends it is a GoneError."""

    target: Target
    tally: Counter[str]
    governor: Governor
    _tcp: trio.SocketStream
    _stream: trio.abc.Stream
    _buffer: bytes = b""

    @classmethod
    async def open(
        cls,
        target: Target,
        source: str,
        governor: Governor,
        tally: Counter[str],
        *,
        receive_buffer: int = 0,
        plain: bool = False,
    ) -> Self:
        """Connect; over TLS where the server speaks it, unless ``plain``."""
        await governor.pause()
        raw = trio.socket.socket()
        try:
            with trio.fail_after(OPEN_S):
                if receive_buffer:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                # The kernel chooses a port when it knows the other end: thousands may share one address.
                raw.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT, ip(7)
                await raw.bind((source, 0))
                await raw.connect(("127.0.0.1", target.port))
                tcp = trio.SocketStream(raw)
                line = cls(target, tally, governor, tcp, tcp)
                tally["connections"] += 1
                if target.tls and not plain:
                    await line._secure()
        except (OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
            tally["connections refused"] += 1
            raw.close()
            raise GoneError(repr(error)) from None
        except BaseException:
            raw.close()
            raise
        return line

    async def _secure(self) -> None:
        stream = trio.SSLStream(self._tcp, trusting(), https_compatible=True)
        await stream.do_handshake()
        self._stream = stream

    async def upgrade(self, path: str = "/ws", *headers: str, before: bytes = b"", behind: bytes = b"") -> None:
        """A WebSocket handshake, with bytes before and behind it in the same packet."""
        await self.send(before + upgrade(path, *headers) + behind)
        while b" 101 " not in self._buffer or not self._buffer.partition(b" 101 ")[2].count(b"\r\n\r\n"):
            if len(self._buffer) > CHUNK:
                raise GoneError("not upgraded")
            await self._more()
        self._buffer = self._buffer.partition(b" 101 ")[2].partition(b"\r\n\r\n")[2]

    async def send(self, data: bytes, within_s: float = OPEN_S) -> None:
        """In one write. One that is not read in time is a GoneError, too: half of it may have gone."""
        await self.governor.pause()
        try:
            with trio.fail_after(within_s):
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as error:
            raise GoneError(repr(error)) from None
        self.tally["bytes sent"] += len(data)

    async def read(self, size: int = CHUNK, within_s: float = OPEN_S) -> bytes:
        """Something; b"" at the end."""
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        await self.governor.pause()
        try:
            with trio.fail_after(within_s):
                data = await self._stream.receive_some(size)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as error:
            raise GoneError(repr(error)) from None
        self.tally["bytes read"] += len(data)
        return bytes(data)

    async def drain(self, for_s: float) -> None:
        """Read and forget, for so long or to the end."""
        with trio.move_on_after(for_s):
            while await self.read(within_s=for_s + 1):
                pass

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its reply, past everything else."""
        await self.send(ask(op, id="?", **fields))
        while True:
            message = await self.message()
            if message.get("id") == "?":
                if "error" in message:
                    self.tally[f"error {message['error']['code']}"] += 1
                return message

    async def message(self) -> dict[str, Any]:
        """The next text message."""
        while True:
            while len(self._buffer) < 2:
                await self._more()
            opcode, size, at = self._buffer[0] & 15, self._buffer[1], 2
            if size > 125:
                at = 4 if size == 126 else 10
                while len(self._buffer) < at:
                    await self._more()
                size = int.from_bytes(self._buffer[2:at], "big")
            while len(self._buffer) < at + size:
                await self._more()
            payload, self._buffer = self._buffer[at : at + size], self._buffer[at + size :]
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                self.tally[f"closed {code}"] += 1
                raise GoneError(f"closed with {code}")
            if opcode == TEXT:
                decoded: dict[str, Any] = json.loads(payload)
                return decoded

    async def _more(self) -> None:
        if len(self._buffer) > MOST_KEPT:
            raise GoneError("more than a hostile client cares to read")
        kept, self._buffer = self._buffer, b""
        data = await self.read()
        if not data:
            raise GoneError("ended without a word")
        self._buffer = kept + data

    def finish(self) -> None:
        """A FIN, and nothing read any more."""
        try:
            self._tcp.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def reset(self) -> None:
        """A RST. Idempotent."""
        if self._tcp.socket.fileno() != -1:
            self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._tcp.socket.close()

    def close(self) -> None:
        self._tcp.socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
