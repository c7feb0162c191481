"""What a client did and saw: plain records in the order in which they happened, for the checks to read."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define, frozen


@frozen
class Command:
    """What the client meant to happen once. ``fields`` as sent, with ``op``, without ``id``, ``game`` and ``key``.

    Without a ``key`` (messages only) it is sent once and never again.
    """

    key: str | None
    fields: dict[str, Any]


@frozen
class Sent:
    """The command number ``command`` of the history went out as the request ``id``."""

    id: int
    command: int


@frozen
class Answered:
    """The reply to the request ``id``: ``body`` is its ``ok`` or its ``error``."""

    id: int
    command: int
    ok: bool
    body: dict[str, Any]

    @property
    def settles(self) -> bool:
        """Whether it says what became of the command: not so `nobody knows`, nor `not taken in`."""
        return self.ok or (self.body["definite"] and self.body["code"] not in NOT_TAKEN_IN)


NOT_TAKEN_IN = ("rate_limited", "overloaded")


@frozen
class Signed:
    """A ``hello`` was answered: who the server says this is."""

    player: str


@frozen
class Followed:
    """A ``join`` was answered. ``after``: the last frame that the client told to have seen; None: none."""

    after: int | None
    epoch: str
    seq: int
    recovered: bool


@frozen
class FrameSeen:
    """An ``events`` frame, as it came: byte for byte."""

    epoch: str
    seq: int
    text: bytes


@frozen
class AccountSeen:
    """An ``account`` push."""

    seq: int
    account: dict[str, Any]


@frozen
class Lost:
    """The connection ended. ``code``: of the server's close frame; None: it was cut. ``unanswered`` counts commands."""

    code: int | None
    unanswered: int


@frozen
class Odd:
    """Something that must never come: in words."""

    what: str


Event = Sent | Answered | Signed | Followed | FrameSeen | AccountSeen | Lost | Odd


@define
class History:
    """One client's. ``player``: the id it was given first. ``account``: its ``me`` when all was over."""

    name: str
    player: str = ""
    commands: list[Command] = Factory(list)
    events: list[Event] = Factory(list)
    account: dict[str, Any] | None = None

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
