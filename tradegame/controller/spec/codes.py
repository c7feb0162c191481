"""Error codes, as the documents tell of them."""

from __future__ import annotations

from typing import Any

from tradegame.controller.spec.schema import described
from tradegame.protocol.errors import Errors


def with_codes(schema: dict[str, Any], errors: Errors) -> None:
    """Write into the schema of ``Failure`` the codes of these, and what ``definite`` is for each."""
    unsure = sorted({error.code for error in errors if not error.definite})
    schema["properties"]["code"] = {"type": "string", "enum": [error.code for error in errors]}
    schema["if"] = {"properties": {"code": {"enum": unsure}}}
    schema["else"] = {"properties": {"definite": {"const": True}}}


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
