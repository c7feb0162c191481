"""A strike: one fault, where it happens, and what is noted of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol

import trio
from attrs import define, field, frozen

from tests.robustness.onlookers import ReadyPoller, Visitor
from tests.robustness.stage import Place, Stage

GIVEN_UP_S = 30.0
"""When something still has not come, the strike goes on without it."""


@define(eq=False)
class Strike:
    """One fault. Times in s, of the clients' clock. ``affected``: names of clients that it hits.

    ``at``: when it really strikes, where that takes preparation. ``over_at``: the fault itself is over,
    though not all that it caused. ``notes``: how long something took.
    ``broken``: what must not have happened meanwhile. ``must_not_append``: ids of nodes that must not have.
    """

    failpoint: str
    place: str
    at: float = 0.0
    affected: frozenset[str] = frozenset()
    unanswered: int = 0
    over_at: float = float("inf")
    recovered_at: float = float("inf")
    notes: dict[str, float] = field(factory=dict)
    broken: list[str] = field(factory=list)
    must_not_append: list[str] = field(factory=list)

    async def time(self, what: str, come: Callable[[], Awaitable[None]], since: float, most_s: float) -> None:
        """Wait until it has come, and note how long it took; more than twice ``most_s`` is a violation.

        Twice, since a machine that runs all of this at once is slow.
        """
        with trio.move_on_after(GIVEN_UP_S):
            await come()
        took = trio.current_time() - since
        self.notes[what] = took
        if took > 2 * most_s:
            where = f"{self.failpoint} at {self.place}"
            self.broken.append(f"{where}: {what} took {took:.1f} s, {most_s:.0f} s are allowed")


class Field(Protocol):
    """Where strikes happen."""

    stage: Stage
    random: Random
    poller: ReadyPoller
    visitor: Visitor

    @property
    def acknowledged(self) -> int:
        """Commands, by all clients, so far."""
        ...

    def hit(self, strike: Strike, place: Place) -> None:
        """The strike is now: take down whom it hits."""
        ...


Act = Callable[[Field, Strike, Place], Awaitable[None]]


@frozen
class Failpoint:
    """``alone``: nothing else is struck meanwhile. ``everywhere``: it hits all clients, not those of one node."""

    name: str
    act: Act
    alone: bool = False
    everywhere: bool = False
