"""Reads the keyboard one key at a time while the screen is up. Not on Windows, which has no termios."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import trio

READ_BYTES = 64


def has_keyboard() -> bool:
    """Whether there is a terminal to show the screen on and to read keys from."""
    return sys.platform != "win32" and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def raw_keyboard() -> Iterator[None]:
    """Keys arrive at once and are not echoed; Ctrl-C still works. Restores the terminal afterwards."""
    if sys.platform == "win32":
        yield
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def pressed() -> AsyncIterator[str]:
    """Keys, until the terminal is gone. Arrow and function keys are skipped."""
    descriptor = sys.stdin.fileno()
    while True:
        await trio.lowlevel.wait_readable(descriptor)
        try:
            data = os.read(descriptor, READ_BYTES)
        except OSError:
            return
        if not data:
            return
        if data.startswith(b"\x1b"):
            continue  # an arrow or a function key
        for key in data.decode(errors="ignore"):
            yield key
