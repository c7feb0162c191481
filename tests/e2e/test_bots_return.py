"""Bots that were kept are the same players when they come again."""

from __future__ import annotations

from pathlib import Path

import httpx
import trio
from rich.console import Console

from tests.support.server import ServerThread
from tradegame.bots import run_bots

COUNT = 3
DEADLINE_S = 20


def play_until_they_joined(server: ServerThread, file: Path) -> set[str]:
    """Bots come, and go; who they are in the game then."""

    async def main() -> set[str]:
        async with httpx.AsyncClient() as web, trio.open_nursery() as nursery:
            quiet = Console(quiet=True)
            nursery.start_soon(lambda: run_bots(server.url, "bazaar", COUNT, live=False, console=quiet, keep=file))
            with trio.fail_after(DEADLINE_S):
                while True:
                    health = (await web.get(f"{server.http}/v1/health")).json()
                    rows = (await web.get(f"{server.http}/v1/games/bazaar/standings")).json()["standings"]
                    if health["players_online"] == COUNT and len(rows) >= COUNT:
                        break
                    await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
        return {row["player"] for row in rows}

    return trio.run(main)


def test_bots_that_are_kept_are_the_same_players_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "x.db.bots"
    with ServerThread("memory:") as server:
        first = play_until_they_joined(server, file)
        assert len(first) == COUNT
        assert play_until_they_joined(server, file) == first
        assert file.stat().st_mode & 0o077 == 0
    with ServerThread("memory:") as server:  # which knows none of them
        assert len(play_until_they_joined(server, file)) == COUNT
