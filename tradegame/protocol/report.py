"""A player's report: what `GET /v1/games/{game}/report` answers to that player alone."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tradegame.protocol.bounds import (
    Balance,
    Coins,
    Count,
    GameId,
    GoodId,
    Millis,
    PlayerId,
    Role,
    Side,
    Source,
    Units,
)
from tradegame.protocol.http import Equilibrium
from tradegame.protocol.state import Position

ReportKey = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{1,64}\.[A-Za-z0-9_-]{22}\Z",
        description="Leads to one player's report: the player's id, a dot, and 128 bits. A secret.",
    ),
]


class ReportedGood(Struct, omit_defaults=True):
    """A good in a closed round, as everybody saw it. `prices`: trades, `[at, price]`, oldest first, thinned out."""

    trades: Count
    settled: Coins | None
    mark: Coins | None
    mark_source: Source | None
    prices: tuple[tuple[Millis, Coins], ...]


class ReportedRound(Struct, omit_defaults=True):
    """A closed round, as everybody saw it: the goods that were traded in it. `practice`: it counts in no total."""

    round: Count
    opened_at: Millis | None
    closed_at: Millis
    goods: dict[GoodId, ReportedGood]
    practice: bool = False


class OwnTrade(Struct, omit_defaults=True):
    """A trade of the player's. `value`: what its units counted for to the player at the close, by mark or private
    values; `gain`: of `value`, price and `fee`, what the trade made. `maker`: the player's order had rested.
    """

    trade: Count
    at: Millis
    good: GoodId
    side: Side
    price: Coins
    qty: Units
    fee: Coins
    value: Balance
    gain: Balance
    maker: bool = False


class OwnRound(Struct, omit_defaults=True):
    """A closed round that the player took part in. `worth - start` is the `gain`.

    `values`: the player's private ones, else null. `goods`: what they traded, as in an account. `trades`: the last 200,
    oldest first. `partial`: the server does not have the whole round any more, and `values` and `trades` are less than
    there were.
    """

    round: Count
    role: Role | None
    values: tuple[Coins, ...] | None
    start: Balance
    worth: Balance
    gain: Balance
    goods: dict[GoodId, Position]
    trades: tuple[OwnTrade, ...]
    partial: bool = False


class Own(Struct, omit_defaults=True):
    """What the player did. `total`: the score, of all closed rounds; `rounds`: the last 30, oldest first."""

    total: Balance
    rounds: tuple[OwnRound, ...]


class ComparedRound(Struct, omit_defaults=True):
    """The player's `rank` by gain among the `players` who took part. `equilibrium`: of the good with private values.

    `price` is in its middle, rounded down; `possible`: what the player would have gained by trading each unit that
    brings a gain at that price. Null without private values, or where nothing could be traded.
    """

    round: Count
    rank: Count
    players: Count
    equilibrium: Equilibrium | None
    price: Coins | None
    possible: Coins | None


class Compared(Struct, omit_defaults=True):
    """How the player did among all: the `rank` by total among the `players` who took part, and round by round."""

    rank: Count
    players: Count
    rounds: tuple[ComparedRound, ...]


class Report(Struct, omit_defaults=True):
    """A player's own report on the closed rounds. `good`: the one with private values, if there is one.

    `secret`: `compared` is left out, since private values stay in force and others' could be computed from it.
    `partial`: the game's log does not begin with the game any more. `key`: what leads here without a session.
    """

    game: GameId
    title: str
    player: PlayerId
    name: str
    good: GoodId | None
    rounds: tuple[ReportedRound, ...]
    own: Own
    compared: Compared | None = None
    secret: bool = False
    partial: bool = False
    key: ReportKey = ""
