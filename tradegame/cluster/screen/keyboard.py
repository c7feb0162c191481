"""The keyboard, a key at a time, while the screen is up. Not on Windows, which has no termios."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import trio

READ_BYTES = 64


def has_keyboard() -> bool:
    """Whether somebody may press keys here, and see a screen."""
    return sys.platform != "win32" and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def raw_keyboard() -> Iterator[None]:
    """Keys come at once and are not shown; Ctrl-C stays what it is. The terminal is as before afterwards."""
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
        with suppress(termios.error):  # the terminal itself is gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def pressed() -> AsyncIterator[str]:
    """Keys, until the terminal is gone. An arrow key and its like come as the several characters they are."""
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
            continue  # a function key or an arrow: none of ours
        for key in data.decode(errors="ignore"):
            yield key
