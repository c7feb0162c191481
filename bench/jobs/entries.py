"""A lone client's buys: each is an entry of its own, and waits for the store."""

from __future__ import annotations

import sys

from bench.jobs.answers import lost
from bench.servers import SERVER, fresh_etcd, run_json, tradegame
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target


def _lone_on_etcd(sitting: Sitting) -> dict[str, Sample]:
    with fresh_etcd() as etcd:
        puts = (sys.executable, "-m", "bench.floors.puts", etcd.endpoint, sitting.seconds / 2)
        floor = run_json(*puts, core=SERVER)
        with tradegame(etcd.url) as server:
            report = server.load("buy", "--clients", 1, "--seconds", sitting.seconds)
    return {
        "p50": Sample(report["p50_ms"], floor["p50_ms"], "a bare put", lost(report)),
        "cpu": Sample(report["cpu_us_each"], note=lost(report)),
    }


def _lone(sitting: Sitting) -> dict[str, Sample]:
    with tradegame() as server:
        report = server.load("buy", "--clients", 1, "--seconds", sitting.seconds)
    return {"p50": Sample(report["p50_ms"], note=lost(report))}


JOBS = {
    "lone-etcd": Job(
        {
            "p50": Row("a lone buy, one etcd: p50", "ms", Target(2, 1.5, ratio=True)),
            "cpu": Row("an entry of one command, one etcd: CPU", "µs", Target(1_200, 600)),
        },
        _lone_on_etcd,
    ),
    "lone": Job({"p50": Row("a lone buy, SQLite: p50", "ms")}, _lone, extra=True),
}
