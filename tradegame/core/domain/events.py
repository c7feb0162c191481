"""What applying an entry brings forth: public events in a frame, private ones, and an outcome a command."""

from __future__ import annotations

from attrs import field, frozen

from tradegame.protocol.errors import RuleError
from tradegame.protocol.pushes import Fill, PublicEvent
from tradegame.protocol.replies import CommandOk


@frozen
class Whispered:
    """Private, to ``player`` and ``to``."""

    player: str
    to: str
    text: str


@frozen
class Filled:
    """Private, to ``player``: their part in the trades of an entry, where these are anonymous."""

    player: str
    fills: tuple[Fill, ...]


Private = Whispered | Filled


@frozen
class Frame:
    """Everything public that one entry did. ``seq`` rises by exactly one a frame; ``at`` is the game's clock in ms."""

    seq: int
    at: int
    events: tuple[PublicEvent, ...]


@frozen
class Rejected:
    """A rule said no, and nothing changed."""

    code: str
    message: str

    @classmethod
    def of(cls, error: RuleError) -> Rejected:
        return cls(error.code, error.message)


Result = CommandOk | Rejected
"""What is done is told the ``seq`` of its entry once that is known, before anyone else sees it."""


@frozen
class Outcome:
    """What a command came to. ``replayed``: its key had been seen, this is the first result again.

    ``keys``: for a command with a key, how many keys of its player the game has counted, this one included.
    """

    result: Result
    replayed: bool = False
    keys: int | None = field(default=None, eq=False)


@frozen
class Applied:
    """What applying one entry did.

    ``frame``: None when nothing public happened. ``outcomes``: one a command, in order. ``accounts``: the players
    whose account changed. ``whispers`` and ``fills`` in order. ``seq`` and ``at``: the game's, after it.
    """

    seq: int
    at: int
    frame: Frame | None
    outcomes: tuple[Outcome, ...]
    accounts: tuple[str, ...]
    whispers: tuple[Whispered, ...]
    fills: tuple[Filled, ...] = ()
