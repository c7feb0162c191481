"""What a column holds. A table is declared once, as a class: header, codebook and both formats follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, get_args, get_type_hints

import msgspec
from attrs import frozen
from msgspec import Struct


class Kind(Enum):
    """How a value is written. ``ID`` and ``WORD`` are the game's own; a ``TEXT`` people have written."""

    INTEGER = "integer"
    ID = "text (id)"
    WORD = "text (word)"
    TEXT = "text"
    TIME = "time"
    FLAG = "true or false"


@frozen
class Of:
    """The kind and the unit of a column's values."""

    kind: Kind
    unit: str = ""


class EachRound:
    """Marks a column that there is once for each round; its values are a tuple."""


@frozen
class Column:
    """``meaning``: for the codebook. ``unit``: "" if it has none."""

    name: str
    kind: Kind
    unit: str
    meaning: str


class Row(Struct):
    """The base of the classes of rows: a field a column, in order, its type with an `Of` and its meaning."""

    sheet: ClassVar[str]
    """The table's name: of the sheet, and of the file."""
    about: ClassVar[str]

    def cells(self) -> tuple[Any, ...]:
        """The values, in the order of the columns: int, str, bool, None; a time as ms since the Unix epoch."""
        return msgspec.structs.astuple(self)


def columns(kind: type[Row], rounds: Iterable[int] = ()) -> tuple[Column, ...]:
    """A table's columns, with those that there are for each of these ``rounds``."""
    found: list[Column] = []
    hints = get_type_hints(kind, include_extras=True)
    for name in kind.__struct_fields__:
        told = _told(hints[name])
        of = next(each for each in told if isinstance(each, Of))
        meaning = next(each for each in told if isinstance(each, str))
        if EachRound in told:
            found.extend(Column(f"{name}_{each}", of.kind, of.unit, meaning) for each in rounds)
        else:
            found.append(Column(name, of.kind, of.unit, meaning))
    return tuple(found)


def _told(annotation: Any) -> list[Any]:
    """All that is annotated, at whatever depth, the outermost first."""
    told = list(getattr(annotation, "__metadata__", ()))
    return told + [each for part in get_args(annotation) for each in _told(part)]


def spelled(ms: int) -> str:
    """A time as ISO 8601 has it, in UTC: ``2026-09-21T13:46:40.007Z``. Past the year 9999: the ms."""
    try:
        return (datetime(1970, 1, 1) + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"
    except OverflowError:
        return str(ms)
