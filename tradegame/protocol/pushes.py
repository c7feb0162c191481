"""What the server sends unasked: a game's numbered frames with their events, and what is told to single players."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from msgspec import Struct, field

from tradegame.protocol import tag_of
from tradegame.protocol.bounds import (
    Coins,
    Count,
    Epoch,
    GameId,
    GoodId,
    Level,
    Millis,
    Phase,
    PlayerId,
    Price,
    Qty,
    RoundNumber,
    Seq,
    Source,
    Taker,
)
from tradegame.protocol.rules import Treatment
from tradegame.protocol.state import Account, Fill


class Event(Struct, omit_defaults=True, tag_field="type"):
    """The base of every public event."""


class Joined(Event, tag="joined"):
    """Somebody opened an account; `robot`: the server plays it."""

    player: PlayerId
    name: str
    robot: bool = False


class Removed(Event, tag="removed"):
    """The host took a player's account away, or a robot left."""

    player: PlayerId


class SeatChanged(Event, tag="seat"):
    """A robot sits in for a player from now on, or no more."""

    player: PlayerId
    stand_in: bool


class Trade(Event, tag="trade"):
    """A trade, at the resting order's price. `taker`: the side that did not rest; `number` counts the game's trades.

    In an anonymous game it names neither `buyer` nor `seller`: see `fills`.
    """

    good: GoodId
    price: Price
    qty: Qty
    taker: Taker
    buyer: PlayerId | None = None
    seller: PlayerId | None = None
    number: Count = 0


class BookChanged(Event, tag="book"):
    """The best five levels a side, best first, when a frame changed them; at most one a good a frame."""

    good: GoodId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class MarkChanged(Event, tag="mark"):
    """What a unit of a good counts for changed, or where that comes from; at most one a good a frame."""

    good: GoodId
    mark: Coins
    mark_source: Source


class Said(Event, tag="said"):
    """Somebody said something to everyone; `number` counts the game's messages."""

    player: PlayerId
    text: str
    number: Count = 0


class Unsaid(Event, tag="unsaid"):
    """The host deleted a message."""

    number: Count


class AccessChanged(Event, tag="access"):
    """`locked`: nobody new may have an account. `chat`: people may speak. `reports`: each may read their own."""

    locked: bool
    chat: bool
    reports: bool = False


class RoundChanged(Event, tag="round"):
    """The phase changed. `ends_at`: null until the host says so. `opened_at`: when it opened, if it just did.

    `settled`: what a unit of each good was paid, where goods settle and the round has closed. `treatment`: what is
    different in this round. `over`: this was the last round; `winners`: who gained most in all rounds together.
    """

    phase: Phase
    round: RoundNumber
    ends_at: Millis | None
    opened_at: Millis | None = None
    settled: dict[GoodId, Coins] = field(default_factory=dict)
    treatment: Treatment | None = None
    over: bool = False
    winners: tuple[PlayerId, ...] = ()


class ClockChanged(Event, tag="clock"):
    """The host paused the game, let it go on, or gave the phase more time. `paused_at`: since when it is paused.

    While it is, `ends_at` less `paused_at` is what is left of the phase.
    """

    ends_at: Millis | None
    paused_at: Millis | None = None


class Revealed(Event, tag="revealed"):
    """The host lets everybody read what the closed rounds came to. `round`: the present one.

    `winners`: who gained most in all rounds together, if the last one is closed.
    """

    round: RoundNumber
    winners: tuple[PlayerId, ...] = ()


class News(Event, tag="news"):
    """News, about `good` if there is one."""

    text: str
    good: GoodId | None = None


PublicEvent = (
    Joined
    | Removed
    | SeatChanged
    | Trade
    | BookChanged
    | MarkChanged
    | Said
    | Unsaid
    | AccessChanged
    | RoundChanged
    | ClockChanged
    | Revealed
    | News
)


class Push(Struct, omit_defaults=True, tag_field="push"):
    """The base of every frame that carries `push` and no `id`."""


class Events(Push, tag="events"):
    """Everything public that one step of the game did. `seq` rises by exactly one from frame to frame.

    A client that sees any other number has lost something, and joins again. Other types of events may be added: a
    client ignores those that it does not know.
    """

    game: GameId
    epoch: Epoch
    seq: Seq
    at: Millis
    events: tuple[PublicEvent, ...]


class AccountChanged(Push, tag="account"):
    """The player's account, when a frame changed it: to each of their connections that has joined the game."""

    game: GameId
    seq: Seq
    account: Account


class Whisper(Push, tag="whisper"):
    """What `player` said to `to` alone: to the connections of both that have joined the game."""

    game: GameId
    seq: Seq
    player: PlayerId
    to: PlayerId
    text: str
    at: Millis


class Fills(Push, tag="fills"):
    """The player's own trades in a frame: to each of their connections that has joined the game."""

    game: GameId
    seq: Seq
    at: Millis
    fills: tuple[Fill, ...]


class Presence(Push, tag="presence"):
    """Who came and who went; soon after a join, everyone who is there. To fold both alike: add, then remove."""

    game: GameId
    online: Sequence[PlayerId]
    offline: Sequence[PlayerId]


class Gone(Push, tag="gone"):
    """The game was deleted, or this node stopped serving it: no more of this `epoch` comes from here."""

    game: GameId
    epoch: Epoch


class Device(Push, tag="device"):
    """Another device signed in as this player, by a code or a personal link: to the connections of all others."""


AnyPush = Events | AccountChanged | Whisper | Fills | Presence | Gone | Device
PUSHES: dict[str, type[Push]] = {tag_of(push): push for push in get_args(AnyPush)}
"""Every push by its name."""
EVENTS: dict[str, type[Event]] = {tag_of(event): event for event in get_args(PublicEvent)}
"""Every public event by its ``type``."""
