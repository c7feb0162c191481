"""Plain data as attrs classes, by cattrs with a hook for every kind of value: nothing is coerced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

from tradegame.controller.websocket import values
from tradegame.core.domain.bounds import encodable
from tradegame.protocol.errors import BadRequestError

T = TypeVar("T")


def _converter(*, detailed: bool) -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=detailed)
    values.install(converter)
    return converter


# the quick one says only that something is wrong, the slow one then says what and where
_quick, _detailed = _converter(detailed=False), _converter(detailed=True)


def structure(data: Mapping[str, Any], kind: type[T]) -> T:
    """``data`` as a ``kind``, whose fields are of the kinds in ``values``.

    Raises BadRequestError, whose ``at`` is the path of the first thing that is wrong.
    """
    try:
        return _quick.structure(data, kind)
    except Exception:  # noqa: BLE001 - whatever it is, the detailed converter finds the place
        raise _what_is_wrong(data, kind) from None


def shown(field: str) -> str:
    """A client's name for a field, as an error may repeat it."""
    return field[:64] if encodable(field[:64]) else "?"


def _what_is_wrong(data: Mapping[str, Any], kind: type[Any]) -> BadRequestError:
    try:
        _detailed.structure(data, kind)
    except Exception as error:  # noqa: BLE001 - it is looked into
        path, message = _first_problem(error, "$")
        return BadRequestError(message, at=path)
    raise AssertionError("the quick converter refused what the detailed one takes")


def _first_problem(error: BaseException, path: str) -> tuple[str, str]:
    if isinstance(error, ClassValidationError):
        noted, others = error.group_exceptions()
        for inner in others:
            if isinstance(inner, ForbiddenExtraKeysError):
                return f"{path}.{shown(min(inner.extra_fields))}", "an unknown field"
        for problem, note in noted:
            if isinstance(problem, KeyError):
                return f"{path}.{note.name}", "a field that must be there"
            return _first_problem(problem, f"{path}.{note.name}")
    if isinstance(error, ValueError) and error.args:
        return path, str(error.args[0])
    return path, "not of the form that the protocol gives"
