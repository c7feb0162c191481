"""Runs Python's garbage collector so that nobody has to wait for it.

A full collection visits every container: with 10 000 accounts it holds the loop for over 60 ms and finds next to
nothing, because a game's objects are freed by their reference counts. So is a connection that ended
(``tests/e2e/test_freed.py``): neither an error's traceback nor two objects that refer to each other may keep it alive.

So full collections run here, often and while there is little to visit: survivors are *frozen*, and not visited again.
Should a connection leave a frozen cycle nevertheless, it is collected after many connections have ended, preferably
while nobody is connected.
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
"""How often unfrozen objects are counted, and how often they are collected."""
YOUNG, MIDDLE, NEVER = 2_000, 10, 1_000_000_000
"""The collector's thresholds: a collection of the middle generation stays under 3 ms."""
FROZEN_FROM = 20_000
"""So many survivors are frozen, at once if they came within a moment: visiting them takes 3 to 5 ms. A connection is
230 objects, so a class that joins brings that many within seconds.
"""
THAWED_QUIET = 2_000
THAWED_AT_ONCE = 20_000
"""After so many ended connections everything is visited again. That costs nothing while nobody is connected; otherwise
it holds the loop once.
"""


@define(eq=False)
class Collector:
    """``ended``: how many connections have ended so far; ``quiet``: whether nobody is connected."""

    ended: Callable[[], int]
    quiet: Callable[[], bool]
    _ended_before: int = field(default=0, init=False)
    _thresholds: tuple[int, int, int] = field(factory=gc.get_threshold, init=False)

    async def run(self) -> None:
        """Run until cancelled; then restore the collector."""
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
        """Collect without making anybody wait."""
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
