"""A server as a process of its own: started, killed, started again on the same store and port.

The blocking methods are called through ``trio.to_thread.run_sync`` where other tasks must go on meanwhile.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.support.server import ADMIN_TOKEN
from tradegame.cluster.processes.ports import quiet_ports

REPOSITORY = Path(__file__).parents[2]
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 15.0


class ServerStartError(Exception):
    """The server did not serve in time, or ended; the message ends with what it logged."""


class ServerProcess:
    """``with ServerProcess("embedded:…", directory=tmp_path) as server:`` a node that serves until the block ends.

    ``flags`` are configuration as the command line gives it (``{"limits.burst": 5}``), ``host`` the fields of
    HostSettings, ``holds``: it measures how long its loop is held. Its log goes to ``directory``, one file over all
    its starts.
    """

    def __init__(
        self,
        store: str,
        directory: Path,
        *,
        name: str = "server",
        games: list[dict[str, Any]] | None = None,
        flags: dict[str, Any] | None = None,
        host: dict[str, Any] | None = None,
        holds: bool = False,
    ) -> None:
        self.name = name
        (self.port,) = quiet_ports(1)
        self.node = ""
        """The id that the node gave itself at its last start."""
        self.clock_offset_s = 0
        """So far ahead of the machine's clock is the node's, from its next start on."""
        self.next_version = False
        """From its next start on it is of a version to come: see tests.support.next_version."""
        settings: dict[str, Any] = {
            "store.url": store,
            "server.port": self.port,
            "admin.token": ADMIN_TOKEN,
            "limits.commands_per_s": 100_000,
            "limits.burst": 100_000,
        }
        if games is not None:
            settings["games"] = games
        self._order: dict[str, Any] = {"flags": {**settings, **(flags or {})}, "host": host or {}, "holds": holds}
        self.tls = "server.tls_cert" in (flags or {})
        self._log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.kill)

    @property
    def url(self) -> str:
        """Where its WebSocket is, through all restarts."""
        return f"ws{'s' if self.tls else ''}://127.0.0.1:{self.port}/ws"

    @property
    def http(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def change(self, flags: dict[str, Any]) -> None:
        """Other settings, from its next start on."""
        self._order["flags"] = {**self._order["flags"], **flags}

    @property
    def log(self) -> str:
        """What it has logged so far, over all its starts: a JSON object a line."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def log_bytes(self) -> int:
        """How long its log is so far."""
        return self._log.stat().st_size if self._log.exists() else 0

    def start(self) -> None:
        """Start, and wait until it serves; again after ``kill`` or ``terminate``, on the same store and port."""
        self.launch()
        self.wait_serving()

    def launch(self) -> None:
        """Start without waiting."""
        assert not self.running, "it runs already"
        order = {**self._order, "clock_offset_s": self.clock_offset_s, "next_version": self.next_version}
        with self._log.open("ab") as log:
            # No preexec_fn: it would fork inside a process in which gRPC may have threads.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.node", json.dumps(order)],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def wait_serving(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Wait until it says that it serves. Raises ServerStartError."""
        assert self._process is not None
        assert self._process.stdout is not None
        end = time.monotonic() + deadline_s
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                raise ServerStartError(f"{self.name} does not serve after {deadline_s} s:\n{self.log[-4000:]}")
            read = os.read(self._process.stdout.fileno(), 4096)
            if not read:
                code = self._process.wait(STOP_DEADLINE_S)
                raise ServerStartError(f"{self.name} ended with {code}:\n{self.log[-4000:]}")
            line += read
        self.node = json.loads(line)["node"]

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. The store stays as it is. Nothing to kill is no error."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM, and wait for its orderly end: the exit code. Raises subprocess.TimeoutExpired when it takes long."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: it holds its connections and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # Until the last of its threads stands still.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill it for good."""
        self.kill()
        atexit.unregister(self.kill)

    def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        code = process.wait(STOP_DEADLINE_S)
        assert process.stdout is not None
        process.stdout.close()
        self._process = None
        return code

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
