"""The time by which a node's games are played: the wall clock's, without its steps.

A wall clock can be set: by hand, by NTP, by a machine that wakes up. A game's time must not follow such a step at once:
an hour ahead ends three rounds in a second, an hour back stops every house for an hour. So a node counts time on a
clock that cannot be set (`tradegame.utils.boot_clock`) and slews it to the wall clock, and a step waits until no round
is open.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio
from attrs import define, field

SLEW = 0.05
"""The node's time runs at most this much faster or slower than real time: 20 s make up for one second."""
STEP_MS = 1_000
"""A wall clock that differs by more was set; it did not drift."""
SETTLED_S = 60.0
"""A step is adopted after so long: a clock that was set wrong is often corrected at once."""
LOOK_S = 1.0


@define(eq=False)
class NodeClock:
    """Milliseconds since the Unix epoch, slewed to ``wall_ms``. Never goes back, except in `adopt`.

    ``boot_s``: seconds on a clock that cannot be set, including the time that the machine slept. ``steps``: how often
    the wall clock was seen to be set.
    """

    wall_ms: Callable[[], int]
    boot_s: Callable[[], float] = trio.current_time
    steps: int = field(default=0, init=False)
    _offset_ms: float = field(init=False)
    _read_at_s: float = field(init=False)
    _stepped_at_s: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._read_at_s = self.boot_s()
        self._offset_ms = self.wall_ms() - self._read_at_s * 1000

    def now_ms(self) -> int:
        """The node's time."""
        now_s = self.boot_s()
        behind_ms = self._behind_ms(now_s)
        most_ms = (now_s - self._read_at_s) * 1000 * SLEW
        self._offset_ms += min(max(behind_ms, -most_ms), most_ms)
        self._read_at_s = now_s
        return int(now_s * 1000 + self._offset_ms)

    def behind_ms(self) -> int:
        """How far the wall clock is ahead of the node's time; negative if behind."""
        return round(self._behind_ms(self.boot_s()))

    def look(self) -> None:
        """Notice the beginning and the end of a step. Call it about once a second."""
        self.now_ms()
        behind_ms = self.behind_ms()
        if abs(behind_ms) <= STEP_MS:
            if self._stepped_at_s is not None:
                structlog.get_logger().info("clock_step_over", seconds=round(self.boot_s() - self._stepped_at_s, 1))
            self._stepped_at_s = None
        elif self._stepped_at_s is None:
            self._stepped_at_s = self.boot_s()
            self.steps += 1
            structlog.get_logger().warning("clock_stepped", by_ms=behind_ms, until="no round is open")

    def adopt(self) -> int:
        """Follow a step that has lasted ``SETTLED_S``. Returns by how many ms the time jumped; 0: it did not."""
        if self._stepped_at_s is None or self.boot_s() - self._stepped_at_s < SETTLED_S:
            return 0
        by_ms = self.behind_ms()
        self._offset_ms += by_ms
        self._stepped_at_s = None
        structlog.get_logger().info("clock_adopted", by_ms=by_ms)
        return by_ms

    def _behind_ms(self, now_s: float) -> float:
        return self.wall_ms() - (now_s * 1000 + self._offset_ms)


@define(eq=False)
class GameTime:
    """One game's time on one node: the node's, but never behind the game's own clock, which never goes back.

    Other nodes, or this one before a restart, may have had clocks that were ahead. The game's time then continues from
    there, and is slewed back.
    """

    node_ms: Callable[[], int]
    _ahead_ms: float = field(default=0.0, init=False)
    _read_at_ms: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._read_at_ms = self.node_ms()

    def now_ms(self, clock: int) -> int:
        """The time now; ``clock`` is that of the game's state. Both in ms since the Unix epoch."""
        now = self.node_ms()
        if self._ahead_ms:
            slewed_ms = max(0, now - self._read_at_ms) * SLEW
            self._ahead_ms = max(0.0, self._ahead_ms - slewed_ms) if self._ahead_ms > 0 else self._ahead_ms + slewed_ms
        self._read_at_ms = now
        self._ahead_ms = max(self._ahead_ms, float(clock - now))
        return now + int(self._ahead_ms)

    def node_jumped(self, by_ms: int) -> None:
        """The node's time jumped. The game's does not, until its clock is set (`SetClock`)."""
        self._read_at_ms += by_ms
        self._ahead_ms -= by_ms

    def follow_node(self) -> None:
        """The game's clock was set: its time is the node's again."""
        self._ahead_ms = max(0.0, self._ahead_ms)
