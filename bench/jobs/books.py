"""The order book alone, beside those of three packages, on one stream of orders."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from bench.peers.books import ENGINES, OURS, tradegame
from bench.servers import REPOSITORY, SERVER, run_json
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target

REQUIREMENTS = Path(__file__).parents[1] / "peers" / "books.txt"
ENVIRONMENT = REPOSITORY / "build" / "bench-books"
"""An environment of the bench's own: what is in it is of no use to anything else."""
STEPS, SEED = 10_000, 3
CANCELS = 0.3
MIDDLE, APART, DEVIATION = 10_000, 30, 60
"""Bids are drawn around a little below the middle, asks around as much above it: some 300 prices."""


@cache
def python() -> str | None:
    """The Python that has the packages; None if they cannot be installed."""
    found = ENVIRONMENT / "bin" / "python"
    if not found.exists():
        pip = (str(found), "-m", "pip", "--quiet", "--disable-pip-version-check")
        try:
            subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
            subprocess.run([*pip, "install", "--requirement", str(REQUIREMENTS)], check=True, stderr=subprocess.PIPE)
        except subprocess.CalledProcessError:
            found.unlink(missing_ok=True)
            return None
    return str(found)


def write_stream(path: Path) -> None:
    """Orders, and cancels of those that still rest: two of the peers fail where one has traded meanwhile."""
    chance = Random(SEED)
    placed: dict[int, Any] = {}
    take = tradegame(placed)
    steps: list[tuple[int, int, int, int]] = []
    while len(steps) < STEPS:
        if chance.random() < CANCELS and placed:
            number = chance.choice(list(placed))
            if not placed[number].qty:
                del placed[number]
                continue
            steps.append((number, 0, 0, 0))
        else:
            bid = chance.randrange(2)
            price = round(chance.gauss(MIDDLE - APART * (2 * bid - 1), DEVIATION))
            steps.append((len(steps) + 1, bid, chance.randint(1, 30), price))
        take(*steps[-1])
    path.write_text(json.dumps(steps))


def _books(sitting: Sitting) -> dict[str, Sample]:
    stream = sitting.folder / "stream.json"
    if not stream.exists():
        write_stream(stream)
    ours = _measured(sys.executable, OURS, stream)
    peers = python()
    if peers is None:
        return {"rate": Sample(ours["per_second"], note="its peers cannot be installed")}
    winner = fastest(peers, stream)
    theirs = _measured(peers, winner, stream)
    if (theirs["trades"], theirs["units"]) != (ours["trades"], ours["units"]):
        raise SystemExit(f"{winner} trades otherwise: {theirs}, {ours}")
    return {"rate": Sample(ours["per_second"], theirs["per_second"], winner)}


@cache
def fastest(peers: str, stream: Path) -> str:
    """Which of the peers. Once a sitting: the slowest takes as long as all other runs."""
    found = {engine: _measured(peers, engine, stream)["per_second"] for engine in ENGINES if engine != OURS}
    print(f"orders and cancels a second: {found}", file=sys.stderr)
    return max(found, key=lambda engine: found[engine])


def _measured(interpreter: str, engine: str, stream: Path) -> dict[str, Any]:
    return run_json(interpreter, "-m", "bench.peers.books", engine, stream, core=SERVER)


JOBS = {
    "book": Job(
        {"rate": Row("the book alone: orders and cancels", "/s", Target(3, 5, ratio=True, least=True))}, _books
    ),
}
