"""200 clients who command when their time has come, a wall and 200 onlookers; the same while some clients are deaf."""

from __future__ import annotations

from typing import Any

from bench.jobs.answers import lost
from bench.servers import tradegame
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target

CLIENTS = 190
NEIGHBOURS = 10
"""More clients, whose answers are not timed: they may read nothing."""
ONLOOKERS = 201
PACE = 5
LONGER = 2
"""So much longer than others: a percentile of some 1 000 answers a second."""


def _open(sitting: Sitting) -> dict[str, Sample]:
    def report(*deaf: str) -> dict[str, Any]:
        options = ("--onlookers", ONLOOKERS, "--pace", PACE, "--seconds", LONGER * sitting.seconds)
        with tradegame() as server, server.loading("neighbours", "--clients", NEIGHBOURS, "--pace", PACE, *deaf):
            return server.load("open", "--clients", CLIENTS, *options)

    alone, beside = report(), report("--deaf")
    return {
        "p99": Sample(alone["p99_ms"], note=lost(alone)),
        "fairness": Sample(beside["p99_ms"], alone["p99_ms"], "none of them", lost(beside)),
    }


JOBS = {
    "open": Job(
        {
            "p99": Row("200 clients, 5 commands a second each, 201 onlookers: p99 of an answer", "ms", Target(15, 8)),
            "fairness": Row(
                "the same while 5 % of the clients read nothing: p99 of the others",
                "ms",
                Target(1.2, 1.05, ratio=True),
            ),
        },
        _open,
    ),
}
