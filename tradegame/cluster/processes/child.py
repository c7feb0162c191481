"""One child process, through all its restarts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import trio
from attrs import frozen

from tradegame.cluster.log import Log, parse_line
from tradegame.cluster.processes.reaper import Reaper, apart

LINE_BYTES = 65_536
GONE_DEADLINE_S = 10.0
"""A killed process may take this long to disappear: the system may be busy writing its memory."""
_SENT_AWAY = (0, *(-getattr(signal, name, 0) for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")))
CAN_FREEZE = hasattr(signal, "SIGSTOP")

State = Literal["down", "running", "frozen", "stopping", "killed", "stopped", "ended"]
"""``killed`` and ``stopped`` by us, else ``ended``; ``down`` before the first start."""


@frozen
class Shared:
    """What all child processes have in common."""

    directory: Path
    log: Log
    reaper: Reaper


class Child:
    """A process that is started, killed, frozen and restarted under one name.

    ``start`` needs a nursery that outlives the process; if it is cancelled, it kills the process and waits until it is
    gone. All output goes to ``log`` and, raw, to a file of the process's name in ``directory``.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: dict[str, str], log: Log, directory: Path, reaper: Reaper
    ) -> None:
        self.name = name
        self.state: State = "down"
        self.exit_code: int | None = None
        self.last_words = ""
        """The last line that it wrote."""
        self.starts = 0
        self.ended_by_itself = 0
        """How often it ended without being stopped by us or by a signal."""
        self.changed_at = 0.0
        """When ``state`` changed last, on trio's clock."""
        self.command = list(command)
        self._environment = environment
        self._log = log
        self._file = directory / f"{name}.log"
        self._reaper = reaper
        self._process: trio.Process | None = None
        self._gone = trio.Event()
        self._gone.set()

    @property
    def alive(self) -> bool:
        """Whether there is a process, frozen or not."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self, nursery: trio.Nursery) -> None:
        """Start it, unless it runs. Raises OSError."""
        if not self.alive:
            await nursery.start(self._attend)

    async def kill(self, word: str = "killed") -> None:
        """SIGKILL, even if frozen, and wait until it is gone. Does nothing if there is no process."""
        if self._process is not None:
            self._turn("killed")
            self._process.kill()
            self._log.add(self.name, f"{word} (pid {self._process.pid})")
            await self.wait_gone()

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL if it is not gone after ``grace_s``."""
        process = self._process
        if process is None:
            return
        self._turn("stopping")
        process.terminate()
        self.signal("SIGCONT")
        with trio.move_on_after(grace_s):
            await self._gone.wait()
        if self._process is process:
            self._log.add(self.name, f"is not gone after {grace_s:g} s: killed", "warning")
            process.kill()
            await self.wait_gone()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections, and answers nothing."""
        if self.state == "running" and self.signal("SIGSTOP"):
            self._turn("frozen")
            self._log.add(self.name, "frozen")

    def thaw(self) -> None:
        """SIGCONT."""
        if self.state == "frozen" and self.signal("SIGCONT"):
            frozen_s = trio.current_time() - self.changed_at
            self._turn("running")
            self._log.add(self.name, f"thawed after {frozen_s:.1f} s")

    def signal(self, name: str) -> bool:
        """Whether it could be sent."""
        number = getattr(signal, name, None)
        if self._process is None or number is None:
            return False
        self._process.send_signal(number)
        return True

    async def wait_gone(self) -> None:
        """Until there is no process, or for 10 s."""
        with trio.move_on_after(GONE_DEADLINE_S):
            await self._gone.wait()

    def _turn(self, state: State) -> None:
        self.state = state
        self.changed_at = trio.current_time()

    async def _attend(self, *, task_status: trio.TaskStatus[None]) -> None:
        process = await trio.lowlevel.open_process(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            **apart(),
        )
        try:
            self._reaper.add(process.pid)
            self._process, self._gone = process, trio.Event()
            self.exit_code = None
            self.last_words = ""
            self.starts += 1
            self._turn("running")
            self._log.add(self.name, f"{'started' if self.starts == 1 else 'started again'} (pid {process.pid})")
            task_status.started()
            await self._listen(process)
            await process.wait()
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + GONE_DEADLINE_S):
                if process.returncode is None:
                    self.state = "killed"
                    process.kill()
                await process.wait()
            if process.returncode is not None:
                self._reaper.forget(process.pid)
            self._over(process)

    def _over(self, process: trio.Process) -> None:
        self.exit_code = process.returncode
        self._process = None
        if self.state == "stopping":
            self._turn("stopped")
            self._log.add(self.name, "stopped")
        elif self.state != "killed":
            self._turn("ended")
            self.ended_by_itself += self.exit_code not in _SENT_AWAY
            self._log.add(self.name, f"ended, with {_exit(self.exit_code)}", "error")
        self._gone.set()

    def hear(self, line: bytes) -> None:
        """It has written a line."""
        self.last_words = parse_line(line)[1] or self.last_words
        self._log.hear(self.name, line)

    async def _listen(self, process: trio.Process) -> None:
        """Read lines until it closes its end. A line beyond 64 KiB comes in pieces."""
        assert process.stdout is not None
        rest = b""
        with self._file.open("ab", buffering=0) as file:
            async for data in process.stdout:
                file.write(data)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.hear(line)
                if len(rest) > LINE_BYTES:
                    self.hear(rest)
                    rest = b""
        if rest:
            self.hear(rest)


def python(*arguments: str) -> list[str]:
    """The command that runs ``tradegame`` with this Python."""
    return [sys.executable, "-m", "tradegame", *arguments]


def inherited() -> dict[str, str]:
    """This process's environment, for a child whose output is read through a pipe."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def _exit(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
