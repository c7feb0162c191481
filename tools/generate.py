"""``python -m tools.generate``: write down again what follows from ``tradegame.protocol``, in other languages.

The tables that the JavaScript client needs, the types of the wire in ``tradegame.d.ts``, and the tables of error and
close codes in docs/protocol.md. With ``--check`` nothing is written, and the exit code is 1 if a file is stale.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from tradegame.protocol import SUBPROTOCOL, bounds, closing, errors, pushes, replies, requests, state

ROOT = Path(__file__).parents[1]
SITE = ROOT / "tradegame" / "controller" / "http" / "site"
NOTE = "Generated from tradegame/protocol by `python -m tools.generate`. Do not edit."
END = "End of what is generated."

COLUMNS = 120


def _length(text: Any) -> int:
    """The most characters of a kind of text."""
    (length,) = (meta.max_length for meta in get_args(text)[1:] if meta.max_length is not None)
    return int(length)


TABLES: dict[str, tuple[str, Any]] = {
    "SUBPROTOCOL": ("The WebSocket subprotocol.", SUBPROTOCOL),
    "KEYED": ("The commands that take a `key`.", [op for op in requests.REQUESTS if op in requests.KEYED]),
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
        "How many recent trades of a good, messages and news a state holds.",
        {"recent": bounds.RECENT_KEPT, "messages": bounds.MESSAGES_KEPT, "news": bounds.NEWS_KEPT},
    ),
}


def vocabulary_js(_: str) -> str:
    """An ES module of the tables that the client needs, as Biome formats it. Lists are written as sets."""
    lines = [f"// {NOTE}", ""]
    for name, (about, value) in TABLES.items():
        lines += [f"/** {about} */", f"export const {name} = {_javascript(name, value)};", ""]
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


# tradegame.d.ts

NAMES = {"Events": "Frame"}
"""What a class is called there, where that is another name."""
WORDS = {bounds.PhaseName: "Phase", bounds.SideName: "Side"}
SHOWN: tuple[type[Struct], ...] = (
    replies.PlayerInfo,
    replies.ServerInfo,
    state.GameSummary,
    state.Good,
    state.Message,
    state.Headline,
    state.RoundRules,
    state.GoodRules,
    state.Rules,
    state.Player,
    state.State,
    state.OpenOrder,
    state.Hint,
    state.Account,
    *pushes.EVENTS.values(),
    pushes.Events,
    pushes.Whisper,
    pushes.Fill,
    pushes.Fills,
    replies.Bought,
    replies.Sold,
    replies.Ordered,
    replies.Released,
    replies.Cancelled,
    replies.Sent,
    state.Book,
    state.Standing,
)


def client_types(old: str) -> str:
    """The same file, with the types of the wire made anew."""
    events = " | ".join(event.__name__ for event in pushes.EVENTS.values())
    codes = "\n".join(f"  | {json.dumps(error.code)}" for error in errors.OVER_WEBSOCKET)
    lines = [
        f"/** The error codes of the server. */\nexport type ServerErrorCode =\n{codes};",
        f"/** The public events. */\nexport type Event = {events};",
        *(_interface(kind) for kind in SHOWN),
    ]
    return _between(old, f"// {NOTE}", "\n\n" + "\n\n".join(lines) + "\n\n")


def _interface(kind: type[Struct]) -> str:
    about = re.sub("``(.+?)``", r"`\1`", inspect.cleandoc(kind.__doc__ or "")).splitlines()
    if len(about) == 1 and len(about[0]) + len("/**  */") <= COLUMNS:
        head = [f"/** {about[0]} */"]
    else:
        head = ["/**", *(f" * {line}".rstrip() for line in about), " */"] if about else []
    fields = []
    tag = kind.__struct_config__.tag
    if tag is not None:
        fields.append(f"  {kind.__struct_config__.tag_field}: {json.dumps(tag)};")
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        written = _type(hints[field.name])
        if not field.required:
            written = "true" if field.default is False else written.removesuffix(" | null")
        fields.append(f"  {field.encode_name}{'' if field.required else '?'}: {written};")
    return "\n".join([*head, f"export interface {NAMES.get(kind.__name__, kind.__name__)} {{", *fields, "}"])


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


# docs/protocol.md


def protocol_page(old: str) -> str:
    """The same page, with its tables of codes made anew."""
    codes = [
        f"| `{error.code}` | {'yes' if error.definite else '**no**'} | {_one_line(error)} |"
        for error in errors.OVER_WEBSOCKET
    ]
    closes = [f"| {code} | {about} |" for code, about in closing.ABOUT.items()]
    page = _between(old, "<!-- close codes", "\n".join(["", "", "| close code | |", "|---|---|", *closes, "", ""]))
    return _between(
        page, "<!-- error codes", "\n".join(["", "", "| code | definite | when |", "|---|---|---|", *codes, "", ""])
    )


def _one_line(kind: type[Any]) -> str:
    return re.sub("``(.+?)``", r"`\1`", " ".join(inspect.cleandoc(kind.__doc__ or "").split()))


def _between(old: str, opening: str, new: str) -> str:
    """``old`` with what stands between the line that begins with ``opening`` and the line with ``END`` replaced."""
    start = old.index("\n", old.index(opening))
    stop = old.rindex("\n", start, old.index(END, start)) + 1
    return old[:start] + new + old[stop:]


FILES: dict[Path, Callable[[str], str]] = {
    SITE / "js" / "client" / "vocabulary.js": vocabulary_js,
    SITE / "tradegame.d.ts": client_types,
    ROOT / "docs" / "protocol.md": protocol_page,
}


def main() -> int:
    stale = []
    for path, make in FILES.items():
        old = path.read_text("utf-8") if path.exists() else ""
        if (new := make(old)) != old:
            stale.append(path.relative_to(ROOT))
            if "--check" not in sys.argv:
                path.write_text(new, "utf-8")
    for path in stale:
        print(f"{path} {'is stale: run python -m tools.generate' if '--check' in sys.argv else 'was written'}")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
