"""The kinds of values that a request may hold, each checked without coercion. Every error says what was expected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import cattrs
from attrs import frozen

from tradegame.core.domain.bounds import ID_EXPRESSION, ID_PATTERN, encodable
from tradegame.core.domain.definition import MAX_PRICE, MAX_QTY, NEWS_LENGTH, SHIFT_BPS
from tradegame.core.domain.state import PHASES
from tradegame.core.use_cases.requests import (
    ClientName,
    Depth,
    Flag,
    GameId,
    GoodId,
    Key,
    NewsText,
    OpaqueId,
    PhaseName,
    PlayerName,
    Price,
    Qty,
    Seq,
    ShiftBps,
    SideName,
    Text,
    Token,
)

_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
_BLANKS = "\u2800\u3164\u115f\u1160\uffa0"
"""Symbols and letters by their category, and nothing to the eye: the empty braille cell, and the fillers of Hangul."""
_CONTROL_CHARACTERS = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"
_CONTROLS = re.compile(f"[{_CONTROL_CHARACTERS}]")
RESERVED_NAMES = ("house", "the house", "fees", "mint", "host", "news")


@frozen
class Kind:
    """A kind of value. ``hook`` takes it as it is, or raises ValueError with what was expected.

    ``schema`` says the same in JSON Schema, as far as that can; where it cannot, it lets more through.
    """

    hook: Callable[[Any, Any], Any]
    schema: Mapping[str, Any]


def install(converter: cattrs.Converter) -> None:
    """Teach a converter every kind."""
    for name, kind in KINDS.items():
        converter.register_structure_hook(name, kind.hook)


def _integer(low: int, high: int, about: str) -> Kind:
    def structure(value: Any, _: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"expected an integer from {low} to {high}")

    return Kind(structure, {"type": "integer", "minimum": low, "maximum": high, "description": about})


def _text(low: int, high: int, about: str) -> Kind:
    def structure(value: Any, _: Any) -> str:
        if type(value) is str and low <= len(value) <= high and encodable(value):
            return value
        raise ValueError(f"expected a text of {low} to {high} characters")

    return Kind(structure, {"type": "string", "minLength": low, "maxLength": high, "description": about})


def _one_of(names: tuple[str, ...], about: str) -> Kind:
    def structure(value: Any, _: Any) -> str:
        if type(value) is str and value in names:
            return value
        raise ValueError(f"expected {', '.join(names[:-1])} or {names[-1]}")

    return Kind(structure, {"type": "string", "enum": list(names), "description": about})


def _name() -> Kind:
    low, high = 1, 32

    def structure(value: Any, _: Any) -> str:
        if (
            type(value) is str
            and low <= len(value) <= high
            and value == value.strip()
            and not any(_is_unprintable(character) for character in value)
            and value.casefold() not in RESERVED_NAMES
        ):
            return value
        raise ValueError(
            f"expected {low} to {high} printable characters, no space at either end, and no name of the game's own"
        )

    about = (
        f"Printable characters: nothing invisible or that turns the text around; not {', '.join(RESERVED_NAMES)}, "
        "in whatever case."
    )
    schema = {"minLength": low, "maxLength": high, "pattern": r"^\S(.*\S)?$", "not": {"enum": list(RESERVED_NAMES)}}
    return Kind(structure, {"type": "string", **schema, "description": about})


def _is_unprintable(character: str) -> bool:
    """Controls, and what nobody sees or what turns the text around; but not what joins an emoji's parts."""
    category = unicodedata.category(character)
    return category in _UNPRINTABLE or character in _BLANKS or (category == "Cf" and character not in _JOINERS)


def _said(low: int, high: int) -> Kind:
    def structure(value: Any, _: Any) -> str:
        if type(value) is str and low <= len(value) <= high and encodable(value) and not _CONTROLS.search(value):
            return value
        raise ValueError(
            f"expected a text of {low} to {high} characters, without control characters but tab and line feed"
        )

    about = "No control characters but tab and line feed."
    schema = {"minLength": low, "maxLength": high, "pattern": f"^[^{_CONTROL_CHARACTERS}]*$"}
    return Kind(structure, {"type": "string", **schema, "description": about})


def _identifier(about: str) -> Kind:
    def structure(value: Any, _: Any) -> str:
        if type(value) is str and ID_PATTERN.match(value):
            return value
        raise ValueError("expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit")

    return Kind(structure, {"type": "string", "pattern": f"^{ID_EXPRESSION}$", "description": about})


def _flag(value: Any, _: Any) -> bool:
    if type(value) is bool:
        return value
    raise ValueError("expected true or false")


KINDS: dict[Any, Kind] = {
    Qty: _integer(1, MAX_QTY, "Whole units of a good."),
    Price: _integer(1, MAX_PRICE, "Coins a unit."),
    Depth: _integer(1, 100, "How many levels a side, or rows; 10 if left out."),
    Seq: _integer(0, 2**63 - 1, "A frame's number, one more with each."),
    ShiftBps: _integer(SHIFT_BPS.low, SHIFT_BPS.high, "By how many basis points an anchor is shifted."),
    GameId: _identifier("A game's id."),
    GoodId: _identifier("A good's id."),
    OpaqueId: _text(1, 64, "The id of a player, an order or an epoch: nothing can be read from it."),
    Key: _text(
        1,
        64,
        "Exactly once: the same command sent again with the same key has one effect, and gets the first result with "
        "`replayed: true`. The same key with another payload is `key_reused`. The last 256 a player and game are kept.",
    ),
    Token: _text(1, 256, "Who has it is the player: a secret."),
    ClientName: _text(0, 200, "What the client's program calls itself."),
    PlayerName: _name(),
    Text: _said(1, 500),
    NewsText: _text(NEWS_LENGTH.low, NEWS_LENGTH.high, "What everybody in the game reads."),
    SideName: _one_of(("bid", "ask"), "`bid` buys, `ask` sells."),
    PhaseName: _one_of(PHASES, "Orders are taken while a game is `open`."),
    Flag: Kind(_flag, {"type": "boolean", "description": "False if left out."}),
}
"""Every kind by its name in the requests: what is checked and what is published are the same."""
