"""A roster with seats, over sockets: personal links, numbers, and another device."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trio
from websockets.exceptions import ConnectionClosed

from tests.support.player import Player, Refused
from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.client import TradeError, connect
from tradegame.core.use_cases import seats

GAME = "bazaar"
ROSTER = "label,name,group,team\nXQ 4711 Z,Ann,east,reds\nXQ 4712 Z,,west,blues\n"


@pytest.fixture
def host(server: ServerThread) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with httpx.Client(base_url=f"{server.http}/v1/games/{GAME}", headers=headers, timeout=10) as client:
        yield client


def set_roster(host: httpx.Client, csv: str = ROSTER, **more: Any) -> None:
    answer = host.post("/roster", json={"csv": csv, **more})
    assert answer.status_code == 200, answer.text


def links(host: httpx.Client) -> list[dict[str, Any]]:
    answer = host.get("/links")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    found: list[dict[str, Any]] = answer.json()["links"]
    return found


def token_of(link: dict[str, Any]) -> str:
    url, _, token = link["url"].partition("#seat=")
    assert url.startswith("http://")
    return str(token)


def hello(server: ServerThread, **fields: Any) -> Player:
    """Raises Refused."""
    player = Player(server.url, hello=False)
    try:
        welcome = player.ask("hello", **fields)
    except BaseException:
        player.close()
        raise
    player.id, player.token, player.welcome = welcome["player"]["id"], welcome["token"], welcome
    return player


def refusal(server: ServerThread, **fields: Any) -> dict[str, Any]:
    with pytest.raises(Refused) as refused:
        hello(server, **fields)
    error: dict[str, Any] = refused.value.error
    return error


def by_number(number: str) -> dict[str, Any]:
    return {"seat": {"game": GAME, "number": number}}


def closed_with(player: Player) -> int:
    try:
        while True:
            player.receive()
    except ConnectionClosed as closed:
        return 0 if closed.rcvd is None else closed.rcvd.code


def test_a_personal_link_is_its_player_on_every_device(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host)
    first, second = links(host)
    assert (first["label"], first["name"], first["group"], first["team"]) == ("XQ 4711 Z", "Ann", "east", "reds")
    with hello(server, token=token_of(first)) as phone:
        assert phone.welcome["player"]["name"] == "Ann"
        phone.ask("join", game=GAME)
        order = phone.ask("order", game=GAME, good="grain", side="bid", qty=1, price=1)
        with hello(server, token=token_of(first)) as laptop:
            assert laptop.id == phone.id
            mine = laptop.ask("join", game=GAME)["me"]["orders"]
            assert [each["order"] for each in mine] == [order["order"]]
            laptop.ask("cancel", game=GAME, order=order["order"])
            phone.push(lambda push: push["push"] == "account" and push["account"]["orders"] == [])
        with Player(server.url, "eve") as eve:
            assert eve.refused("join", game=GAME)["code"] == "not_admitted"
        told = host.get("/roster").json()
        assert [seat.get("player") for seat in told["seats"]] == [phone.id, None]
        assert [(row["seat"], row["label"]) for row in told["players"]] == [(1, "XQ 4711 Z")]
    assert refusal(server, token=token_of(second))["at"] == "$.name"
    with hello(server, token=token_of(second), name="Bob") as bob:
        assert bob.welcome["player"]["name"] == "Bob"
        bob.ask("join", game=GAME)


@pytest.mark.parametrize("spoil", [lambda token: token[:-1], lambda token: token[:-1] + "!", lambda token: "s.x.1.a"])
def test_a_link_that_is_not_one_is_unauthorized(server: ServerThread, host: httpx.Client, spoil: Any) -> None:
    set_roster(host)
    assert refusal(server, token=spoil(token_of(links(host)[0])))["code"] == "unauthorized"


def test_a_new_link_ends_the_old_one_and_all_who_came_by_it(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host)
    old = token_of(links(host)[0])
    with hello(server, token=old) as phone:
        phone.ask("join", game=GAME)
        code = phone.ask("device_code")["code"]
        with hello(server, code=code) as thief:
            answer = host.post("/seats/1/link").json()
            assert "<svg" in answer["picture"]
            assert (closed_with(phone), closed_with(thief)) == (4502, 4502)
    for token in (old, thief.token):
        assert refusal(server, token=token)["code"] == "unauthorized"
    with hello(server, token=token_of(answer)) as again:
        assert again.id == phone.id
        assert again.ask("join", game=GAME)["me"]["cash"] > 0
    assert host.post("/seats/99/link").json()["error"]["code"] == "unknown_player"
    assert host.post("/seats/x/link").status_code == 404
    assert host.get("/roster").json()["seats"][0]["player"] == phone.id


def test_a_renewal_with_a_key_happens_once(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host)
    key = {"Idempotency-Key": "k"}
    made = [host.post("/seats/1/link", headers=key).json()["url"] for _ in range(2)]
    assert made[0] == made[1] == links(host)[0]["url"]


def test_a_number_leads_to_its_seat_once(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host, by_number=True)
    games = httpx.get(f"{server.http}/v1/games").json()["games"]
    assert (games[0]["entry"], "pattern" in games[0]) == ("number", False)
    assert refusal(server, **by_number("xq4713z"))["code"] == "unauthorized"
    assert refusal(server, seat={"game": "nowhere", "number": "xq4711z"})["code"] == "unauthorized"
    with hello(server, **by_number("xq4711z")) as ann:
        assert ann.welcome["player"]["name"] == "Ann"
        assert refusal(server, **by_number("XQ 4711 Z"))["code"] == "seat_taken"
        ann.ask("join", game=GAME)
    assert refusal(server, **by_number("xq4711z"))["code"] == "seat_taken"
    with hello(server, token=ann.token) as again, hello(server, token=token_of(links(host)[0])) as linked:
        assert again.id == linked.id == ann.id
        host.post("/seats/1/link")
        assert (closed_with(again), closed_with(linked)) == (4502, 4502)
    with hello(server, **by_number("xq4711z")) as freed:
        assert freed.id == ann.id
    assert refusal(server, **by_number("xq4712z"))["at"] == "$.name"


def test_a_team_plays_one_account_and_all_its_members_enter_by_one_number(
    server: ServerThread, host: httpx.Client
) -> None:
    set_roster(host, by_number=True, shared=True)
    assert host.get("/roster").json()["shared"]
    with hello(server, **by_number("xq4711z")) as ann, hello(server, **by_number("XQ 4711 Z")) as bob:
        assert ann.id == bob.id
        assert ann.token != bob.token
        for member in (ann, bob):
            member.ask("join", game=GAME)
        ann.ask("order", game=GAME, good="wood", side="bid", qty=1, price=1)
        assert [order["price"] for order in bob.ask("me", game=GAME)["orders"]] == [1]
        host.post("/seats/1/link")
        assert (closed_with(ann), closed_with(bob)) == (4502, 4502)
    assert len(host.get("/roster").json()["players"]) == 1
    set_roster(host, by_number=True)
    with hello(server, **by_number("xq4711z")):
        assert refusal(server, **by_number("xq4711z"))["code"] == "seat_taken"


def test_who_entered_by_number_and_never_joined_holds_no_seat(
    server: ServerThread, host: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the answer to the first hello is lost."""
    monkeypatch.setattr(seats, "SEEN_MS", 500)
    set_roster(host, by_number=True)
    with hello(server, **by_number("xq4711z")) as lost:
        pass
    deadline = time.monotonic() + 20
    while True:
        with Player(server.url, hello=False) as again:
            reply = again.reply(again.send("hello", **by_number("xq4711z")))
            if "ok" in reply or time.monotonic() > deadline:
                break  # until then the nodes may not have seen that the connection is gone
            assert reply["error"]["code"] in ("seat_taken", "rate_limited")
        time.sleep(0.5)
    assert reply["ok"]["player"]["id"] == lost.id
    assert reply["ok"]["token"] != lost.token
    assert refusal(server, token=lost.token)["code"] == "unauthorized"


def test_a_listed_seat_is_taken_by_its_number_though_its_address_may_make_no_new_players() -> None:
    with ServerThread("memory:", flags={"limits.connections_per_address": 5}) as server:
        with httpx.Client(base_url=f"{server.http}/v1/games/{GAME}") as host:
            host.headers["Authorization"] = f"Bearer {ADMIN_TOKEN}"
            set_roster(host, by_number=True)
        for number in range(50):
            with Player(server.url, hello=False) as new:
                if "error" in new.reply(new.send("hello", name=f"new {number}")):
                    break
        else:
            pytest.fail("nobody was refused")
        with hello(server, **by_number("XQ 4711 Z")) as pupil:
            assert pupil.welcome["player"]["name"] == "Ann"


def test_numbers_without_a_roster_have_a_pattern(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host, "", by_number=True, pattern="####[#]")
    assert httpx.get(f"{server.http}/v1/games").json()["games"][0]["pattern"] == "####[#]"
    assert refusal(server, name="Eve", **by_number("123"))["code"] == "unauthorized"
    with hello(server, name="Eve", **by_number("12 345")) as eve:
        eve.ask("join", game=GAME)
    (row,) = host.get("/roster").json()["players"]
    assert (row["label"], row["name"], row["seat"]) == ("12 345", "Eve", 1)
    with hello(server, token=token_of(host.post("/seats/1/link").json())) as linked:
        assert linked.id == eve.id


def test_wrong_numbers_and_codes_are_paid_by_their_address(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host, by_number=True)
    told: list[str] = []

    def guess(of: int) -> None:
        for number in range(10):
            with Player(server.url, hello=False) as player:
                fields = by_number(f"x{of}{number}") if number % 2 else {"code": "BCDFGHJK"}
                told.append(player.refused("hello", **fields)["code"])

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) == {"unauthorized", "rate_limited"}
    assert 60 <= told.count("unauthorized") <= 75
    assert refusal(server, **by_number("xq4711z"))["code"] == "rate_limited"  # nobody learns anything, right or wrong
    with hello(server, token=token_of(links(host)[0])) as linked:  # a link cannot be guessed, so it does not wait
        assert linked.welcome["player"]["name"] == "Ann"


def test_another_device_is_the_same_player(server: ServerThread) -> None:
    with Player(server.url, "ann") as phone:
        phone.ask("join", game=GAME)
        offered = phone.ask("device_code")
        assert (len(offered["code"]), offered["expires_s"]) == (8, 60)
        typed = f" {offered['code'][:4]}-{offered['code'][4:]} ".lower()
        with hello(server, code=typed) as laptop:
            assert (laptop.id, laptop.welcome["player"]["name"]) == (phone.id, "ann")
            assert laptop.token != phone.token
            phone.push(lambda push: push == {"push": "device"})
            laptop.ask("join", game=GAME)
            laptop.ask("order", game=GAME, good="grain", side="bid", qty=1, price=1)
            phone.push(lambda push: push["push"] == "account" and len(push["account"]["orders"]) == 1)
            assert refusal(server, code=offered["code"])["code"] == "unauthorized"  # once
        with hello(server, token=laptop.token) as again:
            assert again.id == phone.id
            assert [push for push in laptop.pushes if push["push"] == "device"] == []


def test_of_many_devices_that_use_a_code_at_once_one_is_let_in(server: ServerThread) -> None:
    with Player(server.url, "ann") as phone:
        code = phone.ask("device_code")["code"]
        came: list[str] = []

        def come() -> None:
            with Player(server.url, hello=False) as player:
                reply = player.reply(player.send("hello", code=code))
                came.append(reply["ok"]["player"]["id"] if "ok" in reply else reply["error"]["code"])

        threads = [threading.Thread(target=come) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(came) == sorted([phone.id, *["unauthorized"] * 11])


def test_a_code_before_a_game_is_joined_makes_no_guest_of_its_player(server: ServerThread) -> None:
    with Player(server.url, "ann") as phone:
        guest_s = phone.welcome["expires_s"]
        with hello(server, code=phone.ask("device_code")["code"]) as laptop:
            assert laptop.welcome["expires_s"] > guest_s
            for device in (phone, laptop):
                device.ask("join", game=GAME)


def test_who_is_kicked_comes_back_by_a_new_link_alone(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host, by_number=True)
    old = token_of(links(host)[0])
    with hello(server, token=old) as ann:
        ann.ask("join", game=GAME)
        tablet = hello(server, code=ann.ask("device_code")["code"])
        tablet.close()
        code = ann.ask("device_code")["code"]
        kicked = httpx.delete(f"{server.http}/v1/players/{ann.id}", headers=dict(host.headers))
        assert kicked.status_code == 200
        assert closed_with(ann) == 4501
    assert refusal(server, token=old)["code"] == "unauthorized"
    assert refusal(server, **by_number("xq4711z"))["code"] == "unauthorized"
    assert host.get("/roster").json()["seats"][0]["barred"] is True
    assert refusal(server, token=token_of(links(host)[0]))["code"] == "unauthorized"
    with hello(server, token=token_of(host.post("/seats/1/link").json())) as again:
        assert again.id == ann.id
        again.ask("join", game=GAME)
        assert refusal(server, token=tablet.token)["code"] == "unauthorized", "not as the new player of the same id"
        assert refusal(server, code=code)["code"] == "unauthorized"


def test_the_python_client_comes_by_link_number_and_code(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host, by_number=True)
    link = links(host)[0]["url"]

    async def come() -> None:
        async with (
            connect(server.url, token=link) as phone,
            connect(server.url, token=phone.token) as tab,
            connect(server.url, code=(await phone.device_code()).code) as laptop,
            connect(server.url, seat=(GAME, "xq4712z"), name="Bob") as bob,
        ):
            assert phone.player == tab.player == laptop.player
            assert (phone.player.name, bob.player.name) == ("Ann", "Bob")
            game = await laptop.join(GAME)
            assert game.me.cash > 0
        with pytest.raises(TradeError) as refused:
            async with connect(server.url, seat=(GAME, "xq4711z")):
                pass
        assert refused.value.code == "seat_taken"

    trio.run(come)


def test_links_and_sheets_are_the_hosts(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host)
    with httpx.Client(base_url=f"{server.http}/v1/games/{GAME}") as anybody:
        for method, path in (("GET", "/links"), ("POST", "/seats/1/link"), ("GET", "/roster"), ("POST", "/roster")):
            assert anybody.request(method, path).status_code == 401
    pictured = host.get("/links", params={"pictures": "true"}).json()["links"]
    assert all(each["picture"].startswith("<svg") for each in pictured)
    assert host.get("/links", params={"pictures": "1"}).status_code == 400


def test_a_link_outlives_a_restart_and_is_good_on_every_node(tmp_path: Any) -> None:
    store = f"embedded:{tmp_path / 'class.db'}"
    with ServerThread(store) as server:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        with httpx.Client(base_url=f"{server.http}/v1/games/{GAME}", headers=headers) as host:
            set_roster(host)
            token = token_of(links(host)[0])
        with hello(server, token=token) as ann:
            ann.ask("join", game=GAME)
    with ServerThread(store) as server, hello(server, token=token) as again:
        assert again.id == ann.id


LABELS = ("4711 Z", "4712 Z", "4711z", "4712z", "east", "west", "reds", "blues")


def test_no_label_is_in_anything_that_players_are_sent(server: ServerThread, host: httpx.Client) -> None:
    set_roster(host, ROSTER, by_number=True)
    with hello(server, token=token_of(links(host)[0])) as ann, hello(server, name="Bob", **by_number("xq4712z")) as bob:
        for player in (ann, bob):
            player.ask("join", game=GAME)
            for op in ("me", "fills", "orders", "games"):
                player.ask(op, **({} if op == "games" else {"game": GAME}))
        ann.ask("say", game=GAME, text="hi")
        ann.ask("say", game=GAME, text="psst", to=bob.id)
        host.post("/phase", json={"phase": "closed"})
        bob.push(lambda push: push["push"] == "events" and push["events"][0]["type"] == "round")
        frames = [*ann.raw, *bob.raw]
    with httpx.Client(base_url=server.http) as web:
        paths = ("", f"/{GAME}", f"/{GAME}/standings", f"/{GAME}/debrief", f"/{GAME}/invitation")
        frames += [web.get(f"/v1/games{path}").text for path in paths]
        frames += [web.get(path).text for path in ("/v1/health", "/metrics", "/readyz")]
    frames.append(host.get("/log", params={"pseudonyms": "true"}).text.replace("reds", "").replace("blues", ""))
    found = [label for label in LABELS[:4] for frame in frames if label in frame]
    found += [label for label in LABELS[4:] for frame in frames[:-1] if label in frame]
    assert found == []
