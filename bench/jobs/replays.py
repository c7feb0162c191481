"""Replaying a game's log: what ``tradegame verify`` does, and a node that starts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.servers import SERVER, run
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target
from tests.support.drawing import any_command
from tests.support.server import BAZAAR
from tradegame.core.domain.definition import RULES_VERSION, from_json, to_json
from tradegame.core.domain.game import Game
from tradegame.core.domain.keys import stamp
from tradegame.core.games.export import base_line, end_line, entry_line
from tradegame.core.repositories import GameMeta, LogEntry, StoredGame
from tradegame.infra.config.definitions import parse_game_definition
from tradegame.protocol.commands import Command, Entry, Join, encode_entry
from tradegame.protocol.requests import REQUESTS

COMMANDS = 100_000
PLAYERS = 64
AN_ENTRY = 20
"""Commands that 64 clients have in an entry, more or less."""
SEED = 5
BEGIN = 1_700_000_000_000
MS_AN_ENTRY = 2


def _verify(sitting: Sitting) -> dict[str, Sample]:
    log = sitting.folder / "replay.log"
    if not log.exists():
        write_log(log, COMMANDS)
    told = run(sys.executable, "-m", "tradegame", "verify", log, core=SERVER, COLUMNS="200")
    found = re.search(r"\(([\d,]+) commands/s\)", told)
    if found is None:
        raise SystemExit(f"tradegame verify says no pace: {told}")
    return {"rate": Sample(float(found[1].replace(",", "")))}


def write_log(path: Path, commands: int) -> None:
    """The log of a busy market, as a node exports it: orders, trades, cancels, talk, each with its key."""
    definition = parse_game_definition({**BAZAAR, "cash": 1_000_000, "open_orders": 20})
    meta = GameMeta(definition.id, to_json(definition), "epoch", RULES_VERSION, SEED, BEGIN)
    table = Game.create(from_json(meta.definition), meta.epoch, meta.created_at, meta.seed)
    chance = Random(SEED)
    names = [f"p-{number:012}" for number in range(PLAYERS)]
    line, chain = base_line(StoredGame(meta, revision=0, base_generation=1, snapshot=None))
    entries = 0
    with path.open("wb") as file:
        file.write(line)
        batch: list[Command] = [Join(player=name, name=name) for name in names]
        for first in range(0, commands, AN_ENTRY):
            value = encode_entry(Entry(BEGIN + first // AN_ENTRY * MS_AN_ENTRY, tuple(batch)))
            table.apply_value(value)
            entries += 1
            line, chain = entry_line(LogEntry(entries, 1, f"node-{entries}", value), chain)
            file.write(line)
            batch = [_drawn(table, chance, chance.choice(names), first + number) for number in range(AN_ENTRY)]
        file.write(end_line(entries, chain))


def _drawn(table: Game, chance: Random, player: str, number: int) -> Any:
    orders = [order.id for order in table.state.accounts[player].orders.values()]
    fields = any_command(chance, list(table.state.markets), orders, "hello, bazaar")
    command: Any = msgspec.convert({**fields, "player": player, "key": f"k-{number}"}, REQUESTS[fields["op"]])
    stamp(table.state, command)
    return command


JOBS = {
    "replay": Job(
        {"rate": Row("replaying a log: tradegame verify", "/s", Target(100_000, 200_000, least=True))}, _verify
    ),
}
