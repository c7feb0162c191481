"""What goes wrong again and again is logged when it begins and when it ends, not at every try."""

from __future__ import annotations

from typing import Any

import structlog
import trio
from attrs import define, field

QUIET_S = 10.0
"""What comes and goes is logged this often at most, in s."""


@define(eq=False)
class Trouble:
    """One kind of trouble of one thing, such as a watch that breaks.

    ``begins`` is the event that is logged at the first ``happened``, as a warning, or as an info if it is ``mild``;
    ``ends`` the one at ``over``, with how often it happened and for how many seconds. ``about``: facts for both.
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
        """It went wrong, for the first time or once more. ``facts``: why; of one trouble only the first are logged."""
        now = trio.current_time()
        if not self.count:
            self._since = now
        self.count += 1
        if not self._told and now - self._told_at >= QUIET_S:
            self._told, self._told_at = True, now
            log = structlog.get_logger()
            (log.info if self.mild else log.warning)(self.begins, **self.about, **facts)

    def over(self) -> None:
        """It went right. Nothing to be over is no news."""
        if self._told:
            seconds = round(trio.current_time() - self._since, 3)
            structlog.get_logger().info(self.ends, **self.about, times=self.count, seconds=seconds)
        self._told, self.count = False, 0
