"""A door to knock on, and a client of raw bytes: it can do what no library lets it do."""

from __future__ import annotations

import base64
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
from attrs import define, field

from tradegame.controller.access import Access
from tradegame.controller.front import Door, Reads, Stream, open_listeners
from tradegame.controller.head import Head, Refusal
from tradegame.controller.http.server import HttpServer
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.handshake import accept
from tradegame.controller.websocket.poller import poller as make_poller
from tradegame.controller.websocket.transport import WebSocket

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
HANGS_S = 60.0
"""What takes so long hangs. Nothing is measured by it: a busy machine may need seconds."""
polled = True
"""Whether a poller reads for the WebSockets of ``serving``. Set by ``either_way``."""


@define
class Served:
    """A door that is being served."""

    port: int
    door: Door
    http: HttpServer
    sockets: list[WebSocket] = field(factory=list)
    ends: list[Disconnected] = field(factory=list)
    refusals: list[Refusal] = field(factory=list)


async def hello_app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that answers with what it was sent."""
    body = (await receive())["body"] or scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def echo(websocket: WebSocket) -> None:
    def answer(text: str) -> bool:
        websocket.send(text_frame(text.encode()))
        return True

    while True:
        message = await websocket.receive(answer)
        if isinstance(message, bytes):
            await websocket.close(1003, "text only")
        elif message is not None:
            answer(message)


@asynccontextmanager
async def serving(
    talk: Callable[[WebSocket], Awaitable[None]] = echo,
    app: Any = hello_app,
    *,
    most: int = 5000,
    most_per_address: int = 5000,
    head_s: float = HANGS_S,
    access: Access | None = None,
    tls: tuple[str, str] = ("", ""),
    reads: Reads = lambda connection, payer, reads: 0.0,
    **limits: Any,
) -> AsyncIterator[Served]:
    """A door whose WebSockets are handed to ``talk``; ``limits`` are those of ``accept``."""

    async def handle(stream: Stream, head: Head, address: str) -> None:
        async with trio.open_nursery() as nursery:
            try:
                websocket = await accept(nursery, stream, head, poller=poller, **limits)
            except Refusal as refusal:
                served.refusals.append(refusal)
                raise
            except Disconnected as end:
                served.ends.append(end)
                return
            served.sockets.append(websocket)
            try:
                await talk(websocket)
            except Disconnected as end:
                served.ends.append(end)
            finally:
                await websocket.close(1000, "bye")

    poller = make_poller() if polled else None
    limits.setdefault("within_s", HANGS_S)
    access = access or Access()
    http = HttpServer(app, access, reads=reads)
    door = Door(handle, http, most=most, most_per_address=most_per_address, access=access, head_s=head_s, reads=reads)
    listeners = await open_listeners("127.0.0.1", 0, tls_cert=tls[0], tls_key=tls[1])
    listener: Any = listeners[0]
    socket = getattr(listener, "transport_listener", listener).socket
    served = Served(socket.getsockname()[1], door, http)
    async with trio.open_nursery() as nursery:
        if poller is not None:
            nursery.start_soon(poller.run)
        await nursery.start(partial(door.serve, listeners))
        yield served
        nursery.cancel_scope.cancel()


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, key: bytes | None = b"\x9a\x01\x37\xfe"
) -> bytes:
    """A client's frame, masked with ``key``; None: not masked."""
    first, masked = (0x80 if fin else 0) | rsv << 4 | opcode, 0 if key is None else 0x80
    size = len(payload)
    if size < 126:
        head = bytes([first, masked | size])
    elif size < 65536:
        head = bytes([first, masked | 126]) + struct.pack(">H", size)
    else:
        head = bytes([first, masked | 127]) + struct.pack(">Q", size)
    if key is None:
        return head + payload
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole server's frames in ``data`` as (opcode, payload), and what is left. Fails for what is no frame."""
    found, at = [], 0
    while len(data) - at >= 2:
        assert data[at] in (0x81, 0x82, 0x88, 0x89, 0x8A), f"not the beginning of a frame: {data[at : at + 20]!r}"
        size, start = data[at + 1], at + 2
        assert size < 128, "a server's frame is not masked"
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if len(data) < start + size:
            break
        found.append((data[at] & 15, data[start : start + size]))
        at = start + size
    return found, data[at:]


def upgrade(path: str = "/ws", *, without: Sequence[str] = (), **headers: str) -> bytes:
    """An upgrade request. ``headers`` (with ``_`` for ``-``) are added or replaced, those in ``without`` left out."""
    fields = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(bytes(range(16))).decode(),
        "Sec-WebSocket-Version": "13",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if name not in without]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


@define
class Client:
    """A raw client. Every wait is bounded."""

    stream: trio.abc.Stream
    buffer: bytes = b""
    frames: list[tuple[int, bytes]] = field(factory=list)

    async def send(self, data: bytes) -> None:
        with trio.fail_after(HANGS_S):
            await self.stream.send_all(data)

    async def response(self) -> tuple[bytes, dict[str, str], bytes]:
        """One HTTP response: status line, headers, body."""
        with trio.fail_after(HANGS_S):
            while b"\r\n\r\n" not in self.buffer:
                await self._more()
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            status, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            size = int(headers.get("content-length", 0))
            while len(self.buffer) < size:
                await self._more()
            body, self.buffer = self.buffer[:size], self.buffer[size:]
            return status.encode(), headers, body

    async def open(self, **headers: str) -> Client:
        """Do the WebSocket handshake."""
        await self.send(upgrade(**headers))
        status, _, _ = await self.response()
        assert b" 101 " in status
        return self

    async def read_frame(self) -> tuple[int, bytes]:
        """The server's next frame."""
        with trio.fail_after(HANGS_S):
            while not self.frames:
                self.frames, self.buffer = split_frames(self.buffer)
                if not self.frames:
                    await self._more()
            return self.frames.pop(0)

    async def read_close(self) -> tuple[int, str]:
        """Code and reason of the close frame, which must be the next; it is answered, and must be the last."""
        opcode, payload = await self.read_frame()
        assert opcode == CLOSE, (opcode, payload)
        await self.send(frame(CLOSE, payload[:2]))
        assert await self.read_to_end() == b""
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    async def read_to_end(self) -> bytes:
        """All that comes until the server closes, or resets, the connection."""
        with trio.fail_after(HANGS_S):
            try:
                while chunk := await self.stream.receive_some(65536):
                    self.buffer += chunk
            except trio.BrokenResourceError:
                pass  # a reset is an end too
            return self.buffer

    async def _more(self) -> None:
        chunk = await self.stream.receive_some(65536)
        assert chunk, f"the server closed the connection after {self.buffer!r}"
        self.buffer += chunk


@asynccontextmanager
async def client(port: int, **headers: str) -> AsyncIterator[Client]:
    """A client with an open WebSocket."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield await Client(stream).open(**headers)


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Client]:
    """A client that has said nothing yet."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield Client(stream)


async def until(condition: Callable[[], bool]) -> None:
    """Wait, within bounds, for what has no event of its own."""
    with trio.fail_after(HANGS_S):
        while not condition():  # noqa: ASYNC110 - what it waits for has no event
            await trio.sleep(0.005)
