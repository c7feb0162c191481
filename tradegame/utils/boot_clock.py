"""A clock for trio that cannot be set, and keeps running while the machine sleeps: deadlines include that."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import trio


def _source() -> Callable[[], float]:
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux, where CLOCK_MONOTONIC stops while the machine sleeps
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # macOS, where time.monotonic() stops and CLOCK_MONOTONIC does not
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return time.monotonic  # Windows counts sleep; elsewhere nothing better exists


boot_s: Callable[[], float] = _source()
"""Seconds since an arbitrary moment, including the time the machine slept, if the system can tell."""


class BootClock(trio.abc.Clock):
    """`trio.run(…, clock=BootClock())`: ``trio.current_time()`` is `boot_s`.

    After a sleep, what is due may run somewhat late, because the system's own timers stood still. But whoever compares
    a deadline with the time sees that it has passed.
    """

    def start_clock(self) -> None:
        """Nothing to start."""

    def current_time(self) -> float:
        return boot_s()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        return deadline - boot_s()
