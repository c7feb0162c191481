"""What happens later: everything that is under way between machines, on the run's own clock."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

import trio
from attrs import Factory, define

TICK_S = 0.002
"""What falls into one tick happens together: fewer jumps of the clock, and more races."""


@define(eq=False)
class Network:
    """Calls what was given to it when its time has come, in order of time and then of giving.

    Nothing here belongs to a node: what a frozen or dead node has sent arrives all the same. Either a task `run`s it,
    or a clock that jumps asks for `next_at` and calls `deliver`.
    """

    _due: list[tuple[float, int, Callable[[], None]]] = Factory(list)
    _given: int = 0
    _work: trio.Event = Factory(trio.Event)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(trio.current_time() + seconds, call)

    def at(self, time: float, call: Callable[[], None]) -> None:
        """``call`` must neither wait nor raise. ``time`` on trio's clock, in s, is rounded up to a tick."""
        self._given += 1
        heapq.heappush(self._due, (math.ceil(time / TICK_S) * TICK_S, self._given, call))
        if self._due[0][1] == self._given:
            self._work.set()

    def next_at(self) -> float:
        """When something is due next; infinity when nothing is."""
        return self._due[0][0] if self._due else math.inf

    def deliver(self, now: float) -> None:
        """Everything that is due by now."""
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()

    async def run(self) -> None:
        """Deliver everything in its time, until cancelled."""
        while True:
            self.deliver(trio.current_time())
            self._work = trio.Event()
            with trio.CancelScope(deadline=self.next_at()):
                await self._work.wait()
