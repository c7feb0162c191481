"""What only HTTP answers: the results of rounds, presets, a node's vitals, and short acknowledgements."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tradegame.protocol.bounds import (
    Balance,
    Bps,
    Coins,
    Count,
    GameId,
    GoodId,
    Millis,
    Pattern,
    PlayerId,
    RecentTrade,
    Role,
    RoundNumber,
    SeatNumber,
    Seq,
    Source,
    Strategy,
    Text,
    Units,
)
from tradegame.protocol.reasons import Why
from tradegame.protocol.rules import Treatment
from tradegame.protocol.seats import SeatView
from tradegame.protocol.state import GameSummary

IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header of a host's call that happens once (draft-ietf-httpapi-idempotency-key-header)."""
KEY_LENGTH = 64
IdempotencyKey = Annotated[
    str,
    Meta(
        max_length=KEY_LENGTH,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="The call happens once, however often it is sent with this key.",
    ),
]
TableFormat = Literal["xlsx", "csv"]
"""Of a game's tables: a workbook, or an archive of CSV files."""
SeparatorName = Literal["comma", "semicolon", "tab"]
"""What stands between the cells of CSV."""
NOT_IN_A_BODY = frozenset({"key", "since", "epoch"})
"""Fields of a host's command that HTTP says elsewhere, or not at all."""


class Equilibrium(Struct, omit_defaults=True):
    """Where supply meets demand: the lowest and the highest such price, and how many units change hands.

    All under the round's taxes and price limits: prices are without taxes. `surplus`: the most that so many make.
    """

    low: Coins
    high: Coins
    qty: Units
    surplus: Coins = 0


class GoodResult(Struct, omit_defaults=True):
    """A good in a closed round. `demand` and `supply`: values dearest first, costs cheapest first; 500 at most.

    Prices are null where nothing was traded, `settled` where the good does not settle, `equilibrium` where nobody
    has private values, nothing can be traded, or the round is `secret`. `mark`: what a unit counted for, and where
    that came from; null for the good with private values. `tape`: the round's last trades, oldest first. `tax`: what
    the taxes on both sides came to.
    """

    trades: Count
    volume: Units
    notional: Coins
    open: Coins | None
    high: Coins | None
    low: Coins | None
    close: Coins | None
    settled: Coins | None
    mark: Coins | None
    mark_source: Source | None
    equilibrium: Equilibrium | None
    demand: tuple[Coins, ...]
    supply: tuple[Coins, ...]
    tape: tuple[RecentTrade, ...]
    tax: Coins = 0


class PlayerResult(Struct, omit_defaults=True):
    """A player in a closed round: what they began with, what they had at its end, and the difference.

    `robot`: the server played it. `stand_in`: a robot sat in for the player when the round closed.
    """

    player: PlayerId
    name: str
    role: Role | None
    start: Balance
    worth: Balance
    gain: Balance
    robot: bool = False
    stand_in: bool = False


class RoundResult(Struct, omit_defaults=True):
    """What a closed round came to. `players`: whoever gained most first, 1000 at most.

    `surplus`: what trade made, `max_surplus` the most that it could have made, `efficiency_bps` the one over the
    other; null without private values. `secret`: all of that, and `players`, `equilibrium`, `demand` and `supply`, is
    the host's until it is revealed, since the same private values stay in force; others get null and empty lists.
    `practice`: it counts for nothing. `treatment`: what was different in it.
    """

    round: RoundNumber
    opened_at: Millis | None
    closed_at: Millis
    efficiency_bps: Bps | None
    surplus: Balance | None
    max_surplus: Coins | None
    goods: dict[GoodId, GoodResult]
    players: tuple[PlayerResult, ...]
    secret: bool = False
    practice: bool = False
    treatment: Treatment | None = None


class Debrief(Struct, omit_defaults=True):
    """The results of the last closed rounds, oldest first."""

    rounds: tuple[RoundResult, ...]


class ComingNews(Struct, omit_defaults=True):
    """Scheduled news that come at `at`, and shift the anchor of `good` by `anchor_bps` basis points."""

    at: Millis
    text: str
    good: GoodId | None
    anchor_bps: Bps


class Coming(Struct, omit_defaults=True):
    """The scheduled news that are left in the open round, the next first."""

    news: tuple[ComingNews, ...]


class Preset(Struct, omit_defaults=True):
    """A game that comes along: its `definition`, every default filled in, is what `POST /v1/games` takes.

    The news that may come in it are there with the admin token only.
    """

    id: str
    title: str
    about: str
    definition: dict[str, Any]


class Defined(Struct, omit_defaults=True):
    """A game's `definition`: what `POST /v1/games` takes to make another like it, under another `id`."""

    definition: dict[str, Any]


class Presets(Struct, omit_defaults=True):
    """The games that come along, in order of the alphabet."""

    presets: tuple[Preset, ...]


class Reach(Struct, omit_defaults=True):
    """Whether a page's WebSocket is let in: a browser does not tell the page why it was refused.

    `reason`: why not, for a person, else null; `setting`: what of config.toml the host has to change, where it is
    one, such as `server.origins`.
    """

    ok: bool
    reason: str | None
    setting: str | None


class Invitation(Struct, omit_defaults=True):
    """How others get to a game: `url` is short, and as people elsewhere have to type it.

    `here_only`: no other machine can open it, since the server listens on this one alone, as far as it knows.
    """

    url: str
    here_only: bool = False


UnreadyPart = Literal["stopping", "process", "register", "clock", "store", "game"]
Unready = tuple[UnreadyPart, str]
"""What keeps a node from being ready, and why, in English."""


class Vitals(Struct, omit_defaults=True):
    """How a node does, over the last ten seconds; null where nothing can be said yet. `reason`: why it is not ready.

    `p99_ms`: of an append to the log. `lag_ms`: the longest that a task which was ready to run had to wait, in the
    last minute. `not_served`: games that are there and not served here. `audit_problems`: must be 0. `part`: what keeps
    the node from being ready: it is `stopping`, its `process` stood still, it is not in the `register` of nodes, its
    `clock` is wrong, the `store` does not answer, or a `game` is not up to date.
    """

    ready: bool
    reason: str | None
    node: str
    version: str
    nodes: Count
    connections: Count
    players_online: Count
    commands_per_s: Count | None
    p99_ms: Count | None
    lag_ms: Count
    not_served: tuple[GameId, ...]
    audit_problems: Count
    part: UnreadyPart | None = None


class Warned(Struct, omit_defaults=True):
    """What of a definition is valid, and yet will not do what its author expects: where it is, and what comes of it.

    `why`: the same as a name with parameters.
    """

    at: str
    message: str
    why: Why | None = None


class Made(GameSummary, omit_defaults=True):
    """The game that was made, as in the list. `warnings`: what `tradegame config` says of the definition, too."""

    warnings: tuple[Warned, ...] = ()


class Telling(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What the host says to a player."""

    text: Text


class Muting(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Whether a player must not speak."""

    muted: bool


class RosterRow(Struct, omit_defaults=True):
    """A player with an account. `name`: what the game calls them; `dealt`: they take part in this round.

    `robot`: the server plays it. `stand_in`: a robot sits in for them. `seat` and `label`: those of the player's seat
    on the roster, if there is one. `ready`: they said so; `right`: how many answers to the quiz were, at best.
    `traded`: in this round. `refused`: how many of their orders and cancellations in a row the rules
    refused, as far as this node knows. `group`: in an entrance, the game that it leads them into.
    """

    player: PlayerId
    name: str
    dealt: bool
    muted: bool
    robot: bool = False
    stand_in: bool = False
    seat: SeatNumber | None = None
    label: str = ""
    ready: bool = False
    right: Count | None = None
    traded: bool = False
    refused: Count = 0
    group: GameId | None = None


class RemovedRow(Struct, omit_defaults=True):
    """A player whose account was removed, and what they were called."""

    player: PlayerId
    name: str


class Roster(Struct, omit_defaults=True):
    """Who may join a game, and who has: `names` and `seats` as the host gave them. `removed`: who may not."""

    locked: bool
    chat: bool
    names: tuple[str, ...]
    seats: tuple[SeatView, ...]
    by_number: bool
    shared: bool
    pattern: Pattern
    removed: tuple[RemovedRow, ...]
    players: tuple[RosterRow, ...]


class Regrouping(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The group that a player is to have: one of the games of the entrance."""

    group: GameId


class Sitting(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Whether a robot sits in for a player, and what it trades by."""

    sits: bool
    strategy: Strategy | None = None


class Robots(Struct, omit_defaults=True):
    """How robots fill up a game, as the host said it last. `wanted`: how many that takes, for those who are here.

    `robots`: those that have an account now. `stand_ins`: the players for whom one sits in.
    """

    fill_to: Count
    even_sides: bool
    strategy: Strategy | None
    sit_in_after_s: Count | None
    wanted: Count
    robots: tuple[PlayerId, ...]
    stand_ins: tuple[PlayerId, ...]


class Done(Struct, omit_defaults=True):
    """It is done, and there is nothing to tell."""


class Published(Struct, omit_defaults=True):
    """It is in the game: `seq` is the game's last frame then. `replayed`: the key's first result again."""

    seq: Seq
    replayed: bool = False
