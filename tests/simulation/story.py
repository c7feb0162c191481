"""What happened, as lines to read, and a digest of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from typing import Any

import structlog
import trio
from attrs import Factory, define

from tests.simulation.runtime import NODE

_UNTOLD = ("event", "exc_info", "stack_info", "log_level")


@define(eq=False)
class Story:
    """``errors``: what nodes logged at level error, node first. ``mute``: nodes that are dead, and may say nothing."""

    lines: list[str] = Factory(list)
    errors: list[tuple[str, str]] = Factory(list)
    mute: dict[str, None] = Factory(dict)
    _hash: Any = Factory(hashlib.sha256)

    def tell(self, who: str, what: str) -> None:
        line = f"{trio.current_time():8.3f}  {who:<8} {what}"
        self.lines.append(line)
        self._hash.update(line.encode())

    def take_in(self, what: bytes) -> None:
        """Part of the digest, and too long to be read."""
        self._hash.update(what)

    def digest(self) -> str:
        return str(self._hash.hexdigest())[:16]

    def log(self, _: Any, level: str, event: MutableMapping[str, Any]) -> Any:
        """A structlog processor: what nodes log is part of the story."""
        node = NODE.get("nobody")
        if node not in self.mute:
            facts = " ".join(f"{name}={event[name]}" for name in sorted(event) if name not in _UNTOLD)
            reason = _why(event.get("exc_info"))
            text = f"{level}: {event.get('event')} {facts}{reason}"
            self.tell(node, text)
            if level in ("error", "critical", "exception"):
                self.errors.append((node, text))
        raise structlog.DropEvent


def _why(fault: Any) -> str:
    """The exceptions of a fault, without what differs between two runs."""
    if not isinstance(fault, BaseException):
        return ""
    if isinstance(fault, BaseExceptionGroup):
        return "".join(_why(each) for each in fault.exceptions)
    trace, where = fault.__traceback__, ""
    while trace is not None:
        where = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f" {type(fault).__name__}: {fault} ({where})"
