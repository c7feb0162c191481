"""Is the server still there? No I/O here."""

from __future__ import annotations

import math
from typing import Literal

from attrs import define, field

ASKED_S = 3.0
"""A request that is unanswered for so long, while nothing at all is heard, makes us ask whether anybody is there."""
PONG_S = 2.0
"""How long the answer to that may take."""
DEAF_S = 12.0
"""Whoever leaves a request unanswered for so long does not hear us, whatever it sends. A server gives up after 8."""


@define
class Vigil:
    """When to ping, and when to give up, one connection. All times are trio's, in s.

    ``hasty``: there are other nodes to go to, so silence after a request is not waited out. ``patience``: a factor,
    for when the nodes are only slow. While nothing is asked, the server's own pings are the sign of life, one each
    ``heartbeat_s``; after one and a half of them we ping too, and after two we leave.
    """

    heartbeat_s: float
    hasty: bool
    patience: float = 1.0
    pinged_at: float | None = field(default=None, init=False)

    def look(
        self, now: float, heard_at: float, asked_at: float | None, oldest_at: float | None
    ) -> tuple[Literal["wait", "ping", "leave"], float]:
        """What to do now, and until when nothing else needs to be done.

        ``heard_at``: when the last byte came; ``asked_at``: when the first request went out of which nothing was heard;
        ``oldest_at``: when the oldest unanswered request went out on this connection.
        """
        if self.pinged_at is not None and heard_at >= self.pinged_at:
            self.pinged_at = None
        deaf = quiet = math.inf
        if self.hasty:
            if oldest_at is not None:
                deaf = oldest_at + DEAF_S * self.patience
            asked = min(math.inf if asked_at is None else asked_at, math.inf if oldest_at is None else oldest_at)
            quiet = max(heard_at, asked) + ASKED_S * self.patience
        if self.pinged_at is None:
            ping_at = min(heard_at + 1.5 * self.heartbeat_s, quiet)
            if now >= ping_at:
                self.pinged_at = now
                return "ping", self._leave_at(quiet)
            due = ping_at
        else:
            due = self._leave_at(quiet)
            if now >= due:
                return "leave", now
        return ("leave", now) if now >= deaf else ("wait", min(due, deaf))

    def _leave_at(self, quiet: float) -> float:
        assert self.pinged_at is not None
        idle = self.pinged_at + max(PONG_S, self.heartbeat_s / 2)
        return min(idle, max(self.pinged_at, quiet) + PONG_S * self.patience)
