"""The HTTP side, on the same port."""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdServer
from tests.support.player import Player
from tests.support.raw import Raw, ask
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread
from tradegame.core.admission.budgets import GUESSES_BURST, GUESSES_PER_S
from tradegame.core.games.verify import verify_log
from tradegame.core.repositories import StoreError

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def web(server: ServerThread) -> Any:
    # Plain HTTP: to read the authorities' certificates would take longer than most tests here.
    with httpx.Client(base_url=server.http, timeout=10, verify=False) as client:
        yield client


@pytest.fixture
def shared_web(shared_server: ServerThread) -> Any:
    with httpx.Client(base_url=shared_server.http, timeout=10, verify=False) as client:
        yield client


def test_health_readiness_page_and_metrics(web: httpx.Client) -> None:
    assert web.get("/healthz").status_code == 200
    assert web.get("/readyz").status_code == 200
    assert '<div id="app">' in web.get("/").text
    metrics = web.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "tradegame_audit_violations" in metrics.text


def test_a_page_whose_websocket_is_refused_is_told_why(web: httpx.Client, server: ServerThread) -> None:
    own = server.http
    assert web.get("/v1/reach", params={"origin": own}).json() == {"ok": True, "reason": None, "setting": None}
    told = web.get("/v1/reach", params={"origin": own}, headers={"Host": "play.example"}).json()
    assert (told["ok"], told["setting"]) == (False, "server.hosts")
    told = web.get("/v1/reach", params={"origin": "https://play.example"}).json()
    assert (told["ok"], told["setting"]) == (False, "server.origins")
    upgrade = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13", "Origin": own}
    assert web.get("/ws", headers=upgrade).status_code == 426
    told = web.get("/v1/reach", params={"origin": own}).json()
    assert not told["ok"]
    assert "a proxy in front must hand on Upgrade and Connection" in told["reason"]
    assert 'tradegame_refused_total{cause="upgrade"} 1.0' in web.get("/metrics").text
    refused = web.get("/v1/games", headers={"Host": "evil.example"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (421, "forbidden")
    assert "server.hosts" in refused.json()["error"]["message"]


def test_a_page_of_another_site_is_refused_logged_and_counted() -> None:
    with capture_logs() as logs, ServerThread("memory:") as server:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        headers = {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": "https://evil.example"}
        assert httpx.get(f"{server.http}/ws", headers=headers).status_code == 403
        assert 'tradegame_refused_total{cause="origin"} 1.0' in httpx.get(f"{server.http}/metrics").text
    (told,) = [entry for entry in logs if entry["event"] == "request_refused"]
    assert (told["cause"], told["address"]) == ("origin", "127.0.0.1")
    assert "https://evil.example" in str(told)


@pytest.mark.parametrize(
    ("flags", "warned"),
    [
        ({}, False),
        ({"server.host": "0.0.0.0"}, True),
        ({"server.host": "::"}, True),
        ({"server.host": "0.0.0.0", "server.proxies": ["10.0.0.0/8"]}, False),
    ],
)
def test_who_listens_to_all_networks_without_tls_is_warned(flags: dict[str, Any], warned: bool) -> None:
    with capture_logs() as logs, ServerThread("memory:", flags=flags):
        pass
    assert ("listening_without_tls" in {entry["event"] for entry in logs}) is warned


def test_who_leaves_without_a_close_frame_gets_none(server: ServerThread) -> None:
    """RFC 6455, section 7.4.1: 1005, 1006 and 1015 are never on the wire."""
    with Raw.upgraded(server.running.port) as peer:
        peer.send(ask("hello", id=1, name="fin"))
        assert peer.reply()["id"] == 1
        peer.finish_sending()
        assert peer.message() is None


def test_games_state_and_standings(web: httpx.Client, server: ServerThread) -> None:
    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        listed = web.get("/v1/games").json()["games"]
        assert listed == ann.ask("games")["games"]
        assert set(listed[0]) == {
            "game", "title", "phase", "round", "ends_at", "players", "goods", "epoch", "seq", "code",
        }  # fmt: skip
        state = web.get("/v1/games/bazaar").json()
        assert state["players"] == {ann.id: {"name": "ann"}}
        standings = web.get("/v1/games/bazaar/standings", params={"limit": 5}).json()["standings"]
        assert standings == [{"rank": 1, "player": ann.id, "name": "ann", "worth": 10_000, "score": 0}]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/games/nowhere", 404, "unknown_game"),
        ("GET", "/nothing", 404, "not_found"),
        ("PUT", "/v1/games", 405, "method_not_allowed"),
        ("GET", "/v1/games/bazaar/standings?limit=x", 400, "bad_request"),
        ("GET", f"/v1/games/bazaar/standings?{'a&' * 600}limit=1", 400, "bad_request"),
        ("GET", f"/v1/reach?{'a&' * 600}", 400, "bad_request"),
        ("DELETE", "/v1/games/bazaar", 401, "unauthorized"),
        ("GET", "/v1/games/bazaar/log", 401, "unauthorized"),
    ],
)
def test_errors_have_the_protocols_form(
    shared_web: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = shared_web.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["definite"] is True


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_method_is_told_the_right_ones(shared_web: httpx.Client, method: str) -> None:
    answer = shared_web.request(method, "/v1/games")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST, HEAD"


def test_a_node_for_all_networks_tells_its_address_in_them() -> None:
    with ServerThread("memory:", flags={"server.host": "0.0.0.0"}) as server:
        url = server.running.players_url
        assert not re.search(r"//(0\.0\.0\.0|localhost|127\.)", url)
        if "//" + socket.gethostname() not in url:  # which not every machine can resolve
            assert httpx.get(url).status_code == 200
    with ServerThread("memory:") as server:
        assert server.running.players_url == ""


def test_without_a_token_one_is_made_and_kept_beside_the_store(tmp_path: Path) -> None:
    made = []
    for store in [f"embedded:{tmp_path / 'x.db'}"] * 2 + ["memory:"] * 2:
        with ServerThread(store, flags={"admin.token": ""}) as server:
            token = server.running.host_token
            made.append(token)
            assert server.running.host_url == f"{server.http}/host#token={token}"
            assert token not in repr(server.running)
            asked = [httpx.get(f"{server.http}/v1/admin", headers=bearer(each)) for each in (token, token[:-1], "x")]
            assert [answer.status_code for answer in asked] == [200, 401, 401]
    assert made[0] == made[1], "started again, it has the same"
    assert len({*made}) == 3
    file = tmp_path / "x.db.token"
    assert file.read_text() == f"{made[0]}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("x\n")
    refused = ServerThread(f"embedded:{tmp_path / 'x.db'}", flags={"admin.token": ""})
    with pytest.raises(ExceptionGroup) as raised, refused:
        pass
    assert raised.group_contains(StoreError, match=r"x\.db\.token does not hold a valid token")


def test_nodes_on_one_etcd_make_one_token(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url, flags={"admin.token": ""}) as one, ServerThread(url, flags={"admin.token": ""}) as two:
        assert one.running.host_token == two.running.host_token != ""
        assert httpx.get(f"{two.http}/v1/admin", headers=bearer(one.running.host_token)).status_code == 200


def test_wrong_tokens_are_slowed_down_logged_and_counted_and_the_right_one_never_waits() -> None:
    with capture_logs() as logs, ServerThread("memory:") as server:
        answers: Counter[int] = Counter()

        def guess() -> None:
            with httpx.Client(base_url=server.http, timeout=60, verify=False) as web:
                for number in range(4):
                    path = "/v1/admin" if number % 2 else "/v1/games"  # a guess is one wherever it is made
                    answers[web.get(path, headers=bearer(f"guess-number-{number:09d}")).status_code] += 1

        guessers = [Thread(target=guess) for _ in range(5)]
        began = time.monotonic()
        for each in guessers:
            each.start()
        answered = 0
        with httpx.Client(base_url=server.http, timeout=60, headers=HOST, verify=False) as host:
            while any(each.is_alive() for each in guessers):
                assert host.get("/v1/admin").status_code == 200
                answered += 1
                time.sleep(0.02)
        took_s = time.monotonic() - began
        for each in guessers:
            each.join()
        assert answers[429] >= 20 - GUESSES_BURST - GUESSES_PER_S * took_s - 1
        assert took_s > 2, "each waited for a second, nearly each time"
        assert answered > 10, "a guesser has four answers in this time"
        assert 'tradegame_refused_total{cause="admin_token"} 20.0' in httpx.get(f"{server.http}/metrics").text
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.9", verify=False)
        with httpx.Client(base_url=server.http, transport=elsewhere) as web:  # whose guesses are their own
            assert web.get("/v1/admin", headers=bearer("guess-number-of-another")).status_code == 401
    wrong = [entry for entry in logs if entry["event"] == "admin_token_wrong"]
    assert Counter(entry["address"] for entry in wrong) == {"127.0.0.1": 20, "127.0.0.9": 1}
    assert "guess-number" not in str(logs)


def test_a_preset_comes_with_every_default_filled_in_and_is_made_as_it_comes(web: httpx.Client) -> None:
    found = {each["id"]: each["definition"] for each in web.get("/v1/presets", headers=HOST).json()["presets"]}
    assert found["bazaar"]["rounds"] == {"lobby_s": 0, "open_s": 900, "closed_s": 60, "repeat": 0}
    assert found["bazaar"]["goods"]["grain"]["house"]["levels"] == 5
    for name, definition in found.items():
        made = web.post("/v1/games", json={**definition, "id": f"my-{name}"}, headers=HOST)
        assert made.status_code == 201, made.text


def test_the_news_that_may_come_are_listed_for_the_host_alone(web: httpx.Client) -> None:
    for headers, listed in ((HOST, True), ({}, False), ({"Authorization": "Bearer guess"}, False)):
        for preset in web.get("/v1/presets", headers=headers).json()["presets"]:
            definition = preset["definition"]
            assert bool(definition["news"]) is (listed and preset["id"] == "bazaar")
            made = web.post("/v1/games", json={**definition, "id": "made"}, headers=HOST)
            assert made.status_code == 201, made.text
            web.delete("/v1/games/made", headers=HOST).raise_for_status()


def test_the_debrief_of_values_that_stay_in_force_is_whole_for_the_host_alone(
    web: httpx.Client, server: ServerThread
) -> None:
    game = {"id": "kept", "goods": {"wheat": {}}, "private_values": {"good": "wheat"}}
    web.post("/v1/games", json=game, headers=HOST).raise_for_status()
    with Player(server.url, "ann") as ann, Player(server.url, "ben") as ben:
        for player in (ann, ben):
            player.ask("join", game="kept")
        web.post("/v1/games/kept/phase", json={"phase": "closed"}, headers=HOST).raise_for_status()
    for headers, whole in ((HOST, True), ({}, False), ({"Authorization": "Bearer guess"}, False)):
        (told,) = web.get("/v1/games/kept/debrief", headers=headers).json()["rounds"]
        wheat = told["goods"]["wheat"]
        assert [len(wheat["demand"]), len(wheat["supply"])] == ([3, 3] if whole else [0, 0])
        assert [row["gain"] for row in told["players"]] == ([0, 0] if whole else [])
        assert told["secret"] is True
        standings = web.get("/v1/games/kept/standings", headers=headers).json()
        assert [row["score"] for row in standings["standings"]] == ([0, 0] if whole else [])
        assert standings["secret"] is True


def test_a_host_makes_a_game_and_deletes_it(web: httpx.Client, server: ServerThread) -> None:
    body = {"id": "pit", "goods": {"oil": {"endowment": 3}}}
    made = web.post("/v1/games", json=body, headers=HOST)
    assert made.status_code == 201
    assert "warnings" not in made.json()
    assert web.post("/v1/games", json=body, headers=HOST).status_code == 409
    with Player(server.url) as ann:
        first = ann.ask("join", game="pit")
        assert first["me"]["goods"] == {"oil": 3}
        assert web.delete("/v1/games/pit", headers=HOST).status_code == 200
        assert ann.push(lambda push: push["push"] == "gone")["game"] == "pit"
        assert ann.refused("me", game="pit")["code"] == "unknown_game"
        assert web.delete("/v1/games/pit", headers=HOST).status_code == 404
        assert web.post("/v1/games", json=body, headers=HOST).status_code == 201
        again = ann.ask("join", game="pit", after={"epoch": first["epoch"], "seq": first["seq"]})
        assert again["epoch"] != first["epoch"]
        assert again["recovered"] is False


def test_who_makes_a_game_is_told_what_of_it_will_not_do_what_it_seems_to(web: httpx.Client) -> None:
    late = {"text": "too late", "at_s": 60}
    body = {"id": "late", "goods": {"oil": {"endowment": 3}}, "rounds": {"open_s": 60}, "news": [late]}
    made = web.post("/v1/games", json=body, headers=HOST)
    assert made.status_code == 201
    assert made.json()["game"] == "late"
    (warning,) = made.json()["warnings"]
    assert (warning["at"], warning["message"]) == ("$.news[0].at_s", "never comes: the round closes after 60 s")
    assert warning["why"] == {"name": "never_comes", "params": {"open_s": 60}}


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"id": "pit"}, "$.goods"),
        ({"id": "PIT", "goods": {"oil": {}}}, "$.id"),
        ({"id": "pit", "goods": {"oil": {"endowment": 1.5}}}, "$.goods.oil.endowment"),
        ({"id": "pit", "goods": {"oil": {"house": {"anchor": 0}}}}, "$.goods.oil.house.anchor"),
        ({"id": "pit", "goods": {"oil": {}}, "colour": "red"}, "$.colour"),
    ],
)
def test_a_wrong_definition_says_where(web: httpx.Client, body: dict[str, Any], at: str) -> None:
    answer = web.post("/v1/games", json=body, headers=HOST)
    assert (answer.status_code, answer.json()["error"]["at"]) == (400, at)


def test_the_host_opens_closes_and_announces(web: httpx.Client, server: ServerThread) -> None:
    with Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        ann.ask("order", game="bazaar", good="wood", side="bid", qty=1, price=5)
        ann.ask("buy", game="bazaar", good="grain", qty=1)
        assert web.post("/v1/games/bazaar/phase", json={"phase": "closed"}, headers=HOST).status_code == 200
        ann.push(lambda push: any(event.get("phase") == "closed" for event in push.get("events", ())))
        assert ann.ask("me", game="bazaar")["orders"] == []
        web.post("/v1/games/bazaar/phase", json={"phase": "open"}, headers=HOST).raise_for_status()
        ann.push(lambda push: any(event.get("round") == 2 for event in push.get("events", ())))
        news = {"text": "a drought", "good": "grain", "anchor_bps": 2_000}
        assert web.post("/v1/games/bazaar/news", json=news, headers=HOST).status_code == 200
        ann.push(lambda push: {"type": "news", "text": "a drought", "good": "grain"} in push.get("events", ()))
        bad = web.post("/v1/games/bazaar/news", json={"text": ""}, headers=HOST)
        assert (bad.status_code, bad.json()["error"]["at"]) == (400, "$.text")
        gold = web.post("/v1/games/bazaar/news", json={"text": "x", "good": "gold"}, headers=HOST)
        assert (gold.status_code, gold.json()["error"]["code"]) == (404, "unknown_good")


def test_kicking_nobody_is_unknown_player(web: httpx.Client) -> None:
    answer = web.delete("/v1/players/p-nobody", headers=HOST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_player")


@pytest.mark.parametrize("path", ["/v1/games", "/v1/games/bazaar/phase", "/v1/games/bazaar/roster", "/nowhere"])
def test_a_body_is_read_for_the_host_alone(shared_server: ServerThread, path: str) -> None:
    with socket.create_connection(("127.0.0.1", shared_server.running.port), 5) as peer:  # a body has ten seconds
        peer.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n".encode())
        assert peer.recv(65_536).split()[1] == (b"404" if path == "/nowhere" else b"401")


def test_a_body_over_the_limit_is_too_large(web: httpx.Client) -> None:
    answer = web.post("/v1/games", content=b"x" * 70_000, headers=HOST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_an_exported_log_verifies(web: httpx.Client, server: ServerThread, tmp_path: Path) -> None:
    with Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        for number in range(20):
            ann.ask("buy", game="bazaar", good="grain", qty=1, key=f"k{number}")
        account = ann.ask("me", game="bazaar")
    answer = web.get("/v1/games/bazaar/log", headers=HOST)
    log = tmp_path / "bazaar.jsonl"
    log.write_bytes(answer.content)
    report = verify_log(log, lambda done, total: None)
    assert report.ok, report.problem
    assert report.commands >= 21
    assert account["goods"]["grain"] == 20


def test_a_changed_digit_in_an_exported_log_is_found(tmp_path: Path) -> None:
    with ServerThread("memory:") as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        for number in range(20):
            ann.ask("buy", game="bazaar", good="grain", qty=1, key=f"k{number}")
        exported = httpx.get(f"{server.http}/v1/games/bazaar/log", headers=HOST).content
    log = tmp_path / "bazaar.jsonl"
    log.write_bytes(exported)
    assert verify_log(log, lambda done, total: None).ok
    digits = [place for place, byte in enumerate(exported) if chr(byte).isdigit()]
    for place in digits[:: max(1, len(digits) // 200)]:
        changed = bytearray(exported)
        changed[place] = ord("7") if changed[place] != ord("7") else ord("3")
        log.write_bytes(changed)
        assert not verify_log(log, lambda done, total: None).ok, f"the digit at {place} can be changed"


def test_the_definition_in_the_exported_log_is_the_one_that_was_given(web: httpx.Client) -> None:
    base = json.loads(web.get("/v1/games/bazaar/log", headers=HOST).content.splitlines()[0])
    assert base["definition"]["goods"]["grain"]["house"]["anchor"] == BAZAAR["goods"]["grain"]["house"]["anchor"]


def test_the_origin_of_a_page_must_be_the_servers_own(server: ServerThread) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
        "Sec-WebSocket-Version": "13",
    }
    refused = httpx.get(f"{server.http}/ws", headers={**upgrade, "Origin": "http://evil.example"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    unknown = httpx.get(f"{server.http}/ws", headers={**upgrade, "Sec-WebSocket-Protocol": "chess.v1"})
    assert unknown.status_code == 400
    assert "tradegame.v1" in unknown.json()["error"]["message"]
