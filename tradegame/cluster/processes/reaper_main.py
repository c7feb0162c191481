"""The reaper's own process: ends what is left of a cluster when the process that ran the cluster is gone.

It reads orders from its standard input, one a line: ``+PID`` adds a child, ``-PID`` removes it, ``=PATH`` adds a
directory to delete, ``!PATH`` removes it. The pipe closes when the cluster's process ends, even by kill -9; then the
reaper kills and deletes whatever is still on the list. It runs as a file and imports only the standard library, so that
it is up at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterable


def remaining(orders: Iterable[str]) -> tuple[list[int], list[str]]:
    """The processes and directories that are still listed after ``orders``."""
    children: dict[int, None] = {}
    directories: dict[str, None] = {}
    for order in orders:
        kind, what = order[:1], order[1:].rstrip("\n")
        if kind == "+":
            children[int(what)] = None
        elif kind == "-":
            children.pop(int(what), None)
        elif kind == "=":
            directories[what] = None
        elif kind == "!":
            directories.pop(what, None)
    return list(children), list(directories)


def main() -> None:
    # Ctrl-C at the terminal, or its end, is for the cluster, which then shuts down in order.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    children, directories = remaining(sys.stdin)
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)
    for child in children:
        with contextlib.suppress(OSError):  # already gone
            os.kill(child, kill)
    for directory in directories:
        # etcd may still write while it dies
        for _ in range(3):
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
