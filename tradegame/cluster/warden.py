"""A process of its own that ends what is left of a cluster, when the one that ran it is gone in whatever way.

It is told the children on its standard input, a line each (``+PID``, ``-PID`` when one is gone; ``=PATH`` and
``!PATH``: a directory that goes with them, or no longer), and reads on. That pipe ends when the cluster's process does,
be it by kill -9: then everything that is still on the list goes. Run as a file, on the standard library alone, to be
there at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterable


def guard(orders: Iterable[str]) -> tuple[list[int], list[str]]:
    """What is left at the end of ``orders``: processes, and directories."""
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
    # A Ctrl-C at the terminal is for the cluster, which ends in order; so is the terminal's end.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    children, directories = guard(sys.stdin)
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)
    for child in children:
        with contextlib.suppress(OSError):  # gone by itself
            os.kill(child, kill)
    for directory in directories:
        # etcd may write while it dies
        for _ in range(3):
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
