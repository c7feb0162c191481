"""This process's end of the warden: whatever is told to it does not outlive this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from tradegame.cluster import warden

END_DEADLINE_S = 5.0


class Guard:
    """A list of what must go when this process does. The methods do not wait."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        self.pid = process.pid
        self._pipe = process.stdin.fileno()  # type: ignore[attr-defined]

    def add(self, pid: int) -> None:
        self._tell(f"+{pid}")

    def forget(self, pid: int) -> None:
        """It is gone, and its number may be somebody else's soon."""
        self._tell(f"-{pid}")

    def add_directory(self, path: Path) -> None:
        self._tell(f"={path}")

    def forget_directory(self, path: Path) -> None:
        self._tell(f"!{path}")

    def _tell(self, order: str) -> None:
        # A line is far shorter than what a pipe takes at once, and the warden reads all the time.
        os.write(self._pipe, f"{order}\n".encode())


@asynccontextmanager
async def open_guard() -> AsyncIterator[Guard]:
    """A guard for the length of the block; afterwards, everything that is still on its list is killed.

    Raises OSError when it cannot be started; inside the block, a BrokenPipeError of one of its methods says that
    somebody has killed it.
    """
    command = [sys.executable, "-I", "-S", str(Path(warden.__file__))]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, **apart())
    try:
        yield Guard(process)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + END_DEADLINE_S):
            assert process.stdin is not None
            await process.stdin.aclose()
            await process.wait()


def apart() -> dict[str, Any]:
    """Arguments for a process that a Ctrl-C at the terminal, which goes to all of a group, does not reach."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
