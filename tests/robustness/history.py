"""What a client did and saw: plain records in the order in which they happened, for the checks to read.

Times, in s, are of one clock for all clients.
"""

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
    at: float = 0.0


@frozen
class Answered:
    """The reply to the request ``id``: ``body`` is its ``ok`` or its ``error``."""

    id: int
    command: int
    ok: bool
    body: dict[str, Any]
    at: float = 0.0

    @property
    def settles(self) -> bool:
        """Whether it says what became of the command: not so `nobody knows`, nor `not taken in`."""
        return self.ok or (self.body["definite"] and self.body["code"] not in NOT_TAKEN_IN)

    @property
    def refuses(self) -> bool:
        """Whether it says that the command was not taken in, and so cannot have an effect."""
        return not self.ok and self.body["definite"] and self.body["code"] in NOT_TAKEN_IN


NOT_TAKEN_IN = ("rate_limited", "overloaded", "unavailable", "timeout")
"""Said of the server, not of the command: where it is definite, the command has no effect and may be sent again."""


@frozen
class Signed:
    """A ``hello`` was answered: who the server says this is."""

    player: str


@frozen
class Followed:
    """A ``join`` was answered. ``after``: the last frame that the client told to have seen; None: none.

    ``asked_at``: when it was sent.
    """

    after: int | None
    epoch: str
    seq: int
    recovered: bool
    asked_at: float = 0.0


@frozen
class FrameSeen:
    """An ``events`` frame, as it came: byte for byte."""

    epoch: str
    seq: int
    text: bytes


@frozen
class AccountSeen:
    """An ``account`` push; the account's fingerprint."""

    seq: int
    account: int


def fingerprint(account: str) -> int:
    """What is kept of an account's JSON, as Python writes it. There are very many."""
    return hash(account)


@frozen
class Lost:
    """The connection ended. ``code``: of the server's close frame; None: it was cut. ``unanswered`` counts commands."""

    code: int | None
    unanswered: int
    at: float = 0.0


@frozen
class Stalled:
    """The client did not read, from ``at`` to ``until``."""

    at: float
    until: float


@frozen
class Visit:
    """Somebody who knows nothing looked in at ``url``: a ``join`` sent at ``asked_at`` showed a state at ``seq``."""

    url: str
    asked_at: float
    seq: int


@frozen
class Odd:
    """Something that must never come: in words."""

    what: str


Event = Sent | Answered | Signed | Followed | FrameSeen | AccountSeen | Lost | Stalled | Odd


@define(repr=False)
class History:
    """One client's. ``player``: the id it was given first. ``account``: its ``me`` when all was over."""

    name: str
    player: str = ""
    commands: list[Command] = Factory(list)
    events: list[Event] = Factory(list)
    account: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"History({self.name}, {len(self.commands)} commands, {len(self.events)} events)"

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
