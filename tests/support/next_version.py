"""A node of a version to come, as far as the others can see: it has another number, and its records say more.

What a next release may add to the records that nodes read of each other: fields, of any form, under the same schema.
(A game's meta is another matter: its form belongs to the version of the rules, which stands in it.)
"""

from __future__ import annotations

from typing import Any

import tradegame
from tradegame.infra.kv import codec, connections, sessions

VERSION = "99.0.0"
MORE: dict[str, Any] = {"region": "north", "capacity": {"connections": 20_000, "games": [1, 2]}, "since_version": None}


def pretend() -> None:
    """From here on this process is of that version. Call it before anything runs."""
    tradegame.__version__ = VERSION
    connections.encode = _encode  # type: ignore[attr-defined]
    sessions.encode = _encode  # type: ignore[attr-defined]


def _encode(record: Any) -> bytes:
    fields = codec.decode_fields("a record of our own", codec.encode(record))
    return codec.encode({**fields, **MORE})
