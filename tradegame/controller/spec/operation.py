"""What there is to say of one thing over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from tradegame.protocol.bounds import GameId, MessageNumber, PlayerId, SeatNumber
from tradegame.protocol.errors import (
    BadRequestError,
    CommandTimeoutError,
    Errors,
    KeyReusedError,
    OverloadedError,
    TradeGameError,
    UnauthorizedError,
    UnavailableError,
    UnknownGameError,
)
from tradegame.protocol.http import Published

HTML = "text/html"
TEXT = "text/plain"
SCRIPT = "text/javascript"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
SQLITE = "application/vnd.sqlite3"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
SVG = "image/svg+xml"
MANIFEST = "application/manifest+json"
CSV = "text/csv"
FILES = (HTML, TEXT, SCRIPT, JSON, "text/css", SVG, "image/png", "font/woff2", MANIFEST, "application/octet-stream")


@frozen(kw_only=True)
class Operation:
    """One method of one path. ``answer``: what a success holds, a class if it is JSON; ``kinds``: its media types.

    ``names``: what stands in the path; ``query``: behind it. ``not_ready``: it may answer 503, with the reason.
    ``file``: it has an ETag, and 304 for who has it already. ``host``: it needs the admin token. ``keyed``: it takes an
    `Idempotency-Key`. ``own``: it needs a player's report key or session token.
    """

    method: str = "GET"
    path: str
    id: str
    about: str
    tag: str
    status: int = 200
    answer: Any = str
    kinds: tuple[str, ...] = (JSON,)
    body: type | None = None
    names: Mapping[str, Any] = {
        "game": GameId,
        "player": PlayerId,
        "message": MessageNumber,
        "seat": SeatNumber,
        "path": str,
    }
    query: Mapping[str, Any] = {}
    file: bool = False
    host: bool = False
    keyed: bool = False
    own: bool = False
    not_ready: bool = False
    errors: Errors = ()

    def kinds_of_values(self) -> Iterator[Any]:
        """Of the answer, the body, and what stands in the path and behind it."""
        yield from (self.answer, self.body, *self.names.values(), *self.query.values())


STORE: Errors = (OverloadedError, UnavailableError, CommandTimeoutError)
HOST: Errors = (UnauthorizedError,)
GAME: Errors = (UnknownGameError, UnavailableError)


def file(path: str, name: str, about: str, *kinds: str, **more: Any) -> Operation:
    """What a page loads, or the page."""
    return Operation(path=path, id=name, about=about, tag="pages", kinds=kinds, file=True, **more)


def command(path: str, name: str, about: str, *errors: type[TradeGameError], **more: Any) -> Operation:
    """A call of the host's that goes through a game's log."""
    refused: Errors = (BadRequestError, KeyReusedError, UnknownGameError, *errors, *HOST, *STORE)
    where = {"method": "POST", "path": f"/v1/games/{{game}}{path}", "id": name, **more}
    return Operation(about=about, tag="host", answer=Published, host=True, keyed=True, errors=refused, **where)


def inside(path: str, name: str, about: str, answer: type[Any]) -> Operation:
    """What the host alone may read of a game."""
    where = f"/v1/games/{{game}}{path}"
    return Operation(path=where, id=name, about=about, tag="host", answer=answer, host=True, errors=(*HOST, *GAME))
