"""What each client did, was told and saw, in its order. Times in s, on one clock for all clients."""

from __future__ import annotations

from typing import Any, TypeVar

from attrs import Factory, define, field, frozen


@define(eq=False)
class Command:
    """What the client meant to happen once. ``fields`` as sent; ``id``, ``game`` and ``key`` may be missing.

    Without a ``key`` (messages only) it is sent once and never again; its text is unique. ``abandoned``: the client
    forgot it, as a page does that is loaded again.
    """

    key: str | None
    fields: dict[str, Any]
    abandoned: bool = field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        return name_of(self.key, self.fields.get("text", ""))


def name_of(key: str | None, text: str) -> str:
    """What a command is counted by: its key, or for a message without one its text."""
    return key if key is not None else f"text:{text}"


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
        """Whether it says what became of the command. Not if nobody knows, nor if the command was not accepted."""
        return self.ok or (self.body["definite"] and self.body["code"] not in (*NOT_ACCEPTED, *OF_THE_COPY))

    @property
    def stale(self) -> bool:
        """Whether it says that this copy came too late: whether an earlier one was done, nobody knows."""
        return not self.ok and self.body["code"] == "stale"

    @property
    def refuses(self) -> bool:
        """Whether it says that the command was not accepted, and so cannot have an effect."""
        return not self.ok and self.body["definite"] and self.body["code"] in NOT_ACCEPTED


NOT_ACCEPTED = ("rate_limited", "overloaded", "unavailable", "timeout")
"""About the server, not the command: where definite, the command has no effect and may be sent again."""
OF_THE_COPY = ("stale", "ahead", "epoch_over", "not_joined", "unknown_game")
"""This copy had no effect. That says nothing of another."""
NOT_THE_RESULT = ("replayed", "keys")
"""What an answer says besides what the command came to."""


@frozen
class Signed:
    """A ``hello`` was answered. ``player``: the id that the server gave."""

    player: str


@frozen
class Followed:
    """A ``join``, sent at ``asked_at``, was answered. ``after``: the last frame the client said it had seen, if any.

    ``shown``: the newest frame that it brought, if the harness knows. If resumed, ``seq`` is only ``after``.
    """

    after: int | None
    epoch: str
    seq: int
    recovered: bool
    asked_at: float = 0.0
    shown: int | None = None


@frozen
class FrameSeen:
    """An ``events`` frame, byte for byte."""

    epoch: str
    seq: int
    text: bytes


@frozen
class AccountSeen:
    """An ``account`` push; the account's fingerprint."""

    seq: int
    account: int


def fingerprint(account: str) -> int:
    """What is kept of an account's JSON, as Python writes it: there are very many."""
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
    """A newcomer joined at ``url``: a ``join`` sent at ``asked_at`` showed a state at ``seq``."""

    url: str
    asked_at: float
    seq: int


@frozen
class Odd:
    """Something that must never happen, in words."""

    what: str


Event = Sent | Answered | Signed | Followed | FrameSeen | AccountSeen | Lost | Stalled | Odd


E = TypeVar("E")


@define(repr=False)
class History:
    """One client's. ``player``: the id it was given first. ``account``: its ``me`` at the end, if it asked.

    ``left``: it went for good, and has not seen the end.
    """

    name: str
    player: str = ""
    commands: list[Command] = Factory(list)
    events: list[Event] = Factory(list)
    account: dict[str, Any] | None = None
    left: bool = False

    def __repr__(self) -> str:
        return f"History({self.name}, {len(self.commands)} commands, {len(self.events)} events)"

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def settling(self) -> list[Answered]:
        """The answers that say what became of a command."""
        return [answered for answered in self.of(Answered) if answered.settles]

    def name_of(self, command: int) -> tuple[str, str]:
        """The player and what that command is counted by."""
        return self.player, self.commands[command].name

    def label(self, command: int) -> str:
        """The command, for a person."""
        return f"{self.name}: {self.commands[command].key} {self.commands[command].fields}"
