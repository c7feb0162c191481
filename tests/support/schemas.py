"""The published documents, as strict as the server that publishes them."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import jsonschema_rs

Document = dict[str, Any]


def closed(document: Document) -> Document:
    """The same, but nothing may be in an object that is not named.

    What is published lets more through: a client ignores what it does not know.
    """
    strict = copy.deepcopy(document)
    _close(strict)
    return strict


def _close(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for each in node.values():
            _close(each)
    elif isinstance(node, list):
        for each in node:
            _close(each)


class Checker:
    """Holds values against the schemas of a document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._validator = cache(self._make)

    def problem(self, place: str, value: Any) -> str | None:
        """What is wrong first with ``value`` by the schema at ``place`` (``components/schemas/Book``): path, reason."""
        error = next(self._validator(place).iter_errors(value), None)
        if error is None:
            return None
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        return f"${path}: {error.message}"

    def _make(self, place: str) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator({"$ref": f"#/{place}", **self.document})
