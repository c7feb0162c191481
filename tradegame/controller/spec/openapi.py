"""The HTTP side as an OpenAPI 3.1 document: https://spec.openapis.org/oas/v3.1.1."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import tradegame
from tradegame.controller.spec.codes import table, with_codes
from tradegame.controller.spec.operation import JSON, TEXT, Operation
from tradegame.controller.spec.operations import OPERATIONS
from tradegame.controller.spec.schema import Schema, described, reference, schemas
from tradegame.protocol.errors import (
    OVER_HTTP,
    Errors,
    InternalError,
    RateLimitedError,
    RequestTimeoutError,
    TooLargeError,
    TradeGameError,
)
from tradegame.protocol.failure import ErrorBody
from tradegame.protocol.http import IDEMPOTENCY_KEY, NOT_IN_A_BODY, IdempotencyKey
from tradegame.protocol.ops import HostCommand

ABOUT = """\
The HTTP side of a node: the pages, health, games, and the host's calls. It is on the same port as the WebSocket
(`/ws`), which `/asyncapi.json` describes.

- Whatever answers GET answers HEAD too. Any other method is 405, and `Allow` says which there are.
- All numbers are integers, written as such: `1.0` is refused, though JSON Schema would let it pass.
- The server refuses unknown fields. **A client ignores fields that it does not know**: within v1, they may be added.
- Every error has the same form. `definite: false` says that nobody knows whether it happened.

The page for people is docs/protocol.md.
"""

TAGS = {
    "pages": "What a browser loads, and these documents.",
    "health": "For who runs the node.",
    "games": "What everybody may see.",
    "host": "With the admin token.",
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "description": "`Bearer`.", "schema": {"const": "Bearer"}}},
    429: {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer", "minimum": 1}}},
    503: {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer", "minimum": 1}}},
}
_ALWAYS: Errors = (TooLargeError, RateLimitedError, InternalError)


Kinds = Mapping[Any, Schema]
"""The schema of each kind of value."""


@cache
def openapi() -> dict[str, Any]:
    """The document."""
    kinds: dict[Any, None] = {ErrorBody: None, IdempotencyKey: None}
    for operation in OPERATIONS:
        kinds |= dict.fromkeys(each for each in operation.kinds_of_values() if each is not None)
    found, components = schemas(kinds)
    schema = dict(zip(kinds, found, strict=True))
    with_codes(components["Failure"], OVER_HTTP)
    components["Preset"]["properties"]["definition"] = reference("GameDefinition")
    del components["GameDefinition"]["properties"]["group"], components["GroupDefinition"]  # the server's own
    bodies = {each.body for each in OPERATIONS if each.body is not None and issubclass(each.body, HostCommand)}
    for body in bodies:
        for name in ("op", *NOT_IN_A_BODY):
            del components[body.__name__]["properties"][name]
        components[body.__name__]["required"].remove("op")
        for name, field in components[body.__name__]["properties"].items():
            if name not in components[body.__name__]["required"]:  # over HTTP, null is as good as left out
                components[body.__name__]["properties"][name] = {"anyOf": [field, {"type": "null"}]}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(schema, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tradegame",
            "version": tradegame.__version__,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The node that serves this document."}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "admin": {"type": "http", "scheme": "bearer", "description": "`admin.token` of the configuration."},
                "report": {"type": "http", "scheme": "Report", "description": "The `key` of a player's own report."},
                "session": {"type": "http", "scheme": "Session", "description": "The `token` that `hello` answers."},
            },
        },
        "x-error-codes": table(OVER_HTTP),
    }


def _operation(schemas: Kinds, operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.about,
        "tags": [operation.tag],
        "responses": _responses(schemas, operation),
    }
    if parameters := _parameters(schemas, operation):
        made["parameters"] = parameters
    if operation.body is not None:
        content = {JSON: {"schema": schemas[operation.body]}}
        made["requestBody"] = {"required": True, "content": content}
    if operation.host:
        made["security"] = [{"admin": []}]
    if operation.own:
        made["security"] = [{"report": []}, {"session": []}]
    return made


def _parameters(schemas: Kinds, operation: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": schemas[kind]}
        for name, kind in operation.names.items()
        if f"{{{name}}}" in operation.path
    ]
    found += [{"name": name, "in": "query", "schema": schemas[kind]} for name, kind in operation.query.items()]
    if operation.keyed:
        found.append({"name": IDEMPOTENCY_KEY, "in": "header", "schema": schemas[IdempotencyKey]})
    return found


def _responses(schemas: Kinds, operation: Operation) -> dict[str, Any]:
    schema = schemas[operation.answer]
    success: dict[str, Any] = {
        "description": "It went well.",
        "content": {kind: {"schema": schema} for kind in operation.kinds},
    }
    responses = {str(operation.status): success}
    if operation.file:
        etag = {"ETag": {"description": "Names this version of it.", "required": True, "schema": {"type": "string"}}}
        success["headers"] = etag
        responses["304"] = {"description": "`If-None-Match` names the present version.", "headers": etag}
    if operation.not_ready:
        responses["503"] = {"description": "Why not.", "content": {TEXT: {"schema": {"type": "string"}}}}
    by_status: dict[int, list[type[TradeGameError]]] = {}
    for error in (*operation.errors, *_ALWAYS):
        by_status.setdefault(error.status, []).append(error)
    failure = {JSON: {"schema": schemas[ErrorBody]}}
    for status, errors in sorted(by_status.items()):
        about = " ".join(f"`{error.code}`: {described(error)}" for error in errors)
        responses[str(status)] = {"description": about, "content": failure}
        if status in _HEADERS:
            responses[str(status)]["headers"] = _HEADERS[status]
    if operation.body is not None:
        responses["408"] = {"description": f"`timeout`: {described(RequestTimeoutError)}", "content": failure}
    return responses
