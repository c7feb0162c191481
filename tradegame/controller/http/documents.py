"""``/asyncapi.json`` and ``/openapi.json``: what this server speaks, for machines. Made once, at the start."""

from __future__ import annotations

import json
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller import spec
from tradegame.controller.http.files import File, answer

_MAKERS = {"/asyncapi.json": spec.asyncapi, "/openapi.json": spec.openapi}


async def document(request: Request) -> Response:
    """Either, by its path."""
    return answer(request, _file(request.url.path))


def make() -> None:
    """Both, so that whoever asks first does not hold up everybody."""
    for path in _MAKERS:
        _file(path)


@cache
def _file(path: str) -> File:
    return File.of(path, json.dumps(_MAKERS[path](), ensure_ascii=False, indent=1).encode())
