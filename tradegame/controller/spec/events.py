"""What the server sends unasked: a game's numbered frames with their events, and what is told to single players."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from tradegame.controller.spec.schema import ABSENT
from tradegame.controller.spec.state import Account
from tradegame.controller.spec.words import Coins, Count, Epoch, Level, Millis, PlayerId
from tradegame.core.use_cases.requests import GameId, GoodId, PhaseName, Price, Qty, Seq


@frozen(kw_only=True)
class JoinedEvent:
    """Somebody opened an account."""

    type: Literal["joined"]
    player: PlayerId
    name: str


@frozen(kw_only=True)
class TradeEvent:
    """A trade, at the resting order's price. ``taker``: the side that did not rest."""

    type: Literal["trade"]
    good: GoodId
    price: Price
    qty: Qty
    buyer: PlayerId
    seller: PlayerId
    taker: Literal["buy", "sell"]


@frozen(kw_only=True)
class BookEvent:
    """The best five levels a side, best first, when a frame changed them; at most one a good a frame."""

    type: Literal["book"]
    good: GoodId
    bids: list[Level]
    asks: list[Level]


@frozen(kw_only=True)
class SaidEvent:
    """Somebody said something to everyone."""

    type: Literal["said"]
    player: PlayerId
    text: str


@frozen(kw_only=True)
class RoundEvent:
    """The phase changed. ``ends_at``: null until the host says so. ``opened_at``: when it opened, if it just did.

    ``settled``: what a unit of each good was paid, where goods settle and the round has closed.
    """

    type: Literal["round"]
    phase: PhaseName
    round: Count
    ends_at: Millis | None
    opened_at: Millis = ABSENT
    settled: dict[GoodId, Coins] = ABSENT


@frozen(kw_only=True)
class NewsEvent:
    """News, about ``good`` if there is one."""

    type: Literal["news"]
    text: str
    good: GoodId = ABSENT


Event = JoinedEvent | TradeEvent | BookEvent | SaidEvent | RoundEvent | NewsEvent


@frozen(kw_only=True)
class Events:
    """Everything public that one step of the game did. ``seq`` rises by exactly one from frame to frame.

    A client that sees any other number has lost something, and joins again. Other types of events may be added: they
    are to be ignored by who does not know them.
    """

    push: Literal["events"]
    game: GameId
    epoch: Epoch
    seq: Seq
    at: Millis
    events: list[Event]


@frozen(kw_only=True)
class AccountChanged:
    """The player's account, when a frame changed it: to each of his connections that has joined the game."""

    push: Literal["account"]
    game: GameId
    seq: Seq
    account: Account


@frozen(kw_only=True)
class Whisper:
    """What ``player`` said to ``to`` alone: to the connections of both that have joined the game."""

    push: Literal["whisper"]
    game: GameId
    seq: Seq
    player: PlayerId
    to: PlayerId
    text: str
    at: Millis


@frozen(kw_only=True)
class Presence:
    """Who came and who went; soon after a join, everyone who is there. To fold both alike: add, then remove."""

    push: Literal["presence"]
    game: GameId
    online: list[PlayerId]
    offline: list[PlayerId]


@frozen(kw_only=True)
class Gone:
    """The game was deleted, or this node stopped serving it: no more of this ``epoch`` comes from here."""

    push: Literal["gone"]
    game: GameId
    epoch: Epoch


PUSHES: tuple[type, ...] = (Events, AccountChanged, Whisper, Presence, Gone)
"""Every frame that carries ``push`` and no ``id``."""
