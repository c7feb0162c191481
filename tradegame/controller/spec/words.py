"""The kinds of values in what the server sends, by name: units, ranges, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NewType

from tradegame.controller.websocket import values
from tradegame.controller.websocket.protocol import MAX_ID, MAX_NUMBER, MIN_NUMBER

Coins = NewType("Coins", int)
Balance = NewType("Balance", int)
Units = NewType("Units", int)
Count = NewType("Count", int)
Millis = NewType("Millis", int)
Bps = NewType("Bps", int)
PlayerId = NewType("PlayerId", str)
Epoch = NewType("Epoch", str)
OrderId = NewType("OrderId", str)
SitePath = NewType("SitePath", str)
Level = NewType("Level", list[int])
RecentTrade = NewType("RecentTrade", list[int])
RequestId = NewType("RequestId", Any)  # type: ignore[valid-newtype]  # of two types

_OPAQUE = {"minLength": 1, "maxLength": 64}
_ID = [
    {"type": "integer", "minimum": MIN_NUMBER, "maximum": MAX_NUMBER},
    {"type": "string", "maxLength": MAX_ID},
]

WORDS: Mapping[Any, Mapping[str, Any]] = {
    **{name: kind.schema for name, kind in values.KINDS.items()},
    Coins: {"minimum": 0, "description": "Coins, as a whole number."},
    Balance: {"description": "Coins, as a whole number; below 0 for what was lost."},
    Units: {"minimum": 0, "description": "Whole units of a good."},
    Count: {"minimum": 0, "description": "How many."},
    Millis: {"minimum": 0, "description": "Milliseconds since the Unix epoch."},
    Bps: {"description": "Basis points: hundredths of a percent."},
    PlayerId: {**_OPAQUE, "description": "A player's id: nothing can be read from it. The house trades as `house`."},
    Epoch: {**_OPAQUE, "description": "This life of the game: another when it is deleted and made anew."},
    OrderId: {**_OPAQUE, "description": "An order's id: nothing can be read from it."},
    SitePath: {"minLength": 1, "examples": ["css/base.css"], "description": "It may have slashes."},
    Level: {"minItems": 2, "maxItems": 2, "description": "A price level: `[price, qty]`."},
    RecentTrade: {"minItems": 3, "maxItems": 3, "description": "A trade: `[at, price, qty]`."},
    RequestId: {"anyOf": _ID, "description": "The client's own: the reply carries it. Without one, only errors come."},
}
"""Every word's schema, the requests' own included."""
