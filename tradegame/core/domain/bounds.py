"""The bounds of values, as marks in ``Annotated`` types: what is checked, and what is told to machines, is one thing.

``problem`` says what was expected of a value of the right type, or None if it is within the bound.
"""

from __future__ import annotations

import re
from collections.abc import Sized

from attrs import frozen

ID_EXPRESSION = "[a-z0-9][a-z0-9_-]{0,31}"
ID_PATTERN = re.compile(rf"{ID_EXPRESSION}\Z")


@frozen
class Range:
    """An integer from ``low`` to ``high``, both included."""

    low: int
    high: int

    def problem(self, value: int) -> str | None:
        return None if self.low <= value <= self.high else f"expected {self.low} to {self.high}, found {value}"


@frozen
class Length:
    """``low`` to ``high`` characters of a text that UTF-8 can encode, or entries of a list or a table.

    ``distinct``: no entry is there twice.
    """

    low: int
    high: int
    of: str = "characters"
    distinct: bool = False

    def problem(self, value: Sized) -> str | None:
        size = len(value)
        if not self.low <= size <= self.high or (isinstance(value, str) and not encodable(value)):
            found = f", found {size}" if isinstance(value, dict) else ""
            return f"expected {f'{self.low} to' if self.low else 'at most'} {self.high} {self.of}{found}"
        if self.distinct and isinstance(value, tuple) and len(dict.fromkeys(value)) != size:
            return f"expected {self.of} that differ from each other"
        return None


@frozen
class Identifier:
    """The id of a game or a good."""

    def problem(self, value: str) -> str | None:
        if ID_PATTERN.match(value):
            return None
        return "expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit"


Bound = Range | Length | Identifier


def encodable(text: str) -> bool:
    """False for a text with a lone surrogate, which JSON can spell and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
