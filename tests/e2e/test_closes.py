"""Every close code of the protocol, provoked over a real socket."""

from __future__ import annotations

import hashlib
import socket
from typing import Any

import httpx
import pytest

import tradegame.controller.websocket.connection as connection
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN, ServerThread


def test_a_binary_frame_closes_with_1003(server: ServerThread) -> None:
    with Player(server.url) as player:
        player.send_raw(b"\x00\x01")
        assert player.closed()[0] == 1003


def test_a_frame_over_the_limit_closes_with_1009(server: ServerThread) -> None:
    with Player(server.url) as player:
        player.send_raw("x" * 16_385)
        assert player.closed()[0] == 1009


def test_twenty_bad_requests_in_a_row_close_with_4500(server: ServerThread) -> None:
    with Player(server.url) as player:
        for _ in range(19):
            player.send_raw("nonsense")
            assert player.reply(None)["error"]["code"] == "bad_request"
        player.ask("ping")
        for _ in range(20):
            player.send_raw("nonsense")
        assert player.closed() == (4500, "20 bad requests in a row")


def test_a_shutdown_closes_with_1001(server: ServerThread) -> None:
    player = Player(server.url)
    server.stop()
    assert player.closed() == (1001, "the server is going away")


def test_a_kicked_player_is_closed_with_4501_and_the_token_is_dead(server: ServerThread) -> None:
    player = Player(server.url)
    answer = httpx.delete(
        f"{server.http}/v1/players/{player.id}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}
    )
    assert answer.status_code == 200
    assert player.closed() == (4501, "kicked by the host")
    with Player(server.url, hello=False) as back:
        assert back.refused("hello", token=player.token)["code"] == "unauthorized"


def test_no_hello_closes_with_4004(server: ServerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELLO_S", 0.3)
    with Player(server.url, hello=False) as stranger:
        assert stranger.closed() == (4004, "no hello in time")


def test_no_sign_of_life_closes_with_4002(store: str) -> None:
    with ServerThread(store, flags={"session.heartbeat_s": 1}) as server:
        player = Player(server.url)
        # from here on the pings find nobody: the library's reading thread is told to stop answering
        player.socket.protocol.receive_data = lambda data: None  # type: ignore[method-assign]
        deaf = player.socket.socket.dup()
        deaf.settimeout(10)
        seen = b""
        while b"no heartbeat" not in seen:
            data = deaf.recv(4096)
            assert data, "closed without a close frame"
            seen += data
        deaf.close()
        player.abort()


def test_a_full_server_closes_with_4003(store: str) -> None:
    with ServerThread(store, flags={"limits.max_connections": 1}) as server:
        with Player(server.url):
            assert Player(server.url, hello=False).closed() == (4003, "the server is full")


def test_too_many_connections_from_one_address_close_with_4003(store: str) -> None:
    with ServerThread(store, flags={"limits.connections_per_address": 2}) as server:
        with Player(server.url), Player(server.url):
            assert Player(server.url, hello=False).closed()[0] == 4003


def test_too_many_connections_of_one_player_are_overloaded(store: str) -> None:
    with ServerThread(store, flags={"limits.connections_per_player": 1}) as server:
        with Player(server.url) as player, Player(server.url, hello=False) as second:
            assert second.refused("hello", token=player.token)["code"] == "overloaded"


def test_a_client_that_does_not_read_is_closed_with_4001_and_others_go_on(store: str) -> None:
    with ServerThread(store, flags={"limits.outbox_bytes": 32_768}) as server:
        with Player(server.url, "fast") as fast:
            fast.ask("join", game="bazaar")
            slow = _unread_socket(server, fast)
            for _ in range(2_000):
                fast.ask("say", game="bazaar", text="x" * 500)
            seen = _drain(slow)
            assert seen.endswith(b"\x88\x12" + (4001).to_bytes(2, "big") + b"reads too slowly"), seen[-40:]
            assert fast.ask("ping")


def test_a_revoked_session_is_closed_with_4502(etcd: Any) -> None:
    import subprocess

    from tests.e2e.conftest import fresh_etcd_url
    from tests.support.etcd import etcd_binary

    url = fresh_etcd_url(etcd)
    with ServerThread(url) as server, Player(server.url) as player:
        key = f"{url.rsplit('/', 1)[1]}/sessions/{hashlib.sha256(player.token.encode()).hexdigest()}"
        subprocess.run(
            [etcd_binary() + "ctl", "--endpoints", etcd.endpoint, "del", key],
            check=True,
            capture_output=True,
            env={"ETCDCTL_API": "3"},
        )
        assert player.closed() == (4502, "the session is over")


def _unread_socket(server: ServerThread, friend: Player) -> socket.socket:
    """A connection that has joined and then reads nothing."""
    import base64
    import json

    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", server.running.port))
    raw.settimeout(10)
    key = base64.b64encode(b"0123456789abcdef").decode()
    raw.sendall(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    for request in ({"op": "hello", "name": "slow"}, {"op": "join", "game": "bazaar"}):
        body = json.dumps(request).encode()
        raw.sendall(bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body)
    friend.push(lambda push: any(event.get("name") == "slow" for event in push.get("events", ())))
    return raw


def _drain(raw: socket.socket) -> bytes:
    seen = b""
    while True:
        try:
            data = raw.recv(65_536)
        except ConnectionResetError:
            break
        if not data:
            break
        seen += data
    raw.close()
    return seen
