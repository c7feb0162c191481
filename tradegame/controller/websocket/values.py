"""The kinds of values that a request may hold, each checked without coercion. Every error says what was expected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import cattrs

from tradegame.core.domain.definition import ID_PATTERN, MAX_PRICE, MAX_QTY
from tradegame.core.use_cases.requests import (
    ClientName,
    Depth,
    Flag,
    GameId,
    GoodId,
    OpaqueId,
    PlayerName,
    Price,
    Qty,
    Seq,
    SideName,
    Text,
    Token,
)

_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
RESERVED_NAMES = ("house", "fees", "mint", "host")


def install(converter: cattrs.Converter) -> None:
    """Teach a converter every kind."""
    hooks: dict[Any, Callable[[Any, Any], Any]] = {
        Qty: _integer(1, MAX_QTY),
        Price: _integer(1, MAX_PRICE),
        Depth: _integer(1, 100),
        Seq: _integer(0, 2**63 - 1),
        GameId: _identifier,
        GoodId: _identifier,
        OpaqueId: _text(1, 64),
        Token: _text(1, 256),
        ClientName: _text(0, 200),
        PlayerName: _printable,
        Text: _said,
        SideName: _side,
        Flag: _flag,
    }
    for kind, hook in hooks.items():
        converter.register_structure_hook(kind, hook)


def _integer(low: int, high: int) -> Callable[[Any, Any], int]:
    def structure(value: Any, _: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"expected an integer from {low} to {high}")

    return structure


def _text(low: int, high: int) -> Callable[[Any, Any], str]:
    def structure(value: Any, _: Any) -> str:
        if type(value) is str and low <= len(value) <= high and encodable(value):
            return value
        raise ValueError(f"expected a text of {low} to {high} characters")

    return structure


def _printable(value: Any, _: Any) -> str:
    if (
        type(value) is str
        and 1 <= len(value) <= 32
        and value == value.strip()
        and not any(_is_unprintable(character) for character in value)
        and value.casefold() not in RESERVED_NAMES
    ):
        return value
    raise ValueError("expected 1 to 32 printable characters, no space at either end, and no name of the game's own")


def _is_unprintable(character: str) -> bool:
    """Controls, and what nobody sees or what turns the text around; but not what joins an emoji's parts."""
    category = unicodedata.category(character)
    return category in _UNPRINTABLE or (category == "Cf" and character not in _JOINERS)


def _said(value: Any, _: Any) -> str:
    if type(value) is str and 1 <= len(value) <= 500 and encodable(value) and not _CONTROLS.search(value):
        return value
    raise ValueError("expected a text of 1 to 500 characters, without control characters but tab and line feed")


def _identifier(value: Any, _: Any) -> str:
    if type(value) is str and ID_PATTERN.match(value):
        return value
    raise ValueError("expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit")


def _side(value: Any, _: Any) -> str:
    if value == "bid" or value == "ask":
        return str(value)
    raise ValueError("expected bid or ask")


def _flag(value: Any, _: Any) -> bool:
    if type(value) is bool:
        return value
    raise ValueError("expected true or false")


def encodable(text: str) -> bool:
    """False for a text with a lone surrogate, which JSON can spell and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
