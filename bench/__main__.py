"""``make bench``: one table, tradegame beside Colyseus, the server pinned to one core and the load to another.

Only the ratio means something: both were measured one after the other, on the same machine. Colyseus keeps
everything in memory and sends nobody else's trades; tradegame has every command on disk before it answers, and shows
every trade to every follower. Without Node and npm the peer is left out, and it has no part in what it does not do:
several commands of a client under way, and a store. Names of jobs as arguments: those alone, on tradegame alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from rich.console import Console
from rich.table import Table

from tests.support.etcd import EtcdServer, steadfast_etcd_binary

HERE = Path(__file__).parent


@frozen
class Job:
    """``kind``, ``clients``, ``seconds``, ``window``: as load.py takes them. ``etcd``: on a real one, not on SQLite."""

    about: str
    kind: str
    clients: int
    seconds: int
    window: int = 1
    etcd: bool = False

    @property
    def has_peer(self) -> bool:
        """Whether Colyseus does it, too."""
        return self.window == 1 and self.clients > 1 and not self.etcd


JOBS = {
    "say": Job("a message, per delivery", "say", 1000, 5),
    "buy": Job("a buy, answered", "buy", 64, 5),
    "crowd": Job("a buy, answered", "buy", 512, 5),
    "pipelined": Job("a buy, 40 of each client under way", "buy", 64, 5, window=40),
    "lone": Job("a buy, nobody else's", "buy", 1, 5),
    "lone-etcd": Job("the same through one etcd: an entry", "buy", 1, 5, etcd=True),
    "buy-etcd": Job("a buy, answered, through one etcd", "buy", 64, 5, etcd=True),
    "pipelined-etcd": Job("a buy, 40 of each client under way, one etcd", "buy", 64, 5, window=40, etcd=True),
    "idle": Job("a connection", "idle", 2000, 3),
}
CONFIG = """
[limits]
commands_per_s = 1_000_000
burst = 1_000_000
max_connections = 100_000
connections_per_address = 100_000
[session]
heartbeat_s = 120
[log]
level = "warning"
[[games]]
id = "bazaar"
cash = 1_000_000_000_000
[games.goods.grain]
house = { anchor = 10, size = 1_000_000, stock = 1_000_000_000, cash = 1_000_000_000_000, target = 1_000_000_000 }
"""


def pinned(core: int, *command: str) -> list[str]:
    """The command on one core, where there is more than one and a way to say so."""
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core), *command]
    return list(command)


@contextmanager
def process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is gone at the end."""
    child = subprocess.Popen(command, **options)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def measured(command: list[str]) -> dict[str, Any]:
    answer = subprocess.run(pinned(1, *command), capture_output=True, text=True, timeout=300, check=False)
    if answer.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{answer.stdout}{answer.stderr}")
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


@contextmanager
def fresh_etcd() -> Iterator[str]:
    """A real etcd on the load's core, and its address as a store."""
    with EtcdServer(binary=steadfast_etcd_binary()) as etcd:
        if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
            subprocess.run(["taskset", "-apc", "1", str(etcd.pid)], stdout=subprocess.DEVNULL, check=True)
        yield etcd.url


def tradegame(job: Job) -> dict[str, Any]:
    """One job against a fresh server."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG)
        store = stack.enter_context(fresh_etcd()) if job.etcd else f"embedded:{folder}/bench.db"
        serve = ["-m", "tradegame", "serve", "--config", str(config), "--port", "0", "--store", store]
        with process(pinned(0, sys.executable, *serve), stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            while b"ws://" not in (line := server.stdout.readline()):
                if not line:
                    raise SystemExit("the server did not start")
            port = line.split(b"ws://")[1].split(b"/")[0].rsplit(b":", 1)[1].decode()
            load = [sys.executable, str(HERE / "load.py"), port, str(server.pid), job.kind]
            return measured([*load, str(job.clients), str(job.seconds), "--window", str(job.window)])


def colyseus(job: Job, folder: Path, port: int) -> dict[str, Any]:
    """The same job against a fresh Colyseus."""
    with process(pinned(0, "node", "server.mjs", str(port)), cwd=folder, stdout=subprocess.DEVNULL) as server:
        _wait_for_http(port)
        load = ["node", str(folder / "load.mjs"), str(port), str(server.pid), job.kind]
        return measured([*load, str(job.clients), str(job.seconds)])


def install_colyseus() -> Path | None:
    """Where it is installed; None without npm."""
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    folder = HERE / "colyseus"
    if not (folder / "node_modules").exists():
        command = ["npm", "install", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=folder, check=True)
    return folder


def _wait_for_http(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("Colyseus did not start")


def main() -> None:
    asked = sys.argv[1:]
    if unknown := [name for name in asked if name not in JOBS]:
        raise SystemExit(f"no job {', '.join(unknown)}: there are {', '.join(JOBS)}")
    peer = None if asked else install_colyseus()
    table = Table(title="µs of server CPU each, KiB a connection: lower is better")
    for column in (
        "job",
        "clients",
        "tradegame",
        "Colyseus",
        "ratio",
        "a second",
        "tradegame p50 / p99 ms",
        "Colyseus p50 / p99 ms",
    ):
        table.add_column(column, justify="left" if column == "job" else "right")
    for index, job in enumerate(JOBS[name] for name in asked or JOBS):
        ours = tradegame(job)
        theirs = None if peer is None or not job.has_peer else colyseus(job, peer, 9310 + index)
        figure = "kib_per_connection" if job.kind == "idle" else "cpu_us_each"
        lost = ours.get("delivered", 1) != 1 or ours.get("errors", 0)
        table.add_row(
            job.about,
            str(job.clients),
            f"{ours[figure]}{' (lost some!)' if lost else ''}",
            "-" if theirs is None else str(theirs[figure]),
            "-" if theirs is None else f"{ours[figure] / theirs[figure]:.2f}",
            str(ours.get("per_second", "-")),
            _latency(ours),
            "-" if theirs is None else _latency(theirs),
        )
        print(json.dumps(ours), "" if theirs is None else json.dumps(theirs), sep="\n", file=sys.stderr)
    Console().print(table)


def _latency(result: dict[str, Any]) -> str:
    return f"{result['p50_ms']} / {result['p99_ms']}" if "p50_ms" in result else "-"


if __name__ == "__main__":
    main()
