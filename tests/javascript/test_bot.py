"""The example of a bot in JavaScript runs as it stands in the documentation, and makes a market."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.javascript.conftest import DIRECTORY
from tests.support.player import Player
from tests.support.process import REPOSITORY
from tests.support.server import ServerThread

EXAMPLE = REPOSITORY / "docs" / "examples" / "bot.mjs"
DEADLINE_S = 20.0


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def has_websocket(node: str, *flags: str) -> bool:
    asked = subprocess.run([node, *flags, "-p", "typeof WebSocket"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() == "function"


@pytest.mark.slow
@pytest.mark.parametrize("own", [True, False], ids=["nodes-own-websocket", "the-package-ws"])
def test_it_quotes_around_the_last_price_and_again_when_it_has_traded(node: str, tmp_path: Path, own: bool) -> None:
    flags: list[str] = []
    if own and not has_websocket(node):
        flags = ["--experimental-websocket"]  # Node 20, as Node 22 is without
        assert has_websocket(node, *flags)
    bot = tmp_path / EXAMPLE.name
    shutil.copy(EXAMPLE, bot)
    if not own:
        if has_websocket(node):
            flags = ["--no-experimental-websocket"]  # Node 22 and newer, as Node 20 is without
            assert not has_websocket(node, *flags)
        (tmp_path / "node_modules").symlink_to(DIRECTORY / "node_modules")
    with ServerThread("memory:") as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        ann.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=50)
        output = tmp_path / "output"
        with output.open("wb") as written:
            process = subprocess.Popen([node, *flags, str(bot), server.url], stdout=written, stderr=subprocess.STDOUT)
        try:
            until(lambda: "maker has 10000 coins" in output.read_text(), output.read_text())
            with Player(server.url, "ben") as ben:
                ben.ask("join", game="bazaar")
                ben.ask("buy", game="bazaar", good="wood", qty=1)  # wood has a price now: 50
                # it holds 10 of 12: a bid would be too much, and it asks two above, less two for what it holds
                until(lambda: best(ben, "asks") == [50, 3], "no ask")
                ben.ask("buy", game="bazaar", good="wood", qty=3)
                # 7 left, worth one less: it bids again, and asks anew
                until(lambda: (best(ben, "bids"), best(ben, "asks")) == ([47, 3], [51, 3]), "no new quotes")
            until(lambda: "sold 3 wood at 50" in output.read_text(), "it told of no trade")
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
    assert "Error" not in output.read_text(), output.read_text()


@pytest.mark.slow
def test_a_game_that_is_not_there_is_said_in_a_line(node: str, tmp_path: Path) -> None:
    flags = [] if has_websocket(node) else ["--experimental-websocket"]
    with ServerThread("memory:") as server:
        order = [node, "--no-warnings", *flags, str(EXAMPLE), server.url, "nowhere"]
        done = subprocess.run(order, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nowhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def best(player: Player, side: str) -> list[int] | None:
    levels: list[list[int]] = player.ask("book", game="bazaar", good="wood")[side]
    return levels[0] if levels else None
