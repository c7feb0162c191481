"""A message to each of 1 000 connections, what a silent one takes, and the heartbeats of 10 000."""

from __future__ import annotations

import resource
import sys

from bench.jobs.answers import beside_colyseus, lost
from bench.peers.colyseus_server import colyseus
from bench.servers import SERVER, run_json, tradegame
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target

FOLLOWERS = 1_000
SILENT = 2_000
MANY = 10_000
SPARE_FILES = 200
HEARTBEAT_S = 20


def _say(sitting: Sitting) -> dict[str, Sample]:
    with tradegame() as server:
        ours = server.load("say", "--clients", FOLLOWERS, "--seconds", sitting.seconds)
    theirs = colyseus("say", FOLLOWERS, sitting.seconds)
    floor = run_json(sys.executable, "-m", "bench.floors.writes", FOLLOWERS, sitting.seconds, core=SERVER)
    return {
        "peer": beside_colyseus(ours, theirs, "cpu_us_each"),
        "floor": Sample(ours["cpu_us_each"], floor["cpu_us_each"], "os.write", lost(ours)),
    }


def _idle(sitting: Sitting) -> dict[str, Sample]:
    with tradegame() as server:
        ours = server.load("idle", "--clients", SILENT, "--seconds", 0)
    return {"memory": beside_colyseus(ours, colyseus("idle", SILENT, 0), "kib_per_connection")}


def _heartbeats(sitting: Sitting) -> dict[str, Sample]:
    """Over one heartbeat, in which each is pinged once, however short other loads are."""
    connections = min(MANY, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_FILES)
    with tradegame(heartbeat_s=HEARTBEAT_S) as server:
        report = server.load("idle", "--onlookers", connections, "--seconds", HEARTBEAT_S)
    note = "" if connections == MANY else f"only {connections}: ulimit -n"
    return {"cpu": Sample(report["cpu_percent"], note=note)}


JOBS = {
    "say": Job(
        {
            "peer": Row("a delivered message, 1 000 clients: CPU", "µs", Target(0.65, 0.5, ratio=True)),
            "floor": Row("the same, beside a bare loop", "µs"),
        },
        _say,
    ),
    "idle": Job({"memory": Row("a silent connection: memory", "KiB", Target(24, 17))}, _idle),
    "heartbeats": Job(
        {"cpu": Row("10 000 silent connections, a heartbeat each 20 s", "% of a core", Target(3, 1.5))},
        _heartbeats,
        runs=1,
    ),
}
