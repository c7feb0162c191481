"""Detects process stalls and a lost store.

A process may be suspended, and a node may lose the store, without knowing. Only time shows both. A process that was
suspended (SIGSTOP, a sleeping machine) finds that its clock has jumped: what its clients sent meanwhile is of unknown
age, and they may have sent it again elsewhere. A node that got no answer from the store for as long as its lease lasts
is dead to all others: they do things that it cannot see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog
import trio
from attrs import define, field

from tradegame.core.membership.presence import Presence
from tradegame.core.membership.register import ConnectionRegister
from tradegame.core.repositories.connections import LEASE_S

SLEPT_S = 30.0
"""After so long a single node comes back with its games paused: nobody has seen what they would have done meanwhile."""
STOOD_STILL_S = 5.0
"""Longer than a command may take: its client has given up by then."""
BEAT_S = 0.5


class Served(Protocol):
    """What this node shows; all of it must be compared with the store before it may be shown as the present.

    ``slept``: it did not run for so many ms, and there is no other node.
    """

    def doubt(self) -> None: ...

    def slept(self, by_ms: int) -> None: ...


@define(eq=False)
class Watchdog:
    """Notices that the process stalled, or that the store is lost, and then closes all connections.

    ``send_away(reason)`` closes every connection with 1001 and never waits. ``elapsed_s``: a clock that keeps running
    while the process is suspended, and need not run while it works.
    """

    register: ConnectionRegister
    presence: Presence
    games: Served
    send_away: Callable[[str], None]
    elapsed_s: Callable[[], float] = trio.current_time
    freezes: int = field(default=0, init=False)
    _lost: bool = field(default=False, init=False)
    _beat_at: float | None = field(default=None, init=False)

    def look(self) -> None:
        """Detect a stall. Call it before anything that a client sent is handled. Never waits."""
        now = self.elapsed_s()
        still_s = 0.0 if self._beat_at is None else now - self._beat_at
        self._beat_at = now
        if still_s >= STOOD_STILL_S:
            self.freezes += 1
            structlog.get_logger().warning("process_stood_still", seconds=round(still_s, 1))
            if still_s >= SLEPT_S and not self._others():
                self.games.slept(round(still_s * 1000))
            self.register.doubt()
            self.games.doubt()
            self.send_away("this node stood still")

    def refuses(self) -> str | None:
        """Why nobody may come in now; None if they may."""
        return "this node has lost the store" if self._lost else None

    def _others(self) -> int:
        return sum(node.id != self.register.node.id for node in self.presence.nodes)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            lost = self.register.silent_s() >= LEASE_S
            if lost and not self._lost:
                others = self._others()
                structlog.get_logger().warning("store_lost", other_nodes=others)
                self.games.doubt()
                if others:  # alone: closing connections would help nobody
                    self.send_away("this node has lost the store")
            elif self._lost and not lost:
                structlog.get_logger().info("store_found_again")
            self._lost = lost
            await trio.sleep(BEAT_S)
