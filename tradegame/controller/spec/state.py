"""What is shown of a game: its line in the list, its public state, a player's account, a book, the standings."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from tradegame.controller.spec.schema import ABSENT
from tradegame.controller.spec.words import (
    Balance,
    Coins,
    Count,
    Epoch,
    Level,
    Millis,
    OrderId,
    PlayerId,
    RecentTrade,
    Units,
)
from tradegame.core.use_cases.requests import GameId, GoodId, PhaseName, Price, Qty, Seq, SideName


@frozen(kw_only=True)
class GameSummary:
    """A line of the list of games. ``players``: how many have an account. ``ends_at``: null until the host says so."""

    game: GameId
    title: str
    phase: PhaseName
    round: Count
    ends_at: Millis | None
    players: Count
    goods: list[GoodId]
    epoch: Epoch
    seq: Seq


@frozen(kw_only=True)
class RoundRules:
    """The phases of a round in seconds, and how many rounds there are; 0 for no end."""

    lobby_s: Count
    open_s: Count
    closed_s: Count
    repeat: Count


@frozen(kw_only=True)
class GoodRules:
    """What of a good's definition players may know. ``settlement``: the values of which one is paid at the close."""

    endowment: Units
    house: bool
    private_values: bool
    settlement: list[Coins] | None


@frozen(kw_only=True)
class Rules:
    """What of a game's definition players may know. ``rounds``: null where there is no clock."""

    cash: Coins
    fee_bps: Count
    open_orders: Count
    rounds: RoundRules | None
    goods: dict[GoodId, GoodRules]


@frozen(kw_only=True)
class Market:
    """A good in public: the best five levels a side, best first, and the recent trades, oldest first, at most 200.

    ``last``: the last trade's price; until the first trade the house's anchor, or null where there is no house.
    """

    last: Coins | None
    bids: list[Level]
    asks: list[Level]
    volume: Units
    recent: list[RecentTrade]


@frozen(kw_only=True)
class PublicPlayer:
    name: str


@frozen(kw_only=True)
class Message:
    """What somebody said to everyone."""

    player: PlayerId
    text: str
    at: Millis


@frozen(kw_only=True)
class News:
    """News of the game's, or of the host's; ``good`` if they are about one."""

    text: str
    good: GoodId | None
    at: Millis


@frozen(kw_only=True)
class State:
    """A game's public state: at most 50 messages, oldest first.

    ``opened_at``: when the round opened; ``ends_at``: when the phase ends, null until the host says so. ``settled``:
    what a unit of each good was paid, in a closed round.
    """

    title: str
    about: str
    phase: PhaseName
    round: Count
    ends_at: Millis | None
    opened_at: Millis | None
    rules: Rules
    goods: dict[GoodId, Market]
    players: dict[PlayerId, PublicPlayer]
    messages: list[Message]
    news: list[News]
    settled: dict[GoodId, Coins]


@frozen(kw_only=True)
class GameState(State):
    """One game's public state, with what says where it is: its ``epoch`` and ``seq``."""

    game: GameId
    epoch: Epoch
    seq: Seq


@frozen(kw_only=True)
class OpenOrder:
    """An order that rests in the book; ``qty`` is what is left of it."""

    order: OrderId
    good: GoodId
    side: SideName
    qty: Qty
    price: Price


@frozen(kw_only=True)
class Hint:
    """What a good will not settle at, told to this player alone."""

    good: GoodId
    not_: Coins
    text: str
    at: Millis


@frozen(kw_only=True)
class Account:
    """A player's own: ``cash`` and ``goods`` are what is free, ``held_…`` what open orders hold.

    ``worth``: everything at the last prices; ``start``: what it was when the round began; ``score``: what was gained
    over all closed rounds. ``role`` and ``values``, each unit's value to this player, only in a game with private
    values; ``hints`` only where goods settle.
    """

    cash: Coins
    held_cash: Coins
    goods: dict[GoodId, Units]
    held_goods: dict[GoodId, Units]
    orders: list[OpenOrder]
    worth: Balance
    start: Balance
    score: Balance
    role: Literal["buyer", "seller"] | None = ABSENT
    values: dict[GoodId, list[Coins]] = ABSENT
    hints: list[Hint] = ABSENT


@frozen(kw_only=True)
class Book:
    """One good's book: levels best first."""

    good: GoodId
    bids: list[Level]
    asks: list[Level]
    last: Coins | None
    seq: Seq


@frozen(kw_only=True)
class Standing:
    """A place in the standings. Equal ``worth`` is equal ``rank``; who joined first stands first.

    In a game with private values ``worth`` is the ``score``: the gains of the closed rounds.
    """

    rank: Count
    player: PlayerId
    name: str
    worth: Balance
    score: Balance


@frozen(kw_only=True)
class Standings:
    """The richest players, the richest first, as they were at frame ``seq``: a second ago at most."""

    standings: list[Standing]
    seq: Seq


@frozen(kw_only=True)
class Games:
    """Every game that this node serves."""

    games: list[GameSummary]
