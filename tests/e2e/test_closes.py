"""Every close code of the protocol, provoked over a real socket."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import time
from typing import Any

import httpx
import pytest

import tradegame.controller.websocket.catch_up as catch_up
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
    answer = httpx.delete(f"{server.http}/v1/players/{player.id}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert answer.status_code == 200
    assert player.closed() == (4501, "kicked by the host")
    with Player(server.url, hello=False) as back:
        assert back.refused("hello", token=player.token)["code"] == "unauthorized"


def test_no_hello_closes_with_4004(server: ServerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELLO_S", 0.3)
    with Player(server.url, hello=False) as stranger:
        assert stranger.closed() == (4004, "no hello in time")


def test_no_sign_of_life_closes_with_4002() -> None:
    with ServerThread("memory:", flags={"session.heartbeat_s": 1}) as server:
        deaf = _raw_socket(server, {"op": "hello", "name": "deaf"})
        assert _drain(deaf).endswith(_close_frame(4002, "no heartbeat"))


def test_who_is_read_slowly_for_asking_nonsense_is_not_taken_for_dead(store: str) -> None:
    with ServerThread(store, flags={"session.heartbeat_s": 1}) as server:
        with Player(server.url) as player:
            asked = 0
            for _ in range(3):
                for _ in range(19):
                    player.send_raw("nonsense")
                player.send_raw('{"id": "still here", "op": "ping"}')
                asked += 20
            while asked:
                player.receive()
                asked -= 1
            assert player.ask("ping")


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


def test_a_client_that_does_not_read_is_closed_with_4001_and_others_go_on(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "STUCK_S", 0.2)
    with ServerThread(store, flags={"limits.outbox_bytes": 32_768}) as server:
        with Player(server.url, "fast") as fast:
            fast.ask("join", game="bazaar")
            slow = _raw_socket(server, {"op": "hello", "name": "slow"}, {"op": "join", "game": "bazaar"})
            fast.push(lambda push: any(event.get("name") == "slow" for event in push.get("events", ())))
            for _ in range(25):
                asked = [fast.send("say", game="bazaar", text="x" * 500) for _ in range(20)]
                assert all("ok" in fast.reply(request_id) for request_id in asked)
            closed = 'tradegame_connections_closed_total{code="4001"} 1.0'
            end = time.monotonic() + 20
            while closed not in httpx.get(f"{server.http}/metrics").text:
                assert time.monotonic() < end, "who does not read is still there"
                time.sleep(0.1)
            # The close frame itself comes to those who begin to read before the server gives up sending it.
            seen = _drain(slow)
            assert b"\x0f\xa1" not in seen or seen.endswith(_close_frame(4001, "reads too slowly")), seen[-40:]


def test_a_revoked_session_is_closed_with_4502(etcd: Any) -> None:
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


def _raw_socket(server: ServerThread, *requests: dict[str, Any]) -> socket.socket:
    """A connection that has sent these requests, and then neither reads nor answers a ping."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", server.running.port))
    raw.settimeout(10)
    key = base64.b64encode(b"0123456789abcdef").decode()
    raw.sendall(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    for request in requests:
        body = json.dumps(request).encode()
        raw.sendall(bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body)
    return raw


def _close_frame(code: int, reason: str) -> bytes:
    payload = code.to_bytes(2, "big") + reason.encode()
    return bytes([0x88, len(payload)]) + payload


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
