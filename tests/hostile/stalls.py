"""When the whole machine stood still: all its processors at the same moment, as only what runs virtual machines can do.

A process for each processor, pinned to it and served before all others, sleeps for a few milliseconds at a time, and
notes when it woke late. A program that holds one processor, or the kernel on its behalf, makes one of them late; all at
once are late only if nobody ran. The clock of a thread goes on meanwhile, so it seems to have held the event loop. What
the kernel counts as stolen is another thing: the time in which a processor would have run, and another machine did.

Where processes may not be put before others (it takes the right to, as root has), nothing is known of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

SLEEP_S = 0.003
LATE_NS = 2_000_000
PRIORITY = 90
Span = tuple[int, int]
"""From when until when, in ns of `time.perf_counter_ns`, which is the same for all processes."""


class Stalls:
    """``with Stalls() as stalls:`` they are noted; ``spans`` has them afterwards, in order, and ``unknown`` why not."""

    def __init__(self) -> None:
        self.spans: Sequence[Span] = ()
        self.unknown = ""
        self._watchers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        for processor in sorted(os.sched_getaffinity(0)):
            command = [sys.executable, "-I", str(Path(__file__)), str(processor)]
            self._watchers.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told = [watcher.communicate() for watcher in self._watchers]  # which ends its input, and so itself
        self.unknown = b"".join(problem for _, problem in told).decode()
        if not self.unknown:
            self.spans = together([_read(late) for late, _ in told])


def together(late: Sequence[Sequence[Span]]) -> Sequence[Span]:
    """When all were late: the spans of each are in order."""
    first, *rest = late
    spans = list(first)
    for other in rest:
        spans = [
            (max(begin, since), min(end, until))
            for begin, end in spans
            for since, until in other
            if begin < until and since < end
        ]
    return spans


def within(spans: Iterable[Span], begin: int, end: int) -> float:
    """How much of the time from ``begin`` to ``end`` they cover: from 0 to 1."""
    return sum(max(0, min(until, end) - max(since, begin)) for since, until in spans) / (end - begin)


def _read(told: bytes) -> list[Span]:
    numbers = [int(number) for number in told.split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _watch(processor: int) -> None:
    """Print when this woke late, until the input ends."""
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    os.set_blocking(0, False)
    late: list[int] = []
    while True:
        due = time.perf_counter_ns() + int(SLEEP_S * 1e9)
        time.sleep(SLEEP_S)
        woke = time.perf_counter_ns()
        if woke - due > LATE_NS:
            late += due, woke
        try:
            if not os.read(0, 1):
                break
        except BlockingIOError:
            pass
    print(*late)


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
