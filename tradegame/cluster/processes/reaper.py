"""Starts the reaper process and tells it which children and directories must not outlive this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from tradegame.cluster.processes import reaper_main

END_DEADLINE_S = 5.0


class Reaper:
    """The list of what must be removed when this process ends. The methods do not block."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        self.pid = process.pid
        self._pipe = process.stdin.fileno()  # type: ignore[attr-defined]

    def add(self, pid: int) -> None:
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """The process has ended; the system may reuse its pid."""
        self._tell(f"-{pid}")

    def add_directory(self, path: Path) -> None:
        self._tell(f"={path}")

    def forget_directory(self, path: Path) -> None:
        self._tell(f"!{path}")

    def _tell(self, order: str) -> None:
        # A line is far shorter than a pipe's buffer, and the reaper always reads.
        os.write(self._pipe, f"{order}\n".encode())


@asynccontextmanager
async def open_reaper() -> AsyncIterator[Reaper]:
    """A reaper for the length of the block; on leaving it, the reaper kills everything still on its list.

    Raises OSError if the reaper cannot be started. Inside the block, its methods raise BrokenPipeError if the reaper
    itself was killed.
    """
    command = [sys.executable, "-I", "-S", str(Path(reaper_main.__file__))]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, **apart())
    try:
        yield Reaper(process)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + END_DEADLINE_S):
            assert process.stdin is not None
            await process.stdin.aclose()
            await process.wait()


def apart() -> dict[str, Any]:
    """Arguments that start a process outside this process group, so that Ctrl-C at the terminal does not reach it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
