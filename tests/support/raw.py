"""A TCP connection of plain bytes, and the WebSocket and HTTP bytes to abuse it with. Nothing here is checked."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from typing import Any, Self

DEADLINE_S = 15.0

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def upgrade(path: str = "/ws", *headers: str) -> bytes:
    """The head of a proper handshake, with further header lines."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x11\x22\x33\x44",
    length: int | None = None,
    form: int | None = None,
) -> bytes:
    """A client's frame. ``mask`` None: none, which is forbidden. ``length``: the one it lies about.

    ``form``: 7, 16 or 64 bits of length, whichever is proper.
    """
    size = len(payload) if length is None else length
    if form is None:
        form = 7 if size < 126 else 16 if size < 65_536 else 64
    masked = 0 if mask is None else 0x80
    head = bytes([fin << 7 | reserved << 4 | opcode])
    if form == 7:
        head += bytes([masked | size])
    elif form == 16:
        head += bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + size.to_bytes(8, "big")
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def text(content: str | bytes) -> bytes:
    """A text frame whose mask is zero: quick to make."""
    payload = content.encode() if isinstance(content, str) else content
    return frame(TEXT, b"", mask=b"\0\0\0\0", length=len(payload)) + payload


def ask(op: str, **fields: Any) -> bytes:
    """A request as a frame."""
    return text(json.dumps({"op": op, **fields}))


class Raw:
    """One connection to 127.0.0.1. Sending to who has left is no error; a wait past the deadline is TimeoutError."""

    def __init__(self, port: int, *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    @classmethod
    def upgraded(cls, port: int, *, receive_buffer: int = 0) -> Self:
        """Past the handshake, and nobody yet."""
        raw = cls(port, receive_buffer=receive_buffer)
        try:
            raw.socket.sendall(upgrade())
            while b"\r\n\r\n" not in raw._rest:
                read = raw.socket.recv(4096)
                assert read, f"the handshake was refused: {raw._rest!r}"
                raw._rest += read
        except BaseException:
            raw.close()
            raise
        head, _, raw._rest = raw._rest.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return raw

    def send(self, data: bytes) -> bool:
        """Whether the peer was still there."""
        try:
            self.socket.sendall(data)
        except ConnectionError:
            return False
        return True

    def pour(self, data: bytes, for_s: float) -> int:
        """Send for so long at most, waiting for nothing: how many bytes went."""
        sent, end = 0, time.monotonic() + for_s
        while sent < len(data) and (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                sent += self.socket.send(data[sent:])
            except (TimeoutError, ConnectionError):
                break
        self.socket.settimeout(DEADLINE_S)
        return sent

    def until_closed(self, within_s: float = DEADLINE_S) -> bytes:
        """Everything until the server closes. Raises TimeoutError if it does not."""
        end = time.monotonic() + within_s
        seen, self._rest = bytearray(self._rest), b""
        while True:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                read = self.socket.recv(65_536)
            except ConnectionError:
                break
            if not read:
                break
            seen += read
        self.socket.settimeout(DEADLINE_S)
        return bytes(seen)

    def receive(self, size: int) -> bytes:
        """So many bytes, or fewer if the server closes."""
        while len(self._rest) < size:
            try:
                read = self.socket.recv(65_536)
            except ConnectionError:
                break
            if not read:
                break
            self._rest += read
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def message(self) -> dict[str, Any] | tuple[int, str] | None:
        """The server's next message; a close as its code and reason; None at the end of its bytes. No pings."""
        while True:
            head = self.receive(2)
            if len(head) < 2:
                return None
            opcode, size = head[0] & 15, head[1]
            if size == 126:
                size = int.from_bytes(self.receive(2), "big")
            elif size == 127:
                size = int.from_bytes(self.receive(8), "big")
            payload = self.receive(size)
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()
            if opcode == TEXT:
                decoded: dict[str, Any] = json.loads(payload)
                return decoded

    def reply(self) -> dict[str, Any]:
        """The next frame that is a reply. Fails if the server closes instead."""
        while True:
            message = self.message()
            assert isinstance(message, dict), f"closed: {message}"
            if "push" not in message:
                return message

    def end(self) -> tuple[int, str]:
        """The close that is to come, whatever comes before it."""
        while True:
            message = self.message()
            assert message is not None, "the server left without a close"
            if isinstance(message, tuple):
                return message

    def finish_sending(self) -> None:
        """Half-close."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # it has gone already

    def reset(self) -> None:
        """Leave by RST, without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
