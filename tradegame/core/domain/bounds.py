"""The bounds of a definition's values, as msgspec's marks in ``Annotated`` types: what is checked is published."""

from __future__ import annotations

import re
from collections.abc import Sized
from typing import Any, cast

from msgspec import Meta

from tradegame.protocol.bounds import ID, encodable
from tradegame.protocol.reasons import Why, why

IDENTIFIER = Meta(pattern=ID)
"""The id of a game or a good."""


def within(low: int, high: int) -> Meta:
    """An integer from ``low`` to ``high``, both included."""
    return Meta(ge=low, le=high)


def length(low: int, high: int, of: str = "characters", *, distinct: bool = False) -> Meta:
    """``low`` to ``high`` characters of a text that UTF-8 can encode, or entries of a list or a table.

    ``distinct``: no entry is there twice.
    """
    schema = {"uniqueItems": True} if distinct else None
    return Meta(min_length=low, max_length=high, extra={"of": of, "distinct": distinct}, extra_json_schema=schema)


def problem(bound: Meta, value: Any) -> Why | None:
    """What was expected of a value of the right type, or None if it is within the bound."""
    if bound.pattern is not None:
        return None if re.search(bound.pattern, value) else why("need_id")
    if bound.max_length is not None:
        return _misfit(bound, value)
    low, high = cast("int", bound.ge), cast("int", bound.le)
    return None if low <= value <= high else why("need_range", low=low, high=high, found=value)


def _misfit(bound: Meta, value: Sized) -> Why | None:
    size, low, high, extra = len(value), bound.min_length or 0, bound.max_length or 0, bound.extra or {}
    if not low <= size <= high or (isinstance(value, str) and not encodable(value)):
        if isinstance(value, dict):
            return why("need_entries_found", low=low, high=high, of=extra["of"], found=size)
        kind = "characters" if isinstance(value, str) else "entries"
        return why(f"need_{kind}" if low else f"need_{kind}_at_most", low=low, high=high, of=extra["of"])
    if extra["distinct"] and isinstance(value, tuple) and len(dict.fromkeys(value)) != size:
        return why("need_distinct", of=extra["of"])
    return None
