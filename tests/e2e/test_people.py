"""People, over sockets: who is dealt to, what they are called, and what the host may do about them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN, ServerThread

GAME = "bazaar"


@pytest.fixture
def host(server: ServerThread) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with httpx.Client(base_url=f"{server.http}/v1/games/{GAME}", headers=headers, timeout=10, verify=False) as client:
        yield client


def posted(host: httpx.Client, path: str, **body: Any) -> int:
    answer = host.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["seq"])


def turned(host: httpx.Client) -> None:
    for phase in ("closed", "open"):
        posted(host, "/phase", phase=phase)


def dealt(player: Player) -> dict[str, Any]:
    """The account, once the open round has dealt to it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        account = player.ask("me", game=GAME)
        if account["start"] is not None:
            return account
        time.sleep(0.05)
    pytest.fail("a round did not deal to who is here")


def test_a_round_deals_to_who_is_here_and_not_to_who_left(server: ServerThread, host: httpx.Client) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "watcher") as watcher:
        cash = ann.ask("join", game=GAME)["me"]["cash"]
        watcher.ask("join", game=GAME, spectate=True)
        with Player(server.url, "bot") as bot:
            bot.ask("join", game=GAME)
        ann.ask("buy", game=GAME, good="grain", qty=1)  # a round without a trade would leave no result
        turned(host)
        assert dealt(ann)["cash"] == cash
        told = host.get("/roster").json()["players"]
        assert [(row["name"], row["dealt"]) for row in told] == [("ann", True), ("bot", False)]
        assert [row["name"] for row in ann.ask("standings", game=GAME)["standings"]] == ["ann"]
        with Player(server.url, token=bot.token) as again:
            again.ask("join", game=GAME)
            assert dealt(again)["cash"] == cash
        ann.ask("buy", game=GAME, good="grain", qty=1)
        turned(host)
        dealt(ann)
        posted(host, "/phase", phase="closed")
        results = host.get("/debrief").json()["rounds"]
        assert [sorted(row["name"] for row in result["players"]) for result in results] == [
            ["ann", "bot"],
            ["ann", "bot"],
            ["ann"],
        ]


def test_a_command_right_after_the_opening_is_not_refused_for_want_of_money(
    server: ServerThread, host: httpx.Client
) -> None:
    with Player(server.url, "ann") as ann:
        ann.ask("join", game=GAME)
        for _ in range(3):
            posted(host, "/phase", phase="closed")
            posted(host, "/phase", phase="open")
            assert ann.ask("order", game=GAME, good="grain", side="bid", qty=1, price=1)["resting"] == 1


def test_a_second_anna_is_anna_2(server: ServerThread) -> None:
    with Player(server.url, "Anna") as one, Player(server.url, "\u0410nn\u0430") as two:
        assert two.welcome["player"]["name"] == "\u0410nn\u0430"
        one.ask("join", game=GAME)
        state = two.ask("join", game=GAME)["state"]
        assert [state["players"][player.id]["name"] for player in (one, two)] == ["Anna", "\u0410nn\u0430 (2)"]
        one.push(lambda push: push["push"] == "events" and push["events"][0].get("name") == "\u0410nn\u0430 (2)")


@pytest.mark.parametrize("name", ["h\u043est", "host\u200d", "\uff48\uff4f\uff53\uff54", "\u17b4"], ids=ascii)
def test_what_looks_like_the_host_is_a_bad_request(server: ServerThread, name: str) -> None:
    with Player(server.url, hello=False) as player:
        assert player.refused("hello", name=name)["at"] == "$.name"


def test_who_is_removed_is_out_and_stays_out(server: ServerThread, host: httpx.Client) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        for player in (ann, bob):
            player.ask("join", game=GAME)
        ann.ask("order", game=GAME, good="grain", side="bid", qty=1, price=1)
        answer = host.delete(f"/players/{ann.id}")
        assert answer.status_code == 200
        bob.until_seq(answer.json()["seq"])
        assert bob.events("removed") == [{"type": "removed", "player": ann.id}]
        assert ann.refused("me", game=GAME)["code"] == "not_joined"
        assert ann.refused("join", game=GAME, key="j")["code"] == "not_admitted"
        assert ann.ask("join", game=GAME, spectate=True)["state"]["players"].keys() == {bob.id}
        assert [row["name"] for row in bob.ask("standings", game=GAME)["standings"]] == ["bob"]
        assert host.delete(f"/players/{ann.id}").json()["error"]["code"] == "unknown_player"
        for nobody in ("x" * 65, "%F0%9F%98%80", "house"):
            assert host.delete(f"/players/{nobody}").status_code == 404
            assert host.post(f"/players/{nobody}/readmit").status_code == 404
        assert host.get("/roster").json()["removed"] == [{"player": ann.id, "name": "ann"}]
        posted(host, f"/players/{ann.id}/readmit")
        assert host.get("/roster").json()["removed"] == []
        assert ann.ask("join", game=GAME, key="again")["me"]["orders"] == []


def test_a_locked_game_and_a_roster(server: ServerThread, host: httpx.Client) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        ann.ask("join", game=GAME)
        posted(host, "/access", locked=True)
        assert bob.refused("join", game=GAME)["code"] == "not_admitted"
        assert ann.ask("join", game=GAME)["state"]["locked"] is True
        seq = posted(host, "/access", locked=False)
        posted(host, "/roster", names=["Zoë", "Carl"])
        refused = bob.refused("join", game=GAME)
        assert (refused["code"], refused["definite"]) == ("not_admitted", True)
        with Player(server.url, "ZOE\u0308") as zoe:
            assert zoe.ask("join", game=GAME)["seq"] > seq
        told = host.get("/roster").json()
        assert (told["locked"], told["chat"], told["names"]) == (False, True, ["Zoë", "Carl"])
        assert [row["name"] for row in told["players"]] == ["ann", "ZOE\u0308"]
        bad = host.post("/roster", json={"names": ["ann", "house"]})
        assert (bad.status_code, bad.json()["error"]["at"]) == (400, "$.names[1]")
        posted(host, "/roster", names=[])
        bob.ask("join", game=GAME)


def test_the_chat_and_its_messages(server: ServerThread, host: httpx.Client) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        for player in (ann, bob):
            player.ask("join", game=GAME)
        ann.ask("say", game=GAME, text="rude")
        number = bob.push(lambda push: push["push"] == "events" and push["events"][-1]["type"] == "said")["events"][-1][
            "number"
        ]
        seq = host.delete(f"/messages/{number}").json()["seq"]
        bob.until_seq(seq)
        assert bob.events("unsaid") == [{"type": "unsaid", "number": number}]
        assert bob.ask("join", game=GAME)["state"]["messages"] == []
        for wrong in (number, 0, "x", "9" * 30):
            assert host.delete(f"/messages/{wrong}").json()["error"]["code"] == "unknown_message"
        posted(host, f"/players/{ann.id}/mute", muted=True)
        assert ann.refused("say", game=GAME, text="rude")["code"] == "muted"
        assert ann.ask("me", game=GAME)["muted"] is True
        posted(host, f"/players/{ann.id}/mute", muted=False)
        ann.ask("say", game=GAME, text="sorry")
        posted(host, "/access", chat=False)
        assert bob.refused("say", game=GAME, text="hm")["code"] == "muted"
        posted(host, f"/players/{ann.id}/message", text="Do you need help?")
        whisper = ann.push(lambda push: push["push"] == "whisper")
        assert (whisper["player"], whisper["to"], whisper["text"]) == ("host", ann.id, "Do you need help?")
        assert host.post("/players/x/message", json={"text": "hm"}).json()["error"]["code"] == "unknown_player"
        posted(host, "/access", chat=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/players/x"),
        ("POST", "/players/x/mute"),
        ("POST", "/players/x/message"),
        ("DELETE", "/messages/1"),
        ("POST", "/access"),
        ("GET", "/roster"),
        ("POST", "/roster"),
    ],
)
def test_all_of_it_is_the_hosts(server: ServerThread, method: str, path: str) -> None:
    answer = httpx.request(method, f"{server.http}/v1/games/{GAME}{path}", json={}, timeout=10, verify=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
