"""What happens in a game, as ``game.events()`` yields it. ``at`` in ms since the Unix epoch, by the game's clock."""

from __future__ import annotations

from typing import Any

from attrs import Factory, frozen

from tradegame.client.errors import ProtocolError
from tradegame.client.results import Account, Level
from tradegame.client.wire import Json, decode


@frozen
class Joined:
    """A player has an account in the game from now on."""

    seq: int
    at: int
    player: str
    name: str


@frozen
class Trade:
    """``taker`` is ``buy`` or ``sell``: the side that did not rest. The house trades as ``house``."""

    seq: int
    at: int
    good: str
    price: int
    qty: int
    buyer: str
    seller: str
    taker: str


@frozen
class BookChanged:
    """The best five levels a side, best first."""

    seq: int
    at: int
    good: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@frozen
class Said:
    seq: int
    at: int
    player: str
    text: str


@frozen
class RoundChanged:
    """``phase`` is ``lobby``, ``open`` or ``closed``. ``ends_at`` None: until the host says so.

    ``opened_at``: when it opened, in ms, if it just did. ``settled``: what each unit of a good was paid at this close.
    """

    seq: int
    at: int
    phase: str
    round: int
    ends_at: int | None = None
    opened_at: int | None = None
    settled: dict[str, int] = Factory(dict)


@frozen
class News:
    seq: int
    at: int
    text: str
    good: str | None = None


@frozen
class Whisper:
    """Private: from ``player`` to ``to``, one of whom you are."""

    seq: int
    at: int
    player: str
    to: str
    text: str


@frozen
class AccountChanged:
    """Private: ``game.me`` is new."""

    seq: int
    account: Account


@frozen
class Presence:
    """Who came and who went. After each (re-)join: everyone who is here, in ``online``."""

    online: tuple[str, ...] = ()
    offline: tuple[str, ...] = ()


@frozen
class Reset:
    """Events up to ``seq`` cannot be had (a long absence, or another ``epoch``): ``game.state`` is new as a whole."""

    epoch: str
    seq: int


@frozen
class Lagged:
    """You read too slowly: the ``missed`` oldest events were dropped here. ``game.state`` has missed nothing."""

    missed: int


PublicEvent = Joined | Trade | BookChanged | Said | RoundChanged | News
Event = PublicEvent | Whisper | AccountChanged | Presence | Reset | Lagged

_PUBLIC: dict[str, type[PublicEvent]] = {
    "joined": Joined,
    "trade": Trade,
    "book": BookChanged,
    "said": Said,
    "round": RoundChanged,
    "news": News,
}


def public_events(raw_events: Any, seq: int, at: int) -> list[PublicEvent]:
    """A frame's events, in order. A type of a later server is left out. Raises ProtocolError."""
    if not isinstance(raw_events, list):
        raise ProtocolError(f"the server sent {raw_events!r:.80} as events")
    events: list[PublicEvent] = []
    for raw in raw_events:
        if not isinstance(raw, dict):
            raise ProtocolError(f"the server sent {raw!r:.80} as an event")
        kind = _PUBLIC.get(str(raw.get("type")))
        if kind is not None:
            fields: Json = {"at": at, **raw, "seq": seq}  # an event that knows its own time is right
            events.append(decode(kind, fields))
    return events
