"""Hypercorn, behind the door: an ASGI app for the connections whose first request is not a WebSocket's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from tradegame.controller.front import Stream
from tradegame.controller.head import MAX_HEAD, Head
from tradegame.controller.http.replay import Replay, SecureReplay

if TYPE_CHECKING:
    import h11

log = structlog.get_logger(__name__)

BODY_BYTES = 65_536
"""The most that the body of a request may have."""
BODY_S = 10.0
"""How long it may take to come."""
KEEP_ALIVE_S = 15

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class BrokenOffError(Exception):
    """Raised by an app that has begun a response and cannot finish it, through no fault of its own; with its cause."""


class HttpServer:
    """Serves an ASGI app, connection by connection: an instance is the door's ``http`` handler.

    The app is called with ``http`` scopes only (no lifespan: what the app needs is built before it), and with the whole
    body in one message. A request whose body is over 64 KiB or takes over 10 s never reaches it.
    """

    def __init__(self, app: App) -> None:
        self._app = ASGIWrapper(cast("ASGIFramework", Guard(app)))
        self._context = WorkerContext(None)
        self._config = Config()
        self._config.accesslog = self._config.errorlog = None  # the app's faults are logged by the guard
        self._config.include_server_header = False
        self._config.keep_alive_timeout = KEEP_ALIVE_S
        self._config.keep_alive_max_requests = 10_000
        self._config.h11_max_incomplete_size = MAX_HEAD
        self._config.max_app_queue_size = 4

    async def __call__(self, stream: Stream, head: Head, address: str) -> None:
        """Serve one connection, whose first request begins with ``head``, until either side closes it.

        Hypercorn shields what it sends from cancellation. So that a peer which does not read cannot hold up the
        server's end, the socket is closed under it when this is cancelled. And a peer that leaves with more than one
        request unanswered it would wait for without end: what could not be sent ends the connection.
        """
        first = head.raw + head.rest
        replay = SecureReplay(stream, first) if isinstance(stream, trio.SSLStream) else Replay(stream, first)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_when_lost, replay, nursery.cancel_scope)
            server = _Connection(self._app, self._config, self._context, ConnectionState({}), cast("Any", replay))
            await server.run()
            nursery.cancel_scope.cancel()

    async def finish(self) -> None:
        """Answer what is under way, but nothing after it on any connection; idle ones are closed. Returns at once."""
        await self._context.terminated.set()


class _Connection(TCPServer):
    """Hypercorn's, which after the peer's end waits for the idle timeout before it is done: this one does not."""

    async def _read_data(self) -> None:
        hypercorns = self.protocol.protocol
        self.protocol.protocol = _Http1(
            hypercorns.app,
            hypercorns.config,
            hypercorns.context,
            hypercorns.task_group,
            hypercorns.connection_state,
            hypercorns.ssl,
            hypercorns.client,
            hypercorns.server,
            hypercorns.send,
        )
        await super()._read_data()
        await self.idle_task.stop()


class _Http1(H11Protocol):
    """HTTP/1 and nothing else, in all of a connection's requests: the door sees the first one only.

    Hypercorn's goes over to HTTP/2 for whoever asks, and to WebSocket, where it fails on bytes that come too soon.
    """

    async def _check_protocol(self, event: h11.Request) -> None:
        """An upgrade to HTTP/2 is not taken up (RFC 9110, section 7.8)."""

    async def _create_stream(self, request: h11.Request) -> None:
        upgrades = [value.strip().lower() for name, value in request.headers if name == b"upgrade"]
        if request.http_version not in (b"1.1", b"1.0"):
            await self._refuse(505)
        elif b"websocket" in upgrades:
            await self._refuse(403)
        else:
            await super()._create_stream(request)

    async def _refuse(self, status: int) -> None:
        await self._send_error_response(status)
        await self.send(Closed())


async def _end_when_lost(replay: Replay, connection: trio.CancelScope) -> None:
    try:
        await replay.lost.wait()
        connection.cancel()
    finally:
        replay.cut()


class Guard:
    """ASGI middleware, the outermost: bounds what a request brings in, and lets no exception out."""

    def __init__(self, app: App, *, body_bytes: int = BODY_BYTES, body_s: float = BODY_S) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI app."""
        try:
            with trio.fail_after(self._body_s):
                body = await self._body(scope, receive)
        except trio.TooSlowError:
            await answer(send, 408, "timeout", f"the body did not come within {self._body_s:g} s")
            return
        if body is None:
            message = f"a request's body has at most {self._body_bytes} bytes"
            await answer(send, 413, "too_large", message, unread=receive)
            return
        await self._call(scope, body, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """All of it; None if it is too large. A peer that leaves half-way has sent what it has sent."""
        for name, value in scope["headers"]:
            if name.lower() == b"content-length" and int(value) > self._body_bytes:
                return None
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return bytes(body)
            body += message.get("body", b"")
            if len(body) > self._body_bytes:
                return None
            if not message.get("more_body"):
                return bytes(body)

    async def _call(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        started = False

        async def receive_body() -> Message:
            return waiting.pop() if waiting else await receive()

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        failed = False
        try:
            await self._app(scope, receive_body, send_noting)
        except* BrokenOffError as broken:
            # Unfinished, the response is cut off, and so the client knows.
            reason = str(broken.exceptions[0].__cause__)
            log.warning("http_response_broken_off", method=scope["method"], path=scope["path"], reason=reason)
        except* Exception:
            failed = True
            reference = secrets.token_hex(4)
            log.exception("http_request_failed", method=scope["method"], path=scope["path"], reference=reference)
        if failed and not started:
            await answer(send, 500, "internal", f"a fault of the server's, logged as {reference}", definite=False)


async def answer(
    send: Send, status: int, code: str, message: str, *, definite: bool = True, unread: Receive | None = None
) -> None:
    """A response with the protocol's error body.

    ``unread``: before the connection is closed, drop the rest of the request, as far as it comes within 1 s.

    Closing a socket with unread bytes resets the connection, and the peer might never see the answer.
    """
    body = json.dumps({"error": {"code": code, "message": message, "definite": definite}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if unread is not None:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": unread is not None})
    if unread is not None:
        with trio.move_on_after(1):
            while (await unread()).get("more_body"):
                pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})
