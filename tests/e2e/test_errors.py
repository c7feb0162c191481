"""Every error code of the protocol, provoked over a real socket."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from tests.support.player import Player, Refused
from tests.support.server import ServerThread
from tradegame.core.domain import views
from tradegame.core.games.settings import HostSettings
from tradegame.core.repositories import StoreUnavailableError
from tradegame.infra.kv import KvGameStateRepository

BUY = {"game": "bazaar", "good": "grain", "qty": 1}


@pytest.fixture
def ann(server: ServerThread) -> Any:
    with Player(server.url, "ann") as player:
        player.ask("join", game="bazaar")
        yield player


@pytest.fixture
def eve(shared_server: ServerThread) -> Any:
    """As ann, on a server that others of hers have used."""
    with Player(shared_server.url, "eve") as player:
        player.ask("join", game="bazaar")
        yield player


@pytest.mark.parametrize(
    ("frame", "at"),
    [
        ("nonsense", "$"),
        ("[1, 2]", "$"),
        ('"text"', "$"),
        ("{} {}", "$"),
        ('{"id": 1, "op": "ping", "x": NaN}', "$"),
        ("[" * 10_000, "$"),
        ('{"op": "ping", "id": ' + "9" * 5_000 + "}", "$"),
        ('{"id": 1}', "$.op"),
        ('{"id": 1.5, "op": "ping"}', "$.id"),
        ('{"id": true, "op": "ping"}', "$.id"),
        (json.dumps({"id": "x" * 65, "op": "ping"}), "$.id"),
        ('{"id": "\\ud800", "op": "ping"}', "$.id"),
    ],
)
def test_a_frame_that_is_no_request_is_answered_with_id_null(eve: Player, frame: str, at: str) -> None:
    eve.send_raw(frame)
    error = eve.reply(None)["error"]
    assert (error["code"], error["at"], error["definite"]) == ("bad_request", at, True)
    assert eve.ask("ping")


@pytest.mark.parametrize(
    ("op", "fields", "at"),
    [
        ("ping", {"what": 1}, "$.what"),
        ("buy", {**BUY, "qty": 1.0}, "$.qty"),
        ("buy", {**BUY, "qty": "1"}, "$.qty"),
        ("buy", {**BUY, "qty": True}, "$.qty"),
        ("buy", {**BUY, "qty": 0}, "$.qty"),
        ("buy", {**BUY, "qty": 1_000_001}, "$.qty"),
        ("buy", {**BUY, "limit": 0}, "$.limit"),
        ("buy", {**BUY, "limit": None}, "$.limit"),
        ("buy", {**BUY, "key": "k" * 65}, "$.key"),
        ("buy", {"game": "bazaar", "qty": 1}, "$.good"),
        ("buy", {**BUY, "game": "BAZAAR"}, "$.game"),
        ("order", {"game": "bazaar", "good": "grain", "side": "up", "qty": 1, "price": 1}, "$.side"),
        ("order", {"game": "bazaar", "good": "grain", "side": ["bid"], "qty": 1, "price": 1}, "$.side"),
        ("order", {"game": "bazaar", "good": "grain", "side": "bid", "qty": 1, "price": 10**9 + 1}, "$.price"),
        ("say", {"game": "bazaar", "text": ""}, "$.text"),
        ("say", {"game": "bazaar", "text": "x" * 501}, "$.text"),
        ("join", {"game": "bazaar", "after": {"epoch": "a"}}, "$.after.seq"),
        ("join", {"game": "bazaar", "after": {"epoch": "a", "seq": -1}}, "$.after.seq"),
        ("join", {"game": "bazaar", "spectate": 1}, "$.spectate"),
        ("book", {"game": "bazaar", "good": "grain", "depth": 101}, "$.depth"),
        ("standings", {"game": "bazaar", "limit": 0}, "$.limit"),
        ("hello", {"name": "late"}, "$.op"),
    ],
)
def test_a_request_of_the_wrong_form_says_where(eve: Player, op: str, fields: dict[str, Any], at: str) -> None:
    error = eve.refused(op, **fields)
    assert (error["code"], error["at"], error["definite"]) == ("bad_request", at, True)


@pytest.mark.parametrize(
    ("op", "fields", "code"),
    [
        ("dance", {}, "unknown_op"),
        ("join", {"game": "nowhere"}, "unknown_game"),
        ("buy", {**BUY, "game": "nowhere"}, "unknown_game"),
        ("buy", {**BUY, "good": "gold"}, "unknown_good"),
        ("book", {"game": "bazaar", "good": "gold"}, "unknown_good"),
        ("say", {"game": "bazaar", "text": "psst", "to": "p-nobody"}, "unknown_player"),
        ("cancel", {"game": "bazaar", "order": "o999"}, "unknown_order"),
        ("cancel", {"game": "bazaar", "order": "what"}, "unknown_order"),
        ("buy", {**BUY, "qty": 1_000_000, "good": "wood"}, "no_liquidity"),
        ("buy", {**BUY, "limit": 1}, "no_liquidity"),
        ("sell", BUY, "insufficient_goods"),
        ("order", {"game": "bazaar", "good": "wood", "side": "ask", "qty": 11, "price": 5}, "insufficient_goods"),
        ("order", {"game": "bazaar", "good": "wood", "side": "bid", "qty": 10, "price": 1_001}, "insufficient_cash"),
    ],
)
def test_what_the_game_refuses_has_its_code(eve: Player, op: str, fields: dict[str, Any], code: str) -> None:
    before = eve.ask("me", game="bazaar")
    error = eve.refused(op, **fields)
    assert (error["code"], error["definite"]) == (code, True)
    assert error["message"]
    assert eve.ask("me", game="bazaar") == before


def test_buying_more_than_one_can_pay_is_insufficient_cash(server: ServerThread) -> None:
    poor = {"id": "poor", "cash": 12, "goods": {"wood": {"endowment": 10}}}
    server.stop()
    with ServerThread("memory:", games=[poor]) as other, Player(other.url) as ann, Player(other.url, "bob") as bob:
        ann.ask("join", game="poor")
        bob.ask("join", game="poor")
        bob.ask("order", game="poor", good="wood", side="ask", qty=3, price=22)
        error = ann.refused("buy", game="poor", good="wood", qty=3)
        assert (error["code"], error["message"]) == ("insufficient_cash", "needs 66 coins, has 12")


def test_before_hello_nothing_but_hello_and_ping_is_done(server: ServerThread) -> None:
    with Player(server.url, hello=False) as stranger:
        assert stranger.ask("ping")["at"] > 0
        assert stranger.refused("games")["code"] == "not_authenticated"
        assert stranger.refused("join", game="bazaar")["code"] == "not_authenticated"


def test_a_bad_token_is_unauthorized_and_the_connection_stays_open(server: ServerThread) -> None:
    with Player(server.url, hello=False) as player:
        assert player.refused("hello", token="no such token")["code"] == "unauthorized"
        assert player.ask("hello", name="ann")["player"]["name"] == "ann"


def test_a_game_without_an_account_is_not_joined(server: ServerThread) -> None:
    with Player(server.url) as player:
        assert player.refused("buy", **BUY)["code"] == "not_joined"
        assert player.refused("me", game="bazaar")["code"] == "not_joined"
        player.ask("join", game="bazaar", spectate=True)
        assert player.refused("say", game="bazaar", text="hi")["code"] == "not_joined"


def test_a_closed_game_is_not_open(server: ServerThread, ann: Player) -> None:
    import httpx

    from tests.support.server import ADMIN_TOKEN

    httpx.post(
        f"{server.http}/v1/games/bazaar/phase",
        json={"phase": "closed"},
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
    ).raise_for_status()
    assert ann.refused("buy", **BUY)["code"] == "not_open"


def test_one_order_over_the_cap_is_too_many_orders(ann: Player) -> None:
    order = {"game": "bazaar", "good": "wood", "side": "bid", "qty": 1}
    for price in range(1, 6):
        ann.ask("order", **order, price=price)
    assert ann.refused("order", **order, price=6)["code"] == "too_many_orders"


def test_a_key_with_another_payload_is_reused(ann: Player) -> None:
    first = ann.ask("buy", **BUY, key="k")
    again = ann.ask("buy", **BUY, key="k")
    assert again == {**first, "replayed": True}
    assert ann.refused("buy", **{**BUY, "qty": 2}, key="k")["code"] == "key_reused"
    assert ann.ask("me", game="bazaar")["goods"]["grain"] == 1


def test_an_error_is_replayed_with_its_key_too(ann: Player) -> None:
    first = ann.refused("sell", **BUY, key="k")
    ann.ask("buy", **BUY)
    assert ann.refused("sell", **BUY, key="k") == {**first, "replayed": True}


def test_too_many_commands_a_second_are_rate_limited(store: str) -> None:
    with ServerThread(store, flags={"limits.burst": 5, "limits.commands_per_s": 10}) as server:
        with Player(server.url) as player:
            ids = [player.send("ping") for _ in range(10)]
            replies = [player.reply(request_id) for request_id in ids]
            error = next(reply["error"] for reply in replies if "error" in reply)
            assert error["code"] == "rate_limited"
            assert 0 < error["retry_after_ms"] <= 101


def test_an_unavailable_store_is_told_as_indefinite(etcd: Any) -> None:
    from tests.e2e.conftest import fresh_etcd_url

    url, settings = fresh_etcd_url(etcd), HostSettings(command_timeout_s=1.5)
    with ServerThread(url, host_settings=settings) as server, Player(server.url) as player:
        player.ask("join", game="bazaar")
        etcd.pause()
        try:
            error = player.refused("buy", **BUY, key="k")
            assert error["code"] in ("unavailable", "timeout")
            assert error["definite"] is False
        finally:
            etcd.resume()
        for _ in range(20):
            reply = player.reply(player.send("buy", **BUY, key="k"))
            if "ok" in reply:
                break
        assert reply["ok"]["filled"] == 1
        assert player.ask("me", game="bazaar")["goods"]["grain"] == 1


def test_a_fault_of_the_servers_is_internal_with_the_reference_that_is_in_the_log(
    server: ServerThread, ann: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr(views, "account", broken)
    with capture_logs() as logged:
        error = ann.refused("me", game="bazaar")
    assert (error["code"], error["definite"]) == ("internal", False)
    (entry,) = [entry for entry in logged if entry["event"] == "command_failed"]
    assert error["message"] == f"internal error (reference {entry['reference']})"
    assert isinstance(entry["exc_info"], ZeroDivisionError)
    assert ann.ask("ping")


def test_a_store_that_answers_too_late_is_a_timeout_and_the_key_settles_it(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, told = KvGameStateRepository.update, threading.Event()

    async def slow(self: Any, meta: Any, entry_id: str, value: bytes) -> Any:
        while b"patience" in value and not told.is_set():  # noqa: ASYNC110 - it is told in another thread
            await trio.sleep(0.01)
        return await update(self, meta, entry_id, value)

    monkeypatch.setattr(KvGameStateRepository, "update", slow)
    with ServerThread(store, host_settings=HostSettings(command_timeout_s=1)) as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        error = ann.refused("say", game="bazaar", text="patience", key="k")
        assert (error["code"], error["definite"]) == ("timeout", False)
        told.set()
        ann.push(lambda push: any(event.get("text") == "patience" for event in push.get("events", ())))
        assert ann.ask("say", game="bazaar", text="patience", key="k")["replayed"] is True


def test_a_store_that_cannot_be_reached_is_unavailable(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    update = KvGameStateRepository.update

    async def unreachable(self: Any, meta: Any, entry_id: str, value: bytes) -> Any:
        if b"anyone" in value:
            raise StoreUnavailableError("no route", definite=True)
        return await update(self, meta, entry_id, value)

    monkeypatch.setattr(KvGameStateRepository, "update", unreachable)
    with ServerThread(store) as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        error = ann.refused("say", game="bazaar", text="anyone there?")
        assert (error["code"], error["definite"]) == ("unavailable", False)
        assert ann.ask("say", game="bazaar", text="hello")["seq"]


def test_a_key_that_a_cancel_of_no_order_has_taken_is_good_for_nothing_else(ann: Player) -> None:
    void = {"game": "bazaar", "order": "-"}
    with pytest.raises(Refused) as free:
        ann.ask("cancel", **void, key="late")
    with pytest.raises(Refused) as late:
        ann.ask("buy", **BUY, key="late")
    assert (free.value.code, late.value.code) == ("unknown_order", "key_reused")
    bought = ann.ask("buy", **BUY, key="done")
    with pytest.raises(Refused) as known:
        ann.ask("cancel", **void, key="done")
    assert known.value.code == "key_reused"
    assert ann.ask("buy", **BUY, key="done") == {**bought, "replayed": True}
    assert ann.ask("me", game="bazaar")["goods"]["grain"] == 1
