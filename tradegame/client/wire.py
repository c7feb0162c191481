"""From the wire's JSON to attrs classes, strictly: ``1.0``, ``"1"`` and ``true`` are no integers."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import cattrs

from tradegame.client.errors import ProtocolError, TradeError

T = TypeVar("T")
Json = dict[str, Any]


def _exactly(kind: type) -> Any:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return hook


_converter = cattrs.Converter(detailed_validation=False)
for _kind in (int, str, bool):
    _converter.register_structure_hook(_kind, _exactly(_kind))


def decode(kind: type[T], raw: Any) -> T:
    """``raw`` as a ``kind``; fields it does not know are ignored. Raises ProtocolError."""
    try:
        return _converter.structure(raw, kind)
    except (cattrs.BaseValidationError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ProtocolError(f"the server sent no {kind.__name__}: {error!r}") from error


def parse(text: str) -> Json:
    """A frame. Raises ProtocolError when it is no JSON object."""
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the server sent no JSON: {text[:80]!r}") from error
    if not isinstance(frame, dict):
        raise ProtocolError(f"the server sent no JSON object: {text[:80]!r}")
    return frame


def encode(frame: Json) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def field(raw: Any, name: str, kind: type[T]) -> T:
    """``raw[name]``, which must be exactly a ``kind``. Raises ProtocolError."""
    value = raw.get(name) if isinstance(raw, dict) else None
    if type(value) is not kind:
        raise ProtocolError(f"the server sent {name!r} as {value!r}, which is no {kind.__name__}")
    return value


def trade_error(raw: Any, key: str | None) -> TradeError:
    """An ``error``. Raises ProtocolError when even that is malformed."""
    wait, at = raw.get("retry_after_ms") if isinstance(raw, dict) else None, None
    code, message = field(raw, "code", str), field(raw, "message", str)
    definite = field(raw, "definite", bool)
    if raw.get("at") is not None:
        at = str(raw["at"])
    wait = wait if type(wait) is int and wait >= 0 else None
    return TradeError(code, message, definite, wait, at, key=key, replayed=raw.get("replayed") is True)
