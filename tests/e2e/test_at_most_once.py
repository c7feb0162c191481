"""No copy of a command is done twice, however late it comes, as a client sees it over real sockets."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from tests.support.host_calls import CALLS, REFUSED
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread
from tradegame.core.repositories import StoreUnavailableError
from tradegame.infra.kv import KvGameStateRepository
from tradegame.protocol.bounds import KEYS_REMEMBERED, UNANSWERED

BUY = {"op": "buy", "game": "bazaar", "good": "grain", "qty": 1}


def ask_host(server: ServerThread, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=10)
    try:
        connection.request(
            method, path, json.dumps(body) if body is not None else None,
            {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json", **headers},
        )  # fmt: skip
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def say_many(player: Player, count: int) -> int:
    """So many other keys; the last answer's ``keys``."""
    for first in range(0, count, 50):
        some = [
            player.send("say", game="bazaar", text="x", key=f"other-{number}")
            for number in range(first, min(first + 50, count))
        ]
        answers = [player.reply(number)["ok"] for number in some]
    return int(answers[-1]["keys"])


def test_a_copy_that_comes_after_256_newer_keys_is_stale_and_buys_nothing(server: ServerThread) -> None:
    with Player(server.url) as player:
        me = player.ask("join", game="bazaar")
        copy = {**BUY, "key": "k", "since": me["me"]["keys"], "epoch": me["epoch"]}
        assert player.ask(**copy)["keys"] == 1
        assert player.ask(**copy)["replayed"]
        assert say_many(player, KEYS_REMEMBERED) == KEYS_REMEMBERED + 1
        stale = player.refused(**copy)
        assert (stale["code"], stale["definite"], stale["keys"]) == ("stale", True, KEYS_REMEMBERED + 1)
        assert player.ask("me", game="bazaar")["goods"]["grain"] == 1


def test_an_order_meant_for_a_deleted_game_does_not_touch_the_one_that_was_made_anew(server: ServerThread) -> None:
    with Player(server.url) as player:
        old = player.ask("join", game="bazaar")["epoch"]
        order = {"op": "order", "game": "bazaar", "good": "wood", "side": "ask", "qty": 2, "price": 50}
        copy = {"op": "cancel", "game": "bazaar", "order": player.ask(**order)["order"], "key": "k", "since": 0}
        assert ask_host(server, "DELETE", "/v1/games/bazaar")[0] == 200
        assert ask_host(server, "POST", "/v1/games", BAZAAR)[0] == 201
        new = player.ask("join", game="bazaar")["epoch"]
        assert player.ask(**order)["order"] == copy["order"]
        assert player.refused(**copy, epoch=old)["code"] == "epoch_over"
        assert len(player.ask("me", game="bazaar")["orders"]) == 1
        assert player.ask(**copy, epoch=new)["released"] == {"cash": 0, "qty": 2}


def test_what_is_in_doubt_gives_back_all_that_a_copy_must_say(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hung(*_: object) -> Any:
        raise StoreUnavailableError("nobody knows", definite=False)

    with Player(server.url) as player:
        joined = player.ask("join", game="bazaar")
        say_many(player, 3)
        with monkeypatch.context() as patch:
            patch.setattr(KvGameStateRepository, "update", hung)
            error = player.refused(**BUY, key="k")
        assert error["definite"] is False
        copy = {name: error[name] for name in ("key", "since", "epoch")}
        assert copy == {"key": "k", "since": 3, "epoch": joined["epoch"]}
        assert player.ask(**BUY, **copy)["filled"] == 1
        assert player.ask(**BUY, **copy)["replayed"]


def test_more_unanswered_commands_than_could_all_be_remembered_are_refused(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = KvGameStateRepository.update

    async def slow(*args: Any) -> Any:
        await trio.sleep(1)
        return await update(*args)

    with Player(server.url) as first:
        first.ask("join", game="bazaar")
        others = [Player(server.url, token=first.token) for _ in range(2)]
        try:
            monkeypatch.setattr(KvGameStateRepository, "update", slow)
            sent = [
                (player, player.send("say", game="bazaar", text="x", key=f"{at}-{number}"))
                for at, player in enumerate((first, *others))
                for number in range(60)
            ]
            replies = [player.reply(number) for player, number in sent]
        finally:
            for player in others:
                player.close()
    refused = [reply["error"]["code"] for reply in replies if "error" in reply]
    assert refused == ["overloaded"] * (180 - UNANSWERED)


def test_a_page_that_was_loaded_again_goes_on_from_what_its_join_tells(server: ServerThread) -> None:
    with Player(server.url) as player:
        player.ask("join", game="bazaar")
        told = say_many(player, KEYS_REMEMBERED + 50)
        with Player(server.url, token=player.token) as later:
            joined = later.ask("join", game="bazaar")
            assert joined["me"]["keys"] == told
            bought = later.ask(**BUY, key="k", since=joined["me"]["keys"], epoch=joined["epoch"])
            assert bought["keys"] == told + 1
            pushed = player.push(lambda push: push["push"] == "account" and push["account"]["keys"] == told + 1)
            assert pushed["account"]["goods"]["grain"] == 1


# The host's calls


def test_a_hosts_call_that_is_sent_again_with_its_key_happens_once(server: ServerThread) -> None:
    news = {"text": "rain", "good": "grain", "anchor_bps": 500}
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/v1/games/bazaar/news", news),
        ("POST", "/v1/games/bazaar/phase", {"phase": "lobby"}),
    ]
    with Player(server.url) as player:
        player.ask("join", game="bazaar")
        for number, (method, path, body) in enumerate(calls):
            first = ask_host(server, method, path, body, **{"Idempotency-Key": f"k{number}"})
            again = ask_host(server, method, path, body, **{"Idempotency-Key": f"k{number}"})
            assert first[0] == again[0] == 200
            assert again[1] == {**first[1], "replayed": True}
        player.until_seq(again[1]["seq"])
        assert len(player.events("round")) == len(player.events("news")) == 1
    for key, answer in (("k0", (200, None)), ("new", (409, "not_open"))):  # no round is open any more
        for _ in range(2):
            status, said = ask_host(server, "POST", "/v1/games/bazaar/news", news, **{"Idempotency-Key": key})
            assert (status, said.get("error", {}).get("code")) == answer
    status, error = ask_host(server, "POST", "/v1/games/bazaar/news", {"text": "sun"}, **{"Idempotency-Key": "k0"})
    assert (status, error["error"]["code"]) == (409, "key_reused")


def test_every_call_of_the_hosts_that_changes_a_game_is_done_once(server: ServerThread) -> None:
    with Player(server.url) as player:
        player.ask("join", game="bazaar")
        player.ask("say", game="bazaar", text="hi")
        for number, (method, path, body) in enumerate(REFUSED + CALLS):
            place = path.format(game="bazaar", player=player.id, seat=1, message=1)
            first, again = [
                ask_host(server, method.upper(), place, body, **{"Idempotency-Key": f"call-{number}"}) for _ in range(2)
            ]
            if number < len(REFUSED):
                assert 400 <= first[0] == again[0] < 500, (path, first, again)
                continue
            assert first[0] == again[0] == 200, (path, first, again)
            if "link" not in path:  # a second link would be another one
                first[1]["replayed"] = True
            assert again[1] == first[1], path


def test_a_late_copy_of_making_or_deleting_a_game_does_not_touch_the_next_one(server: ServerThread) -> None:
    make, delete = {"Idempotency-Key": "make"}, {"Idempotency-Key": "delete"}
    assert ask_host(server, "DELETE", "/v1/games/bazaar", **delete)[0] == 200
    first = ask_host(server, "POST", "/v1/games", BAZAAR, **make)
    again = ask_host(server, "POST", "/v1/games", BAZAAR, **make)
    assert first[0] == again[0] == 201
    assert first[1]["epoch"] == again[1]["epoch"]
    assert ask_host(server, "DELETE", "/v1/games/bazaar", **delete)[0] == 200  # a copy of the first one
    assert ask_host(server, "GET", "/v1/games/bazaar")[1]["epoch"] == first[1]["epoch"]
    assert ask_host(server, "DELETE", "/v1/games/bazaar")[0] == 200
    status, error = ask_host(server, "POST", "/v1/games", BAZAAR, **make)
    assert (status, error["error"]["code"]) == (409, "epoch_over")
    for method, path, key in (("POST", "/v1/games", delete), ("DELETE", "/v1/games/bazaar", make)):
        status, error = ask_host(server, method, path, BAZAAR if method == "POST" else None, **key)
        assert (status, error["error"]["code"]) == (409, "key_reused")


@pytest.mark.parametrize("key", ["", "x" * 65, "ü"])
def test_a_key_that_is_none_is_refused(server: ServerThread, key: str) -> None:
    status, error = ask_host(server, "POST", "/v1/games/bazaar/phase", {"phase": "open"}, **{"Idempotency-Key": key})
    assert (status, error["error"]["code"], error["error"]["at"]) == (400, "bad_request", "Idempotency-Key")


def test_a_body_cannot_say_what_is_a_headers(server: ServerThread) -> None:
    status, error = ask_host(server, "POST", "/v1/games/bazaar/phase", {"phase": "open", "key": "k"})
    assert (status, error["error"]["at"]) == (400, "$.key")
