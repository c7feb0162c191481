"""The node's WebSocket, outbox and all, over a `Link`: only the handshake is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast
from unittest import mock

import trio

from tests.simulation.link import Link
from tradegame.controller.backlog import Backlog
from tradegame.controller.head import Head
from tradegame.controller.websocket import handshake, manager, transport
from tradegame.controller.websocket.transport import WebSocket

TEXT, CLOSE, PING = 0x81, 0x88, 0x89


class _NoHead:
    """The head of the request that nobody sent."""

    raw = rest = b""

    def forget(self) -> None:
        """There is nothing to forget."""


class OpenWebSocket(WebSocket):
    """Open from the first."""

    async def handshake(self, nursery: trio.Nursery, request: bytes, subprotocol: str | None) -> bool:
        self._nursery = nursery
        nursery.start_soon(self._serve)
        return True


async def accept(
    nursery: trio.Nursery, stream: Any, head: Any, *, outbox_bytes: int, pay: Any, backlog: Backlog, **_: Any
) -> WebSocket:
    """Stands for the ``accept`` of the handshake."""
    websocket = OpenWebSocket(stream, cast("Head", _NoHead()), handshake.FRAME_BYTES, outbox_bytes, pay, backlog)
    await websocket.handshake(nursery, b"", None)
    return websocket


def no_head() -> Head:
    return cast("Head", _NoHead())


@contextmanager
def installed() -> Iterator[None]:
    """Within this, a node's manager accepts links."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(manager, "accept", accept))
        stack.enter_context(mock.patch.object(transport, "sink_for", lambda link: link))
        yield


def send(link: Link, message: dict[str, Any]) -> None:
    """One text message of a client's, masked with zeros."""
    payload = json.dumps(message, separators=(",", ":")).encode()
    size = len(payload)
    head = bytes((TEXT, 0x80 | size)) if size < 126 else bytes((TEXT, 0x80 | 126)) + size.to_bytes(2, "big")
    link.send(head + b"\0\0\0\0" + payload)


def pong(link: Link) -> None:
    link.send(b"\x8a\x80\0\0\0\0")


class Frames:
    """A client's reader: bytes in, whole frames out."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are whole now: first byte and payload."""
        buffer, at, frames = self._buffer + data, 0, []
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + size or len(buffer) < start:
                break
            frames.append((buffer[at], buffer[start : start + size]))
            at = start + size
        self._buffer = buffer[at:]
        return frames
