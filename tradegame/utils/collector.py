"""Runs Python's garbage collector so that nobody has to wait for it.

A full collection visits every container: with 10 000 accounts it holds the loop for over 60 ms and finds next to
nothing, because a game's objects are freed by their reference counts. So is a connection that ended
(``tests/e2e/test_freed.py``): neither an error's traceback nor two objects that refer to each other may keep it alive.

So full collections run here, often and while there is little to visit: survivors are *frozen*, and not visited again.
What many bring in a moment, before this runs, Python has looked at by then, a few thousand at a time.
Should connections leave frozen cycles nevertheless, these are collected after many connections have ended and while
nobody is connected, or when much more memory is in use than before.

Nothing here asks for a list of the objects: that holds those that another thread is just making, and ``tuple(…)`` of a
generator there then fails with a SystemError (a siege found it). How many are new is told by how often Python looked.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping

import structlog
import trio
from attrs import define, field

EVERY_S = 5.0
"""How often they are collected even when they are few."""
YOUNG, AGAIN, NEVER = 1_000, 1, 1_000_000_000
"""The collector's thresholds: in the midst of whatever runs, Python looks at so many new objects, and at every third
time at those of the last three times, 1 to 2 ms. They count what was made less what was freed: under churn they are
reached too late.
"""
FROZEN_FROM = 4_000
"""From so many objects on they are collected at once, and what is left is frozen: 2 to 3 ms.

A connection is 230 objects, so a class that joins brings many times as many in a few seconds. Of more than twice as
many, those are collected that Python has not looked at again."""
THAWED_FROM = 2_000
"""After so many ended connections everything is collected again, as soon as nobody is connected."""
LEAKED = 1_000_000
"""While somebody is connected that would hold the loop for 0.1 s, so it also takes so many more blocks of memory in use
than after the last such collection: some 50 MiB."""


@define(eq=False)
class Collector:
    """``ended``: how many connections have ended so far; ``quiet``: whether nobody is connected."""

    ended: Callable[[], int]
    quiet: Callable[[], bool]
    _ended_before: int = field(default=0, init=False)
    _blocks_before: int = field(default=0, init=False)
    _thresholds: tuple[int, int, int] = field(factory=gc.get_threshold, init=False)
    _token: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token, init=False)
    _grown: trio.Event = field(factory=trio.Event, init=False)
    _looks: int = field(default=0, init=False)  # Python's own, since all were frozen

    @property
    def _new(self) -> int:
        """How many objects are not frozen, at most."""
        return (self._looks + 1) * YOUNG

    async def run(self) -> None:
        """Run until cancelled; then restore the collector."""
        try:
            gc.set_threshold(YOUNG, AGAIN, NEVER)
            gc.collect()
            gc.freeze()
            self._blocks_before = sys.getallocatedblocks()
            gc.callbacks.append(self._collected)
            while True:
                with trio.move_on_after(EVERY_S):
                    await self._until_many()
                self.look()
        finally:
            gc.callbacks.remove(self._collected)
            gc.set_threshold(*self._thresholds)
            gc.unfreeze()

    async def _until_many(self) -> None:
        """Wait until there are many unfrozen objects."""
        while self._new < FROZEN_FROM:
            self._grown = trio.Event()
            await self._grown.wait()

    def _collected(self, phase: str, info: Mapping[str, int]) -> None:
        """Python collected, whatever it was doing: not the place to wake a task."""
        if phase == "stop" and info["generation"] < 2:
            self._looks += 1
            self._token.run_sync_soon(self._look_again, idempotent=True)

    def _look_again(self) -> None:
        self._grown.set()

    def look(self) -> None:
        """Collect without making anybody wait."""
        ended = self.ended() - self._ended_before
        leaked = sys.getallocatedblocks() - self._blocks_before >= LEAKED
        if ended < THAWED_FROM or not (leaked or self.quiet()):
            new = self._new
            gc.collect(2 if new < 2 * FROZEN_FROM else 1)
            if new >= FROZEN_FROM / 2:
                self._freeze()
            return
        self._ended_before += ended
        begun = time.perf_counter()
        gc.unfreeze()
        found = gc.collect()
        self._freeze()
        self._blocks_before = sys.getallocatedblocks()
        ms = round((time.perf_counter() - begun) * 1000)
        structlog.get_logger().info("garbage_collected", objects=found, ms=ms, connections_ended=ended)

    def _freeze(self) -> None:
        gc.freeze()
        self._looks = 0
