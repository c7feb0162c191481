"""tradegame/client/vocabulary.py: the events and the commands of the protocol, as the Python client has them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from tools.text import COLUMNS, COMMANDS, NOTE, OKS, about, broken, fields, with_nested, wrapped
from tradegame.protocol.ops import PlayerCommand
from tradegame.protocol.pushes import EVENTS, Event

HEAD = f'''"""What happens in a game, and what one can do in it: the events and commands of the protocol.

{NOTE}
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, TypeVar

from tradegame.protocol import pushes
'''


def python_client(_: str) -> str:
    lines = [HEAD.rstrip()]
    told = sorted({kind.__name__ for kind in with_nested(OKS)})
    lines += _import("tradegame.protocol.replies", told)
    names = sorted(["Commands", "PublicEvent", *told, *(event.__name__ for event in EVENTS.values())])
    lines += ["", *broken("__all__ = [", (f'"{name}"' for name in names), "]", "")]
    lines += ["", 'T = TypeVar("T")', ""]
    for event in EVENTS.values():
        lines += ["", *_event(event), ""]
    first, *others = (event.__name__ for event in EVENTS.values())
    lines += ["", "PublicEvent = (", f"    {first}", *(f"    | {name}" for name in others), ")", ""]
    lines += [
        "",
        "class Commands(ABC):",
        '    """A method for each command. What they raise is said at ``Game``."""',
        "",
        "    @abstractmethod",
        "    async def _do(self, kind: type[T], op: str, fields: dict[str, object], key: str | None) -> T: ...",
    ]
    for command in COMMANDS:
        lines += ["", *_method(command)]
    return "\n".join(lines) + "\n"


def _import(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    return [line] if len(line) <= COLUMNS else broken(f"from {module} import (", names, ")", "")


def _docstring(kind: type[Any], indent: str) -> list[str]:
    first, *others = wrapped(about(kind), len(indent))
    if not others:
        return [f'{indent}"""{first}"""']
    return [f'{indent}"""{first}', *(f"{indent}{line}".rstrip() for line in others), f'{indent}"""']


def _event(event: type[Event]) -> Iterator[str]:
    yield f'class {event.__name__}(pushes.{event.__name__}, tag="{event.__struct_config__.tag}"):'
    yield from _docstring(event, "    ")
    yield ""
    yield "    seq: int = 0"
    yield "    at: int = 0"


def _method(command: type[PlayerCommand]) -> Iterator[str]:
    op, ok = command.__struct_config__.tag, command.ok.__name__
    must, may = fields(command)
    given = [f"{field.name}: {_type(kind)}" for field, kind in must]
    given += [f"{field.name}: {_type(kind)} = {field.default!r}" for field, kind in may]
    yield from broken(f"async def {op}(", ["self", *given, "*", "key: str | None = None"], f") -> {ok}:", "    ")
    yield from _docstring(command, "        ")
    said = ", ".join(f'"{field.name}": {field.name}' for field, _ in must + may)
    yield from broken("return await self._do(", [ok, f'"{op}"', f"{{{said}}}", "key"], ")", "        ")


def _type(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return _type(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return f"Literal[{', '.join(map(_quoted, get_args(kind)))}]"
    if get_origin(kind) is tuple:
        return f"tuple[{_type(get_args(kind)[0])}, ...]"
    if isinstance(kind, types.UnionType) or type(None) in get_args(kind):
        return " | ".join("None" if each is type(None) else _type(each) for each in get_args(kind))
    return str(kind.__name__)


def _quoted(value: str) -> str:
    return f'"{value}"'
