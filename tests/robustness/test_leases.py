"""A node that is killed takes its ``connections`` and ``nodes`` keys with it within its lease."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.robustness.campaign import node
from tests.robustness.traffic import GAME
from tests.support.etcd import EtcdServer, etcd_binary
from tests.support.player import Player
from tests.support.process import ServerProcess
from tradegame.core.repositories.connections import LEASE_S

pytestmark = pytest.mark.slow

PLAYERS = 5
LATE_S = 2.0
"""What etcd, which looks for expired leases now and then, and a busy machine may take on top."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_the_keys_of_a_killed_node_vanish_from_etcd_and_its_players_from_the_others_presence(
    etcd: EtcdServer, stack: ExitStack, tmp_path: Path
) -> None:
    east, west = (stack.enter_context(node(etcd.url, tmp_path, name)) for name in ("east", "west"))
    watcher = stack.enter_context(Player(west.url, "watcher"))
    watcher.ask("join", game=GAME)
    players = _players(stack, east)
    _until_online(watcher, players)
    _wait(lambda: len(_keys(etcd, f"connections/{east.node}/")) == PLAYERS, 5)
    assert len(_keys(etcd, "nodes/")) == 2

    killed_at = time.monotonic()
    east.kill()
    # Nothing but the lease can take them: right after the kill all is there.
    assert len(_keys(etcd, f"connections/{east.node}/")) == PLAYERS
    _wait(lambda: not _keys(etcd, f"connections/{east.node}/"), LEASE_S + LATE_S)
    assert _keys(etcd, "nodes/") == [f"tradegame/nodes/{west.node}"]
    assert time.monotonic() - killed_at <= LEASE_S + LATE_S
    _until_offline(watcher, players)
    assert len(_keys(etcd, f"connections/{west.node}/")) == 1


def test_the_keys_of_a_killed_embedded_server_vanish_though_it_was_started_again(
    stack: ExitStack, tmp_path: Path
) -> None:
    database = tmp_path / "tradegame.db"
    server = stack.enter_context(node(f"embedded:{database}", tmp_path))
    players = _players(stack, server)
    watcher = stack.enter_context(Player(server.url, "watcher"))
    watcher.ask("join", game=GAME)
    _until_online(watcher, players)

    killed_at = time.monotonic()
    server.kill()
    server.start()
    # The ones who were killed with it still count as there, until their lease ends; a tenth late after a restart.
    watcher = stack.enter_context(Player(server.url, "watcher"))
    watcher.ask("join", game=GAME)
    _until_online(watcher, players)
    _until_offline(watcher, players, LEASE_S * 1.1 + LATE_S)
    assert time.monotonic() - killed_at <= LEASE_S * 1.1 + LATE_S
    assert server.terminate() == 0
    with closing(sqlite3.connect(database)) as connection:
        left = connection.execute("SELECT key FROM pairs WHERE key LIKE '%/connections/%' OR key LIKE '%/nodes/%'")
        assert left.fetchall() == []


def _players(stack: ExitStack, server: ServerProcess) -> set[str]:
    """So many players who joined on this node; their ids."""
    players = [stack.enter_context(Player(server.url, f"player {number}")) for number in range(PLAYERS)]
    for player in players:
        player.ask("join", game=GAME)
    return {player.id for player in players}


def _until_online(watcher: Player, players: set[str]) -> None:
    _watch(watcher, lambda online: players <= online, 5)


def _until_offline(watcher: Player, players: set[str], deadline_s: float = 5) -> None:
    _watch(watcher, lambda online: not players & online, deadline_s)


def _watch(watcher: Player, holds: Callable[[set[str]], bool], deadline_s: float) -> None:
    """Receive until it holds of who is online, as this watcher was told."""
    end = time.monotonic() + deadline_s
    while True:
        online: set[str] = set()
        for push in watcher.pushes:
            if push["push"] == "presence":
                online = (online | set(push["online"])) - set(push["offline"])
        if holds(online):
            return
        watcher.receive(max(0.01, end - time.monotonic()))


def _wait(holds: Callable[[], bool], deadline_s: float) -> None:
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end, f"not within {deadline_s} s"
        time.sleep(0.1)


def _keys(etcd: EtcdServer, under: str) -> list[str]:
    """What etcdctl shows under a prefix."""
    command = [etcd_binary() + "ctl", "--endpoints", etcd.endpoint, "get", "--prefix", f"tradegame/{under}"]
    answer = subprocess.run(
        [*command, "--keys-only", "-w", "json"], check=True, capture_output=True, env={"ETCDCTL_API": "3"}
    )
    return [base64.b64decode(pair["key"]).decode() for pair in json.loads(answer.stdout).get("kvs", [])]
