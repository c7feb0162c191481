"""A client's connection, of raw bytes, as cheap as Python allows: the load must be faster than the server."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
REPLY, NEWS = b'{"id":', b'{"push":"events"'
"""How frames begin."""
GAME = "bazaar"
GOOD = "grain"
AT_ONCE = 100
"""Connections that are made at a time: the server's queue of new ones takes so many."""
DEADLINE_S = 120.0

_READ = 1 << 18
_SCRATCH = bytearray(_READ)
_KEY = bytes.fromhex("37fa213d")  # RFC 6455's own example


@functools.lru_cache(maxsize=1024)
def _mask(size: int) -> int:
    return int.from_bytes((_KEY * (size // 4 + 1))[:size], "little")


def frame(body: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame, masked as a browser masks it: the server must unmask."""
    size = len(body)
    masked = (int.from_bytes(body, "little") ^ _mask(size)).to_bytes(size, "little")
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + _KEY + masked
    return struct.pack(">BBH", 0x80 | opcode, 0xFE, size) + _KEY + masked


def request(number: int, op: str, **fields: Any) -> bytes:
    """A request as a frame."""
    return frame(json.dumps({"id": number, "op": op, **fields}, separators=(",", ":")).encode())


class Connection:
    """Past its handshake, signed in and in the game once ``connect`` returns it. Its socket does not block.

    ``wanted``: how the frames begin that ``frames`` gives; what begins otherwise is read and dropped.
    """

    __slots__ = ("_buffer", "_skip", "number", "sock", "wanted")

    def __init__(self, port: int, number: int, receive_buffer: int = 0) -> None:
        self.number = number
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self._buffer = b""
        self._skip = 0
        self.wanted = REPLY

    def upgrade(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.send(
            "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: tradegame.v1\r\n\r\n".encode()
        )

    def upgraded(self) -> bool:
        """Whether the handshake's answer has come. Raises SystemExit for a refusal."""
        self._buffer += self.sock.recv(4096)
        if b"\r\n\r\n" not in self._buffer:
            return False
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"the handshake was refused: {head!r}")
        return True

    def send(self, data: bytes) -> None:
        """All of it, or SystemExit: a server that does not read what little we have under way is stuck."""
        if self.sock.send(data) < len(data):
            raise SystemExit("the server does not read")

    def drop(self) -> None:
        """Forget what can be read now, unseen; nothing else of this connection can be read after that."""
        with contextlib.suppress(BlockingIOError):
            self.sock.recv_into(_SCRATCH, _READ, socket.MSG_TRUNC)

    def frames(self) -> list[bytes]:
        """The wanted texts among what can be read now. Pings are answered. A close is SystemExit."""
        try:
            if self._skip > 1024:  # the kernel drops it: it need not come to us
                self._skip -= self.sock.recv_into(_SCRATCH, min(self._skip, _READ), socket.MSG_TRUNC)
                return []
            data = self.sock.recv(_READ)
        except BlockingIOError:
            return []
        if not data:
            raise SystemExit("the server closed a connection")
        buffer = self._buffer + data if self._buffer else data
        out, at, end, wanted = [], self._skip, len(buffer), self.wanted
        self._skip = 0
        while end - at >= 2:
            size, start = buffer[at + 1], at + 2
            if size == 126:
                start = at + 4
                size = int.from_bytes(buffer[at + 2 : start], "big")
            elif size == 127:
                start = at + 10
                size = int.from_bytes(buffer[at + 2 : start], "big")
            stop = start + size
            opcode = buffer[at] & 15
            if opcode == TEXT and end >= start + len(wanted) and not buffer.startswith(wanted, start):
                at = stop  # perhaps beyond what has come
                continue
            if stop > end:
                break
            if opcode == TEXT:
                out.append(buffer[start:stop])
            elif opcode == PING:
                self.sock.send(frame(buffer[start:stop], PONG))
            elif opcode == CLOSE:
                raise SystemExit(f"the server closed a connection: {buffer[start:stop]!r}")
            at = stop
        if at > end:
            self._skip, self._buffer = at - end, b""
        else:
            self._buffer = buffer[at:]
        return out


class Crowd:
    """All connections of a load, and the epoll that watches them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.poll = select.epoll()
        self.by_fd: dict[int, Connection] = {}

    def __len__(self) -> int:
        return len(self.by_fd)

    def connect(self, count: int, receive_buffer: int = 0, **join: Any) -> list[Connection]:
        """``count`` more of them, signed in and in the game; ``join``: more fields of it. Many at a time."""
        made: list[Connection] = []
        for first in range(0, count, AT_ONCE):
            made += self._connect(min(AT_ONCE, count - first), receive_buffer, join)
        return made

    def _connect(self, count: int, receive_buffer: int, join: dict[str, Any]) -> list[Connection]:
        made = [Connection(self.port, len(self.by_fd) + number, receive_buffer) for number in range(count)]
        for connection in made:
            connection.upgrade()
            self.poll.register(connection.sock.fileno(), select.EPOLLIN)
            self.by_fd[connection.sock.fileno()] = connection
        steps = dict.fromkeys(made, 0)
        end = time.monotonic() + DEADLINE_S
        while steps:
            if time.monotonic() > end:
                raise SystemExit(f"{len(steps)} connections are not in the game after {DEADLINE_S:g} s")
            for fd, _ in self.poll.poll(1):
                connection = self.by_fd[fd]
                if steps.get(connection) == 0:
                    if connection.upgraded():
                        connection.send(request(1, "hello", name=f"load{connection.number}"))
                        steps[connection] = 1
                    continue
                for body in connection.frames():
                    if connection not in steps:
                        continue
                    answer = json.loads(body)
                    if "ok" not in answer:
                        raise SystemExit(f"a connection was refused: {answer}")
                    if answer["id"] == 1:
                        connection.send(request(2, "join", game=GAME, **join))
                    else:
                        del steps[connection]
        return made

    def ignore(self, connections: Sequence[Connection]) -> None:
        """From now on these are not read."""
        for connection in connections:
            self.poll.unregister(connection.sock.fileno())

    def readable(self, until: float) -> list[Connection]:
        """Those with something to read; none, at ``until`` on the monotonic clock. Exact to some 0.1 ms."""
        left = until - time.monotonic()
        if left > 0:  # epoll itself waits in whole ms
            select.select([self.poll.fileno()], [], [], left)
        return [self.by_fd[fd] for fd, _ in self.poll.poll(0)]

    def drain(self, seconds: float) -> None:
        """Read whatever comes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for connection in self.readable(end):
                connection.frames()
