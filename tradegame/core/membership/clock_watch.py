"""Is this node's clock right? Compares it with the clocks that the other nodes write into their keys.

An entry carries its node's clock, and the game's clock never goes back: one clock that is an hour ahead would end
everybody's round. So a node whose time differs from the others' does not append.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import structlog
from attrs import define, field

from tradegame.core.repositories import NodeInfo

TOLERANCE_MS = 1_000
NOTICES = 4
GROSS_MS = 60_000


@define
class ClockWatch:
    """Compares this node's wall clock (``now_ms``) with those of the nodes in the register.

    A node writes its clock each time it renews its lease. A late notice makes a clock look slow, never fast; so of each
    node's last few, the fastest counts. Until there are that many, only an offset of more than a minute counts, which
    no delay explains: so a node whose clock is an hour off never appends, right from its start.
    """

    node: str
    now_ms: Callable[[], int]
    _clocks: dict[str, int] = field(factory=dict, init=False)
    _offsets: dict[str, list[int]] = field(factory=dict, init=False)
    _newest: dict[str, int] = field(factory=dict, init=False)
    _ahead_ms: int = field(default=0, init=False)
    _said: bool = field(default=False, init=False)

    def observe(self, nodes: Sequence[NodeInfo]) -> None:
        """The register's nodes as they are now; may include this one, which is ignored."""
        now = self.now_ms()
        others = [other for other in nodes if other.id != self.node]
        for other in others:
            known = self._clocks.get(other.id)
            if known != other.clock:
                self._newest[other.id] = other.clock - now
            # the first one is as old as the node's last heartbeat, and proves nothing
            if known is not None and known != other.clock:
                offset, earlier = other.clock - now, self._offsets.get(other.id, [])[1 - NOTICES :]
                if earlier and abs(offset - max(earlier)) > GROSS_MS:
                    earlier = []  # one of the two clocks was set: earlier observations no longer count
                self._offsets[other.id] = [*earlier, offset]
        self._clocks = {other.id: other.clock for other in others}
        self._offsets = {other: offsets for other, offsets in self._offsets.items() if other in self._clocks}
        self._newest = {other: offset for other, offset in self._newest.items() if other in self._clocks}
        offsets = [self._offset_of(other) for other in self._newest]
        self._ahead_ms = int(median(offsets if len(offsets) == 1 else [0, *offsets]))
        self._say()

    def forget(self) -> None:
        """This node stalled: what it hears next may be old."""
        self._clocks.clear()
        self._offsets.clear()
        self._newest.clear()
        self._ahead_ms = 0
        self._said = False

    def offset_ms(self) -> int:
        """How far the median of all clocks, including this one, is ahead of this node's, in ms; negative if behind.

        With one other node, how far that one is ahead; with none, 0.
        """
        return self._ahead_ms

    def wrong(self) -> str | None:
        """Why this node must not append; None if it may. Of two nodes that differ, nobody can tell which is wrong.

        Each command asks: the median is found when a notice comes.
        """
        if len(self._newest) < 2 or abs(self.offset_ms()) <= TOLERANCE_MS:
            return None
        return f"this node's clock is off by {-self.offset_ms()} ms against the other nodes'"

    def _offset_of(self, other: str) -> int:
        offsets, newest = self._offsets.get(other, []), self._newest[other]
        if len(offsets) == NOTICES:
            return max(offsets)
        return newest if abs(newest) > GROSS_MS else 0

    def _say(self) -> None:
        off = abs(self.offset_ms()) > TOLERANCE_MS
        if off and not self._said:
            structlog.get_logger().warning("clocks_differ", node=self.node, others_ahead_ms=self.offset_ms())
        self._said = off
