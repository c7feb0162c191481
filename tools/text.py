"""What the generators share: how a generated part is marked, and what a class of the protocol says of itself."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from tradegame.protocol.ops import PlayerCommand
from tradegame.protocol.requests import AnyCommand

NOTE = "Generated from tradegame/protocol by `make client`. Do not edit."
END = "End of what is generated."
COLUMNS = 120

COMMANDS: tuple[type[PlayerCommand], ...] = get_args(AnyCommand)
OKS = tuple(dict.fromkeys(command.ok for command in COMMANDS))
"""What commands are answered with, each once."""


def between(old: str, opening: str, new: str) -> str:
    """``old`` with what stands between the line that has ``opening`` and the next one with ``END`` replaced."""
    start = old.index("\n", old.index(opening))
    stop = old.rindex("\n", start, old.index(END, start)) + 1
    return old[:start] + new + old[stop:]


def about(kind: type[Any]) -> list[str]:
    """The lines of a docstring, as Markdown."""
    return re.sub("``(.+?)``", r"`\1`", inspect.cleandoc(kind.__doc__ or "")).splitlines()


def wrapped(lines: Sequence[str], taken: int) -> list[str]:
    """The same lines where each fits beside ``taken`` columns; else each paragraph is broken anew."""
    if max(map(len, lines), default=0) <= COLUMNS - taken:
        return list(lines)
    paragraphs = "\n".join(lines).split("\n\n")
    broken_anew = [textwrap.fill(" ".join(each.splitlines()), COLUMNS - taken) for each in paragraphs]
    return "\n\n".join(broken_anew).splitlines()


def jsdoc(lines: Sequence[str], indent: str = "") -> list[str]:
    """A comment for JavaScript: on one line if it fits."""
    lines = wrapped(lines, len(f"{indent} * "))
    if len(lines) == 1 and len(f"{indent}/** {lines[0]} */") <= COLUMNS:
        return [f"{indent}/** {lines[0]} */"]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"] if lines else []


def broken(opening: str, items: Iterable[str], closing: str, indent: str) -> list[str]:
    """``opening`` items ``closing``: on one line if they fit, else an item a line."""
    items = list(items)
    line = f"{indent}{opening}{', '.join(items)}{closing}"
    if len(line) <= COLUMNS:
        return [line]
    return [
        f"{indent}{opening}",
        *(f"{indent}    {item}," for item in items),
        f"{indent}{closing}",
    ]


def fields(command: type[PlayerCommand]) -> tuple[list[tuple[FieldInfo, Any]], list[tuple[FieldInfo, Any]]]:
    """What a player says in a command, besides the key: what must be there, and what may; each with its type."""
    hints = get_type_hints(command, include_extras=True)
    own = [each for each in msgspec.structs.fields(command) if each.name not in PlayerCommand.__struct_fields__]
    said = [(each, hints[each.name]) for each in own]
    return [each for each in said if each[0].required], [each for each in said if not each[0].required]


def with_nested(kinds: Iterable[type[Struct]]) -> Iterator[type[Struct]]:
    """Each class after those that its fields are of."""
    for kind in kinds:
        yield from with_nested(chain.from_iterable(map(_structs, get_type_hints(kind).values())))
        yield kind


def _structs(hint: Any) -> Iterator[type[Struct]]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        yield hint
    for each in get_args(hint):
        yield from _structs(each)
