"""Logs a recurring problem when it begins and when it ends, not at every attempt."""

from __future__ import annotations

from typing import Any

import structlog
import trio
from attrs import define, field

QUIET_S = 10.0
"""A recurring problem is logged at most this often, in s."""


@define(eq=False)
class Trouble:
    """One kind of problem with one thing, such as a watch that breaks.

    ``begins`` is the event logged at the first ``happened``, as a warning, or as info if ``mild``; ``ends`` is the one
    at ``over``, with how often it happened and for how many seconds. ``about``: facts for both.
    """

    begins: str
    ends: str
    about: dict[str, Any] = field(factory=dict)
    mild: bool = False
    count: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)
    _told: bool = field(default=False, init=False)
    _told_at: float = field(default=-float("inf"), init=False)

    def happened(self, **facts: Any) -> None:
        """It failed, for the first time or again. ``facts``: why; only the first are logged."""
        now = trio.current_time()
        if not self.count:
            self._since = now
        self.count += 1
        if not self._told and now - self._told_at >= QUIET_S:
            self._told, self._told_at = True, now
            log = structlog.get_logger()
            (log.info if self.mild else log.warning)(self.begins, **self.about, **facts)

    def over(self) -> None:
        """It works. Does nothing if there was no problem."""
        if self._told:
            seconds = round(trio.current_time() - self._since, 3)
            structlog.get_logger().info(self.ends, **self.about, times=self.count, seconds=seconds)
        self._told, self.count = False, 0
