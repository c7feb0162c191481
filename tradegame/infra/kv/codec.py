"""Values: readable JSON, each with a ``schema`` number. Known fields are checked strictly. Records that nodes keep
about each other and about players may have unknown fields.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from cattrs import BaseValidationError, Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from tradegame.core.repositories.connections import LiveConnection, NodeInfo
from tradegame.core.repositories.errors import CorruptStoreError
from tradegame.core.repositories.game_states import GameMeta
from tradegame.core.repositories.sessions import PlayerRecord, Seated
from tradegame.infra.kv.port import KeyValuePair

T = TypeVar("T")

SCHEMA = 1


def encode(record: Any) -> bytes:
    """An attrs record, or a dict, as JSON text that begins with the schema's number."""
    fields = record if isinstance(record, dict) else unstructured(record)
    return json.dumps({"schema": SCHEMA, **fields}, ensure_ascii=False, separators=(",", ":")).encode()


def unstructured(record: Any) -> dict[str, Any]:
    """An attrs record's fields, as they are written."""
    fields: dict[str, Any] = _converter.unstructure(record)
    return fields


def decode(key: str, value: bytes, kind: type[T]) -> T:
    """The record under ``key``. Raises CorruptStoreError, which names the key and what is wrong."""
    fields = decode_fields(key, value)
    try:
        return _converter.structure(fields, kind)
    except BaseValidationError as error:
        raise CorruptStoreError(f"{key}: {'; '.join(transform_error(error))}") from error


def decode_fields(key: str, value: bytes) -> dict[str, Any]:
    """The JSON object under ``key``, without its schema number, which is checked."""
    try:
        fields = json.loads(value)
    except ValueError as error:
        raise CorruptStoreError(f"{key}: no JSON ({error})") from error
    if not isinstance(fields, dict):
        raise CorruptStoreError(f"{key}: no JSON object")
    schema = fields.pop("schema", None)
    if schema != SCHEMA or isinstance(schema, bool):
        raise CorruptStoreError(f"{key}: schema {schema!r}, this version reads {SCHEMA}")
    return fields


def decode_meta(pair: KeyValuePair) -> GameMeta:
    return decode_meta_at(pair.key, pair.value, pair.mod_revision)


def decode_meta_at(key: str, value: bytes, revision: int) -> GameMeta:
    """A game's meta. Its revision is the store's and not part of the value."""
    meta = decode(key, value, GameMeta)
    object.__setattr__(meta, "revision", revision)
    return meta


def _exactly(kind: type[Any]) -> Any:
    def check(value: Any, _: Any) -> Any:
        # cattrs would convert 5.7 to 5 and True to 1; `type`, since a bool is an int
        if type(value) is not kind:
            raise TypeError(f"{value!r} is not of type {kind.__name__}")
        return value

    return check


_converter = Converter(forbid_extra_keys=True)
for _kind in (int, str, bool):
    _converter.register_structure_hook(_kind, _exactly(_kind))
_converter.register_structure_hook_func(lambda kind: kind == dict[str, Any], _exactly(dict))
_converter.register_unstructure_hook_func(lambda kind: kind == dict[str, Any], lambda value: value)
# Unknown fields of a newer node are ignored here, so that nodes of two versions can run together. Not in a game's meta:
# a node compares and writes all of it, and its form belongs to the version of the rules.
for _record in (Seated, PlayerRecord, LiveConnection, NodeInfo):
    _converter.register_structure_hook(
        _record, make_dict_structure_fn(_record, _converter, _cattrs_forbid_extra_keys=False)
    )
_converter.register_unstructure_hook(
    PlayerRecord, make_dict_unstructure_fn(PlayerRecord, _converter, _cattrs_omit_if_default=True)
)
_converter.register_structure_hook(
    GameMeta,
    make_dict_structure_fn(GameMeta, _converter, _cattrs_forbid_extra_keys=True, revision=override(omit=True)),
)
_converter.register_unstructure_hook(
    GameMeta, make_dict_unstructure_fn(GameMeta, _converter, revision=override(omit=True))
)
