"""What happens in a game, as ``game.events()`` yields it: the protocol's events, with the ``seq`` of their frame.

``at`` in ms since the Unix epoch, by the game's clock.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from tradegame.client.errors import ProtocolError
from tradegame.client.wire import decode
from tradegame.protocol import pushes
from tradegame.protocol.pushes import EVENTS, AccountChanged, Fills, Presence, Whisper


class Joined(pushes.Joined, tag="joined"):
    """A player has an account in the game from now on."""

    seq: int = 0
    at: int = 0


class Trade(pushes.Trade, tag="trade"):
    """``taker`` is ``buy`` or ``sell``: the side that did not rest. The house trades as ``house``.

    In an anonymous game ``buyer`` and ``seller`` are None: your own trades come as ``Fills``.
    """

    seq: int = 0
    at: int = 0


class BookChanged(pushes.BookChanged, tag="book"):
    """The best five levels a side, best first."""

    seq: int = 0
    at: int = 0


class MarkChanged(pushes.MarkChanged, tag="mark"):
    """What a unit of a good counts for in worth changed, or where that comes from."""

    seq: int = 0
    at: int = 0


class Said(pushes.Said, tag="said"):
    """Somebody said something to everyone."""

    seq: int = 0
    at: int = 0


class RoundChanged(pushes.RoundChanged, tag="round"):
    """``phase`` is ``lobby``, ``open`` or ``closed``. ``ends_at`` None: until the host says so.

    ``opened_at``: when it opened, in ms, if it just did. ``settled``: what each unit of a good was paid at this close.
    """

    seq: int = 0
    at: int = 0


class Revealed(pushes.Revealed, tag="revealed"):
    """The host lets everybody read what the closed rounds came to."""

    seq: int = 0
    at: int = 0


class News(pushes.News, tag="news"):
    """News, about ``good`` if there is one."""

    seq: int = 0
    at: int = 0


@frozen
class Reset:
    """Events up to ``seq`` cannot be had (a long absence, or another ``epoch``): ``game.state`` is new as a whole."""

    epoch: str
    seq: int


@frozen
class Lagged:
    """You read too slowly: the ``missed`` oldest events were dropped here. ``game.state`` has missed nothing."""

    missed: int


PublicEvent = Joined | Trade | BookChanged | MarkChanged | Said | RoundChanged | Revealed | News
Event = PublicEvent | Whisper | Fills | AccountChanged | Presence | Reset | Lagged


def public_events(raw_events: Any, seq: int, at: int) -> tuple[PublicEvent, ...]:
    """A frame's events, in order. A type of a later server is left out. Raises ProtocolError."""
    if not isinstance(raw_events, list):
        raise ProtocolError(f"the server sent {raw_events!r:.80} as events")
    known = [each for each in raw_events if not isinstance(each, dict) or str(each.get("type")) in EVENTS]
    events: tuple[PublicEvent, ...] = decode(tuple[PublicEvent, ...], known)
    for event in events:
        event.seq = seq
        event.at = event.at or at  # an event that knows its own time is right
    return events
