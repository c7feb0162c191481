"""What ``game.events()`` yields: the protocol's events, with the ``seq`` of their frame, and what else happens.

``at`` in ms since the Unix epoch, by the game's clock.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from tradegame.client.errors import ProtocolError
from tradegame.client.vocabulary import PublicEvent
from tradegame.client.wire import decode
from tradegame.protocol.pushes import EVENTS, AccountChanged, Fills, Presence, Whisper


@frozen
class Reset:
    """Events up to ``seq`` cannot be had (a long absence, or another ``epoch``): ``game.state`` is new as a whole."""

    epoch: str
    seq: int


@frozen
class Lagged:
    """You read too slowly: the ``missed`` oldest events were dropped here. ``game.state`` has missed nothing."""

    missed: int


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
