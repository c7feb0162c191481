"""What one client sent, was told and saw, in its order. Times on the run's clock, in s."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import Factory, define, frozen

if TYPE_CHECKING:
    from typing import Any

    from tests.simulation.client import Command


@frozen
class Happened:
    at: float


@frozen
class Sent(Happened):
    command: int
    node: str


@frozen
class Answered(Happened):
    """``body``: the ``ok``, or the ``error``."""

    command: int
    ok: bool
    body: dict[str, Any]

    @property
    def definite(self) -> bool:
        return self.ok or bool(self.body["definite"])


@frozen
class Joined(Happened):
    """``after``: what it had seen when it asked, at ``asked_at``."""

    node: str
    epoch: str
    seq: int
    after: int | None
    recovered: bool
    asked_at: float


@frozen
class FrameSeen(Happened):
    seq: int
    text: bytes


@frozen
class Closed(Happened):
    code: int = 0


@frozen
class Odd(Happened):
    """What must not come."""

    what: str


E = TypeVar("E", bound=Happened)


@define(eq=False)
class History:
    name: str
    player: str | None = None
    events: list[Happened] = Factory(list)
    commands: list[Command] = Factory(list)

    def add(self, event: Happened) -> None:
        self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]
