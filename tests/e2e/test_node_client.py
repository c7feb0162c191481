"""A client written in another language, from docs/protocol.md alone, finds the server to be what that page says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.javascript import node_with_packages

NODE_DIRECTORY = Path(__file__).parent / "node"

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 20.0
CLIENT_DEADLINE_S = 400.0
"""More than the client's own deadlines together come to on a slow machine."""

ADMIN_TOKEN = "the-hosts-own-token"

CONFIG = f"""\
[admin]
token = "{ADMIN_TOKEN}"

[session]
heartbeat_s = 2

[[games]]
id = "bazaar"
title = "The bazaar"
cash = 10_000
open_orders = 5

[games.goods.grain.house]
anchor = 22
spread = 2
step = 1
levels = 5
size = 20
stock = 1_000
cash = 100_000
target = 1_000
slope = 1
tick_s = 2
drift_bps = 50

[games.goods.wood]
endowment = 10
"""

ADDRESS = re.compile(r"wss?://[^\s\"',]+/ws")


@pytest.fixture(scope="module")
def node() -> str:
    """The node to run, with the client's one dependency installed beside the client."""
    return node_with_packages(NODE_DIRECTORY)


@contextmanager
def serving(store: str, directory: Path) -> Iterator[str]:
    """``tradegame serve`` as a process of its own, as a user starts it; its WebSocket address.

    When the block ends it gets SIGTERM, must end with 0, and may have logged no stack trace.
    """
    config, out, err = directory / "config.toml", directory / "stdout", directory / "stderr"
    config.write_text(CONFIG)
    command = [sys.executable, "-m", "tradegame", "serve", "--config", str(config), "--port", "0", "--store", store]
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=directory)
    try:
        yield _address(process, out, err)
        assert process.poll() is None, f"the server ended with {process.returncode}:\n{_tail(err)}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_DEADLINE_S) == 0, _tail(err)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    logged = out.read_text() + err.read_text()
    assert "Traceback" not in logged, logged[-8000:]


def _address(process: subprocess.Popen[bytes], out: Path, err: Path) -> str:
    end = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end:
        if found := ADDRESS.search(out.read_text()):
            return found[0]
        assert process.poll() is None, f"the server ended with {process.returncode}:\n{_tail(err)}"
        time.sleep(0.05)
    raise AssertionError(f"no address after {START_DEADLINE_S} s:\n{out.read_text()}\n{_tail(err)}")


def _tail(path: Path) -> str:
    return path.read_text()[-4000:]


@pytest.mark.slow
def test_a_client_in_another_language_finds_the_server_to_be_what_the_protocol_page_says(
    node: str, store: str, tmp_path: Path
) -> None:
    with serving(store, tmp_path) as url:
        done = subprocess.run(
            [node, "client.mjs", url],
            cwd=NODE_DIRECTORY,
            env={**os.environ, "TRADEGAME_ADMIN_TOKEN": ADMIN_TOKEN},
            capture_output=True,
            text=True,
            timeout=CLIENT_DEADLINE_S,
        )
        assert done.returncode == 0, f"{_failures(done.stdout)}\n{done.stderr[-2000:]}"


def _failures(tap: str) -> str:
    """The checks that failed, with what is said of them, and the last line."""
    lines = tap.splitlines()
    kept: list[str] = []
    failing = False
    for line in lines:
        if line.startswith(("ok", "not ok", "1..")):
            failing = line.startswith("not ok")
        if failing:
            kept.append(line)
    return "\n".join([*kept, *lines[-1:]])
