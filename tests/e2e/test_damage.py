"""A store's file whose pages went bad, another version's store, and signals before anything is served."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.e2e.conftest import fresh_etcd_url
from tests.support.command_line import tradegame
from tests.support.etcd import EtcdServer
from tests.support.process import REPOSITORY
from tests.support.server import ServerThread
from tests.unit.test_game_host import Crowd
from tradegame import app
from tradegame.cluster.processes.ports import quiet_ports
from tradegame.core.domain.definition import RULES_VERSION, GameDefinition, GoodDefinition, to_json
from tradegame.core.games.service import GameService
from tradegame.core.repositories import CorruptStoreError, GameMeta, StoreError
from tradegame.infra.config import Settings
from tradegame.infra.embedded import open_sqlite
from tradegame.infra.etcd import EtcdSettings, open_etcd
from tradegame.infra.kv import KvGameStateRepository
from tradegame.infra.kv.port import KeyRange, Put
from tradegame.protocol.commands import Join, encode_command, join_entry
from tradegame.protocol.errors import UnavailableError

NOW = 1_790_000_000_000
GAMES = ("ant", "bee", "cow")
PAGE = 4_096
TABLE_LEAF, TABLE_INTERIOR = 0x0D, 0x05
"""See https://www.sqlite.org/fileformat2.html#b_tree_pages."""


async def fill(path: str, entries: int) -> None:
    """A store with a few games, one after the other, each with a log."""
    async with open_sqlite(path) as kv:
        games = KvGameStateRepository(kv, "tradegame")
        for game in GAMES:
            definition = GameDefinition(id=game, goods={"grain": GoodDefinition()})
            meta = await games.create(
                GameMeta(game, to_json(definition), f"epoch-{game}", RULES_VERSION, seed=7, created_at=NOW)
            )
            for number in range(entries):
                join = encode_command(Join(player=f"p-{game}-{number:04d}", name="n" * 32))
                await games.update(meta, f"n1.1-{number}", join_entry(NOW + number, [join]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "game.db"


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def pages(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return [content[at : at + PAGE] for at in range(0, len(content), PAGE)]


def kind(page: bytes, number: int) -> int:
    return page[100 if number == 0 else 0]


def spoil(path: Path, number: int) -> None:
    """As a disk does that lost a block."""
    with path.open("r+b") as file:
        file.seek(number * PAGE)
        file.write(b"\x5a" * PAGE)


def page_of_one_log(path: Path, game: str) -> int:
    """A leaf that holds entries of this game's log and nothing else."""
    for number, page in enumerate(pages(path)):
        keys = set(re.findall(rb"tradegame/([a-z]+(?:/[a-z]+/[a-z]+)?)", page))
        if kind(page, number) == TABLE_LEAF and keys == {f"games/{game}/log".encode()}:
            return number
    raise AssertionError("no such page")


class Serving:
    """`tradegame serve` on this store, as a user starts it."""

    def __init__(self, store: str, cwd: Path) -> None:
        (self.port,) = quiet_ports(1)
        order = ["serve", "--host", "127.0.0.1", "--port", str(self.port), "--store", store, "--log-format", "json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tradegame", *order],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TRADEGAME_ADMIN__TOKEN": "an-admin-token-of-tests"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def get(self, path: str) -> httpx.Response:
        """Once it listens; within a generous while."""
        end = time.monotonic() + 60
        while True:
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)
            except httpx.ConnectError:
                assert self.process.poll() is None, self.process.communicate()[1]
                assert time.monotonic() < end, "it does not listen"
                time.sleep(0.05)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it logged, however it ends."""
        _, logged = self.process.communicate(timeout=60)
        return self.process.returncode, logged


def refusal(store: str) -> str:
    """The last line that `tradegame serve` logs of a store that it cannot use: why it did not start."""
    result = tradegame("serve", "--host", "127.0.0.1", "--port", "0", "--store", store, "--log-format", "json")
    assert (result.exit_code, result.stdout) == (2, "")
    lines = result.stderr.splitlines()
    assert [line for line in lines if json.loads(line)["event"] == "not_started"] == lines[-1:]
    assert "Traceback" not in result.stderr
    return lines[-1]


def test_a_damaged_page_of_one_games_log_keeps_no_other_game_from_being_served(path: Path, tmp_path: Path) -> None:
    trio.run(fill, str(path), 200)
    spoil(path, page_of_one_log(path, "bee"))
    with Serving(f"embedded:{path}", tmp_path) as server:
        listed = {game["game"] for game in server.get("/v1/games").json()["games"]}
        assert listed == {"ant", "cow", "bazaar"}  # the last one is made at the start
        ready = server.get("/readyz")
        assert (ready.text, ready.status_code) == ("ready\nnot served: bee\n", 200)
        assert server.get("/v1/health").json()["not_served"] == ["bee"]
        metrics = server.get("/metrics").text
        assert 'tradegame_game_serving{game="bee"} 0.0' in metrics
        assert 'tradegame_game_serving{game="cow"} 1.0' in metrics
        time.sleep(1.5)
        server.process.send_signal(signal.SIGTERM)
        code, logged = server.end()
    assert code == 0
    troubles = [line for line in map(json.loads, logged.splitlines()) if line["level"] in ("error", "warning")]
    assert [(line["event"], line["game"]) for line in troubles if "game" in line["event"]] == [
        ("game_unreadable", "bee")
    ]
    reason = next(line["reason"] for line in troubles if line["event"] == "game_unreadable")
    assert str(path) in reason
    assert "backup" in reason
    assert len(troubles) < 5, "said once, not at every try"


@pytest.mark.parametrize("which", ["schema", "interior"])
def test_a_file_that_cannot_be_used_at_all_ends_the_start_with_one_line(path: Path, which: str) -> None:
    trio.run(fill, str(path), 200)
    interior = next(n for n, page in enumerate(pages(path)) if n and kind(page, n) == TABLE_INTERIOR)
    spoil(path, 0 if which == "schema" else interior)
    assert str(path) in refusal(f"embedded:{path}")


async def test_whichever_page_is_damaged_all_other_games_are_served_or_the_start_is_refused(path: Path) -> None:
    await fill(str(path), 30)
    sound = read(path)
    served_with_damage = 0
    for number in range(len(sound) // PAGE):
        write(path, sound)
        spoil(path, number)
        try:
            async with open_sqlite(str(path)) as kv, trio.open_nursery() as nursery:
                games = GameService(KvGameStateRepository(kv, "tradegame"), "east", Crowd(), lambda: NOW)
                with trio.fail_after(30):
                    await nursery.start(games.run, ())
                served = {game for game, host in games.hosts.items() if host.running}
                assert served | set(games.unserved()) == set(GAMES), f"page {number}"
                assert not served & set(games.unserved())
                # Where none is left, no node can write either, and none starts: see above.
                assert served or kind(sound[number * PAGE :], number) == TABLE_INTERIOR, f"page {number}"
                served_with_damage += bool(served)
                nursery.cancel_scope.cancel()
        except* StoreError as errors:
            failure: BaseException = errors
            while isinstance(failure, BaseExceptionGroup):
                failure = failure.exceptions[0]
            assert isinstance(failure, CorruptStoreError), f"page {number}: {failure!r}"
            assert str(path) in str(failure)
    assert served_with_damage > 5


async def test_a_game_that_is_slow_to_read_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_sqlite(":memory:") as kv, trio.open_nursery() as nursery:
        repository = KvGameStateRepository(kv, "tradegame")
        for game in GAMES:
            definition = GameDefinition(id=game, goods={"grain": GoodDefinition()})
            await repository.create(GameMeta(game, to_json(definition), "epoch", RULES_VERSION, 7, NOW))
        read = KvGameStateRepository.get
        there = trio.Event()

        async def slow(self: KvGameStateRepository, game: str) -> Any:
            if game == "ant":
                await there.wait()
            return await read(self, game)

        monkeypatch.setattr(KvGameStateRepository, "get", slow)
        games = GameService(repository, "east", Crowd(), lambda: NOW)
        await nursery.start(games.run, ())
        assert [game for game, host in games.hosts.items() if host.running] == ["bee", "cow"]
        assert games.unserved() == {"ant": "it is being read"}
        with pytest.raises(UnavailableError):
            games.host("ant")
        there.set()
        await trio.testing.wait_all_tasks_blocked()
        assert games.hosts["ant"].running
        assert games.unserved() == {}
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_store_is_opened_ends_it_at_once(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    @asynccontextmanager
    async def slow(settings: Any) -> AsyncIterator[Any]:
        os.kill(os.getpid(), number)
        await trio.sleep(60)
        yield None

    monkeypatch.setattr("tradegame.app.lifetimes.open_store", slow)
    began = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        app.run(Settings())
    assert ended.value.code == 128 + number
    assert time.monotonic() - began < 30


def test_an_older_file_is_refused_with_one_line(path: Path) -> None:
    trio.run(fill, str(path), 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = path.read_bytes()
    line = refusal(f"embedded:{path}")
    assert "older version (schema 1" in line
    assert "move the file away" in line
    assert path.read_bytes() == before


def test_an_older_etcd_prefix_is_refused_with_one_line(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    prefix = url.rsplit("/", 1)[1]

    async def put() -> None:
        async with open_etcd(EtcdSettings((etcd.endpoint,))) as kv:
            await kv.transaction([], [Put(f"{prefix}/games/bazaar/meta", b"{}")])

    trio.run(put)
    assert f"etcdctl del --prefix {prefix}/" in refusal(url)
    with ServerThread(fresh_etcd_url(etcd)) as server:  # another prefix of the same etcd
        assert httpx.get(f"{server.http}/readyz").status_code == 200


async def test_a_damaged_page_costs_the_calls_that_come_upon_it_and_no_other(path: Path) -> None:
    """All of them in one transaction of the file's."""
    await fill(str(path), 100)
    spoil(path, page_of_one_log(path, "bee"))
    log_of_bee = KeyRange.prefix("tradegame/games/bee/log/")
    outcomes: dict[str, Any] = {}

    async def note(name: str, call: Any) -> None:
        try:
            outcomes[name] = await call
        except StoreError as error:
            outcomes[name] = error

    async with open_sqlite(str(path)) as kv:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(note, "write", kv.transaction([], [Put("a", b"1")]))
            nursery.start_soon(note, "damaged", kv.range(log_of_bee))
            nursery.start_soon(note, "tolerant", kv.range(log_of_bee, tolerant=True))
            nursery.start_soon(note, "read", kv.range(KeyRange.prefix("tradegame/games/cow/log/")))
        assert (await kv.range(KeyRange("a"))).pairs[0].value == b"1"
        assert kv.ready() is None
    assert outcomes["write"].succeeded
    assert isinstance(outcomes["damaged"], CorruptStoreError)
    assert len(outcomes["read"].pairs) == 100
    found, lost = outcomes["tolerant"].pairs, outcomes["tolerant"].unreadable
    assert len(found) + len(lost) == 100
    assert 0 < len(lost) < 100
