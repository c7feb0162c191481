"""Errors that only HTTP has, and how any error is answered there."""

from __future__ import annotations

from starlette.responses import JSONResponse

from tradegame.controller.websocket.protocol import error_body
from tradegame.core.domain.errors import TradeGameError


class NotFoundError(TradeGameError):
    """Nothing is at this path."""

    code, status = "not_found", 404


class MethodNotAllowedError(TradeGameError):
    """The path is there, but not for this method: `Allow` names those that it is there for."""

    code, status = "method_not_allowed", 405


class TooLargeError(TradeGameError):
    """The body or the head of the request is longer than what is read."""

    code, status = "too_large", 413


def error_response(error: TradeGameError) -> JSONResponse:
    """An error as HTTP has it."""
    headers = {}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": error_body(error)}, error.status, headers)
