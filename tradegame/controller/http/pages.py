"""The pages to play, watch and host on, and all that they load: the files of ``site/``, as they are in the package.

They are read once, at the start, and answered from memory. Nothing else can be asked for: a path is looked up among the
files there are, and never put together.
"""

from __future__ import annotations

import gzip
import hashlib
from importlib import resources
from importlib.resources.abc import Traversable

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.errors import NotFoundError

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from elsewhere, nothing inline, and no page of others' around it."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "ts": "text/plain; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
}
_SMALL = 1_000  # what is not worth packing


@frozen
class _File:
    content: bytes
    packed: bytes | None
    type: str
    tag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> _File:
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        packed = gzip.compress(content, 9, mtime=0) if len(content) >= _SMALL else None
        return cls(content, packed, kind, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _read(directory: Traversable, path: str = "") -> dict[str, _File]:
    found: dict[str, _File] = {}
    for entry in directory.iterdir():
        if entry.is_dir():
            found |= _read(entry, f"{path}{entry.name}/")
        elif not entry.name.startswith("."):
            found[path + entry.name] = _File.of(entry.name, entry.read_bytes())
    return found


_SITE = _read(resources.files("tradegame.controller.http").joinpath("site"))


async def play(request: Request) -> Response:
    return _answer(request, "play.html")


async def watch(request: Request) -> Response:
    return _answer(request, "watch.html")


async def host(request: Request) -> Response:
    return _answer(request, "host.html")


async def client(request: Request) -> Response:
    """``/tradegame.js`` and ``/tradegame.d.ts``."""
    return _answer(request, request.url.path[1:])


async def favicon(request: Request) -> Response:
    return _answer(request, "icon.svg")


async def static(request: Request) -> Response:
    """``/static/…``: whatever is in ``site/``. Raises NotFoundError."""
    return _answer(request, request.path_params["path"])


def _answer(request: Request, name: str) -> Response:
    file = _SITE.get(name)
    if file is None:
        raise NotFoundError("no such path")
    headers = {
        "ETag": file.tag,
        "Cache-Control": "no-cache",  # asked for again each time, and then mostly not sent again
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": POLICY,
    }
    if file.tag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if file.packed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.type)
    return Response(file.content, headers=headers, media_type=file.type)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.split(","):
        coding, _, parameters = each.partition(";")
        if coding.strip().lower() == "gzip":
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
