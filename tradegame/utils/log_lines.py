"""Between an event and the log: limits the lines per cause, and writes them without waiting for a slow reader.

Clients cause log lines: without limits, connecting and leaving a thousand times a second would fill the disk. And if
whoever reads our stderr stops reading, only our own thread may wait.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from attrs import define, field
from structlog.types import EventDict, WrappedLogger

CAUSE_BURST, CAUSE_PER_S = 100, 5
"""Lines of one cause: 100 at once, then 5 a second, which at 300 bytes is 130 MB a day."""
ADDRESS_BURST, ADDRESS_PER_S = 50, 1
"""The same per address, so that a flooding address does not drown out the others."""
KEPT = 2_000
"""So many causes and addresses are tracked, at 200 bytes each; beyond, the least recent is forgotten."""
TOLD_S = 10.0
"""How often omitted lines are reported."""
LINE_BYTES = 65_536
"""Longer lines are truncated. A deep stack trace has some 20 KB."""
WAITING_BYTES = 4_194_304
"""So much may wait for a slow reader of the log; beyond, lines are lost, and counted."""
FLUSH_S = 2.0
"""How long shutdown waits for lines that are not written yet."""

_OWN = ("log_lines_left_out", "log_lines_lost")
_TICK_S = 1.0


@define
class _Budget:
    left: float
    at: float

    def take(self, now: float, burst: int, per_s: int) -> bool:
        self.left = min(burst, self.left + (now - self.at) * per_s)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@define
class LineLimit:
    """A structlog processor that drops lines beyond the limits, by cause and by address. Thread-safe.

    A cause is an event with its ``cause``, or the library's logger. What was omitted is reported in a line of its own,
    ``log_lines_left_out``, along with other lines and at each ``tell``.
    """

    now: Callable[[], float] = time.monotonic
    _causes: OrderedDict[Any, _Budget] = field(factory=OrderedDict, init=False)
    _addresses: OrderedDict[Any, _Budget] = field(factory=OrderedDict, init=False)
    _left_out: dict[str, int] = field(factory=dict, init=False)
    _since: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Raises structlog.DropEvent."""
        if event.get("event") in _OWN:
            return event
        cause = str(event.get("logger") or event.get("event"))[:200]
        if "cause" in event:
            cause = f"{cause} {event['cause']}"
        address, now = event.get("address"), self.now()
        with self._lock:
            # Address first: a flooding address must not use up the cause's budget of others.
            taken = address is None or _budget(self._addresses, (cause, address), now, ADDRESS_BURST).take(
                now, ADDRESS_BURST, ADDRESS_PER_S
            )
            taken = taken and _budget(self._causes, cause, now, CAUSE_BURST).take(now, CAUSE_BURST, CAUSE_PER_S)
            if not taken:
                if not self._left_out:
                    self._since = now
                self._left_out[cause] = self._left_out.get(cause, 0) + 1
        self.tell()
        if not taken:
            raise structlog.DropEvent
        return event

    def tell(self, *, at_once: bool = False) -> None:
        """Report what was omitted, if it is time."""
        with self._lock:
            seconds = self.now() - self._since
            if not self._left_out or (seconds < TOLD_S and not at_once):
                return
            told, self._left_out = self._left_out, {}
        for cause, count in told.items():
            structlog.get_logger().warning("log_lines_left_out", of=cause, count=count, seconds=round(seconds, 1))


def _budget(budgets: OrderedDict[Any, _Budget], key: Any, now: float, burst: int) -> _Budget:
    budget = budgets.get(key)
    if budget is None:
        budget = budgets[key] = _Budget(burst, now)
        if len(budgets) > KEPT:
            budgets.popitem(last=False)
    else:
        budgets.move_to_end(key)
    return budget


class LineWriter:
    """Writes lines to a file descriptor, in order, from its own thread: ``put`` never waits for the reader.

    ``tick`` is called in that thread, about once a second.
    """

    def __init__(self, descriptor: int, tick: Callable[[], None] = lambda: None) -> None:
        self._descriptor = os.dup(descriptor)  # our own copy, which nobody else closes
        self._tick = tick
        self._lines: deque[bytes] = deque()
        self._waiting = 0  # in bytes, including those being written
        self._lost = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, line: bytes) -> None:
        """Write ``line`` soon; or drop and count it if too much is waiting already."""
        with self._changed:
            if self._closed or self._waiting + len(line) > WAITING_BYTES:
                self._lost += 1
                return
            self._lines.append(line)
            self._waiting += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, within_s: float = FLUSH_S) -> bool:
        """Wait until everything is written, or the time is up. Returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, within_s)

    def close(self, within_s: float = FLUSH_S) -> None:
        """Flush, and accept nothing more."""
        self.flush(within_s)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closed, _TICK_S)
                batch = b"".join(self._taken())
                if not batch and self._closed:
                    break
            if batch:
                # OSError: the reader of the pipe is gone
                with contextlib.suppress(OSError):
                    self._write(batch)
                with self._changed:
                    self._waiting -= len(batch)
                    lost, self._lost = self._lost, 0
                    self._changed.notify_all()
                if lost:
                    structlog.get_logger().warning(
                        "log_lines_lost", count=lost, reason="the reader of the log was too slow"
                    )
            self._tick()
        os.close(self._descriptor)

    def _taken(self) -> Iterator[bytes]:
        size = 0
        while self._lines and size < LINE_BYTES:
            size += len(self._lines[0])
            yield self._lines.popleft()

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # another process made it non-blocking for everybody
                select.select([], [self._descriptor], [], _TICK_S)
