"""The pages to play, watch and host on, and all that they load: the files of ``site/``, as they are in the package.

They are read once, at the start, and answered from memory. Nothing else can be asked for: a path is looked up among the
files there are, and never put together.
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.files import File, answer
from tradegame.protocol.errors import NotFoundError


def _read(directory: Traversable, path: str = "") -> dict[str, File]:
    found: dict[str, File] = {}
    for entry in directory.iterdir():
        if entry.is_dir():
            found |= _read(entry, f"{path}{entry.name}/")
        elif not entry.name.startswith("."):
            found[path + entry.name] = File.of(entry.name, entry.read_bytes())
    return found


_SITE = _read(resources.files("tradegame.controller.http").joinpath("site"))


async def play(request: Request) -> Response:
    return _answer(request, "play.html")


async def watch(request: Request) -> Response:
    return _answer(request, "watch.html")


async def host(request: Request) -> Response:
    return _answer(request, "host.html")


async def report(request: Request) -> Response:
    return _answer(request, "report.html")


async def client(request: Request) -> Response:
    """``/tradegame.js`` and ``/tradegame.d.ts``."""
    return _answer(request, request.url.path[1:])


async def favicon(request: Request) -> Response:
    return _answer(request, "icon.svg")


async def static(request: Request) -> Response:
    """``/static/…``: whatever is in ``site/``. Raises NotFoundError."""
    return _answer(request, request.path_params["path"])


def mistyped(request: Request) -> Response | None:
    """For a browser at an unknown path of one part, which may be meant for a game's code: the page to play on. It says
    that there is no such game, and which there are.
    """
    asked = request.url.path[1:]
    if request.method != "GET" or "/" in asked or "text/html" not in request.headers.get("accept", ""):
        return None
    response = _answer(request, "play.html")
    if response.status_code == 200:
        response.status_code = 404
    return response


def _answer(request: Request, name: str) -> Response:
    file = _SITE.get(name)
    if file is None:
        raise NotFoundError("no such path")
    return answer(request, file)
