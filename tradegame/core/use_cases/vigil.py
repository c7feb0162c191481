"""Can this node be taken at its word? A process may stand still, and a node may lose the store, without knowing.

Both show in time alone. A process that was stopped (SIGSTOP, a suspended machine) finds when it goes on that its clock
has jumped: what its clients sent meanwhile is of unknown age, and they may have sent it again elsewhere. A node that
the store has not answered for as long as its lease lasts is dead to all others: they show what it cannot see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog
import trio
from attrs import define, field

from tradegame.core.use_cases.presence import ConnectionRegister, Presence

STOOD_STILL_S = 5.0
"""Longer than a command may take: whoever asked has given up by then."""
BEAT_S = 0.5
LOST_S = 10.0
"""As long as a node's lease."""


class Doubted(Protocol):
    """What this node shows, all of which must be compared with the store before it may be shown as the present."""

    def doubt(self) -> None: ...


@define(eq=False)
class Vigil:
    """Notices that the process stood still, and that the store is lost; then sends the clients away.

    ``send_away(reason)`` closes every connection with 1001 and never waits. ``elapsed_s``: a clock that goes on while
    the process stands still, and need not while it works.
    """

    register: ConnectionRegister
    presence: Presence
    games: Doubted
    send_away: Callable[[str], None]
    elapsed_s: Callable[[], float] = trio.current_time
    freezes: int = field(default=0, init=False)
    _lost: bool = field(default=False, init=False)
    _beat_at: float | None = field(default=None, init=False)

    def look(self) -> None:
        """Has the process stood still? To be asked before anything that a client sent is heard. Never waits."""
        now = self.elapsed_s()
        still_s = 0.0 if self._beat_at is None else now - self._beat_at
        self._beat_at = now
        if still_s >= STOOD_STILL_S:
            self.freezes += 1
            structlog.get_logger().warning("process_stood_still", seconds=round(still_s, 1))
            self.register.doubt()
            self.games.doubt()
            self.send_away("this node stood still")

    def refuses(self) -> str | None:
        """Why nobody may come in now; None when they may."""
        return "this node has lost the store" if self._lost else None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            lost = self.register.silent_s() >= LOST_S
            if lost and not self._lost:
                others = sum(node.id != self.register.node.id for node in self.presence.nodes)
                structlog.get_logger().warning("store_lost", other_nodes=others)
                self.games.doubt()
                if others:  # alone, to send anyone away would help nobody
                    self.send_away("this node has lost the store")
            elif self._lost and not lost:
                structlog.get_logger().info("store_found_again")
            self._lost = lost
            await trio.sleep(BEAT_S)
