"""What the JavaScript client has of the protocol: js/client/vocabulary.js, js/client/commands.js, tradegame.d.ts."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from tools.text import COLUMNS, COMMANDS, NOTE, OKS, about, between, fields, jsdoc, with_nested
from tradegame.protocol import SUBPROTOCOL, bounds, closing, errors, pushes, replies, requests, state
from tradegame.protocol.ops import PlayerCommand


def _length(text: Any) -> int:
    """The most characters of a kind of text."""
    (length,) = (meta.max_length for meta in get_args(text)[1:] if meta.max_length is not None)
    return int(length)


TABLES: dict[str, tuple[str, Any]] = {
    "SUBPROTOCOL": ("The WebSocket subprotocol.", SUBPROTOCOL),
    "READS": ("The requests that change nothing.", sorted(requests.READS)),
    "NOT_TAKEN_IN": (
        "The error codes that refuse a request for lack of room: it had no effect, and may be sent again.",
        sorted(errors.NOT_TAKEN_IN),
    ),
    "BEFORE_THE_KEY": (
        "The error codes that a node gives before it looks at the `key`: they say nothing of an earlier sending.",
        sorted(errors.BEFORE_THE_KEY),
    ),
    "TROUBLE": (
        "The error codes of a node that cannot do its work now. Another node may.",
        sorted(errors.TROUBLE),
    ),
    "UNANSWERED": (
        "How many commands of a player may be unanswered in a game, over all connections.",
        bounds.UNANSWERED,
    ),
    "CLOSE": (
        "The close codes.",
        {name: code for name, code in vars(closing).items() if isinstance(code, int) and code in closing.COUNTED},
    ),
    "BOUNDS": (
        "Bounds of what people type: the highest numbers, the lengths of texts, the form of an id.",
        {
            "qty": bounds.MAX_QTY,
            "price": bounds.MAX_PRICE,
            "shiftBps": list(bounds.SHIFT_BPS),
            "name": _length(bounds.PlayerName),
            "text": _length(bounds.Text),
            "news": bounds.NEWS_LENGTH,
            "id": bounds.ID_LENGTH,
            # a dash in a class is escaped in the pattern of an HTML input
            "idPattern": bounds.ID.removeprefix("^").removesuffix(r"\Z").replace("_-]", r"_\-]"),
        },
    ),
    "KEPT": (
        "How many recent trades of a good, messages and news a state holds, and how many of a player's fills are kept.",
        {
            "recent": bounds.RECENT_KEPT,
            "messages": bounds.MESSAGES_KEPT,
            "news": bounds.NEWS_KEPT,
            "fills": bounds.FILLS_KEPT,
        },
    ),
}


def vocabulary_js(_: str) -> str:
    """An ES module of the tables that the client needs, as Biome formats it. Lists are written as sets."""
    lines = [f"// {NOTE}", ""]
    for name, (comment, value) in TABLES.items():
        lines += [*jsdoc([comment]), f"export const {name} = {_javascript(name, value)};", ""]
    first, last = closing.FINAL[0], closing.FINAL[-1]
    lines += [
        "/** Whether a client must not reconnect after this close code. @param {number} code */",
        f"export const isFinal = (code) => code >= {first} && code <= {last};",
        "",
    ]
    return "\n".join(lines)


def _javascript(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(["{", *(f"  {key}: {json.dumps(each)}," for key, each in value.items()), "}"])
    if not isinstance(value, list):
        return json.dumps(value)
    written = f"new Set({json.dumps(value)})"
    if len(f"export const {name} = {written};") <= COLUMNS:
        return written
    return "\n".join(["new Set([", *(f"  {json.dumps(each)}," for each in value), "])"])


# js/client/commands.js

COMMANDS_JS = f"""// {NOTE}

/** @import * as T from "../../tradegame.d.ts" */

import {{ Emitter }} from "./emitter.js";

/** The commands that take a `key`, but for `join`. */
export const COMMANDS = %s;

/** A method for each command. */
export class Commands extends Emitter {{
  /** @param {{string}} _op @param {{Record<string, unknown>}} _fields @returns {{Promise<any>}} */
  _request(_op, _fields) {{
    throw new Error("made by Game");
  }}
"""


def commands_js(_: str) -> str:
    """An ES module: the base of ``Game``."""
    names = [command.__struct_config__.tag for command in COMMANDS]
    lines = [COMMANDS_JS % _javascript("COMMANDS", names)]
    for command in COMMANDS:
        must, options = _arguments(command)
        op, given = command.__struct_config__.tag, ", ".join([*must, "options = {}"])
        parameters = [f"@param {{{_scoped(kind)}}} {name}" for name, kind in must.items()]
        returned = f"@returns {{Promise<T.{command.ok.__name__}>}}"
        lines += jsdoc([*about(command), *parameters, f"@param {{{_scoped(options)}}} [options]", returned], "  ")
        lines += [
            f"  {op}({given}) {{",
            f'    return this._request("{op}", {{ {", ".join([*must, "...options"])} }});',
            "  }",
            "",
        ]
    return "\n".join([*lines[:-1], "}", ""])


def _arguments(command: type[PlayerCommand]) -> tuple[dict[str, str], str]:
    """What a command's method is given in order, what in its options, and the options' type."""
    must, may = ({field.name: _type(kind) for field, kind in some} for some in fields(command))
    options = "; ".join(f"{name}?: {kind}" for name, kind in may.items())
    return must, f"{{ {options} }} & Copy" if may else "Copy"


def _scoped(kind: str) -> str:
    """A type as a module writes it that has imported all of tradegame.d.ts as ``T``."""
    return re.sub(r"\b(?=[A-Z])", "T.", kind)


# tradegame.d.ts

NAMES = {"Events": "Frame"}
"""What a class is called there, where that is another name."""
WORDS = {bounds.PhaseName: "Phase", bounds.SideName: "Side"}
SHOWN: tuple[type[Struct], ...] = (
    replies.PlayerInfo,
    replies.ServerInfo,
    state.GameSummary,
    state.State,
    state.Account,
    pushes.Events,
    pushes.Whisper,
    pushes.Fills,
    pushes.Device,
    *OKS,
    state.Book,
    state.Standing,
    state.OwnOrders,
)
"""And what these are made of."""


def client_types(old: str) -> str:
    """The same file, with the types of the wire, and what a game has for each command, made anew."""
    events = "".join(f"\n  | {event.__name__}" for event in pushes.EVENTS.values())
    codes = "\n".join(f"  | {json.dumps(error.code)}" for error in errors.OVER_WEBSOCKET)
    lines = [
        f"/** The error codes of the server. */\nexport type ServerErrorCode =\n{codes};",
        f"/** The public events. */\nexport type Event ={events};",
        *(_interface(kind) for kind in dict.fromkeys(with_nested(SHOWN))),
    ]
    methods = "\n".join(line for command in COMMANDS for line in _method(command))
    old = between(old, "  // The commands.", "\n" + methods + "\n")
    return between(old, f"// {NOTE}", "\n\n" + "\n\n".join(lines) + "\n\n")


def _method(command: type[PlayerCommand]) -> Iterator[str]:
    yield from jsdoc(about(command), "  ")
    must, options = _arguments(command)
    given = [*(f"{name}: {kind}" for name, kind in must.items()), f"options?: {options}"]
    opening, closing = f"  {command.__struct_config__.tag}(", f"): Promise<{command.ok.__name__}>;"
    line = opening + ", ".join(given) + closing
    yield from [line] if len(line) <= COLUMNS else [opening, *(f"    {each}," for each in given), f"  {closing}"]


def _interface(kind: type[Struct]) -> str:
    lines = []
    tag = kind.__struct_config__.tag
    if tag is not None:
        lines.append(f"  {kind.__struct_config__.tag_field}: {json.dumps(tag)};")
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        written = _type(hints[field.name])
        if not field.required:
            written = "true" if field.default is False else written.removesuffix(" | null")
        lines.append(f"  {field.encode_name}{'' if field.required else '?'}: {written};")
    opening = f"export interface {NAMES.get(kind.__name__, kind.__name__)} {{"
    return "\n".join([*jsdoc(about(kind)), opening, *lines, "}"])


def _type(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in WORDS:
        return WORDS[kind]
    if kind == bounds.Level:
        return "Level"
    if kind == bounds.RecentTrade:
        return "[at: number, price: number, qty: number]"
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " | ".join(json.dumps(each) for each in arguments)
    if origin is tuple:
        inner = _type(arguments[0])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<string, {_type(arguments[1])}>"
    if origin is types.UnionType or (arguments and type(None) in arguments):
        kinds = list(dict.fromkeys(_type(each) for each in arguments))
        if "null" in kinds:
            kinds = [*(each for each in kinds if each != "null"), "null"]
        known = [NAMES.get(event.__name__, event.__name__) for event in pushes.EVENTS.values()]
        return "Event" if kinds == known else " | ".join(kinds)
    plain = {int: "number", str: "string", bool: "boolean", type(None): "null"}
    return plain.get(kind) or NAMES.get(kind.__name__, kind.__name__)
