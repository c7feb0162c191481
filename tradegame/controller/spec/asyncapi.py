"""The WebSocket side as an AsyncAPI 3.0 document: https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

from __future__ import annotations

from functools import cache
from typing import Any

import tradegame
from tradegame.controller.front import WEBSOCKET_PATH
from tradegame.controller.spec.codes import table, with_codes
from tradegame.controller.spec.examples import EXAMPLES
from tradegame.controller.spec.schema import Schema, described, reference, schemas
from tradegame.protocol import SUBPROTOCOL, closing, tag_of
from tradegame.protocol.bounds import MAX_REQUEST_ID, MAX_REQUEST_NUMBER, MIN_REQUEST_NUMBER
from tradegame.protocol.errors import OVER_WEBSOCKET
from tradegame.protocol.failure import Failure
from tradegame.protocol.pushes import PUSHES
from tradegame.protocol.requests import KEYED, REQUESTS

ID: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": MIN_REQUEST_NUMBER, "maximum": MAX_REQUEST_NUMBER},
        {"type": "string", "maxLength": MAX_REQUEST_ID},
    ],
    "description": "The client's own: the reply carries it. Without one, only errors come.",
}

ABOUT = """\
What a client and a server of a trading game say to each other over WebSocket, one JSON object a text frame.

- The first request is `hello`, within 10 s; `join` then follows a game.
- Every request that has an `id` gets exactly one reply with it: `ok` or `error`. A frame with `push` is news.
- **Exactly once:** {keyed} take a `key`. Sent again with the same key, on
  any connection to any node, a command has one effect, and gets the first result.
- All numbers are integers, written as such: `1.0` and `1e3` are refused, though JSON Schema would let them pass.
- The server refuses unknown fields. **A client ignores fields and types of events that it does not know**: within v1,
  they may be added. What these schemas do not name may be there all the same.
- `null` is no value in a request: the field is left out.

The page for people is docs/protocol.md.
"""


@cache
def asyncapi() -> dict[str, Any]:
    """The document. Its operations are the server's: it receives requests, and sends replies and pushes."""
    _, components = schemas([*REQUESTS.values(), *(each.ok for each in REQUESTS.values()), *PUSHES.values(), Failure])
    with_codes(components["Failure"], OVER_WEBSOCKET)
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages["error"] = _message("error", "The reply to a request that failed.", _failed())
    for op, request in REQUESTS.items():
        components[request.__name__]["properties"] |= {"id": ID}
        messages[op] = _message(op, described(request), reference(request.__name__))
        messages[f"{op}Ok"] = _message(f"{op}Ok", described(request.ok), _ok(request.ok))
        answers = [_channel("messages", name) for name in (f"{op}Ok", "error")]
        operations[op] = {
            "action": "receive",
            "channel": _channel(),
            "summary": described(request),
            "messages": [_channel("messages", op)],
            "reply": {"channel": _channel(), "messages": answers},
        }
    for push in PUSHES.values():
        name = f"push.{tag_of(push)}"  # `fills` is a request, too
        messages[name] = _message(name, described(push), reference(push.__name__), answers=False)
        operations[name] = {
            "action": "send",
            "channel": _channel(),
            "summary": described(push),
            "messages": [_channel("messages", name)],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"tradegame: {SUBPROTOCOL}",
            "version": tradegame.__version__,
            "description": ABOUT.format(keyed=", ".join(f"`{op}`" for op in REQUESTS if op in KEYED)),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {scheme: _server(scheme) for scheme in ("ws", "wss")},
        "channels": {
            "game": {
                "address": WEBSOCKET_PATH,
                "title": SUBPROTOCOL,
                "description": f"One connection. The subprotocol `{SUBPROTOCOL}` is spoken, offered or not.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
                "x-close-codes": [{"code": code, "description": about} for code, about in closing.ABOUT.items()],
            }
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": components},
        "x-error-codes": table(OVER_WEBSOCKET),
    }


def _server(scheme: str) -> dict[str, Any]:
    return {
        "host": "{address}",
        "protocol": scheme,
        "description": "A node, over TLS." if scheme == "wss" else "A node.",
        "variables": {
            "address": {"default": "127.0.0.1:8765", "description": "Its host and port, the same as HTTP's."}
        },
    }


def _channel(*below: str) -> dict[str, str]:
    return {"$ref": "/".join(("#/channels/game", *below))}


def _message(name: str, summary: str, payload: Schema, *, answers: bool = True) -> dict[str, Any]:
    """``answers``: it is a request or a reply, which the ``id`` brings together."""
    message: dict[str, Any] = {"name": name, "summary": summary, "payload": payload}
    if answers:
        message["correlationId"] = {"location": "$message.payload#/id"}
    if name in EXAMPLES:
        message["examples"] = [{"payload": EXAMPLES[name]}]
    return message


def _ok(ok: type[Any]) -> Schema:
    return {"type": "object", "properties": {"id": ID, "ok": reference(ok.__name__)}, "required": ["id", "ok"]}


def _failed() -> Schema:
    properties = {"id": {"anyOf": [ID, {"type": "null"}]}, "error": reference("Failure")}
    return {"type": "object", "properties": properties, "required": ["id", "error"]}
