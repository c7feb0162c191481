"""``/asyncapi.json`` and ``/openapi.json``: what this server speaks, for machines. Made once, when first asked for."""

from __future__ import annotations

import json
from functools import cache

import trio
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller import spec
from tradegame.controller.http.files import File, answer

_MAKERS = {"/asyncapi.json": spec.asyncapi, "/openapi.json": spec.openapi}


async def document(request: Request) -> Response:
    """Either, by its path. In a thread: to make one takes 50 ms, and nobody else is to wait for it."""
    return answer(request, await trio.to_thread.run_sync(_file, request.url.path))


@cache
def _file(path: str) -> File:
    return File.of(path, json.dumps(_MAKERS[path](), ensure_ascii=False, indent=1).encode())
