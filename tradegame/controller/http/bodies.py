"""What the bodies of the host's requests hold, beside a game's definition."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from msgspec import Struct
from starlette.requests import Request

from tradegame.controller.websocket import protocol
from tradegame.protocol.errors import BadRequestError

T = TypeVar("T", bound=Struct)


async def json_object(request: Request) -> dict[str, Any]:
    """The body, whatever its fields. Raises BadRequestError for what is no JSON object."""
    try:
        text = (await request.body()).decode()
        data = json.loads(text)
        if "\\u" in text:  # half a surrogate pair, spelled so, could not even be named in the answer
            json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadRequestError("not a JSON object", at="$") from None
    if type(data) is not dict:
        raise BadRequestError("not a JSON object", at="$")
    return data


async def body_of(request: Request, kind: type[T]) -> T:
    """The body as a ``kind``. Raises BadRequestError, whose ``at`` says where it is not."""
    body = await json_object(request)
    return protocol.structure({name: value for name, value in body.items() if value is not None}, kind)
