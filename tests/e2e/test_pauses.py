"""A pause, over sockets and HTTP: who follows sees it, nobody trades, and whoever comes finds it in the state."""

from __future__ import annotations

import httpx

from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN, ServerThread

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def test_a_pause_is_seen_by_who_follows_and_by_who_comes(server: ServerThread) -> None:
    def says(path: str, **body: object) -> httpx.Response:
        return httpx.post(f"{server.http}/v1/games/bazaar{path}", json=body, headers=HOST, timeout=20, verify=False)

    def state() -> dict[str, object]:
        told: dict[str, object] = httpx.get(f"{server.http}/v1/games/bazaar", timeout=20, verify=False).json()
        return told

    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        says("/pause", paused=True).raise_for_status()
        frame = ann.push(lambda push: any(event["type"] == "clock" for event in push.get("events", ())))
        (event,) = (each for each in frame["events"] if each["type"] == "clock")
        assert event == {"type": "clock", "ends_at": None, "paused_at": event["paused_at"]}
        assert ann.refused("buy", game="bazaar", good="grain", qty=1)["code"] == "not_open"
        assert state()["paused_at"] == event["paused_at"]
        with Player(server.url, "ben") as ben:
            assert ben.ask("join", game="bazaar")["state"]["paused_at"] == event["paused_at"]
        more = says("/time", add_s=30)
        assert (more.status_code, more.json()["error"]["code"]) == (409, "not_open"), "it has no end"
        assert says("/time", add_s=0).status_code == 400
        says("/pause", paused=False).raise_for_status()
        assert ann.ask("buy", game="bazaar", good="grain", qty=1)["filled"] == 1
        assert "paused_at" not in state()
    assert httpx.post(f"{server.http}/v1/games/bazaar/pause", json={"paused": True}, verify=False).status_code == 401
