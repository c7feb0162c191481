"""``python -m bench.longevity``: does the store of a market that stays open stay small, and a fresh node start fast?

One node on one real etcd, traders at a steady pace for so long and until the log has had so many entries. Every minute
a row: etcd's database (allocated, and in use), keys, the node's memory. At the end a node that has never seen the game
is started a few times: from its process's start until it serves, and of that, Python's own start with all imports.

etcd runs as docs/OPERATIONS.md advises: history compacted every five minutes, nothing defragmented.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import trio
from attrs import define
from rich.console import Console
from rich.table import Table

from tests.support.etcd import EtcdServer
from tests.support.process import ServerProcess
from tradegame.client import Game, TradeError, connect

ETCD = ("--auto-compaction-mode=periodic", "--auto-compaction-retention=5m", "--quota-backend-bytes=2147483648")
TRADERS = 4
STARTS = 5
GAME = {
    "id": "bazaar",
    "cash": 1_000_000_000,
    "open_orders": 20,
    "goods": {
        good: {
            "endowment": 1_000_000,
            "house": {
                "anchor": anchor,
                "size": 1_000,
                "stock": 10_000_000,
                "target": 10_000_000,
                "cash": 1_000_000_000_000,
                "tick_s": 5,
            },
        }
        for good, anchor in (("grain", 22), ("wood", 35), ("salt", 120))
    },
}


@define
class Load:
    """What the traders did. ``pace`` in commands per second, all together."""

    pace: float
    commands: int = 0
    errors: int = 0
    over: bool = False


async def trade(url: str, number: int, load: Load) -> None:
    """Orders, trades, cancels and talk, one after the other at an even pace."""
    async with connect(url, name=f"trader {number}") as client:
        game = await client.join("bazaar")
        chance = random.Random(number)
        due = trio.current_time() + chance.random()
        while not load.over:
            due = max(due + TRADERS / load.pace, trio.current_time() - 1)
            await trio.sleep_until(due)
            try:
                await _act(game, chance)
                load.commands += 1
            except TradeError:
                load.errors += 1


async def _act(game: Game, chance: random.Random) -> None:
    good = chance.choice(("grain", "wood", "salt"))
    orders = [] if game.me is None else game.me.orders
    match chance.choices(("buy", "sell", "order", "cancel", "say"), (3, 3, 4, 3, 1))[0]:
        case "buy":
            await game.buy(good, chance.randint(1, 5))
        case "sell":
            await game.sell(good, chance.randint(1, 5))
        case "cancel" if orders:
            await game.cancel(chance.choice(orders))
        case "say":
            await game.say(f"{good} at {chance.randint(1, 999)}?")
        case _ if len(orders) < 15:
            last = game.state.goods[good].last or 30
            side = chance.choice(("bid", "ask"))
            away = chance.randint(1, 8)
            await game.order(good, side, chance.randint(1, 9), max(1, last - away if side == "bid" else last + away))
        case _:
            await game.cancel(chance.choice(orders))


def figures(url: str) -> dict[str, float]:
    """What a /metrics page says, summed over labels."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for name, value in re.findall(r"^(\w+)(?:\{.*\})? (\S+)$", text, re.MULTILINE):
        found[name] = found.get(name, 0.0) + float(value)
    return found


def rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


async def keep_books(etcd: EtcdServer, node: ServerProcess, load: Load, seconds: float, entries: int) -> Table:
    """A row a minute, until time and entries are reached."""
    table = Table(title="A market that stays open", caption="sizes in MiB")
    for column in ("minute", "commands", "entries", "snapshots", "database", "in use", "keys", "node RSS"):
        table.add_column(column, justify="right")
    begun = trio.current_time()
    minute = 0
    while True:
        await trio.sleep_until(begun + minute * 60)
        theirs = await trio.to_thread.run_sync(figures, etcd.metrics_url)
        ours = await trio.to_thread.run_sync(figures, f"{node.http}/metrics")
        row = (
            f"{minute}",
            f"{load.commands:,}",
            f"{ours['tradegame_game_entries_total']:,.0f}",
            f"{ours['tradegame_game_snapshots_total']:.0f}",
            f"{theirs['etcd_mvcc_db_total_size_in_bytes'] / 2**20:.1f}",
            f"{theirs['etcd_mvcc_db_total_size_in_use_in_bytes'] / 2**20:.1f}",
            f"{theirs['etcd_debugging_mvcc_keys_total']:,.0f}",
            f"{rss_mib(node.pid):.1f}",
        )
        table.add_row(*row)
        print(*row, sep="\t", flush=True)
        if minute * 60 >= seconds and ours["tradegame_game_entries_total"] >= entries:
            load.over = True
            return table
        minute += 1


def first_start_s(etcd: EtcdServer, directory: Path) -> float:
    """From the start of the process until the node serves."""
    node = ServerProcess(etcd.url, directory, name="fresh", games=[GAME])
    begun = time.perf_counter()
    with node:
        return time.perf_counter() - begun


def import_s() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import tradegame.app, tradegame.infra.etcd.client"], check=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--pace", type=float, default=330, help="commands per second, all traders together")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EtcdServer(ETCD) as etcd:
        directory = Path(folder)
        with ServerProcess(etcd.url, directory, games=[GAME]) as node:
            load = Load(asked.pace)

            async def run() -> Table:
                async with trio.open_nursery() as nursery:
                    for number in range(TRADERS):
                        nursery.start_soon(trade, node.url, number, load)
                    return await keep_books(etcd, node, load, asked.minutes * 60, asked.entries)

            table = trio.run(run)
            problems = [line for line in node.log.splitlines() if '"level": "error"' in line]
        starts = [first_start_s(etcd, directory) for _ in range(STARTS)]
        imports = [import_s() for _ in range(STARTS)]
    console = Console(width=110)
    console.print(table)
    console.print(f"{load.commands:,} commands, {load.errors:,} refused by the rules; {len(problems)} errors logged")
    console.print(
        f"a fresh node serves after {statistics.median(starts):.2f} s (at most {max(starts):.2f}), "
        f"of which Python and its imports {statistics.median(imports):.2f} s"
    )


if __name__ == "__main__":
    main()
