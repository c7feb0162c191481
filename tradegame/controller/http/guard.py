"""What stands before the app: bounds what a request brings in, and lets no exception out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import structlog
import trio

from tradegame.core.faults import answer_to
from tradegame.protocol.errors import BadRequestError, InternalError, RequestTimeoutError, TooLargeError, TradeGameError

log = structlog.get_logger(__name__)

BODY_BYTES = 65_536
"""The most that the body of a request may have."""
BODY_PIECES = 1_000
"""The most pieces that it may come in: chunks, mostly. Libraries cut at kilobytes; each piece costs some 20 µs."""
BODY_S = 10.0
"""How long it may take to come."""
DRAIN_S = 1.0
"""How long the rest of a body that is not wanted is dropped, before the connection is closed."""

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware, the outermost.

    The body is read when the app asks for it, and is one message: so whoever has no right to one is refused before. It
    raises TooLargeError and RequestTimeoutError there, which the app lets pass or answers, and BadRequestError if the
    body breaks off. An answer before the body was read ends the connection.
    """

    def __init__(self, app: App, *, body_bytes: int = BODY_BYTES, body_s: float = BODY_S) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI app."""
        unread = _has_body(scope)
        asked = started = closes = False

        async def receive_body() -> Message:
            nonlocal asked, unread
            if asked:
                return await receive()
            asked = True
            body = await self._body(scope, receive)
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_noting(message: Message) -> None:
            nonlocal started, closes
            started = True
            if message["type"] == "http.response.start" and unread:
                closes = True
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            elif closes and not message.get("more_body"):
                await send({**message, "more_body": True})
                await _drop(receive)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        failed: TradeGameError | None = None
        try:
            await self._app(scope, receive_body, send_noting)
        except* Exception as faults:  # noqa: BLE001 - the edge: whatever it is, there is an answer
            fault = faults.exceptions[0] if len(faults.exceptions) == 1 else faults
            place = {"method": scope["method"], "path": scope["path"]}
            failed = answer_to(fault, "http_request_failed", **place)
            if started and not isinstance(failed, InternalError):  # which is in the log already
                log.warning("http_response_broken_off", **place, reason=repr(fault))
        if failed is not None and not started:  # else the response is cut off, and so the client knows
            await answer(send_noting, failed)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """All of it."""
        if any(name == b"content-length" and int(value) > self._body_bytes for name, value in scope["headers"]):
            raise self._too_large()
        body = bytearray()
        with trio.move_on_after(self._body_s):
            for _ in range(BODY_PIECES + 1):
                message = await receive()
                if message["type"] != "http.request":
                    raise BadRequestError("the body broke off")
                body += message.get("body", b"")
                if len(body) > self._body_bytes:
                    raise self._too_large()
                if not message.get("more_body"):
                    return bytes(body)
            raise self._too_large()
        raise RequestTimeoutError(f"the body did not come within {self._body_s:g} s")

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            f"a request's body has at most {self._body_bytes} bytes, and comes in {BODY_PIECES} pieces at most"
        )


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and int(value)) for name, value in scope["headers"]
    )


async def _drop(receive: Receive) -> None:
    """The rest of a request, before its connection is closed.

    Closing a socket with unread bytes resets the connection, and the peer might never see the answer.
    """
    with trio.move_on_after(DRAIN_S):
        while (await receive()).get("more_body"):
            pass


async def answer(send: Send, error: TradeGameError) -> None:
    """A response with the protocol's error body."""
    body = error.body()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
