"""How long the loop may be busy with subscribers in one go."""

from __future__ import annotations

import trio

SLICE_S = 0.003
"""After so long in one go, whatever else is ready to run has its turn: a round of the loop stays well under 10 ms."""
VISITS = 16
"""So many followers are served between two looks at the clock: about 0.1 ms."""


class Slice:
    """A stretch of work, and what is left of its time."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = trio.current_time() + SLICE_S

    @property
    def over(self) -> bool:
        return trio.current_time() >= self._until
