"""``tradegame cluster``, as it is run: real members, nodes and clients; and that nothing of it is ever left."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from tests.support.command_line import tradegame
from tradegame.cluster import EtcdMissing, etcd_binary
from tradegame.cluster.processes.ports import is_free, quiet_ports

START_DEADLINE_S = 90.0
END_DEADLINE_S = 60.0
SMALL = ("--members", "1", "--nodes", "2", "--bots", "2", "--clients", "6", "--rate", "40")

_STARTED = re.compile(r"\| started(?: again)? \(pid (\d+)\)")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups")


def free_port() -> int:
    """The first of as many free ports as a cluster may have nodes. On 8765 may be somebody's server."""
    while True:
        (first,) = quiet_ports(1)
        if all(map(is_free, range(first, first + 9))):
            return first


class Cluster:
    """The command, in a process group of its own, as a shell would start it. ``lines``: what it has printed.

    ``own_port``: on a port that nobody else wants, rather than the one that the command takes by itself.
    """

    def __init__(self, directory: Path, *arguments: str, own_port: bool = True) -> None:
        if own_port:
            arguments = ("--port", str(free_port()), *arguments)
        self.lines: list[str] = []
        self._rest = b""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(directory)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tradegame", "cluster", "--plain", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            process_group=0,
        )

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def children(self) -> list[int]:
        """The pids of all that it has started so far."""
        return [int(found) for found in _STARTED.findall(self.text)]

    def until(self, sign: str, deadline_s: float = START_DEADLINE_S) -> str:
        """The first line with ``sign`` in it that is printed from now on."""
        end = time.monotonic() + deadline_s
        while True:
            for line in self._read(max(0.0, end - time.monotonic())):
                if sign in line:
                    return line
            assert time.monotonic() < end, f"no {sign!r} within {deadline_s} s:\n{self.text}"

    def wait(self, deadline_s: float = END_DEADLINE_S) -> int:
        """Until it has ended: its exit code."""
        end = time.monotonic() + deadline_s
        while not self._over and time.monotonic() < end:
            self._read(max(0.0, end - time.monotonic()))
        return self.process.wait(max(0.1, end - time.monotonic()))

    _over = False

    def _read(self, seconds: float) -> list[str]:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], min(seconds, 1.0))
        if not readable:
            return []
        data = os.read(self.process.stdout.fileno(), 65_536)
        self._over = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += (found := [line.decode(errors="replace") for line in lines])
        assert data or not found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        for child in self.children:
            if alive(child):
                os.kill(child, signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True  # no /proc here
    return state != "Z"


def until(true: Callable[[], bool], deadline_s: float = 15.0) -> bool:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return true()


@pytest.fixture(scope="module", autouse=True)
def _etcd() -> None:
    try:
        etcd_binary()
    except EtcdMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.slow
def test_a_small_cluster_loses_nothing_when_a_node_is_killed_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Cluster(tmp_path, *SMALL, "--seconds", "5", "--plan", "1.5 kill node1; 3 revive node1") as cluster:
        code = cluster.wait(START_DEADLINE_S + END_DEADLINE_S)
        assert (code, "lost: 0, doubled: 0" in cluster.text) == (0, True), cluster.text
        assert "node1    | killed" in cluster.text
        assert len(cluster.children) == 5  # etcd, two nodes, bots, and a node again
        assert not any(map(alive, cluster.children))
        assert int(re.search(r"([\d,]+) effects checked", cluster.text)[1].replace(",", "")) > 20  # type: ignore[index]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("SIGINT", marks=pytest.mark.slow),
        pytest.param("SIGTERM", marks=pytest.mark.long),
        pytest.param("SIGHUP", marks=pytest.mark.long),
    ],
)
def test_one_signal_ends_all_of_it(tmp_path: Path, name: str) -> None:
    with Cluster(tmp_path, *SMALL) as cluster:
        cluster.until("status")
        assert len(cluster.children) == 4
        assert all(map(alive, cluster.children))
        cluster.process.send_signal(signal.Signals[name])
        assert cluster.wait() == 0, cluster.text
        assert not any(map(alive, cluster.children))
        assert "lost: 0, doubled: 0" in cluster.text
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_signal_while_it_starts_ends_what_has_started(tmp_path: Path) -> None:
    with Cluster(tmp_path, *SMALL) as cluster:
        cluster.until("node2    | started")
        cluster.process.send_signal(signal.SIGINT)
        assert cluster.wait() == 130, cluster.text
        assert not any(map(alive, cluster.children))
        assert "stopped before it was up" in cluster.text


@pytest.mark.slow
def test_kill_9_of_the_cluster_itself_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    with Cluster(tmp_path, *SMALL) as cluster:
        cluster.until("status")
        os.kill(cluster.children[1], signal.SIGSTOP)  # not even one that stands still
        cluster.process.kill()
        cluster.process.wait()
        assert until(lambda: not any(map(alive, cluster.children))), cluster.children
        assert until(lambda: not list(tmp_path.iterdir()))


@pytest.mark.slow
def test_a_node_that_dies_at_its_start_ends_all_with_its_reason(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[store]\nca = "/nowhere.pem"\n')
    (tmp_path / "tmp").mkdir()
    with Cluster(tmp_path / "tmp", *SMALL, "--config", str(config)) as cluster:
        assert cluster.wait(START_DEADLINE_S + END_DEADLINE_S) == 2, cluster.text
        assert cluster.lines[-1].startswith("tradegame: node"), cluster.text
        assert "nowhere.pem" in cluster.lines[-1]
        assert not any(map(alive, cluster.children))
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.long
def test_whoever_closes_the_pipe_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    with Cluster(tmp_path, *SMALL) as cluster:
        cluster.until("status")
        assert cluster.process.stdout is not None
        cluster.process.stdout.close()
        assert cluster.process.wait(END_DEADLINE_S) != 0
        assert not any(map(alive, cluster.children))
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_nothing_is_lost_while_nodes_and_members_are_killed_frozen_and_restarted(tmp_path: Path) -> None:
    plan = (
        "2 kill node1; 5 revive node1; 8 kill leader; 12 revive members; 14 freeze node2; 20 thaw node2; "
        "22 kill a; 24 revive a; 26 stop node3; 29 revive node3; 31 rolling"
    )
    arguments = ("--bots", "4", "--clients", "12", "--rate", "60", "--seconds", "45", "--keep")
    with Cluster(tmp_path, *arguments, "--plan", plan) as cluster:
        code = cluster.wait(START_DEADLINE_S + 45 + END_DEADLINE_S)
        assert code == 0, cluster.text
        assert "lost: 0, doubled: 0" in cluster.text
        assert "rolling restart" in cluster.text
        assert "0 unanswered at the end" in cluster.text
        assert not any(map(alive, cluster.children))
    (kept,) = tmp_path.iterdir()
    assert {"node1.log", "etcd-a.log", "bots.log"} <= {path.name for path in kept.iterdir()}


@pytest.mark.slow
def test_keys_kill_and_revive_on_a_live_screen_and_q_ends_it(tmp_path: Path) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (34, 110))
    before = termios.tcgetattr(theirs)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "tradegame", "cluster", "--port", str(free_port()), *SMALL]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, process_group=0)
    shown = ""

    def show(sign: str) -> None:
        nonlocal shown
        end = time.monotonic() + START_DEADLINE_S
        while sign not in shown:
            assert time.monotonic() < end, shown[-8000:]
            assert process.poll() is None, shown[-8000:]
            if select.select([ours], [], [], 0.5)[0]:
                shown += os.read(ours, 65_536).decode(errors="replace")
        shown = ""

    try:
        show("up: 2 nodes")
        os.write(ours, b"1")
        show("✕ killed")
        os.write(ours, b"f2")
        show("❄ frozen")
        os.write(ours, b"f2")
        show("thawed after")
        os.write(ours, b"1")
        show("started again")
        os.write(ours, b"q")
        show("lost: 0, doubled: 0")
        assert process.wait(END_DEADLINE_S) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    assert until(lambda: not list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--members", "2"), "take 1, 3 or 5"),
        (("--plan", "5 explode node1"), "after the time comes one of"),
        (("--plan", "5 kill node4"), "there are 3 nodes"),
        (("--etcd", "/no/such/etcd"), "is not an executable program"),
        (("--config", "/no/such/config.toml"), "/no/such/config.toml"),
        (("--dir", "/"), "is not empty"),
        (("--port", "65534"), "there is no port 65536"),
        (("--game", "nope"), "there is no game 'nope'; there are bazaar"),
    ],
)
def test_what_cannot_be_is_said_in_a_line_before_anything_starts(arguments: tuple[str, ...], why: str) -> None:
    result = tradegame("cluster", "--plain", "--seconds", "1", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert why in line
