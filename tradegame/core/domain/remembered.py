"""What a key stood for and what it came to, as one short text: a player has 256 of them, and a game 10 000 players.

Texts are neither looked at by the garbage collector nor taken apart for a snapshot.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec.structs import astuple

from tradegame.core.domain.events import Rejected, Result
from tradegame.protocol.replies import CommandOk, Sent
from tradegame.protocol.requests import AnyCommand


def _decoder(kind: type[CommandOk]) -> msgspec.json.Decoder[Any]:
    hints = get_type_hints(kind)
    return msgspec.json.Decoder(GenericAlias(tuple, tuple(hints[name] for name in kind.__struct_fields__[:-1])))


_encode = msgspec.json.Encoder().encode
_KINDS = {kind.__name__: (kind, _decoder(kind)) for kind in {Sent, *(command.ok for command in get_args(AnyCommand))}}


def remember(digest: str, result: Result) -> str:
    """The payload's digest and, after a space each, the class of the reply and its fields, or an error code and its
    message.
    """
    if isinstance(result, Rejected):
        return f"{digest} {result.code} {result.message}"
    return f"{digest} {type(result).__name__} {_encode(astuple(result)[:-1]).decode()}"  # `replayed` is the last one


def recall(kept: str) -> tuple[str, Result]:
    """The digest and the result that ``remember`` wrote down."""
    digest, kind, rest = kept.split(" ", 2)
    if kind not in _KINDS:
        return digest, Rejected(kind, rest)
    reply, decoder = _KINDS[kind]
    *fields, seq = decoder.decode(rest)
    return digest, reply(*fields, seq=seq)
