"""Python's garbage collector, made to keep nobody waiting.

A full collection looks at every container there is: with 10 000 accounts it holds the loop for 60 ms and more, and
finds next to nothing, since what a game is made of is freed by its reference counts, and so is a connection that ended
(``tests/e2e/test_freed.py``): an error's traceback, or two objects that hold each other, must not keep it. So full
collections are made here, often and while there is little to look at: what has survived is *frozen*, and not looked at
again. Should a connection leave a cycle nevertheless that was frozen, it is collected when many have ended, best while
nobody is there.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import structlog
import trio
from attrs import define, field

LOOK_S = 1.0
EVERY_S = 5.0
"""How often it is looked how much is not frozen, and how often that is collected."""
YOUNG, MIDDLE, NEVER = 2_000, 10, 1_000_000_000
"""The collector's thresholds: so much that a collection of the middle generation stays under 3 ms."""
FROZEN_FROM = 20_000
"""So many survivors are frozen, and at once if they came within a moment: to look at them takes 3 to 5 ms.

A connection is 230 objects, so a class that joins brings as many in a few seconds."""
THAWED_QUIET = 2_000
THAWED_AT_ONCE = 20_000
"""After so many connections that ended all is looked at again: when nobody is there it costs nothing; otherwise it
holds the loop, once in so many connections."""


@define(eq=False)
class Collector:
    """``ended``: how many connections have ended, ever; ``quiet``: whether nobody is there to be kept waiting."""

    ended: Callable[[], int]
    quiet: Callable[[], bool]
    _ended_before: int = field(default=0, init=False)
    _thresholds: tuple[int, int, int] = field(factory=gc.get_threshold, init=False)

    async def run(self) -> None:
        """Until cancelled; then the collector is as it was before."""
        try:
            gc.set_threshold(YOUNG, MIDDLE, NEVER)
            gc.collect()
            gc.freeze()
            while True:
                for _ in range(int(EVERY_S / LOOK_S)):
                    await trio.sleep(LOOK_S)
                    if len(gc.get_objects(2)) >= FROZEN_FROM:
                        gc.freeze()
                self.look()
        finally:
            gc.set_threshold(*self._thresholds)
            gc.unfreeze()

    def look(self) -> None:
        """Collect what there is to collect without keeping anybody waiting."""
        ended = self.ended() - self._ended_before
        thaw = ended >= THAWED_AT_ONCE or (ended >= THAWED_QUIET and self.quiet())
        if thaw:
            begun = time.perf_counter()
            self._ended_before += ended
            gc.unfreeze()
        found = gc.collect()
        if thaw:
            ms = round((time.perf_counter() - begun) * 1000)
            structlog.get_logger().info("garbage_collected", objects=found, ms=ms, connections_ended=ended)
            gc.freeze()
