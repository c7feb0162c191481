"""Behind nginx, HAProxy and Caddy: all that works without them, and who the client is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.process import ServerProcess
from tests.support.raw import Raw, ask, upgrade
from tests.support.reverse_proxy import NGINX_HEADERS, Configure, caddy, haproxy, nginx, reverse_proxy
from tests.support.server import BAZAAR

pytestmark = pytest.mark.slow

ROUNDS = 20
DEADLINE_S = 30.0
PROXIES: dict[str, tuple[str, Configure]] = {
    "nginx": ("nginx", nginx("")),
    "nginx with keepalive": ("nginx", nginx("keepalive 4;")),
    "haproxy": ("haproxy", haproxy("never")),
    "haproxy that reuses": ("haproxy", haproxy("always")),
    "caddy": ("caddy", caddy()),
}
NAMED = "play.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    flags = {"server.proxies": ["127.0.0.1"], "server.hosts": [NAMED], "server.path_prefix": "/trade"}
    with ServerProcess("memory:", tmp_path_factory.mktemp("node"), games=[BAZAAR], flags=flags) as running:
        yield running


@pytest.fixture(params=PROXIES, scope="module")
def proxy(
    request: pytest.FixtureRequest, server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    program, configure = PROXIES[request.param]
    with reverse_proxy(program, configure, server.port, tmp_path_factory.mktemp("proxy")) as port:
        yield port


def open_websocket(port: int, path: str, *headers: str) -> Raw:
    """A WebSocket that has said hello; what is answered instead is raised."""
    peer = Raw(port)
    peer.send(upgrade(path, *headers))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = peer.receive(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 101 "), head
    peer.send(ask("hello", id=1, name="ann"))
    assert peer.reply()["id"] == 1
    return peer


def test_http_and_websocket_in_turn_over_connections_that_are_kept(proxy: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy}", timeout=30) as web:
        for _ in range(ROUNDS):
            assert web.get("/healthz").text == "ok\n"
            assert web.get("/v1/games").json()["games"][0]["game"] == "bazaar"
            with open_websocket(proxy, "/ws") as peer:
                peer.send(ask("join", id=2, game="bazaar"))
                assert peer.reply()["ok"]["game"] == "bazaar"
                assert web.post("/v1/games", json={}).status_code == 401


@pytest.mark.parametrize("host", [NAMED, "192.168.1.5:8000", "desk.local"])
def test_a_page_that_came_through_the_proxy_may_connect_through_it(proxy: int, host: str) -> None:
    origin = f"http://{host}"
    asked = httpx.get(f"http://127.0.0.1:{proxy}/v1/reach", params={"origin": origin}, headers={"Host": host})
    assert asked.json() == {"ok": True, "reason": None, "setting": None}
    with Raw(proxy) as peer:
        head = upgrade("/ws", f"Origin: {origin}").replace(b"Host: 127.0.0.1", f"Host: {host}".encode())
        peer.send(head)
        assert peer.receive(12) == b"HTTP/1.1 101"


def test_a_page_of_somebody_elses_is_refused_through_the_proxy(proxy: int, server: ServerProcess) -> None:
    with Raw(proxy) as peer:
        peer.send(upgrade("/ws", "Origin: https://evil.example"))
        assert peer.receive(12) == b"HTTP/1.1 403"
    refused = httpx.get(f"http://127.0.0.1:{proxy}/v1/games", headers={"Host": "evil.example"})
    assert refused.status_code == 421
    assert "server.hosts" in refused.json()["error"]["message"]


def test_the_client_has_its_own_address(proxy: int, server: ServerProcess) -> None:
    before = len(server.log)
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.7")) as web:
        headers = {"Authorization": "Bearer a-guess", "X-Forwarded-For": "6.6.6.6"}
        assert web.get(f"http://127.0.0.1:{proxy}/v1/admin", headers=headers).status_code in (401, 429)
    end = time.monotonic() + DEADLINE_S
    while "admin_token_wrong" not in (log := server.log[before:]) or not log.endswith("\n"):
        assert time.monotonic() < end, log
        time.sleep(0.05)
    wrong = [line for line in map(json.loads, log.splitlines()) if line["event"] == "admin_token_wrong"]
    assert [line["address"] for line in wrong] == ["127.0.0.7"], "what the client says itself is not believed"


@pytest.mark.parametrize("strips", [True, False])
def test_below_a_path_whether_the_proxy_strips_it_or_not(server: ServerProcess, tmp_path: Path, strips: bool) -> None:
    headers = NGINX_HEADERS.replace("http://tradegame;", f"http://tradegame{'/' if strips else ''};")
    location = f"""
        location /trade/ {{
            {headers}
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
        }}
    """
    configure = nginx("keepalive 4;", location)

    def with_map(port: int, upstream: int, folder: Path) -> str:
        upgrading = 'map $http_upgrade $upgrading { default upgrade; "" ""; }'
        return configure(port, upstream, folder).replace("access_log off;", f"access_log off; {upgrading}")

    with reverse_proxy("nginx", with_map, server.port, tmp_path) as port:
        for _ in range(3):
            page = httpx.get(f"http://127.0.0.1:{port}/trade/")
            assert (page.status_code, '<div id="app">' in page.text) == (200, True)
            assert httpx.get(f"http://127.0.0.1:{port}/trade/static/js/common/urls.js").status_code == 200
            open_websocket(port, "/trade/ws").close()


def test_a_proxy_that_drops_the_upgrade_is_told_of(server: ServerProcess, tmp_path: Path) -> None:
    location = f"location / {{ {NGINX_HEADERS} }}"
    with reverse_proxy("nginx", nginx("", location), server.port, tmp_path) as port:
        with Raw(port) as peer:
            head = upgrade("/ws", f"Origin: http://127.0.0.1:{port}")
            peer.send(head.replace(b"Host: 127.0.0.1", b"Host: 127.0.0.1:%d" % port))
            assert peer.receive(12) == b"HTTP/1.1 426"
        told = httpx.get(f"http://127.0.0.1:{port}/v1/reach", params={"origin": f"http://127.0.0.1:{port}"}).json()
        assert not told["ok"]
        assert "Upgrade" in told["reason"]
