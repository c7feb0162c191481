"""tradegame.js against the real server: it plays, it mirrors, and it outlives what happens to servers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.javascript.conftest import DIRECTORY
from tests.support.etcd import EtcdServer
from tests.support.javascript import play
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread

ROUNDS: dict[str, Any] = {
    **BAZAAR,
    "id": "rounds",
    "fee_bps": 100,
    "open_orders": 20,
    "goods": {
        **BAZAAR["goods"],
        "bond": {"endowment": 20, "settlement": {"values": [10, 20, 30, 40], "hints_at_s": [0, 1]}},
    },
    "news": [{"at_s": 0, "text": "It begins", "good": "grain", "anchor_bps": -200}],
}
"""A game in which everything happens that a state tells of. The host turns its rounds."""


@pytest.fixture(autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEGAME_ADMIN_TOKEN", ADMIN_TOKEN)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A node on SQLite, to be killed and started again."""
    with ServerProcess(f"embedded:{tmp_path / 'tradegame.db'}", tmp_path, games=[BAZAAR]) as running:
        yield running


def restart(server: ServerProcess) -> None:
    server.kill()
    server.start()


def test_two_players_trade_and_talk_and_a_third_looks_on(node: str) -> None:
    with ServerThread("memory:") as server:
        play([node, "live/playing.mjs", server.url], DIRECTORY)


def test_its_state_is_the_servers_after_hundreds_of_commands_rounds_and_news(node: str) -> None:
    seed = random.randrange(2**31)
    with ServerThread("memory:", games=[ROUNDS]) as server:
        found = play([node, "live/folding.mjs", server.url, str(seed)], DIRECTORY)
    # the tape, the chat and the news have all run over their bounds
    assert {name: found[name] for name in ("trades", "messages", "news")} == {
        "trades": 200,
        "messages": 50,
        "news": 20,
    }, f"seed {seed}: {found}"
    assert found["done"] > 200
    assert found["compared"] > 40
    assert found["round"] > 3


def test_a_player_who_is_kicked_has_stopped_and_a_deleted_game_is_gone(node: str) -> None:
    with ServerThread("memory:") as server:
        play([node, "live/kicked.mjs", server.url], DIRECTORY)


def test_nothing_that_a_bad_server_does_breaks_it_or_keeps_its_process_alive(node: str) -> None:
    assert play([node, "live/nasty.mjs"], DIRECTORY)["lingered_ms"] < 5_000


@pytest.mark.slow
def test_an_order_that_a_servers_death_left_unanswered_is_settled_by_its_key(node: str, server: ServerProcess) -> None:
    deeds = {"pause": server.pause, "kill": server.kill, "start": server.start}
    play([node, "live/settling.mjs", server.url], DIRECTORY, deeds)


@pytest.mark.slow
def test_a_server_killed_and_restarted_under_load_loses_nothing_and_doubles_nothing(
    node: str, server: ServerProcess
) -> None:
    deeds = {"restart": lambda: restart(server)}
    found = play([node, "live/surviving.mjs", server.url, *["restart"] * 3], DIRECTORY, deeds, deadline_s=120)
    assert found["settled"] > 300


@pytest.mark.slow
def test_when_its_node_is_killed_it_goes_on_at_the_other_that_it_was_told_of(
    node: str, etcd: EtcdServer, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        east, west = (
            stack.enter_context(ServerProcess(f"{etcd.url}/javascript", tmp_path, name=name, games=[BAZAAR]))
            for name in ("east", "west")
        )
        # West is up last: whoever says hello there is told of both.
        found = play([node, "live/surviving.mjs", west.url, "kill"], DIRECTORY, {"kill": west.kill}, deadline_s=120)
    assert set(found["urls"]) == {east.url, west.url}
    assert found["failovers"] == [1, 1, 1, 1]
