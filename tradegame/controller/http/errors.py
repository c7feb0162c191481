"""How an error is answered over HTTP."""

from __future__ import annotations

from starlette.responses import Response

from tradegame.protocol.errors import TradeGameError


def error_response(error: TradeGameError) -> Response:
    """An error as HTTP has it."""
    headers = {}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(error.body(), error.status, headers, "application/json")
