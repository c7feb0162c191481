"""How people get to a game: its short address, as text and as a QR code."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import segno
import trio
from attrs import field, frozen
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.access import authority
from tradegame.controller.http.bodies import answer, game_id
from tradegame.core.domain.codes import code_of
from tradegame.core.domain.views import door_of
from tradegame.core.games.service import GameService
from tradegame.protocol.bounds import CODE_CHARACTERS, CODE_LENGTH
from tradegame.protocol.http import Invitation

CODES = "/{code:code}"
"""The route of the codes."""
PICTURES_KEPT = 256
PICTURE = 100.0
"""What it costs to make one, in units of HTTP: some 10 ms of a thread."""
Pay: TypeAlias = Callable[[Request, float], Awaitable[None]]
"""Charges whoever asks. Raises RateLimitedError."""


class _Code(Convertor[str]):
    regex = f"[{CODE_CHARACTERS}{CODE_CHARACTERS.lower()}]{{{CODE_LENGTH}}}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("code", _Code())


@frozen
class Invitations:
    """``elsewhere``: the server's URL for other machines, if it knows one; ``prefix``: a path that proxies add."""

    games: GameService
    elsewhere: Callable[[], str]
    prefix: str
    pay: Pay
    _kept: dict[str, bytes] = field(factory=dict, init=False)
    _one_at_a_time: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def text(self, request: Request) -> Response:
        """Raises UnknownGameError."""
        return answer(self.invitation(request))

    async def picture(self, request: Request) -> Response:
        """The same as a QR code: kept, since nearly all ask for the same. Raises UnknownGameError, RateLimitedError."""
        url = self.invitation(request).url
        svg = self._kept.get(url)
        if svg is None:
            await self.pay(request, PICTURE)
            svg = await self.draw(url)
            if len(self._kept) >= PICTURES_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[url] = svg
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})

    async def draw(self, url: str) -> bytes:
        """A QR code, an SVG, which is not kept. Costs some 10 ms of a thread; one is made at a time."""
        return await trio.to_thread.run_sync(_svg, url, limiter=self._one_at_a_time)

    def invitation(self, request: Request) -> Invitation:
        """Raises UnknownGameError."""
        root, here_only = self.root(request)
        game = door_of(self.games.host(game_id(request)).game.state.definition)
        return Invitation(f"{root}/{code_of(game)}", here_only)

    def root(self, request: Request) -> tuple[str, bool]:
        """The server's URL, and whether it means this machine alone.

        As whoever asks may show it to others: by the name that they use, unless it means their own machine.
        """
        host = request.headers.get("host", "")
        elsewhere = self.elsewhere() if is_own_machine(host) else ""
        root = elsewhere or f"{request.url.scheme}://{host}{self.prefix}"
        return root.rstrip("/"), is_own_machine(host) and not elsewhere


def is_own_machine(host: str) -> bool:
    """Whether ``name[:port]`` means the machine itself, wherever it is said, or nothing."""
    found = authority(f"http://{host}")
    name = "" if found is None else found[0].rstrip(".")
    return name in ("", "localhost", "::1") or name.endswith(".localhost") or name.startswith("127.")


def _svg(url: str) -> bytes:
    """Black on white, with the margin that scanners need, on a dark page too."""
    made = io.BytesIO()
    segno.make_qr(url, error="m").save(made, kind="svg", xmldecl=False, omitsize=True, border=4, light="#fff")
    return made.getvalue()
