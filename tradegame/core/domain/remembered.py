"""What a key stood for and what it came to, as one short text: a player has 256 of them, and a game 10 000 players.

Texts are neither looked at by the garbage collector nor taken apart for a snapshot.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any, cast, get_args, get_type_hints

import msgspec
from msgspec.structs import astuple

from tradegame.core.domain.events import Rejected, Result
from tradegame.protocol.bounds import Became
from tradegame.protocol.reasons import Param, Why
from tradegame.protocol.replies import CommandOk, Sent
from tradegame.protocol.requests import AnyCommand

AFTERWARDS = 2
"""The last fields of a reply, ``replayed`` and ``keys``: they are about a copy of the command, not about its result."""


def _decoder(kind: type[CommandOk]) -> msgspec.json.Decoder[Any]:
    hints = get_type_hints(kind)
    return msgspec.json.Decoder(
        GenericAlias(tuple, tuple(hints[name] for name in kind.__struct_fields__[:-AFTERWARDS]))
    )


_encode = msgspec.json.Encoder().encode
_params = msgspec.json.Decoder(dict[str, Param])
_KINDS = {kind.__name__: (kind, _decoder(kind)) for kind in {Sent, *(command.ok for command in get_args(AnyCommand))}}


def remember(at_s: int, digest: str, result: Result) -> str:
    """When, in s since the Unix epoch; the payload's digest; and, after a space each, the class of the reply and its
    fields, or an error code and its message. After the code, and a slash, what became of an order that is gone; or,
    after a question mark, the name of a reason, whose parameters then stand in place of the message.
    """
    if isinstance(result, Rejected) and result.why is not None:
        return f"{at_s} {digest} {result.code}?{result.why.name} {_encode(result.why.params).decode()}"
    if isinstance(result, Rejected):
        code = result.code if result.became is None else f"{result.code}/{result.became}"
        return f"{at_s} {digest} {code} {result.message}"
    return f"{at_s} {digest} {type(result).__name__} {_encode(astuple(result)[:-AFTERWARDS]).decode()}"


def remembered_at_s(kept: str) -> int:
    """When a text of ``remember`` was written, in s since the Unix epoch."""
    return int(kept[: kept.index(" ")])


def recall(kept: str) -> tuple[str, Result]:
    """The digest and the result that ``remember`` wrote down."""
    _, digest, kind, rest = kept.split(" ", 3)
    if kind not in _KINDS:
        code, _, reason = kind.partition("?")
        if reason:
            told = Why(reason, _params.decode(rest))
            return digest, Rejected(code, str(told), why=told)
        code, _, became = kind.partition("/")
        return digest, Rejected(code, rest, cast("Became", became) if became else None)
    reply, decoder = _KINDS[kind]
    *fields, seq = decoder.decode(rest)
    return digest, reply(*fields, seq=seq)
