"""The bounds of a definition's values, as msgspec's marks in ``Annotated`` types: what is checked is published."""

from __future__ import annotations

import re
from collections.abc import Sized
from typing import Any

from msgspec import Meta

from tradegame.protocol.bounds import ID, encodable

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


def problem(bound: Meta, value: Any) -> str | None:
    """What was expected of a value of the right type, or None if it is within the bound."""
    if bound.pattern is not None:
        return (
            None
            if re.search(bound.pattern, value)
            else "expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit"
        )
    if bound.max_length is not None:
        return _misfit(bound, value)
    return None if bound.ge <= value <= bound.le else f"expected {bound.ge} to {bound.le}, found {value}"


def _misfit(bound: Meta, value: Sized) -> str | None:
    size, low, high, extra = len(value), bound.min_length or 0, bound.max_length or 0, bound.extra or {}
    if not low <= size <= high or (isinstance(value, str) and not encodable(value)):
        found = f", found {size}" if isinstance(value, dict) else ""
        return f"expected {f'{low} to' if low else 'at most'} {high} {extra['of']}{found}"
    if extra["distinct"] and isinstance(value, tuple) and len(dict.fromkeys(value)) != size:
        return f"expected {extra['of']} that differ from each other"
    return None
