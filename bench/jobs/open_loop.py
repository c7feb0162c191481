"""200 clients who command when their time has come, a wall and 200 onlookers; and the same beside some who are deaf."""

from __future__ import annotations

from typing import Any

from bench.jobs.answers import lost
from bench.servers import tradegame
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target

CLIENTS = 200
ONLOOKERS = 201
PACE = 5
DEAF = CLIENTS // 20
LONGER = 2
"""So much longer than others: a percentile of some 1 000 answers a second."""


def _open(sitting: Sitting) -> dict[str, Sample]:
    def report(deaf: int) -> dict[str, Any]:
        with tradegame() as server:
            options = ("--onlookers", ONLOOKERS, "--pace", PACE, "--deaf", deaf)
            return server.load("open", "--clients", CLIENTS, "--seconds", LONGER * sitting.seconds, *options)

    alone, beside = report(0), report(DEAF)
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
        runs=3,
    ),
}
