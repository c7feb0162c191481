"""``make bench``: one table, tradegame beside Colyseus, the server pinned to one core and the load to another.

Only the ratio means something: both were measured one after the other, on the same machine. Colyseus keeps
everything in memory and sends nobody else's trades; tradegame has every command on disk before it answers, and shows
every trade to every follower. Without Node and npm the peer is left out.
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
JOBS = [("say", 1000, 5), ("buy", 64, 5), ("buy", 512, 5), ("idle", 2000, 3)]
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


def tradegame(job: str, clients: int, seconds: int) -> dict[str, Any]:
    """One job against a fresh server on the embedded store."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG)
        store = f"embedded:{folder}/bench.db"
        serve = ["-m", "tradegame", "serve", "--config", str(config), "--port", "0", "--store", store]
        with process(pinned(0, sys.executable, *serve), stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            while b"ws://" not in (line := server.stdout.readline()):
                if not line:
                    raise SystemExit("the server did not start")
            port = line.split(b"ws://")[1].split(b"/")[0].rsplit(b":", 1)[1].decode()
            return measured(
                [sys.executable, str(HERE / "load.py"), port, str(server.pid), job, str(clients), str(seconds)]
            )


def colyseus(job: str, clients: int, seconds: int, folder: Path, port: int) -> dict[str, Any]:
    """The same job against a fresh Colyseus."""
    with process(pinned(0, "node", "server.mjs", str(port)), cwd=folder, stdout=subprocess.DEVNULL) as server:
        _wait_for_http(port)
        command = ["node", str(folder / "load.mjs"), str(port), str(server.pid), job, str(clients), str(seconds)]
        return measured(command)


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
    peer = install_colyseus()
    table = Table(title="µs of server CPU each, KiB a connection: lower is better")
    for column in (
        "job",
        "clients",
        "tradegame",
        "Colyseus",
        "ratio",
        "tradegame p50 / p99 ms",
        "Colyseus p50 / p99 ms",
    ):
        table.add_column(column, justify="left" if column == "job" else "right")
    for index, (job, clients, seconds) in enumerate(JOBS):
        ours = tradegame(job, clients, seconds)
        theirs = None if peer is None else colyseus(job, clients, seconds, peer, 9310 + index)
        figure = "kib_per_connection" if job == "idle" else "cpu_us_each"
        lost = ours.get("delivered", 1) != 1 or ours.get("errors", 0)
        table.add_row(
            {"say": "a message, per delivery", "buy": "a buy, answered", "idle": "a connection"}[job],
            str(clients),
            f"{ours[figure]}{' (lost some!)' if lost else ''}",
            "-" if theirs is None else str(theirs[figure]),
            "-" if theirs is None else f"{ours[figure] / theirs[figure]:.2f}",
            _latency(ours),
            "-" if theirs is None else _latency(theirs),
        )
        print(json.dumps(ours), "" if theirs is None else json.dumps(theirs), sep="\n", file=sys.stderr)
    Console().print(table)


def _latency(result: dict[str, Any]) -> str:
    return f"{result['p50_ms']} / {result['p99_ms']}" if "p50_ms" in result else "-"


if __name__ == "__main__":
    main()
