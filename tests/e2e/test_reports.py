"""Players' own reports over HTTP: each gets their own, by session or link, and nobody another's."""

from __future__ import annotations

import csv
import io
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.controller.http import reports, workers
from tradegame.protocol.report import Report

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
CLASS: dict[str, Any] = {
    "id": "class",
    "title": "A class",
    "goods": {"wheat": {}},
    "private_values": {"good": "wheat", "values": [[90], [60]], "costs": [[30], [70]]},
    "wait_for_host": True,
}
"""As in docs/rules.md: the price lies between 60 and 70."""


def host(server: ServerThread, what: str, **body: Any) -> None:
    url = f"{server.http}/v1/games/class/{what}"
    httpx.post(url, headers=HOST, json=body or None, timeout=20).raise_for_status()


def ask(server: ServerThread, authorization: str = "") -> httpx.Response:
    headers = {"Authorization": authorization.encode()} if authorization else {}
    return httpx.get(f"{server.http}/v1/games/class/report", headers=headers, timeout=60)


def report(server: ServerThread, authorization: str) -> Report:
    answer = ask(server, authorization)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return msgspec.json.decode(answer.content, type=Report)


def refused(server: ServerThread, authorization: str = "") -> tuple[int, str]:
    answer = ask(server, authorization)
    return answer.status_code, answer.json()["error"]["code"]


def session(player: Player) -> str:
    return f"Session {player.token}"


@pytest.fixture
def lesson() -> Any:
    """A server, and who played one round: ann bought of bob, cid and dee did nothing; eve came after the close."""
    with ServerThread("memory:", games=[CLASS]) as server:
        people = {name: Player(server.url, name) for name in ("ann", "bob", "=cid", "dee")}
        for player in people.values():
            player.ask("join", game="class")
        host(server, "phase", phase="open")
        people["bob"].ask("order", game="class", good="wheat", side="ask", qty=1, price=50)
        people["ann"].ask("buy", game="class", good="wheat", qty=1)
        host(server, "phase", phase="closed")
        people["eve"] = Player(server.url, "eve")
        people["eve"].ask("join", game="class")
        yield server, people
        for player in people.values():
            player.close()


def test_each_gets_their_own_report_once_the_host_shows_them(lesson: Any) -> None:
    server, people = lesson
    assert refused(server, session(people["ann"])) == (404, "not_found")
    host(server, "access", reports=True)
    ann = report(server, session(people["ann"]))
    assert (ann.player, ann.name, ann.own.total, ann.good) == (people["ann"].id, "ann", 40, "wheat")
    assert (ann.secret, ann.compared) == (True, None), "the values last"
    (own,) = ann.own.rounds
    assert (own.role, own.values, own.gain, len(own.trades)) == ("buyer", (90,), 40, 1)
    assert [price for _, price in ann.rounds[0].goods["wheat"].prices] == [50]
    host(server, "reveal")
    told = {name: report(server, session(player)) for name, player in people.items()}
    found = {name: (each.own.total, each.compared.rank) for name, each in told.items() if each.compared}
    assert found == {"ann": (40, 1), "bob": (20, 2), "=cid": (0, 3), "dee": (0, 3), "eve": (0, 3)}
    assert told["ann"].compared is not None
    (compared,) = told["ann"].compared.rounds
    assert (compared.price, compared.possible, compared.rank, compared.players) == (65, 25, 1, 4)
    assert told["eve"].own.rounds == ()
    with Player(server.url, "fay") as fay:
        fay.ask("join", game="class")
        late = report(server, session(fay))
        assert (late.name, late.own.rounds, len(late.rounds)) == ("fay", (), 1), "she came after they were made"
        assert late.compared is not None
        assert (late.compared.rank, late.compared.players) == (3, 6)
    host(server, "phase", phase="open")
    assert report(server, session(people["ann"])).compared is None, "a secret again"
    host(server, "access", reports=False)
    assert refused(server, f"Report {ann.key}") == (404, "not_found")


def test_a_link_leads_to_one_report_and_to_no_other(lesson: Any) -> None:
    server, people = lesson
    host(server, "access", reports=True)
    keys = {name: report(server, session(player)).key for name, player in people.items()}
    for name, key in keys.items():
        assert report(server, f"Report {key}").player == people[name].id
    ann, secret = keys["ann"].split(".")
    wrong = [
        f"Report {people['bob'].id}.{secret}",
        f"Report {ann}.{secret[:-1]}",
        f"Report {ann}.",
        f"Report {ann}",
        "Report",
        f"Report {'x' * 5_000}",
        f"Report ü.{secret}",
        f"Session {keys['ann']}",
        f"Session {'x' * 5_000}",
        f"Session {people['ann'].token}x",
        f"Basic {people['ann'].token}",
        "",
    ]
    assert {refused(server, each) for each in wrong} == {(401, "unauthorized")}
    with Player(server.url, "onlooker") as onlooker:
        onlooker.ask("join", game="class", spectate=True)
        assert refused(server, session(onlooker)) == (409, "not_joined")
    nowhere = httpx.get(f"{server.http}/v1/games/nowhere/report", headers={"Authorization": f"Report {keys['ann']}"})
    assert nowhere.json()["error"]["code"] == "unknown_game"
    httpx.delete(f"{server.http}/v1/games/class/players/{people['bob'].id}", headers=HOST).raise_for_status()
    assert refused(server, f"Report {keys['bob']}") == (404, "unknown_player")


def test_the_host_takes_all_links_home(lesson: Any) -> None:
    server, people = lesson
    url = f"{server.http}/v1/games/class/reports.csv"
    assert httpx.get(url).status_code == 401
    answer = httpx.get(url, headers=HOST, params={"separator": "semicolon"})
    assert answer.headers["content-disposition"] == 'attachment; filename="class-reports.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [row["name"] for row in rows] == ["ann", "bob", "'=cid", "dee", "eve"]
    host(server, "access", reports=True)
    for row, player in zip(rows, people.values(), strict=True):
        page, _, key = row["link"].partition("#")
        assert page.endswith("/report/class")
        assert httpx.get(page).headers["content-type"].startswith("text/html")
        assert report(server, f"Report {key}").player == player.id == row["player"]


def test_a_link_is_the_same_after_a_restart_and_another_with_another_token(tmp_path: Path) -> None:
    store, found = f"embedded:{tmp_path / 'class.db'}", list[Report]()
    for token in (ADMIN_TOKEN, ADMIN_TOKEN, "another-token-of-the-hosts"):
        with ServerThread(store, games=[CLASS], flags={"admin.token": token}) as server:
            if not found:
                with Player(server.url, "ann") as ann:
                    ann.ask("join", game="class")
                    host(server, "access", reports=True)
                    found.append(report(server, session(ann)))
            elif token == ADMIN_TOKEN:
                assert report(server, f"Report {found[0].key}") == found[0]
            else:
                assert refused(server, f"Report {found[0].key}") == (401, "unauthorized")


def test_a_wrong_key_costs_its_address_more_than_a_right_one(lesson: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server, people = lesson
    host(server, "access", reports=True)
    key = report(server, session(people["ann"])).key
    monkeypatch.setattr(reports, "WRONG_TOKEN", 1e12)  # all that a connection may spend at once
    with httpx.Client(base_url=f"{server.http}/v1/games/class/", timeout=20) as web:
        answers = [web.get("report", headers={"Authorization": f"Report {key}x"}).status_code for _ in range(2)]
    assert answers == [401, 429]
    assert report(server, f"Report {key}").player == people["ann"].id


@pytest.mark.slow
def test_however_many_ask_a_log_is_replayed_once_a_close_and_the_game_goes_on(
    lesson: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, people = lesson
    made, make = list[str](), workers.made

    async def counting(name: str, *rest: Any) -> Any:
        made.append(name)
        return await make(name, *rest)

    monkeypatch.setattr(workers, "made", counting)
    host(server, "access", reports=True)
    answers = list[int]()

    def asking(player: Player) -> None:
        answers.extend(ask(server, session(player)).status_code for _ in range(10))

    threads = [threading.Thread(target=asking, args=(player,)) for player in people.values()]
    for thread in threads:
        thread.start()
    said = 0
    while any(thread.is_alive() for thread in threads):
        people["ann"].ask("say", game="class", text="hi")
        said += 1
        time.sleep(0.05)
    assert (answers, len(made)) == ([200] * 50, 1)
    assert said > 2
    host(server, "phase", phase="open")
    assert report(server, session(people["ann"])).rounds[-1].round == 1
    assert len(made) == 1, "no round has closed since"
    people["bob"].ask("order", game="class", good="wheat", side="ask", qty=1, price=60)
    people["ann"].ask("buy", game="class", good="wheat", qty=1)
    host(server, "phase", phase="closed")
    assert [each.round for each in report(server, session(people["bob"])).rounds] == [1, 2]
    assert len(made) == 2


def test_reports_that_cannot_be_made_are_not_tried_at_each_request(
    lesson: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, people = lesson
    host(server, "access", reports=True)
    monkeypatch.setattr(workers, "WORKER", (sys.executable, "-c", "import sys; sys.stdin.read(1); sys.exit('no room')"))
    assert refused(server, session(people["ann"])) == (500, "internal")
    monkeypatch.undo()
    assert refused(server, session(people["bob"])) == (503, "overloaded")
    monkeypatch.setattr(reports, "AGAIN_S", 0.0)
    assert report(server, session(people["bob"])).own.total == 20


def test_before_the_first_close_there_is_nothing_to_tell() -> None:
    with ServerThread("memory:") as server, Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        url = f"{server.http}/v1/games/bazaar"
        httpx.post(f"{url}/access", headers=HOST, json={"reports": True}).raise_for_status()
        answer = httpx.get(f"{url}/report", headers={"Authorization": session(ann)})
        told = msgspec.json.decode(answer.content, type=Report)
        assert (told.rounds, told.own.rounds, told.own.total, told.good) == ((), (), 0, None)
