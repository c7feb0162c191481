"""Several markets of one definition, over sockets: the door, the host's word to all, and what one takes home."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pandas
import pytest
import trio
from rich.console import Console

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdServer
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread
from tradegame.bots import run_bots
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.commands import Join, SetGroup

LAB: dict[str, Any] = {**BAZAAR, "id": "lab", "title": "The lab", "groups": ["A", "B", "C"], "wait_for_host": True}
GROUPS = ["lab-1", "lab-2", "lab-3"]
HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
HOSTING = (Path(__file__).parents[2] / "docs" / "hosting.md").read_text()
DEADLINE_S = 20.0


@pytest.fixture
def lab(store: str) -> Iterator[ServerThread]:
    with ServerThread(store, games=[LAB]) as server:
        yield server


def host(server: ServerThread, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {**HOST, **more.pop("headers", {})}
    return httpx.request(method, f"{server.http}/v1/games{path}", headers=headers, timeout=30, **more)


def done(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


def state(server: ServerThread, game: str) -> Any:
    return done(host(server, "GET", f"/{game}"))


def phases(server: ServerThread) -> list[str]:
    return [state(server, group)["phase"] for group in GROUPS]


def enter(player: Player) -> str:
    """By the door that all have in common."""
    group: str = player.ask("join", game="lab")["me"]["group"]
    joined = player.ask("join", game=group)
    assert joined["state"]["group"]["of"] == "lab"
    return group


def until(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + DEADLINE_S
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_everybody_enters_by_one_door_and_plays_in_one_group(lab: ServerThread) -> None:
    listed = {each["game"]: each for each in done(host(lab, "GET", ""))["games"]}
    assert [each["game"] for each in listed["lab"]["groups"]] == GROUPS
    assert listed["lab-2"]["group"] == {"of": "lab", "name": "B"}
    assert listed["lab-2"]["title"] == "The lab · B"
    assert {each["code"] for each in listed.values()} == {listed["lab"]["code"]}
    urls = {done(host(lab, "GET", f"/{game}/invitation"))["url"] for game in listed}
    assert len(urls) == 1
    with ExitStack() as stack:
        players = [stack.enter_context(Player(lab.url, f"p{number}")) for number in range(9)]
        groups = [enter(player) for player in players]
        assert Counter(groups) == dict.fromkeys(GROUPS, 3)
        other = next(group for group in GROUPS if group != groups[0])
        assert players[0].refused("join", game=other)["code"] == "not_admitted"
        assert players[0].ask("join", game=other, spectate=True)["state"]["group"]["name"]
        stranger = stack.enter_context(Player(lab.url, "eve"))
        assert stranger.refused("join", game="lab-1")["code"] == "not_admitted"
        assert [enter(player) for player in players] == groups
        roster = done(host(lab, "GET", "/lab/roster"))["players"]
        assert [row["group"] for row in roster] == groups


def test_what_the_host_says_of_the_door_all_groups_do(lab: ServerThread) -> None:
    answer = host(lab, "POST", "/lab/phase", json={"phase": "open"}, headers={"Idempotency-Key": "k"})
    assert phases(lab) == ["open"] * 3
    assert state(lab, "lab")["phase"] == "lobby"
    again = host(lab, "POST", "/lab/phase", json={"phase": "open"}, headers={"Idempotency-Key": "k"})
    assert done(again) == {**done(answer), "replayed": True}
    done(host(lab, "POST", "/lab/news", json={"text": "Frost"}))
    done(host(lab, "POST", "/lab/pause", json={"paused": True}))
    done(host(lab, "POST", "/lab/access", json={"chat": False, "locked": True}))
    for group in GROUPS:
        told = state(lab, group)
        assert told["news"][-1]["text"] == "Frost"
        assert (told["paused_at"] > 0, told["chat"], told.get("locked")) == (True, False, None)
    with Player(lab.url, "late") as late:
        assert late.refused("join", game="lab")["code"] == "not_admitted"
    done(host(lab, "POST", "/lab/robots", json={"fill_to": 2}))
    assert done(host(lab, "GET", "/lab/robots"))["fill_to"] == 2


def test_a_group_that_does_not_do_it_is_named_and_the_others_do(lab: ServerThread) -> None:
    for group in GROUPS[:2]:
        done(host(lab, "POST", f"/{group}/phase", json={"phase": "open"}))
    answer = host(lab, "POST", "/lab/pause", json={"paused": True})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["games"]) == (409, "not_open", ["lab-3"])
    assert error["message"].startswith("lab-3: ")
    assert ["paused_at" in state(lab, group) for group in GROUPS] == [True, True, False]


@pytest.mark.parametrize("store", ["embedded"], indirect=True)  # ten tables are made: another store has the same
def test_the_roster_of_the_door_is_everybodys(
    lab: ServerThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = host(lab, "POST", "/lab/roster", json={"csv": "label,group\n1,A\n2,Z\n"}).json()["error"]
    assert "line 3" in refused["message"]
    text = "label,name,group,team\nX 1,Ann,c,reds\nX 2,Bob,b,\nX 3,Cid,a,\n"
    done(host(lab, "POST", "/lab/roster", json={"csv": text}))
    for path, body in (("/lab-1/roster", {"names": []}), ("/lab-1/seats/1/link", None)):
        assert host(lab, "POST", path, json=body).json()["error"]["code"] == "bad_request"
    ann, bob, _ = (each["url"].partition("#seat=")[2] for each in done(host(lab, "GET", "/lab/links"))["links"])
    with Player(lab.url, hello=False) as first, Player(lab.url, hello=False) as second:
        first.id = first.ask("hello", token=ann)["player"]["id"]
        second.ask("hello", token=bob)
        assert (enter(first), enter(second)) == ("lab-3", "lab-2")
        with Player(lab.url, hello=False) as phone:
            phone.ask("hello", token=ann)
            assert enter(phone) == "lab-3"
        (row,) = done(host(lab, "GET", "/lab-3/roster"))["players"]
        assert row["label"] == "X 1"
        done(host(lab, "POST", "/lab/phase", json={"phase": "open"}))
        first.ask("buy", game="lab-3", good="grain", qty=1)
        packed = host(lab, "GET", "/lab/tables")
        texts = host(lab, "GET", "/lab/tables?format=csv")
        links = host(lab, "GET", "/lab/reports.csv")
        httpx.delete(f"{lab.http}/v1/players/{first.id}", headers=HOST).raise_for_status()
        (seat, *_) = done(host(lab, "GET", "/lab/roster"))["seats"]
        assert seat["barred"]
    assert packed.headers["content-type"] == "application/zip"
    epoch = state(lab, "lab")["epoch"]
    for download, called in ((packed, f"lab-{epoch}.zip"), (texts, f"lab-{epoch}-csv.zip")):
        assert download.headers["content-disposition"] == f'attachment; filename="{called}"'
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == [f"{each}.xlsx" for each in ("lab", *GROUPS)]
        expected = pandas.read_excel(io.BytesIO(archive.read("lab.xlsx")), sheet_name="players")
        players = pandas.read_excel(io.BytesIO(archive.read("lab-3.xlsx")), sheet_name="players")
    (code,) = re.findall(r"```python\n(import io.*?)```", HOSTING, re.DOTALL)
    (tmp_path / "lab.zip").write_bytes(packed.content)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(code, found)
    assert list(found["mean"].index) == ["B", "C"]
    assert players[["label", "name", "group", "team"]].to_numpy().tolist() == [["X 1", "Ann", "C", "reds"]]
    never_came = expected[expected["joined_at"].isna()]
    assert never_came[["label", "name", "group"]].to_numpy().tolist() == [["X 3", "Cid", "A"]]
    rows = {row["label"]: row for row in csv.DictReader(io.StringIO(links.content.decode("utf-8-sig")))}
    assert (rows["X 1"]["group"], rows["X 1"]["name"]) == ("C", "Ann")
    assert "/report/lab-3#" in rows["X 1"]["link"]


def test_the_host_gives_a_player_another_group_and_back(lab: ServerThread) -> None:
    done(host(lab, "POST", "/lab/phase", json={"phase": "open"}))
    with Player(lab.url, "ann") as ann:
        first = enter(ann)
        ann.ask("order", game=first, good="grain", side="bid", qty=1, price=1)
        second = next(group for group in GROUPS if group != first)
        for group in (second, first):
            done(host(lab, "POST", f"/lab/players/{ann.id}/group", json={"group": group}))
            ann.push(lambda push, to=group: push["push"] == "account" and push["account"].get("group") == to)
            assert enter(ann) == group
            assert [ann.id in state(lab, each)["players"] for each in GROUPS] == [each == group for each in GROUPS]
            assert not any(done(host(lab, "GET", f"/{each}/roster"))["removed"] for each in GROUPS)
        refused = host(lab, "POST", f"/lab/players/{ann.id}/group", json={"group": "lab-9"}).json()["error"]
        assert (refused["code"], refused["at"]) == ("bad_request", "$.group")
        assert host(lab, "POST", "/lab/players/p-nobody/group", json={"group": first}).status_code == 404
        done(host(lab, "POST", f"/lab/players/{ann.id}/mute", json={"muted": True}))
        assert ann.refused("say", game=first, text="hey")["code"] == "muted"
        done(host(lab, "POST", f"/lab/players/{ann.id}/robot", json={"sits": True}))
        until(lambda: state(lab, first)["players"][ann.id].get("stand_in"))
        done(host(lab, "DELETE", f"/lab/players/{ann.id}"))
        assert ann.id not in state(lab, first)["players"]
        assert ann.refused("join", game="lab")["code"] == "not_admitted"
        done(host(lab, "POST", f"/lab/players/{ann.id}/readmit"))
        enter(ann)


def test_the_door_tells_the_host_who_is_ready_who_traded_and_who_is_lost(lab: ServerThread) -> None:
    done(host(lab, "POST", "/lab/phase", json={"phase": "open"}))
    with ExitStack() as stack:
        people = [stack.enter_context(Player(lab.url, f"p{number}")) for number in range(6)]
        groups = [enter(player) for player in people]
        mate = next(number for number in range(1, 6) if groups[number] == groups[0])
        game = groups[0]
        people[0].ask("ready", game=game)
        people[0].ask("buy", game=game, good="grain", qty=1)
        for _ in range(2):
            assert people[0].refused("cancel", game=game, order="o999")["code"] == "unknown_order"
        rows = {row["player"]: row for row in done(host(lab, "GET", "/lab/roster"))["players"]}
        mine, other = rows[people[0].id], rows[people[mate].id]
    assert (mine["ready"], mine["traded"], mine["refused"], mine["group"]) == (True, True, 2, game)
    assert not {"ready", "refused", "traded"} & other.keys()


def test_groups_are_made_and_deleted_with_their_door(lab: ServerThread) -> None:
    made = {**LAB, "id": "two", "groups": ["A", "B"]}
    for key in ("k1", "k1", "k2"):
        answer = host(lab, "POST", "", json=made, headers={"Idempotency-Key": key})
        assert answer.status_code == (201 if key == "k1" else 409)
    assert [each["game"] for each in state(lab, "two")["groups"]] == ["two-1", "two-2"]
    assert host(lab, "DELETE", "/two-1").json()["error"]["code"] == "bad_request"
    definition = done(host(lab, "GET", "/two-1/definition"))["definition"]
    assert "group" not in definition
    assert done(host(lab, "GET", "/two/definition"))["definition"]["groups"] == ["A", "B"]
    taken = host(lab, "POST", "", json={**LAB, "id": "la", "groups": ["A"]})
    assert taken.status_code == 201
    assert host(lab, "POST", "", json={**BAZAAR, "id": "b-1"}).status_code == 201
    refused = host(lab, "POST", "", json={**LAB, "id": "b", "groups": ["A"]})
    assert (refused.status_code, "b-1" in refused.json()["error"]["message"]) == (409, True)
    assert host(lab, "GET", "/b").status_code == 404
    done(host(lab, "DELETE", "/two"))
    assert not {"two", "two-1", "two-2"} & {each["game"] for each in done(host(lab, "GET", ""))["games"]}


def test_two_nodes_share_out_a_class_and_put_nobody_twice(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url, games=[LAB]) as east, ServerThread(url, games=[LAB]) as west:
        tokens = []
        for number in range(12):
            with Player(east.url, f"p{number}") as player:
                player.ask("join", game="lab", spectate=True)
                tokens.append(player.token)
        found: dict[int, list[str]] = {number: [] for number in range(12)}

        def come(number: int, server: ServerThread) -> None:
            with Player(server.url, token=tokens[number]) as player:
                found[number].append(enter(player))

        both = [threading.Thread(target=come, args=(number, server)) for number in range(12) for server in (east, west)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(DEADLINE_S)
        assert all(len(groups) == 2 and len(set(groups)) == 1 for groups in found.values()), found
        assert Counter(groups[0] for groups in found.values()) == dict.fromkeys(GROUPS, 4)
        done(host(west, "POST", "/lab/phase", json={"phase": "open"}))
        until(lambda: phases(east) == ["open"] * 3)


def test_a_node_started_again_knows_who_has_which_group(store: str) -> None:
    if store == "memory:":
        pytest.skip("nothing is left of it after a restart")
    with ServerThread(store, games=[LAB]) as server, Player(server.url) as ann:
        group, token = enter(ann), ann.token
    with ServerThread(store, games=[LAB]) as server, Player(server.url, token=token) as ann:
        assert enter(ann) == group


def test_bots_are_shared_out_too(lab: ServerThread) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: run_bots(lab.url, "lab", 6, live=False, console=Console(quiet=True)))
            with trio.fail_after(DEADLINE_S):
                while True:
                    found = await trio.to_thread.run_sync(lambda: [state(lab, group) for group in GROUPS])
                    if [len(each["players"]) for each in found] == [2, 2, 2]:
                        break
                    await trio.sleep(0.05)
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_whoever_is_moved_while_they_join_plays_in_the_new_group_alone(
    lab: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, moved = SubmitUseCase.execute, list[str]()

    async def after_the_move(log: SubmitUseCase, game: str, command: Join) -> Any:
        await execute(log, "lab", SetGroup(account=command.player, number=GROUPS.index(moved[0]) + 1))
        return await execute(log, game, command)

    def meanwhile(log: SubmitUseCase, game: str, command: Any) -> Any:
        if isinstance(command, Join) and game in GROUPS and not moved:
            moved.append(next(group for group in GROUPS if group != game))
            return after_the_move(log, game, command)
        return execute(log, game, command)

    monkeypatch.setattr(SubmitUseCase, "execute", meanwhile)
    with Player(lab.url, "ann") as ann:
        first = ann.ask("join", game="lab")["me"]["group"]
        assert ann.refused("join", game=first)["code"] == "not_admitted"
        assert ann.id not in state(lab, first)["players"]
        assert enter(ann) == moved[0] != first
