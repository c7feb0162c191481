"""Cancel on disconnect, with real sockets, stores and clocks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import trio

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdServer
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread
from tradegame import client as tg
from tradegame.core.games import departures
from tradegame.infra.config.definitions import structure_game_definition

GRACE_S = 5
GAME = {**BAZAAR, "disconnect_grace_s": GRACE_S}
NOTICED_S = 6.0
"""How long a departure may take to be noticed: the register 0.2 s, a pause of 2 s, a look each 1.5 s at most."""
LEASE_S = 13.0
"""The same of a killed node's connections: they hang on its lease."""
SHORT_GRACE_MS = 3_000
"""For servers in this process: a host could not ask for less than GRACE_S."""


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers in this process notice soon who is away."""
    monkeypatch.setattr(departures, "LOOK_S", 0.2)
    monkeypatch.setattr(departures, "AWAY_S", 0.5)


def serving(store: str) -> ServerThread:
    game = structure_game_definition(BAZAAR, "$")
    return ServerThread(store, definitions=[attrs.evolve(game, disconnect_grace_s=SHORT_GRACE_MS // 1000)])


def offers(server: str) -> dict[int, int]:
    """Quantities that are offered in a good without a house, by price."""
    state = httpx.get(f"{server}/v1/games/bazaar").json()
    return dict(state["goods"]["wood"]["asks"])


def departed(server: str) -> dict[str, int]:
    """Who departed, by the log, and when last, in ms."""
    answer = httpx.get(f"{server}/v1/games/bazaar/log", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    entries = [json.loads(line)["entry"] for line in answer.text.splitlines()[1:-1]]
    commands = [(entry["at"], command) for entry in entries for command in entry["commands"]]
    return {player: at for at, command in commands if command["op"] == "depart" for player in command["players"]}


def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


def offering(server: str, name: str, price: int, **choice: bool) -> Player:
    """A new player who offers wood at this price."""
    player = Player(server, name)
    player.ask("join", game="bazaar", **choice)
    player.ask("order", game="bazaar", good="wood", side="ask", qty=4, price=price)
    return player


def shows(push: dict[str, Any], *prices: int) -> bool:
    """Whether it tells that wood is offered at these prices now, and at no others."""
    books = [event for event in push.get("events", ()) if (event["type"], event.get("good")) == ("book", "wood")]
    return any([price for price, _ in book["asks"]] == [*prices] for book in books)


@pytest.mark.usefixtures("attentive")
def test_who_chose_it_and_left_has_no_orders_after_the_grace(store: str) -> None:
    """And nobody else loses any: not who did not choose it, nor who is back in time, nor who stays."""
    with serving(store) as server, ExitStack() as stack:
        gone, back, looks_on = [
            offering(server.url, name, price, cancel_on_disconnect=True)
            for name, price in (("gone", 30), ("back", 31), ("looks on", 32))
        ]
        careless = offering(server.url, "careless", 33)
        stays = stack.enter_context(offering(server.url, "stays", 34, cancel_on_disconnect=True))
        onlooker = stack.enter_context(Player(server.url, token=looks_on.token))
        onlooker.ask("join", game="bazaar", spectate=True)
        for player in (gone, back, looks_on, careless):
            player.close()
        until(lambda: len(departed(server.http)) == 3)
        with Player(server.url, token=back.token) as again:
            me = again.ask("join", game="bazaar")["me"]
            assert (me["cancel_on_disconnect"], len(me["orders"])) == (True, 1)
            left = departed(server.http)
            assert left.keys() == {gone.id, back.id, looks_on.id}
            withdrawn = stays.push(lambda push: shows(push, 31, 33, 34))["at"]
            assert withdrawn >= max(left[gone.id], left[looks_on.id]) + SHORT_GRACE_MS
            now = 0
            while now <= left[back.id] + SHORT_GRACE_MS:
                now = stays.until_seq(stays.ask("say", game="bazaar", text="?")["seq"])[-1]["at"]
            assert offers(server.http) == dict.fromkeys((31, 33, 34), 4)
        with Player(server.url, token=gone.token) as again:
            me = again.ask("join", game="bazaar")["me"]
            assert (me["orders"], me["goods"]["wood"], me["held_goods"]["wood"]) == ([], 10, 0)


@pytest.mark.usefixtures("attentive")
def test_who_left_while_no_node_lived_is_found_though_nobody_looks(tmp_path: Path) -> None:
    store = f"embedded:{tmp_path / 'tradegame.db'}"
    with serving(store) as server:
        gone = offering(server.url, "gone", 30, cancel_on_disconnect=True)
    with serving(store) as server:
        assert offers(server.http) == {30: 4}
        until(lambda: offers(server.http) == {})
        gone.close()


def test_a_choice_can_be_made_later_and_taken_back_and_goes_through_the_log_if_it_is_another(store: str) -> None:
    with ServerThread(store, games=[GAME]) as server, Player(server.url) as ann:

        def entries() -> int:
            metrics = httpx.get(f"{server.http}/metrics").text
            counted = [line for line in metrics.splitlines() if line.startswith("tradegame_game_commands")]
            return int(float(counted[0].rsplit(" ", 1)[1]))

        assert "cancel_on_disconnect" not in ann.ask("join", game="bazaar")["me"]
        before = entries()
        for choice, chosen, logged in ((True, True, 1), (True, True, 1), (None, True, 1), (False, False, 2)):
            said = {} if choice is None else {"cancel_on_disconnect": choice}
            me = ann.ask("join", game="bazaar", **said)["me"]
            assert (me.get("cancel_on_disconnect", False), entries() - before) == (chosen, logged)


@pytest.mark.slow
async def test_a_client_that_goes_on_at_another_node_keeps_its_orders_and_one_that_does_not_loses_them(
    etcd: EtcdServer, tmp_path: Path
) -> None:
    url = fresh_etcd_url(etcd)
    with ExitStack() as stack:
        nodes = [ServerProcess(url, tmp_path, name=f"node{number}", games=[GAME]) for number in range(2)]
        for node in nodes:
            stack.callback(node.close)
            node.launch()
        for node in nodes:
            node.wait_serving()
        east, west = nodes
        gone = await trio.to_thread.run_sync(lambda: offering(east.url, "gone", 30, cancel_on_disconnect=True))
        with trio.fail_after(60):
            async with tg.connect(east.url, west.url, name="mover") as client:
                game = await client.join("bazaar", cancel_on_disconnect=True)
                await game.order("wood", "ask", 4, 31)
                await trio.to_thread.run_sync(east.kill)
                killed = trio.current_time()
                while offers_now(west) != {31: 4}:
                    assert trio.current_time() < killed + LEASE_S + NOTICED_S + GRACE_S
                    await trio.sleep(0.2)
                assert trio.current_time() > killed + GRACE_S
                await trio.sleep(GRACE_S + NOTICED_S)
                assert offers_now(west) == {31: 4}
                assert client.status.url == west.url
                assert game.me is not None
                assert game.me.cancel_on_disconnect
            gone.close()


def offers_now(node: ServerProcess) -> dict[int, int]:
    return offers(node.http)
