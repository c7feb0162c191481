"""A connection that has ended is freed by its reference counts: the garbage collector is kept from looking at much."""

from __future__ import annotations

import gc
import json
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trio

from tests.controller.wire import upgrade
from tests.support.certificate import certified
from tests.support.server import ServerThread
from tradegame.controller.websocket.transport import WebSocket

MANY = 5
LAST = 1
"""The listener knows the last one that it accepted."""
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def _masked(first: int, payload: bytes) -> bytes:
    return bytes((first, 0x80 | len(payload))) + bytes(4) + payload


def _play(to: socket.socket, until: bytes = b'"id":2') -> None:
    """Up to the answer to a join."""
    to.sendall(upgrade("/ws", Host="x"))
    assert b" 101 " in to.recv(4096)
    for frame in ({"op": "hello", "id": 1}, {"op": "join", "id": 2, "game": "bazaar"}):
        to.sendall(_masked(0x81, json.dumps(frame).encode()))
    seen = b""
    while until not in seen:
        received = to.recv(65_536)
        assert received, f"closed after {seen[-200:]!r}"
        seen += received


def _play_and_say_goodbye(to: socket.socket) -> None:
    _play(to)
    to.sendall(_masked(0x88, struct.pack("!H", 1000)))


def _play_and_break_the_protocol(to: socket.socket) -> None:
    _play(to)
    to.sendall(b"\xf1\x00")
    while to.recv(65_536):
        pass


def _play_until_told_who_is_there(to: socket.socket) -> None:
    _play(to, until=b'"presence"')


def _ask(to: socket.socket) -> None:
    to.sendall(REQUEST)
    assert to.recv(4096)


def _ask_nonsense(to: socket.socket) -> None:
    _ask(to)
    to.sendall(REQUEST[:-2] + b"Transfer-Encoding: nonsense\r\n\r\n")
    assert to.recv(4096)


def _ask_for_nothing_there_is(to: socket.socket) -> None:
    to.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
    assert to.recv(4096)


def _ask_by_a_name_that_is_not_ours(to: socket.socket) -> None:
    _ask(to)
    to.sendall(b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")
    assert to.recv(4096)


def _say_half(to: socket.socket) -> None:
    to.sendall(REQUEST[:10])


@pytest.mark.parametrize(
    "visit",
    [
        _play,
        _play_and_say_goodbye,
        _play_and_break_the_protocol,
        _play_until_told_who_is_there,
        _ask,
        _ask_nonsense,
        _ask_for_nothing_there_is,
        _ask_by_a_name_that_is_not_ours,
        _say_half,
    ],
)
@pytest.mark.parametrize("secure", [False, True], ids=["tcp", "tls"])
def test_nothing_is_left_to_the_garbage_collector(
    visit: Callable[[socket.socket], None], secure: bool, tmp_path: Path
) -> None:
    files, context = certified(tmp_path) if secure else ({}, None)
    with ServerThread("memory:", flags=files) as server, ThreadPoolExecutor(MANY) as visitors:

        def come_and_go() -> None:
            with socket.create_connection(("127.0.0.1", server.running.port), 20) as to:
                if context is not None:
                    with context.wrap_socket(to, server_hostname="127.0.0.1") as within:
                        visit(within)
                else:
                    visit(to)

        gc.disable()
        gc.freeze()  # what is there already is not looked at, each time: half a million objects
        try:
            for visited in [visitors.submit(come_and_go) for _ in range(MANY)]:
                visited.result()
            deadline = time.monotonic() + 20
            while len(left := _held()) > LAST and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            gc.unfreeze()
            gc.enable()
        assert len(left) <= LAST, left


def _held() -> list[str]:
    """Of the connections that came since ``gc.freeze``, those that are still there."""
    return [repr(each) for each in gc.get_objects() if type(each) in (trio.SocketStream, WebSocket)]
