"""A response whose body is in pieces that others are sent, too: it is never put together, and counts once."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tradegame.controller.http.replay import READER

_TOGETHER = 8_192
"""Smaller pieces in a row are sent as one: a send costs more than copying them."""


class InPieces(Response):
    """JSON, encoded already. No piece may be empty."""

    media_type = "application/json"

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = _together(pieces)
        super().__init__(headers={"content-length": str(sum(map(len, pieces)))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI app."""
        share, pieces = READER.get(), self._pieces
        if share is not None:
            share.hold(pieces)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for number, piece in enumerate(pieces, 1):
                await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
        finally:
            if share is not None:
                share.release(pieces)


def _together(pieces: Sequence[bytes]) -> list[bytes]:
    joined: list[bytes] = []
    small: list[bytes] = []
    for piece in pieces:
        if len(piece) < _TOGETHER:
            small.append(piece)
            continue
        if small:
            joined.append(b"".join(small))
            small = []
        joined.append(piece)
    return [*joined, b"".join(small)] if small else joined
