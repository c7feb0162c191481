"""What a game's log holds: commands, and the entry that carries them.

A command is what a player asked (see ``requests``), or what the host or a node did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from copy import copy
from typing import ClassVar, Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from tradegame.protocol.bounds import (
    AddedSeconds,
    AwaySeconds,
    Choice,
    Count,
    Epoch,
    FillTo,
    Flag,
    GoodId,
    Key,
    MessageNumber,
    NewsText,
    Pattern,
    Phase,
    PlayerId,
    SeatNumber,
    ShiftBps,
    Since,
    Strategy,
    Text,
)
from tradegame.protocol.ops import HostCommand, WithOp
from tradegame.protocol.requests import AnyCommand


class Join(WithOp, kw_only=True, tag="join"):
    """Open an account, endowed by the game's definition, unless there is one. What it chooses counts either way.

    ``skeleton``: the same for names that look the same; "" if it is the name itself (see ``names``). ``label``: that
    of the roster's seat which the player has; ``look``: what it is compared by (see ``labels``). ``team``: what
    the roster of the entrance says, in one of its groups. ``robot``: its player says that it is one.
    """

    rules_from: ClassVar[int] = 3

    player: str
    name: str
    skeleton: str = ""
    label: str = ""
    look: str = ""
    team: str = ""
    robot: bool = False
    cancel_on_disconnect: Choice | None = None
    key: Key | None = None
    since: Since | None = None
    epoch: Epoch | None = None


class Arrive(HostCommand, kw_only=True, tag="arrive"):
    """A node has connections of these players: who has departed is back, and an open round deals to them.

    ``by_robot``: the connections are of robots in these players' seats, so nobody is back.
    """

    players: tuple[PlayerId, ...]
    by_robot: bool = False


class Depart(HostCommand, kw_only=True, tag="depart"):
    """No node has a connection of these players: the orders of those who chose it are withdrawn after a grace.

    Robots that are not the server's leave the game, unless a round is open that the clock will close.
    """

    players: tuple[PlayerId, ...]


class Remove(HostCommand, kw_only=True, tag="remove"):
    """Take the player `account` out of the game, until they are readmitted; ``moved``: out of this group alone."""

    account: PlayerId
    moved: bool = False


class Readmit(HostCommand, kw_only=True, tag="readmit"):
    """Let the player `account`, who was removed, join anew."""

    account: PlayerId


class Mute(HostCommand, kw_only=True, tag="mute"):
    """Let the player `account` not speak, or speak again."""

    account: PlayerId
    muted: bool = True


class Tell(HostCommand, kw_only=True, tag="tell"):
    """Say something to the player `account` alone."""

    account: PlayerId
    text: Text


class Unsay(HostCommand, kw_only=True, tag="unsay"):
    """Delete the message of this number."""

    message: MessageNumber


class SetAccess(HostCommand, kw_only=True, tag="access"):
    """What is open to players; what is left out stays as it is.

    `locked`: nobody new may have an account. `chat`: people may speak. `reports`: each may read their own report.
    """

    locked: bool | None = None
    chat: bool | None = None
    reports: bool | None = None


class SeatRow(Struct, array_like=True, frozen=True):
    """A seat of a roster. ``look``: what its label is compared by (see ``labels``). But for these two, "" is none."""

    label: str
    look: str
    name: str = ""
    group: str = ""
    team: str = ""


class SetRoster(HostCommand, kw_only=True, tag="roster"):
    """Only who has a seat, or one of these names, may join, a name as often as it is there; all may if there is none.

    ``names``: each with its skeleton (see ``names``). ``by_number``: a label leads to its seat; where there are no
    seats any label does that has the ``pattern``. ``shared``: several people may enter with one label.
    """

    names: tuple[tuple[str, str], ...] = ()
    seats: tuple[SeatRow, ...] = ()
    by_number: bool = False
    shared: bool = False
    pattern: Pattern = ""


class RenewSeat(HostCommand, kw_only=True, tag="seat"):
    """The links to a seat lead to it no longer; ``barred``: nor does anything else, until it is renewed again."""

    seat: SeatNumber
    barred: bool = False


class SetGroup(HostCommand, kw_only=True, tag="group"):
    """The player `account` has another group, by its number from 1: see `groups` of the definition."""

    account: PlayerId
    number: Count


class SetRobots(HostCommand, kw_only=True, tag="robots"):
    """Let robots fill up the game: to so many players, to even sides, or both. Without either they all go, at once.

    `sit_in_after_s`: a robot sits in by itself for a player who takes part in the open round and is away that long.
    """

    fill_to: FillTo = 0
    even_sides: bool = False
    strategy: Strategy | None = None
    sit_in_after_s: AwaySeconds | None = None


class Staff(HostCommand, kw_only=True, tag="staff"):
    """A node has counted who is here: so many ``robots`` are needed."""

    robots: Count


class SitIn(HostCommand, kw_only=True, tag="sit_in"):
    """Let a robot sit in for the player `account`, or not any more.

    ``by_itself``: a node says so, since the player is away. Then the seat is the player's again as soon as a node has a
    connection of theirs.
    """

    account: PlayerId
    sits: bool = True
    strategy: Strategy | None = None
    by_itself: bool = False


class SetPhase(HostCommand, kw_only=True, tag="phase"):
    """Open or close a game. From `closed`, or back to `lobby`, a new round begins.

    `last`: with `closed`, it was the last round: the game is over, until another one begins.
    """

    phase: Phase
    last: Flag = False

    def __post_init__(self) -> None:
        if self.last and self.phase != "closed":
            raise ValueError("Expected `closed` for the last round - at `$.phase`")


class Pause(HostCommand, kw_only=True, tag="pause"):
    """Stop a game's clock, or let it go on. Meanwhile nobody trades, and orders rest."""

    paused: bool


class AddTime(HostCommand, kw_only=True, tag="time"):
    """Let the phase end so many seconds later."""

    add_s: AddedSeconds


class Announce(HostCommand, kw_only=True, tag="news"):
    """Announce something, and shift the anchor of `good` by `anchor_bps` basis points, which needs a good."""

    needs = (("anchor_bps", "good"),)

    text: NewsText
    good: GoodId | None = None
    anchor_bps: ShiftBps = 0

    def __post_init__(self) -> None:
        if self.anchor_bps and self.good is None:
            raise ValueError("Expected the good whose anchor it shifts - at `$.good`")


class Reveal(HostCommand, kw_only=True, tag="reveal"):
    """Let everybody read what closed rounds came to, though private values last; until the next round opens."""


class SetClock(HostCommand, kw_only=True, tag="clock"):
    """A node's clock was set, and no round is open: the game's goes forward to ``time``, in ms since the Unix epoch.

    A phase that is under way ends as much later, so that none is lost.
    """

    time: int


Command = (
    Join
    | AnyCommand
    | Arrive
    | Depart
    | Remove
    | Readmit
    | Mute
    | SetRobots
    | Staff
    | SitIn
    | Tell
    | Unsay
    | SetAccess
    | SetRoster
    | RenewSeat
    | SetGroup
    | SetPhase
    | Pause
    | AddTime
    | Announce
    | Reveal
    | SetClock
)
"""What a game's log may hold."""


class Entry(Struct):
    """What one append carries: the commands in their order, and the appending node's clock ``at`` in ms.

    ``slept_at``: the node, which served the game alone, did not run from then to ``at``: a pause began then.
    """

    at: int
    commands: tuple[Command, ...] = ()
    slept_at: int | None = None


class _Stored(Struct, forbid_unknown_fields=True):
    """An entry as it is written down."""

    schema: Literal[1]
    at: int
    commands: tuple[Command, ...]
    slept_at: int | None = None


_encode = msgspec.json.Encoder().encode
_entries = msgspec.json.Decoder(_Stored)
_digest = hashlib.blake2b(digest_size=8)
_OF_PEOPLE = "player", "name", "skeleton", "label", "look", "team"
_WHOSE = {kind: [each.name for each in fields(kind) if each.name in _OF_PEOPLE] for kind in get_args(Command)}
"""The fields that say whose command it is, all of them texts."""


def payload_digest(command: Command) -> str:
    """16 hex digits that differ when the payload differs: what a ``key`` is compared by.

    It is over the command as the log has it, without whose it is, the key itself, ``since`` and ``epoch``; a joining
    player's name is left out, too. What is as by default is no part of it, so a command keeps its digest when it gets
    another field. To encode a copy takes 1 µs, to gather the fields one by one took 2.7.
    """
    said = copy(command)
    said.key = said.since = said.epoch = None
    for name in _WHOSE[type(command)]:
        setattr(said, name, "")
    hashed = _digest.copy()
    hashed.update(_encode(said))
    return hashed.hexdigest()


def encode_command(command: Command) -> bytes:
    """A command as the log has it. Raises UnicodeEncodeError for text that UTF-8 cannot encode."""
    return _encode(command)


def encode_entry(entry: Entry) -> bytes:
    """An entry as the log keeps it: one line of JSON, readable."""
    return join_entry(entry.at, [_encode(command) for command in entry.commands], entry.slept_at)


def join_entry(at: int, commands: Iterable[bytes], slept_at: int | None = None) -> bytes:
    """An entry made of commands that are encoded already."""
    slept = b"" if slept_at is None else b',"slept_at":%d' % slept_at
    return b'{"schema":1,"at":%d%b,"commands":[%b]}' % (at, slept, b",".join(commands))


def decode_entry(value: bytes) -> Entry:
    """The entry that ``encode_entry`` wrote.

    Raises ValueError for anything else, an entry of an unknown schema included.
    """
    try:
        stored = _entries.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not an entry of a game's log: {error}") from error
    for command in stored.commands:
        if not command.player:
            raise ValueError("not an entry of a game's log: a command of nobody")
    return Entry(stored.at, stored.commands, stored.slept_at)
