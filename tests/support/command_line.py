"""``tradegame …`` in this process: a process of its own takes half a second of CPU to start."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import structlog
from click.testing import Result
from typer.testing import CliRunner

from tradegame.cli import app
from tradegame.utils.logging import configure_logging

DEADLINE_S = 60.0


@contextmanager
def logging_restored() -> Iterator[None]:
    """Whatever configures the logging, it is as before when the block ends."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        configure_logging("info", "json", StringIO())  # ends the thread that writes, if there is one
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def tradegame(*arguments: str, **environment: str) -> Result:
    """Run it to its end; interrupt it after a minute. ``environment``: more variables; no other one configures it."""
    configuring = {name: "" for name in os.environ if name.startswith("TRADEGAME_") and "__" in name}
    late = threading.Timer(DEADLINE_S, os.kill, (os.getpid(), signal.SIGINT))
    late.start()
    try:
        with logging_restored():
            return CliRunner(env={**configuring, **environment}).invoke(app, arguments)
    finally:
        late.cancel()
