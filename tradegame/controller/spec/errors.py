"""Every error there is, for machines: its code, whether it is certain that nothing happened, its HTTP status."""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from tradegame.controller.spec.schema import ABSENT, described
from tradegame.controller.spec.words import Count
from tradegame.protocol.errors import (
    Errors,
)


@frozen(kw_only=True)
class Error:
    """What went wrong. ``message`` is for a person; ``at`` says where in the request it is.

    ``definite``: whether it is certain that nothing happened. If not, send the same again with the same ``key``.
    ``retry_after_ms``: when to come again. ``replayed``: the key's first result again.
    """

    code: str
    message: str
    definite: bool
    at: str = ABSENT
    retry_after_ms: Count = ABSENT
    replayed: Literal[True] = ABSENT


@frozen(kw_only=True)
class ErrorBody:
    """How HTTP says that something went wrong."""

    error: Error


def with_codes(schema: dict[str, Any], errors: Errors) -> dict[str, Any]:
    """The schema of ``Error``, with the codes of these, and what ``definite`` is for each."""
    unsure = sorted(error.code for error in errors if not error.definite)
    schema["properties"]["code"] = {"type": "string", "enum": [error.code for error in errors]}
    schema["if"] = {"properties": {"code": {"enum": unsure}}}
    schema["else"] = {"properties": {"definite": {"const": True}}}
    return schema


def table(errors: Errors) -> list[dict[str, Any]]:
    """What is said of each code."""
    return [
        {
            "code": error.code,
            "definite": error.definite,
            "status": error.status,
            "description": described(error),
        }
        for error in errors
    ]
