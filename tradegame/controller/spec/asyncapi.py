"""The WebSocket side as an AsyncAPI 3.0 document: https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

from __future__ import annotations

from functools import cache
from typing import Any

import tradegame
from tradegame.controller.front import WEBSOCKET_PATH
from tradegame.controller.spec.errors import Error, table, with_codes
from tradegame.controller.spec.events import PUSHES
from tradegame.controller.spec.examples import EXAMPLES
from tradegame.controller.spec.replies import OKS
from tradegame.controller.spec.schema import Schema, Schemas, described, reference
from tradegame.controller.spec.words import WORDS, RequestId
from tradegame.core.use_cases.requests import REQUESTS, Request
from tradegame.protocol import SUBPROTOCOL, closing
from tradegame.protocol.errors import OVER_WEBSOCKET

ABOUT = """\
What a client and a server of a trading game say to each other over WebSocket, one JSON object a text frame.

- The first request is `hello`, within 10 s; `join` then follows a game.
- Every request that has an `id` gets exactly one reply with it: `ok` or `error`. A frame with `push` is news.
- **Exactly once:** `join`, `buy`, `sell`, `order`, `cancel` and `say` take a `key`. Sent again with the same key, on
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
    schemas = Schemas(WORDS)
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    schemas.components["Error"] = with_codes(schemas.fields(Error, closed=False), OVER_WEBSOCKET)
    messages["error"] = _message("error", "The reply to a request that failed.", _failed(schemas))
    for op, request in REQUESTS.items():
        schemas.components[request.__name__] = _request(schemas, request)
        messages[op] = _message(op, described(request), reference(request.__name__))
        messages[f"{op}Ok"] = _message(f"{op}Ok", described(OKS[request]), _ok(schemas, OKS[request]))
        answers = [_channel("messages", name) for name in (f"{op}Ok", "error")]
        operations[op] = {
            "action": "receive",
            "channel": _channel(),
            "summary": described(request),
            "messages": [_channel("messages", op)],
            "reply": {"channel": _channel(), "messages": answers},
        }
    for push in PUSHES:
        payload = schemas.sent(push)
        name = schemas.components[push.__name__]["properties"]["push"]["const"]
        messages[name] = _message(name, described(push), payload, answers=False)
        operations[f"push.{name}"] = {
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
            "description": ABOUT,
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
        "components": {"messages": messages, "schemas": schemas.components},
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


def _request(schemas: Schemas, request: type[Request]) -> Schema:
    schema = schemas.fields(request, closed=True, null=False)
    schema["properties"] = {"id": schemas.sent(RequestId), "op": {"const": request.op}, **schema["properties"]}
    schema["required"] = ["op", *schema.get("required", ())]
    return schema


def _ok(schemas: Schemas, ok: type) -> Schema:
    properties = {"id": schemas.sent(RequestId), "ok": schemas.sent(ok)}
    return {"type": "object", "properties": properties, "required": ["id", "ok"]}


def _failed(schemas: Schemas) -> Schema:
    request_id = {"anyOf": [schemas.sent(RequestId), {"type": "null"}]}
    properties = {"id": request_id, "error": reference("Error")}
    return {"type": "object", "properties": properties, "required": ["id", "error"]}
