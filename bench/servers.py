"""What is measured: servers, each a process of its own on one core, and the load on another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.support.etcd import EtcdServer, steadfast_etcd_binary

SERVER, LOAD = 0, 1
"""The cores."""
REPOSITORY = Path(__file__).parents[1]
DEADLINE_S = 300.0

GAME = """
[[games]]
id = "bazaar"
cash = 1_000_000_000_000
open_orders = 50
[games.goods.grain]
endowment = 1_000
house = { anchor = 10, size = 1_000_000, stock = 1_000_000_000, cash = 1_000_000_000_000, target = 1_000_000_000 }
"""
CONFIG = """
[limits]
commands_per_s = 1_000_000
burst = 1_000_000
max_connections = 100_000
connections_per_address = 100_000
[session]
heartbeat_s = %d
[log]
level = "warning"
"""


def game() -> dict[str, Any]:
    """The game that everything is measured in."""
    (definition,) = tomllib.loads(GAME)["games"]
    found: dict[str, Any] = definition
    return found


@frozen
class Server:
    """Where it is, and which process. ``store``: the address of an etcd, or the file of an embedded one."""

    port: int
    pid: int
    store: str = ""

    def metrics(self) -> str:
        """What /metrics says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def load(self, job: str, *options: object) -> dict[str, Any]:
        """Load it, as ``python -m bench.load`` is told to. Its report."""
        return run_json(*self._load(job, options))

    @contextmanager
    def loading(self, job: str, *options: object) -> Iterator[None]:
        """The same, for as long as the block lasts, without a report."""
        with process(*self._load(job, options), core=LOAD) as load:
            yield
            if load.poll() is not None:
                raise SystemExit(f"the load {job} ended early")

    def _load(self, job: str, options: Sequence[object]) -> tuple[object, ...]:
        return (sys.executable, "-m", "bench.load", self.port, self.pid, job, *options)


def pinned(core: int, command: Sequence[object]) -> list[str]:
    """The command on one core, where there is more than one and a way to say so."""
    words = [str(word) for word in command]
    return ["taskset", "-c", str(core), *words] if _can_pin() else words


def pin(core: int, pid: int) -> None:
    """The same for a process that runs already."""
    if _can_pin():
        subprocess.run(["taskset", "-apc", str(core), str(pid)], stdout=subprocess.DEVNULL, check=True)


def _can_pin() -> bool:
    return shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1


def run(*command: object, core: int = LOAD, cwd: Path = REPOSITORY, **environment: str) -> str:
    """Its output. What fails ends the benchmark, with what it said."""
    answer = subprocess.run(
        pinned(core, command),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    if answer.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def run_json(*command: object, core: int = LOAD, cwd: Path = REPOSITORY, **environment: str) -> dict[str, Any]:
    """The last line of its output is JSON."""
    result: dict[str, Any] = json.loads(run(*command, core=core, cwd=cwd, **environment).splitlines()[-1])
    return result


@contextmanager
def process(
    *command: object, core: int = SERVER, cwd: Path = REPOSITORY, stderr: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is gone at the end. Its output can be read."""
    child = subprocess.Popen(pinned(core, command), stdout=subprocess.PIPE, stderr=stderr, cwd=cwd)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        assert child.stdout is not None
        child.stdout.close()


@contextmanager
def tradegame(store: str = "", *, new_game: bool = True, heartbeat_s: int = 120) -> Iterator[Server]:
    """A fresh server. ``store``: its address; empty: a new SQLite file. ``new_game``: or the store has the game."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "config.toml"
        config.write_text(("" if new_game else "games = []\n") + CONFIG % heartbeat_s + (GAME if new_game else ""))
        store = store or f"embedded:{folder}/bench.db"
        serve = (sys.executable, "-m", "tradegame", "serve", "--config", config, "--port", 0, "--store", store)
        server = stack.enter_context(process(*serve))
        assert server.stdout is not None
        while b"ws://" not in (line := server.stdout.readline()):
            if not line:
                raise SystemExit("the server did not start")
        port = int(line.split(b"ws://")[1].split(b"/")[0].rsplit(b":", 1)[1])
        yield Server(port, server.pid, store)


@contextmanager
def fresh_etcd() -> Iterator[EtcdServer]:
    """A real etcd, on the load's core."""
    with EtcdServer(binary=steadfast_etcd_binary()) as etcd:
        pin(LOAD, etcd.pid)
        yield etcd
