"""Robots that fill up a game and sit in for people, over real sockets and stores."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdServer
from tests.support.player import Player, Refused
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread
from tradegame.bots import run_bots

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
CLASS = {**BAZAAR, "wait_for_host": True, "disconnect_grace_s": 5}


@pytest.fixture(autouse=True)
def lively(monkeypatch: pytest.MonkeyPatch) -> None:
    """Robots of servers in this process that decide often, and nodes that look after them often."""
    for name, seconds in (("app.robots.PACE_S", 0.2), ("app.robots.LOOK_S", 0.1)):
        monkeypatch.setattr(f"tradegame.{name}", seconds)
    for name, seconds in (("LOOK_S", 0.2), ("STEADY_S", 0.3), ("PEOPLE_FIRST_S", 1.0), ("LEFT_S", 0.5)):
        monkeypatch.setattr(f"tradegame.core.use_cases.robots.{name}", seconds)


@pytest.fixture
def server(store: str) -> Iterator[ServerThread]:
    with ServerThread(store, games=[CLASS]) as running:
        yield running


@pytest.fixture
def host(server: ServerThread) -> Iterator[httpx.Client]:
    with hosting(server.http) as client:
        yield client


def hosting(http: str) -> httpx.Client:
    return httpx.Client(base_url=f"{http}/v1/games/bazaar", headers=HEADERS, timeout=10)


def posted(host: httpx.Client, path: str, **body: Any) -> None:
    answer = host.post(path, json=body)
    assert answer.status_code == 200, answer.text


def got(host: httpx.Client, path: str = "") -> Any:
    answer = host.get(str(host.base_url).rstrip("/") + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def until(true: Callable[[], Any], seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
    return found


def logged(host: httpx.Client) -> list[dict[str, Any]]:
    """The commands of the log, in their order."""
    entries = [json.loads(line) for line in host.get("/log").text.splitlines()[1:-1]]
    return [command for each in entries for command in each["entry"]["commands"]]


def of_robots(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What robots commanded."""
    return [command for command in commands if command.get("by_robot") and "player" in command]


def robots(host: httpx.Client) -> list[str]:
    return [player for player, row in got(host)["players"].items() if row.get("robot")]


def test_robots_fill_a_lobby_up_make_room_for_people_and_trade_in_the_round(
    server: ServerThread, host: httpx.Client
) -> None:
    posted(host, "/robots", fill_to=5, strategy="zero_intelligence")
    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        until(lambda: len(robots(host)) == 4)
        with Player(server.url, "ben") as ben:
            ben.ask("join", game="bazaar")
            until(lambda: robots(host) == ["robot-1", "robot-2", "robot-3"])
            posted(host, "/phase", phase="open")
            until(lambda: {command["player"] for command in of_robots(logged(host))} == {*robots(host)})
            told = {row["name"]: row.get("robot", False) for row in got(host, "/standings")["standings"]}
            assert told == {"ann": False, "ben": False, "Robot 1": True, "Robot 2": True, "Robot 3": True}
            assert {row["name"] for row in got(host, "/roster")["players"] if row.get("robot")} == {
                "Robot 1",
                "Robot 2",
                "Robot 3",
            }
            with Player(server.url, "cid") as late:
                late.ask("join", game="bazaar")
                until(lambda: got(host, "/robots")["wanted"] == 2)
                assert len(robots(host)) == 3, "none leaves in the midst of a round"
                posted(host, "/phase", phase="closed")
                rows = got(host, "/debrief")["rounds"][-1]["players"]
                assert sum(row.get("robot", False) for row in rows) == 3
                posted(host, "/phase", phase="lobby")
                assert len(robots(host)) == 2
            online = {player for push in ann.pushes if push["push"] == "presence" for player in push["online"]}
            assert not online & {"robot-1", "robot-2", "robot-3", "robot-4"}
    posted(host, "/robots")
    assert robots(host) == []


def test_nobody_is_called_like_a_robot(server: ServerThread) -> None:
    for name in ("Robot 1", "robot", "R0BOT 7"):
        with pytest.raises(Refused) as refused:
            Player(server.url, name)
        assert refused.value.code == "bad_request"


def test_a_robot_sits_in_for_who_left_until_they_are_back(server: ServerThread, host: httpx.Client) -> None:
    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        ben = Player(server.url, "ben")
        ben.ask("join", game="bazaar", cancel_on_disconnect=True)
        posted(host, "/phase", phase="open")
        until(lambda: ben.ask("me", game="bazaar")["start"] is not None)
        # So far below the house that no order of the robot's meets it: that would end it.
        ben.ask("order", game="bazaar", good="grain", side="bid", qty=1, price=1)
        ben.close()
        posted(host, f"/players/{ben.id}/robot", sits=True, strategy="zero_intelligence")
        assert got(host)["players"][ben.id] == {"name": "ben", "stand_in": True}
        until(lambda: len(of_robots(logged(host))) >= 3)
        ann.ask("say", game="bazaar", text="are you there?", to=ben.id)
        with Player(server.url, token=ben.token) as back:
            joined = back.ask("join", game="bazaar")
            assert joined["state"]["players"][ben.id] == {"name": "ben"}
            assert [order["price"] for order in joined["me"]["orders"]] == [1]
            back.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=901)
            trade = [command for command in logged(host) if command["op"] in ("order", "buy", "sell", "cancel")]
            assert {command["player"] for command in trade} == {ben.id}
            assert not trade[-1].get("by_robot")
            before = len(logged(host))
            time.sleep(1)
            assert of_robots(logged(host)[before:]) == []


def test_a_robot_sits_in_by_itself_for_who_is_away_for_as_long_as_the_host_said(
    server: ServerThread, host: httpx.Client
) -> None:
    posted(host, "/robots", sit_in_after_s=5)
    with Player(server.url, "ann") as ann, Player(server.url, "ben") as ben:
        for player in (ann, ben):
            player.ask("join", game="bazaar")
        posted(host, "/phase", phase="open")
        until(lambda: ben.ask("me", game="bazaar")["start"] is not None)
        ben.close()
        until(lambda: got(host, "/robots")["stand_ins"] == [ben.id])
        with Player(server.url, token=ben.token) as back:
            back.ask("join", game="bazaar")
            assert got(host, "/robots")["stand_ins"] == []


async def test_bots_that_practise_are_marked_and_leave_nothing_behind(server: ServerThread, host: httpx.Client) -> None:
    """In a round that the clock will not close, as in a lobby. The others stay."""
    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        posted(host, "/phase", phase="open")
        async with trio.open_nursery() as nursery:
            bots = partial(run_bots, server.url, "bazaar", 3, ["zero"], live=False, pace=0.2, say=lambda line: None)
            nursery.start_soon(bots)
            await trio.to_thread.run_sync(until, lambda: len(robots(host)) == 3)
            names = {player["name"] for player in got(host)["players"].values()}
            assert names == {"ann", "Robot 1", "Robot 2", "Robot 3"}
            trades = ("order", "buy", "sell")
            await trio.to_thread.run_sync(until, lambda: [each for each in logged(host) if each["op"] in trades])
            nursery.cancel_scope.cancel()
        await trio.to_thread.run_sync(until, lambda: [*got(host)["players"]] == [ann.id])
        assert got(host, "/roster")["removed"] == []


@pytest.mark.slow
def test_when_a_node_dies_another_one_runs_its_robots(etcd: EtcdServer, tmp_path: Path) -> None:
    url = fresh_etcd_url(etcd)
    with ExitStack() as stack:
        nodes = [ServerProcess(url, tmp_path, name=f"node{number}", games=[CLASS]) for number in range(2)]
        for node in nodes:
            stack.callback(node.close)
            node.launch()
        for node in nodes:
            node.wait_serving()
        east, west = nodes
        host = stack.enter_context(hosting(west.http))
        posted(host, "/robots", fill_to=8, strategy="zero_intelligence")
        ann = stack.enter_context(Player(west.url, "ann"))
        ann.ask("join", game="bazaar")
        until(lambda: len(robots(host)) == 7)
        posted(host, "/phase", phase="open")

        def active(since: int) -> set[str]:
            return {command["player"] for command in of_robots(logged(host)[since:])}

        until(lambda: active(0) == {*robots(host)}, 60)
        east.kill()
        before = len(logged(host))
        until(lambda: active(before) == {*robots(host)}, 90)
        keys = [(command["player"], command["key"]) for command in of_robots(logged(host))]
        assert len(keys) == len(set(keys))
