"""What a game of 10 000 players costs, and for how long it holds the loop."""

from __future__ import annotations

import re

from bench.jobs.answers import CLIENTS, lost
from bench.servers import SERVER, Server, pin, tradegame
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target
from tests.support.process import ServerProcess

FEW, MANY = 100, 10_000
CALM_S = 5.0
OFTEN = {"snapshot_every": 500, "generation_frames": 200, "audit_s": 2.0}
"""A snapshot each two seconds or so, and as many audits: what else comes each minute comes here."""


def _buys(sitting: Sitting) -> dict[str, Sample]:
    reports = {}
    for players in (FEW, MANY):
        with tradegame(sitting.store_with(players), new_game=False) as server:
            reports[players] = server.load("buy", "--clients", CLIENTS, "--seconds", sitting.seconds)
    ours, fewer = reports[MANY], reports[FEW]
    return {"cpu": Sample(ours["cpu_us_each"], fewer["cpu_us_each"], "100 players", lost(ours))}


def _holds(sitting: Sitting) -> dict[str, Sample]:
    flags = {"limits.commands_per_s": 1_000_000, "limits.burst": 1_000_000}
    store = sitting.store_with(MANY)
    with ServerProcess(store, sitting.folder, games=[], flags=flags, host=OFTEN) as node:
        pin(SERVER, node.pid)
        server = Server(node.port, node.pid, store)
        server.load("visits", "--seconds", 1)  # what is made at the first request is made
        before = server.metrics()
        server.load("visits", "--seconds", CALM_S)
        after = server.metrics()
    snapshots = "tradegame_game_snapshots_total"
    if _count(after, snapshots) == _count(before, snapshots):
        raise SystemExit("no snapshot was saved")
    return {"longest": Sample(longest_s(before, after) * 1e3)}


def longest_s(before: str, after: str) -> float:
    """The longest lag of the loop between two pages of /metrics: the upper edge of the histogram's bucket, in s."""
    counts = [_buckets(page) for page in (before, after)]
    new = {edge: counts[1][edge] - counts[0].get(edge, 0) for edge in counts[1]}
    return min((edge for edge, count in new.items() if count == max(new.values())), default=0.0)


def _buckets(page: str) -> dict[float, float]:
    """How many were at most so long."""
    found = re.findall(r'^tradegame_loop_lag_seconds_bucket\{le="(\S+)"\} (\S+)$', page, re.MULTILINE)
    return {float(edge): float(count) for edge, count in found}


def _count(page: str, name: str) -> float:
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE)
    return sum(map(float, found))


JOBS = {
    "large": Job(
        {"cpu": Row("an answered buy with 10 000 players in the game: CPU", "µs", Target(1.1, 1.1, ratio=True))},
        _buys,
    ),
    "holds": Job(
        {"longest": Row("the loop's longest lag there: joins, standings, audits, snapshots", "ms", Target(10, 5))},
        _holds,
        runs=3,
    ),
}
