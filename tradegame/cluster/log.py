"""One list of lines, each with its source: what all processes write, and what is done to them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import trio
from attrs import define, evolve, field, frozen

KEPT = 200
SAME_AGAIN_S = 5.0
"""A line of a process, or an event of a node, that repeats within this time is not shown again."""
TEXT_LENGTH = 300

Level = Literal["debug", "info", "event", "warning", "error"]
"""``event``: something happens to the cluster itself."""

_LEVELS: dict[str, Level] = {
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "critical": "error",
    "dpanic": "error",
    "panic": "error",
    "fatal": "error",
}
_ENVELOPE = ("event", "msg", "level", "timestamp", "ts", "caller", "logger", "stack", "stacktrace", "exception")
_QUIET_EVENTS = frozenset({"connection_closed", "etcd_watch_broke", "etcd_watch_resumed", "serving"})
"""Events of a node that are too many for an audience, unless they are warnings. A node also prints that it serves."""
_QUIET_TEXTS = ("[core] grpc: ", "bots playing ·")
"""What etcd says whenever a member or a client is away, and the bots' status every five seconds."""


@frozen
class Line:
    """``at``: seconds since the cluster was up; negative while it starts."""

    at: float
    source: str
    level: Level
    text: str

    def __str__(self) -> str:
        mark = {"warning": "! ", "error": "!! "}.get(self.level, "")
        return f"{self.at:7.1f} {self.source:<8} | {mark}{self.text}"


@define(eq=False)
class Log:
    """The newest lines, at most 200. ``listener`` is called with each as it comes; it must not block."""

    lines: deque[Line] = field(factory=lambda: deque(maxlen=KEPT), init=False)
    listener: Callable[[Line], None] | None = None
    _began: float | None = field(default=None, init=False)
    _said: dict[tuple[str, str], float] = field(factory=dict, init=False)

    def clock(self) -> float:
        """Seconds since the first call, or since ``up``."""
        now = trio.current_time()
        if self._began is None:
            self._began = now
        return now - self._began

    def up(self) -> None:
        """Restart the clock, as in a plan: lines from before get a negative time."""
        passed = self.clock()
        self._began = trio.current_time()
        self._said.clear()
        self.lines = deque((evolve(line, at=line.at - passed) for line in self.lines), maxlen=KEPT)

    def add(self, source: str, text: str, level: Level = "event") -> None:
        """Something happens to the cluster."""
        line = Line(self.clock(), source, level, text[:TEXT_LENGTH])
        self.lines.append(line)
        if self.listener is not None:
            self.listener(line)

    def hear(self, source: str, raw: bytes) -> None:
        """A process has written a line. Lines that are not for an audience, or repeat a recent one, are skipped."""
        level, text = parse_line(raw)
        if not text or level == "debug":
            return
        now, what = self.clock(), text.split(" ", 1)[0] if raw.startswith(b"{") else text
        self._said = {key: at for key, at in self._said.items() if now - at < SAME_AGAIN_S}
        if (source, what) not in self._said:
            self._said[source, what] = now
            self.add(source, text, level)


def parse_line(raw: bytes) -> tuple[Level, str]:
    """The level and text of a line from a node's (structlog) or a member's (zap) log. Any other line is ``info``."""
    text = raw.decode(errors="replace").rstrip()
    if any(quiet in text for quiet in _QUIET_TEXTS):
        return "debug", ""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            return "info", _printable(text)
        event = str(found.get("event") or found.get("msg") or "")
        level = _LEVELS.get(str(found.get("level")), "info")
        if (level == "info" and event in _QUIET_EVENTS) or (level == "warning" and "msg" in found):
            return "debug", ""  # etcd warns several times about each peer that is away
        facts = [_fact(name, value) for name, value in found.items() if name not in _ENVELOPE]
        return level, _printable(" ".join([event, *facts]))
    return "info", _printable(text)


def _fact(name: str, value: Any) -> str:
    return f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def _printable(text: str) -> str:
    """No output of a process may control the terminal."""
    return "".join(each if each.isprintable() else "·" for each in text)
