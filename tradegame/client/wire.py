"""From the wire's JSON to the classes of the protocol, strictly: ``1.0``, ``"1"`` and ``true`` are no integers."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from tradegame.client.errors import ProtocolError, TradeError
from tradegame.client.keys import Key
from tradegame.protocol.failure import Failure

T = TypeVar("T")
Json = dict[str, Any]


def decode(kind: Any, raw: Any) -> Any:
    """``raw`` as a ``kind``; fields it does not know are ignored. Raises ProtocolError."""
    try:
        return msgspec.convert(raw, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise ProtocolError(f"the server sent no {getattr(kind, '__name__', kind)}: {error}") from error


def parse(text: str) -> Json:
    """A frame. Raises ProtocolError when it is no JSON object."""
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ProtocolError(f"the server sent no JSON: {text[:80]!r}") from error
    if not isinstance(frame, dict):
        raise ProtocolError(f"the server sent no JSON object: {text[:80]!r}")
    return frame


def encode(frame: Json) -> str:
    return msgspec.json.encode(frame).decode()


def field(raw: Any, name: str, kind: type[T]) -> T:
    """``raw[name]``, which must be exactly a ``kind``. Raises ProtocolError."""
    value = raw.get(name) if isinstance(raw, dict) else None
    if type(value) is not kind:
        raise ProtocolError(f"the server sent {name!r} as {value!r}, which is no {kind.__name__}")
    return value


def trade_error(raw: Any, key: Key | None) -> TradeError:
    """An ``error``. Raises ProtocolError when even that is malformed."""
    found: Failure = decode(Failure, raw)
    return TradeError(
        found.code,
        found.message,
        found.definite,
        found.retry_after_ms,
        found.at,
        key=key,
        replayed=found.replayed,
        became=found.became,
    )
