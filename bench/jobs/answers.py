"""Buys that are answered: by 64 and 512 clients that wait for each, as Colyseus' do, and with 40 under way each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.peers.colyseus_server import colyseus
from bench.servers import fresh_etcd, tradegame
from bench.sitting import Job, Sitting
from bench.table import Row, Sample, Target

CLIENTS = 64
WINDOW = 40


def beside_colyseus(ours: dict[str, Any], theirs: dict[str, Any] | None, figure: str) -> Sample:
    """One figure of both reports."""
    return Sample(ours[figure], None if theirs is None else theirs[figure], "Colyseus", lost(ours))


def lost(report: dict[str, Any]) -> str:
    """What to say of a load whose requests were not all done."""
    lost = report.get("errors", 0) or report.get("unanswered", 0) or report.get("delivered", 1) != 1
    return "it lost some!" if lost else "the load was too slow" if report.get("load_busy", 0) > 0.97 else ""


def _answered(clients: int) -> Callable[[Sitting], dict[str, Sample]]:
    def run(sitting: Sitting) -> dict[str, Sample]:
        with tradegame() as server:
            ours = server.load("buy", "--clients", clients, "--seconds", sitting.seconds)
        return {"cpu": beside_colyseus(ours, colyseus("buy", clients, sitting.seconds), "cpu_us_each")}

    return run


def _pipelined(sitting: Sitting, store: str = "") -> dict[str, Sample]:
    with tradegame(store) as server:
        report = server.load("buy", "--clients", CLIENTS, "--seconds", sitting.seconds, "--window", WINDOW)
    note = lost(report)
    return {"rate": Sample(report["per_second"], note=note), "p99": Sample(report["p99_ms"], note=note)}


def _pipelined_on_etcd(sitting: Sitting) -> dict[str, Sample]:
    with fresh_etcd() as etcd:
        return _pipelined(sitting, etcd.url)


def _on_etcd(sitting: Sitting) -> dict[str, Sample]:
    with fresh_etcd() as etcd, tradegame(etcd.url) as server:
        report = server.load("buy", "--clients", CLIENTS, "--seconds", sitting.seconds)
    return {"cpu": Sample(report["cpu_us_each"], note=lost(report))}


JOBS = {
    "buy": Job(
        {"cpu": Row("an answered buy, 64 clients: CPU", "µs", Target(4, 2, ratio=True))},
        _answered(CLIENTS),
    ),
    "crowd": Job(
        {"cpu": Row("an answered buy, 512 clients: CPU", "µs", Target(3, 1.5, ratio=True))},
        _answered(512),
    ),
    "pipelined": Job(
        {
            "rate": Row("64 clients, 40 buys each under way, SQLite", "/s", Target(35_000, 60_000, least=True)),
            "p99": Row("the same: p99 of an answer", "ms", Target(100, 50)),
        },
        _pipelined,
    ),
    "pipelined-etcd": Job(
        {
            "rate": Row("64 clients, 40 buys each under way, one etcd", "/s", Target(40_000, 60_000, least=True)),
            "p99": Row("the same: p99 of an answer", "ms"),
        },
        _pipelined_on_etcd,
    ),
    "buy-etcd": Job(
        {"cpu": Row("an answered buy, 64 clients, one etcd: CPU", "µs")},
        _on_etcd,
        extra=True,
    ),
}
