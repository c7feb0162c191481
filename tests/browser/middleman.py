"""A proxy between the pages and the server, as well or as badly set up as a test wants it."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Literal

from attrs import Factory, define

Manner = Literal["through", "no upgrade", "another host", "away", "silent"]
"""``no upgrade`` and ``another host`` are of its requests' headers; ``away``: it answers 502 itself; ``silent``: it
takes a WebSocket's request and never says anything."""

BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n"
    b"<h1>Bad Gateway</h1>"
)


@define(slots=False)
class Middleman:
    """One request a connection, in threads. ``manner`` may change at any time, for the connections to come."""

    server: int
    manner: Manner = "through"
    _listener: socket.socket = Factory(lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._between, args=(client, self.manner), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _between(self, client: socket.socket, manner: Manner) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (read := client.recv(65_536)):
                    return
                head += read
            upgrades = b"\r\nupgrade: websocket" in head.lower()
            if manner == "away":
                client.sendall(BAD_GATEWAY)
            elif manner == "silent" and upgrades:
                client.settimeout(60)
                client.recv(1)
            else:
                with socket.create_connection(("127.0.0.1", self.server)) as server:
                    server.sendall(rewritten(head, manner, upgrades))
                    splice(client, server)


def rewritten(head: bytes, manner: Manner, upgrades: bool) -> bytes:
    first, _, rest = head.partition(b"\r\n")
    lines, _, body = rest.partition(b"\r\n\r\n")
    kept = []
    for line in lines.split(b"\r\n"):
        name = line.partition(b":")[0].lower()
        if name == b"connection" and not (upgrades and manner != "no upgrade"):
            continue
        if name == b"upgrade" and manner == "no upgrade":
            continue
        kept.append(b"Host: inner" if name == b"host" and manner == "another host" else line)
    if not (upgrades and manner != "no upgrade"):
        kept.append(b"Connection: close")
    return b"\r\n".join([first, *kept]) + b"\r\n\r\n" + body


def splice(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways, until either ends."""
    while True:
        for source in select.select([one, other], [], [], 60)[0]:
            if not (read := source.recv(65_536)):
                return
            (other if source is one else one).sendall(read)


@contextlib.contextmanager
def between(server: int) -> Iterator[Middleman]:
    """``server``: its port."""
    proxy = Middleman(server)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
