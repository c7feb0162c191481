"""``tradegame verify`` on a long log, as a host runs it."""

from __future__ import annotations

import os
import pty
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.server import BAZAAR
from tradegame.core.games.export import export_log
from tradegame.core.games.host import GameHost
from tradegame.core.games.service import GameService
from tradegame.core.games.settings import HostSettings
from tradegame.infra.config import parse_game_definition
from tradegame.infra.embedded import open_sqlite
from tradegame.infra.kv import KvGameStateRepository
from tradegame.protocol.commands import Command, Join
from tradegame.protocol.requests import BuyGood, PlaceOrder, Say, SellGood

PLAYERS = 100


class Nobody:
    """Nobody looks on."""

    def applied(self, *_: Any) -> None: ...
    def settled(self, *_: Any) -> None: ...
    def restarted(self, *_: Any) -> None: ...
    def ended(self, *_: Any) -> None: ...


async def _play(commands: int, file: Path) -> None:
    """A game's host takes so many commands, and its whole log is exported."""
    settings = HostSettings(snapshot_every=10**9, command_timeout_s=300)
    now = [1_790_000_000_000]

    def now_ms() -> int:
        now[0] += 7
        return now[0]

    async with open_sqlite(":memory:") as store, trio.open_nursery() as nursery:
        repository = KvGameStateRepository(store, "test")
        games = GameService(repository, "node", Nobody(), now_ms, settings)
        house = {**BAZAAR["goods"]["grain"]["house"], "size": 1_000_000, "stock": 10**9, "cash": 10**9, "target": 10**9}
        definition = {**BAZAAR, "cash": 10**9, "goods": {"grain": {"house": house}, "wood": {"endowment": 10**6}}}
        await nursery.start(games.run, [parse_game_definition(definition)])
        await _submit_all(games.host("bazaar"), commands)
        with file.open("wb") as out:
            async for piece in export_log(repository, "bazaar"):
                out.write(piece)
        nursery.cancel_scope.cancel()


async def _submit_all(host: GameHost, commands: int) -> None:
    chance = random.Random(1)
    for number in range(commands):
        host.execute(_command(number, chance))
        if host.waiting >= 10_000:
            await host.drain()
    await host.drain()


def _command(number: int, chance: random.Random) -> Command:
    player, key = f"p-{number % PLAYERS}", f"k-{number}"
    if number < PLAYERS:
        return Join(player=player, key=key, name=f"player {number}")
    roll = chance.randrange(10)
    if roll < 4:
        return BuyGood(player=player, key=key, good="grain", qty=chance.randrange(1, 5))
    if roll < 7:
        return SellGood(player=player, key=key, good="grain", qty=chance.randrange(1, 5))
    if roll < 9:
        side = chance.choice(["bid", "ask"])
        return PlaceOrder(
            player=player, key=key, good="wood", side=side, qty=chance.randrange(1, 9), price=chance.randrange(90, 110)
        )
    return Say(player=player, key=key, text=f"word {number}")


@pytest.mark.parametrize("commands", [5_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
async def test_verify_replays_a_log_and_finds_a_changed_digit(commands: int, tmp_path: Path) -> None:
    log = tmp_path / "bazaar.jsonl"
    with trio.fail_after(400):
        await _play(commands, log)
    code, output = await trio.to_thread.run_sync(_verify, log)
    assert code == 0, output
    assert f"{commands:,} commands" in output
    assert "commands/s" in output
    assert "100%" in output
    assert "\u2501" in output, "no progress bar"
    print(re.sub(r".*\r", "", output).splitlines()[-1])
    await trio.to_thread.run_sync(_change_a_digit, log, random.Random(commands))
    code, output = await trio.to_thread.run_sync(_verify, log)
    assert code == 1, output
    assert re.search(r"line \d+:", output), output


def _change_a_digit(log: Path, chance: random.Random) -> None:
    with log.open("r+b") as file:
        size = log.stat().st_size
        while True:
            file.seek(place := chance.randrange(size // 2, size))
            if (digit := file.read(1)).isdigit():
                break
        file.seek(place)
        file.write(b"8" if digit != b"8" else b"1")


def _verify(log: Path) -> tuple[int, str]:
    """What a person sees, on a terminal."""
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "tradegame", "verify", str(log)]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    process = subprocess.Popen(command, stdout=terminal, stderr=terminal, stdin=terminal, env=environment)
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # how a terminal ends on Linux
            break
        if not piece:
            break
        seen += piece
    os.close(master)
    return process.wait(30), seen.decode(errors="replace")
