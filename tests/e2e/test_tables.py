"""A game's tables over HTTP: as the command line makes them, beside a game that goes on."""

from __future__ import annotations

import csv
import io
import sys
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.support.command_line import tradegame
from tests.support.player import Player
from tests.support.raw import Raw
from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.controller.http import workers

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def server() -> Iterator[ServerThread]:
    """On one store: tables are made of an exported log, and that is the same on all."""
    with ServerThread("memory:") as running:
        yield running


def get(server: ServerThread, **query: str) -> httpx.Response:
    return httpx.get(f"{server.http}/v1/games/bazaar/tables", params=query, headers=HOST, timeout=30)


def frame(archive: bytes, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        text = packed.read(f"{name}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_the_host_takes_a_workbook_and_csv_home(server: ServerThread, tmp_path: Path) -> None:
    import pandas  # takes half a second: not in each worker that collects this file

    with Player(server.url, "=1+1") as ann:
        ann.ask("join", game="bazaar")
        ann.ask("buy", game="bazaar", good="grain", qty=2)
        ann.ask("say", game="bazaar", text="=HYPERLINK(1)")
        log = httpx.get(f"{server.http}/v1/games/bazaar/log", headers=HOST, timeout=30)
        book = get(server)
        packed = get(server, format="csv", separator="semicolon")
        hidden = get(server, format="csv", separator="semicolon", pseudonyms="true")
        player = ann.id
    assert book.headers["content-type"].endswith("spreadsheetml.sheet")
    assert book.headers["content-disposition"].startswith('attachment; filename="bazaar-')
    assert packed.headers["content-type"] == "application/zip"
    (tmp_path / "book.xlsx").write_bytes(book.content)
    sheets = pandas.read_excel(tmp_path / "book.xlsx", sheet_name=None)
    assert list(sheets["players"]["name"]) == ["=1+1"]
    assert [(row["player"], row["name"]) for row in frame(packed.content, "players")] == [(player, "'=1+1")]
    assert list(sheets["trades"]["qty"]) == [int(row["qty"]) for row in frame(packed.content, "trades")]
    assert [row["text"] for row in frame(packed.content, "chat")] == ["'=HYPERLINK(1)"]
    assert player.encode() not in hidden.content
    assert [row["name"][:2] for row in frame(hidden.content, "players")] == ["n-"]
    assert not {"=HYPERLINK(1)", "'=HYPERLINK(1)"} & {row["text"] for row in frame(hidden.content, "chat")}
    (tmp_path / "bazaar.jsonl").write_bytes(log.content)
    arguments = str(tmp_path / "bazaar.jsonl"), "-o", str(tmp_path / "made"), "--separator", "semicolon"
    assert tradegame("export", *arguments).exit_code == 0
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.read("trades.csv") == (tmp_path / "made" / "trades.csv").read_bytes()


@pytest.mark.parametrize(
    ("query", "token", "status", "code"),
    [
        ({}, "wrong", 401, "unauthorized"),
        ({"format": "ods"}, ADMIN_TOKEN, 400, "bad_request"),
        ({"separator": ";"}, ADMIN_TOKEN, 400, "bad_request"),
        ({"pseudonyms": "yes"}, ADMIN_TOKEN, 400, "bad_request"),
    ],
)
def test_whoever_is_not_the_host_or_asks_for_something_else_is_refused(
    shared_server: ServerThread, query: dict[str, str], token: str, status: int, code: str
) -> None:
    url, bearer = f"{shared_server.http}/v1/games/bazaar/tables", {"Authorization": f"Bearer {token}"}
    answer = httpx.get(url, params=query, headers=bearer, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    nowhere = httpx.get(f"{shared_server.http}/v1/games/nowhere/tables", headers=HOST, timeout=10)
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "unknown_game")


def working(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The worker does this instead."""
    monkeypatch.setattr(workers, "WORKER", (sys.executable, "-c", code))


def test_a_third_export_at_once_is_refused_and_who_leaves_makes_room(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    working(monkeypatch, "import time; time.sleep(60)")
    request = f"GET /v1/games/bazaar/tables HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
    with Raw(server.running.port) as one, Raw(server.running.port) as two:
        for peer in (one, two):
            peer.send(request.encode())
        end = time.monotonic() + 20
        while (answer := get(server)).status_code != 503:  # the two have not come yet, and this is one of them
            assert time.monotonic() < end
        assert answer.json()["error"]["code"] == "overloaded"
        assert answer.headers["retry-after"] == "5"
        monkeypatch.undo()
    end = time.monotonic() + 20
    while get(server).status_code == 503:
        assert time.monotonic() < end, "those who left are still served"
        time.sleep(0.1)


def test_a_log_that_nobody_waits_for_is_not_read_on(server: ServerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    async def without_end(source: object, game: str) -> AsyncIterator[bytes]:
        yield b"some of it"
        await trio.sleep_forever()

    def log(timeout_s: float = 20) -> httpx.Response | None:
        """None: it was one of the two, and has left."""
        try:
            return httpx.get(f"{server.http}/v1/games/bazaar/log", headers=HOST, timeout=timeout_s)
        except httpx.ReadTimeout:
            return None

    monkeypatch.setattr(workers, "export_log", without_end)
    request = f"GET /v1/games/bazaar/log HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
    with Raw(server.running.port) as one, Raw(server.running.port) as two:
        for peer in (one, two):
            peer.send(request.encode())
        end = time.monotonic() + 20
        while (answer := log(0.5)) is None:
            assert time.monotonic() < end
        assert answer.status_code == 503
        monkeypatch.undo()
    end = time.monotonic() + 20
    while (answer := log()) is None or answer.status_code == 503:
        assert time.monotonic() < end, "those who left are still served"
        time.sleep(0.1)
    assert answer.content.endswith(b"}}\n")
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_worker_that_fails_is_logged_and_leaves_nothing_behind(
    server: ServerThread, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    working(monkeypatch, "import sys; sys.stdin.read(1); sys.exit('no room')")
    answer = get(server)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    monkeypatch.setattr(workers, "TABLES_S", 0.5)
    working(monkeypatch, "import time; time.sleep(60)")
    answer = get(server)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
    assert list(folder.iterdir()) == []


def test_a_game_goes_on_while_its_tables_are_made(server: ServerThread) -> None:
    said, made, over = 0, list[Any](), threading.Event()

    def export() -> None:
        made.extend(get(server).status_code for _ in range(3))
        over.set()

    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        exporting = threading.Thread(target=export)
        exporting.start()
        while not over.is_set():
            ann.ask("say", game="bazaar", text="hi")
            said += 1
            time.sleep(0.01)
        exporting.join()
    assert made == [200] * 3
    assert said > 20
