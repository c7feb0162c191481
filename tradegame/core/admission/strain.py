"""What a node does when more is asked of it than it can do: every budget shrinks, together, until it can.

The budgets are what a calm node grants, and a hundred who spend all of theirs keep one core busy. Everybody else would
then wait behind them in the event loop. So while the loop works nearly all the time, budgets and bursts shrink step by
step, to ``LEAST`` of what they are: whoever spends most waits first, and a person with a few commands a second never
notices. When there is time again they grow back.

Many addresses have many budgets, and those for connections and HTTP are meant for a whole school each. If that was not
enough, these shrink further, to ``LEAST_AT_THE_DOOR``: whoever plays keeps playing, and newcomers wait.

It goes by the CPU time of the loop's own thread, not by how late the loop is: a machine that does other things, too,
makes it late, and nobody's budget would help.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import trio
from attrs import define

from tradegame.core.admission.pools import Pace

LOOK_S = 0.25
BUSY, IDLE = 0.7, 0.55
"""Parts of the time that the loop works: budgets shrink above the one, and grow below the other."""
SHRINKS, GROWS = 0.75, 1.1
"""By these factors, each ``LOOK_S``: to the least of both in 1.5 and 3.5 s, and back in 10."""
LEAST, LEAST_AT_THE_DOOR = 0.2, 0.02


@define(eq=False)
class Strain:
    """Sets the paces of commands and of the door. ``worked_s``: the seconds that the loop has worked so far."""

    pace: Pace
    door: Pace
    worked_s: Callable[[], float] = time.thread_time

    async def run(self) -> None:
        """Until cancelled."""
        before, at = self.worked_s(), trio.current_time()
        while True:
            await trio.sleep(LOOK_S)
            worked, now = self.worked_s(), trio.current_time()
            self.look((worked - before) / (now - at))
            before, at = worked, now

    def look(self, busy: float) -> None:
        """``busy``: the part of the time since the last look that the loop worked, from 0 to 1."""
        if busy > BUSY:
            self.door.value = max(LEAST_AT_THE_DOOR, self.door.value * SHRINKS)
        elif busy < IDLE:
            self.door.value = min(1.0, self.door.value * GROWS)
        self.pace.value = max(LEAST, self.door.value)
