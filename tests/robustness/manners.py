"""How clients behave, and what they need to know of the world around them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from attrs import frozen

from tradegame.protocol.bounds import UNANSWERED


class Surroundings(Protocol):
    """What a client needs to know of the world."""

    async def address(self, avoid: Collection[str]) -> str:
        """Where to connect: as soon as there may be a node, and rather not to one of these."""
        ...

    async def leave_to_send(self, commands: int, *, urgent: bool = False) -> None:
        """Wait while the log is to be written down first; then so many commands may go out. Urgent: at once."""
        ...

    def answered(self, url: str, connected_at: float) -> None:
        """A command was answered on a connection of that time."""
        ...


@frozen
class Manners:
    """Times in s; the others are odds, each time that a client could do it.

    ``patience_s``: how long it waits for an answer. Then it is a fault of the server's, unless the client
    ``moves_on``: it tries another node then, as it does when one refuses commands for ``refusals_s``.
    ``stall``: stops reading for 3 to 8 s. ``walk_out``: drops the connection. ``forget``: comes back without
    ``after``, and is shown the whole state. ``pause_most_s`` lies between two commands, or bursts. ``look_s``:
    so long it does not look at what came: what a busy machine needs to read for many clients. ``bursts``: how many
    commands go out together, one of these; ``window``: how many may be under way when it goes on.
    ``newer``: no new command while one that is not settled has so many newer ones, so that the game still remembers it
    when it is sent again.
    ``waits``: the odds that it waits for a whole burst's answers. ``per_s``: commands a second that it sends at most.
    """

    patience_s: float = 20.0
    open_s: float = 10.0
    moves_on: bool = False
    refusals_s: float = 1.5
    avoid_s: float = 3.0
    stall: float = 0.0
    walk_out: float = 0.002
    forget: float = 0.0
    pause_most_s: float = 0.02
    look_s: float = 0.0
    bursts: Sequence[int] = (1, 1, 1, 3, 6, 12)
    window: int = 24
    newer: float = 100
    waits: float = 0.3
    per_s: float = math.inf


PATIENT = Manners()
"""A server answers within 5 s, whatever happens; a busy machine gets some more."""
WIDE: dict[str, Any] = {
    "bursts": (6, 12, 24),
    "window": UNANSWERED - 24,
    "newer": math.inf,
    "waits": 0.0,
    "per_s": 300.0,
    "pause_most_s": 0.0,
}
"""As a program that waits for nothing and sends hundreds of commands a second, as long as only so many are unanswered.

Meanwhile a write that a frozen node or a cut network holds back lands up to ten seconds late, when thousands of newer
keys have passed.
"""
