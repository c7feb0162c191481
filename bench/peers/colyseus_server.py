"""Colyseus, which does the same job on Node: server and load are in the folder ``colyseus``."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench.servers import process, run_json
from tradegame.cluster.processes.ports import quiet_ports

HERE = Path(__file__).parent / "colyseus"
STARTS_S = 20.0


@functools.cache
def installed() -> bool:
    """Install it, if there is npm to do so."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    if not (HERE / "node_modules").exists():
        command = ["npm", "ci", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=HERE, check=True)
    return True


def colyseus(job: str, clients: int, seconds: float) -> dict[str, Any] | None:
    """The report of one job against a fresh server; None without Node."""
    if not installed():
        return None
    (port,) = quiet_ports(1)
    with process("node", "server.mjs", port, cwd=HERE, stderr=subprocess.DEVNULL) as server:  # it warns of itself
        _wait_for_http(port)
        return run_json("node", "load.mjs", port, server.pid, job, clients, seconds, cwd=HERE)


def _wait_for_http(port: int) -> None:
    end = time.monotonic() + STARTS_S
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("Colyseus did not start")
