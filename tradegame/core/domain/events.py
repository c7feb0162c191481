"""What applying an entry brings forth: public events in a frame, private ones, and an outcome a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from tradegame.protocol.bounds import Became
from tradegame.protocol.errors import RULE_ERRORS, RuleError
from tradegame.protocol.pushes import PublicEvent
from tradegame.protocol.reasons import Why
from tradegame.protocol.replies import CommandOk
from tradegame.protocol.state import Fill


class Whispered(Struct, frozen=True):
    """Private, to ``player`` and ``to``."""

    player: str
    to: str
    text: str


class Filled(Struct, frozen=True):
    """Private, to ``player``: their part in the trades of an entry, in the order of these."""

    player: str
    fills: tuple[Fill, ...]


Private = Whispered | Filled


class Frame(Struct, frozen=True):
    """Everything public that one entry did. ``seq`` rises by exactly one a frame; ``at`` is the game's clock in ms."""

    seq: int
    at: int
    events: tuple[PublicEvent, ...]


class Rejected(Struct, frozen=True):
    """A rule said no, and nothing changed. ``became``: of an order that is gone. ``why``: the message, for programs."""

    code: str
    message: str
    became: Became | None = None
    why: Why | None = None

    @classmethod
    def of(cls, error: RuleError) -> Rejected:
        return cls(error.code, error.message, error.became, error.why)

    def error(self) -> RuleError:
        """The error that it was of."""
        error = RULE_ERRORS[self.code](self.why or self.message)
        error.became = self.became
        return error


Result = CommandOk | Rejected
"""What is done is told the ``seq`` of its entry once that is known, before anyone else sees it."""


class Outcome(Struct, frozen=True, gc=False, eq=False):
    """What a command came to. ``replayed``: its key had been seen, this is the first result again.

    ``keys``: for a command with a key, how many keys of its player the game has counted, this one included. It is no
    part of what makes two outcomes equal.

    A ``Struct``, because there is one for each command: it is made in 0.04 µs, a frozen attrs class in 0.6.
    """

    result: Result
    replayed: bool = False
    keys: int | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and (self.result, self.replayed) == (other.result, other.replayed)


class Applied(Struct, frozen=True):
    """What applying one entry did.

    ``frame``: None when nothing public happened. ``outcomes``: one a command, in order. ``accounts``: the players
    whose account changed. ``whispers`` in order. ``fills``: by player, packed (see `blotter`), since most have no
    connection to this node. ``seq`` and ``at``: the game's, after it.
    """

    seq: int
    at: int
    frame: Frame | None
    outcomes: tuple[Outcome, ...]
    accounts: tuple[str, ...]
    whispers: tuple[Whispered, ...]
    fills: Mapping[str, Sequence[bytes]] = {}
