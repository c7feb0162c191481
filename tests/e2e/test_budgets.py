"""Who is too fast waits, whichever way it comes in; nobody else does."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.player import Player
from tests.support.raw import Raw, ask
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread

AS_BY_DEFAULT = {"limits.commands_per_s": 20, "limits.burst": 40}


def server_of(**flags: Any) -> ServerThread:
    return ServerThread("memory:", flags={**AS_BY_DEFAULT, **{f"limits.{name}": flags[name] for name in flags}})


def get(server: ServerThread, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(urllib.request.Request(server.http + path, headers=headers), timeout=20) as answer:
            answer.read()
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_a_player_who_connects_again_and_again_has_one_rate() -> None:
    with server_of(commands_per_s=1, burst=10) as server:
        begun = time.monotonic()
        done = 0
        with Player(server.url) as player:
            token = player.token
        for _ in range(12):
            with Player(server.url, token=token) as player:
                ids = [player.send("games") for _ in range(8)]
                done += sum("ok" in player.reply(request_id) for request_id in ids)
        assert done <= 10 + (time.monotonic() - begun) + 1


@pytest.mark.slow
def test_a_class_of_300_gets_in_at_once_from_one_address() -> None:
    with server_of() as server, ExitStack() as stack:
        class_ = [stack.enter_context(Raw.upgraded(server.running.port)) for _ in range(300)]
        for number, pupil in enumerate(class_):
            pupil.send(ask("hello", id=1, name=f"pupil {number}") + ask("join", id=2, game="bazaar"))
        for pupil in class_:
            for reply in pupil.reply(), pupil.reply():
                assert "ok" in reply, reply


def test_wrong_tokens_on_one_connection_soon_have_to_wait() -> None:
    with server_of() as server, Player(server.url, hello=False) as player:
        begun = time.monotonic()
        ids = [player.send("hello", token=f"wrong{number}") for number in range(60)]
        codes = [player.reply(request_id)["error"]["code"] for request_id in ids]
        assert set(codes) == {"unauthorized", "rate_limited"}
        assert codes.count("unauthorized") <= 3 + (time.monotonic() - begun)
        time.sleep(player.refused("hello", token="wrong").get("retry_after_ms", 0) / 1000)


def test_an_address_that_only_connects_is_told_to_wait() -> None:
    with server_of(address_commands_per_s=1) as server:
        statuses = []
        for _ in range(20):
            with Raw(server.running.port) as connection:
                connection.send(
                    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                )
                statuses.append(connection.receive(12))
        assert statuses[:2] == [b"HTTP/1.1 101"] * 2
        assert statuses[-1] == b"HTTP/1.1 429"


def test_http_is_429_with_the_time_to_wait_and_the_host_never_waits() -> None:
    with server_of(address_commands_per_s=1) as server:
        for _ in range(100):
            status, headers = get(server, "/v1/games")
            if status == 429:
                break
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        assert get(server, "/nowhere")[0] == 429
        for path in ("/healthz", "/readyz", "/metrics"):
            assert get(server, path)[0] == 200
        for _ in range(50):
            assert get(server, "/v1/games", Authorization=f"Bearer {ADMIN_TOKEN}")[0] == 200


@pytest.mark.slow
def test_dead_sockets_of_a_player_do_not_lock_it_out() -> None:
    """Eight that are open and answer nothing, as after a change of the network; one that lives beside them stays."""
    with server_of(connections_per_player=3) as server, ExitStack() as stack:
        live = stack.enter_context(Player(server.url))
        dead = [stack.enter_context(Raw.upgraded(server.running.port)) for _ in range(2)]
        for socket in dead:
            socket.send(ask("hello", id=1, token=live.token))
            assert "ok" in socket.reply()
        again = stack.enter_context(Player(server.url, token=live.token))
        assert again.ask("games")
        assert live.ask("games")
        for socket in dead:
            assert socket.end()[0] == 4002


@pytest.mark.slow
def test_a_file_of_a_page_comes_late_rather_than_never() -> None:
    with server_of(address_commands_per_s=1) as server:
        for _ in range(100):
            if get(server, "/v1/games")[0] == 429:
                break
        assert get(server, "/tradegame.js")[0] == 200


def test_what_is_no_request_of_the_form_is_paid_too() -> None:
    """Without a pause, that many refusals take the server no time; with one, it answers the last ping seconds later."""
    with server_of() as server, Raw.upgraded(server.running.port) as connection:
        begun = time.monotonic()
        connection.send((ask("nonsense") + ask("ping")) * 120 + ask("ping", id="last"))
        while connection.reply().get("id") != "last":
            pass
        assert time.monotonic() - begun > 1


def test_who_joins_is_kept_and_who_only_looks_is_a_guest_for_an_hour() -> None:
    with server_of() as server, Player(server.url) as player:
        assert player.welcome["expires_s"] == 3_600
        player.ask("join", game="bazaar", spectate=True)
        with Player(server.url, token=player.token) as again:
            assert again.welcome["expires_s"] == 3_600
            again.ask("join", game="bazaar")
        with Player(server.url, token=player.token) as again:
            assert again.welcome["expires_s"] == 7_776_000
            assert again.welcome["player"]["id"] == player.id


def test_a_full_game_can_be_watched_and_takes_its_own_players_only() -> None:
    with ServerThread("memory:", games=[{**BAZAAR, "max_players": 2}]) as server, ExitStack() as stack:
        players = [stack.enter_context(Player(server.url)) for _ in range(3)]
        for player in players[:2]:
            player.ask("join", game="bazaar")
        error = players[2].refused("join", game="bazaar", key="k")
        assert (error["code"], error["definite"]) == ("game_full", True)
        players[2].ask("join", game="bazaar", spectate=True)
        with Player(server.url, token=players[2].token) as again:
            assert again.welcome["expires_s"] == 3_600, "who got no account is a guest still"
        with Player(server.url, token=players[0].token) as again:
            again.ask("join", game="bazaar")


def test_frames_that_are_sent_again_are_paid() -> None:
    """A resume from far back, again and again, is as dear as what it makes the server send."""
    with server_of(burst=40, commands_per_s=1) as server, Player(server.url) as talker, Player(server.url) as again:
        talker.ask("join", game="bazaar")
        state = again.ask("join", game="bazaar", spectate=True)
        for number in range(20):
            talker.ask("say", game="bazaar", text=f"line {number}")
        after = {"epoch": state["epoch"], "seq": 0}
        begun, done = time.monotonic(), 0
        for _ in range(40):
            done += "ok" in again.reply(again.send("join", game="bazaar", spectate=True, after=after))
        assert done <= (40 + time.monotonic() - begun) / 2.2


def test_what_is_said_to_everybody_has_a_total_of_which_who_may_not_speak_takes_nothing() -> None:
    """Each is within its rate. A reader who keeps up with less was closed by so many of them."""

    def flood(player: Player, messages: int = 30) -> list[dict[str, Any]]:
        asked = [player.send("say", game="bazaar", text="\N{FOX FACE}" * 500) for _ in range(messages)]
        return [player.reply(each) for each in asked]

    with server_of(burst=40, commands_per_s=1, address_commands_per_s=2_000) as server, ExitStack() as stack:
        players = [stack.enter_context(Player(server.url, f"loud {number}")) for number in range(21)]
        for player in players[10:]:
            player.ask("join", game="bazaar")
        not_joined = [flood(player) for player in players[:10]]
        assert {reply["error"]["code"] for replies in not_joined for reply in replies} == {"not_joined"}
        assert all("ok" in reply for reply in flood(players[10], 20)), "nobody has said anything yet"
        replies = [reply for player in players[11:] for reply in flood(player)]
        refused = [reply["error"] for reply in replies if "error" in reply]
        assert {error["code"] for error in refused} == {"rate_limited"}
        assert all("said in this game" in error["message"] and error["retry_after_ms"] > 0 for error in refused)
        assert len(refused) < len(replies), "some of it is said"
        assert players[0].ask("ping")


def test_what_waits_over_websocket_and_over_http_shares_one_budget() -> None:
    """Each alone is below it. Who has read nothing for longest is closed, and who reads goes on."""
    most, rate = 1_048_576, {"commands_per_s": 10_000, "burst": 10_000}
    with server_of(outboxes_bytes=most, outbox_bytes=4 * most, **rate) as server, ExitStack() as stack:

        def figure(name: str) -> float:
            with urllib.request.urlopen(f"{server.http}/metrics", timeout=20) as answer:
                (found,) = re.findall(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
            return float(found)

        talker = stack.enter_context(Player(server.url))
        talker.ask("join", game="bazaar")
        deaf = stack.enter_context(Raw.upgraded(server.running.port, receive_buffer=4_096))
        deaf.send(ask("hello", name="deaf") + ask("join", game="bazaar"))
        while figure("tradegame_backlog_bytes") < 0.9 * most:
            for _ in range(20):
                talker.ask("say", game="bazaar", text="x" * 500)
        assert figure("tradegame_backlog_closed_total") == 0
        reader = stack.enter_context(Raw(server.running.port, receive_buffer=4_096))
        reader.send(b"GET /asyncapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        end = time.monotonic() + 30
        while not figure("tradegame_backlog_closed_total"):
            assert time.monotonic() < end, "what HTTP holds is counted apart"
            time.sleep(0.05)
        assert 0 < figure("tradegame_backlog_bytes") < most / 4, "the reader of HTTP has its document yet to read"
        assert talker.ask("say", game="bazaar", text="and on we go")
