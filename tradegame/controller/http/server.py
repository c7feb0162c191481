"""Hypercorn, behind the door: an ASGI app for requests that lead to no WebSocket."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias, cast

import h11
import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from tradegame.controller.access import Access
from tradegame.controller.backlog import Backlog
from tradegame.controller.front import Reads, Stream, is_for_the_door, payment, peer_address
from tradegame.controller.head import MAX_HEAD, Head, Refusal
from tradegame.controller.http.replay import READER, Replay, SecureReplay
from tradegame.protocol.errors import BadRequestError, InternalError, RequestTimeoutError, TooLargeError, TradeGameError

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
    body in one message. A request whose body is over 64 KiB or takes over 10 s never reaches it. The scope has the
    client's address, the host and the scheme as ``access`` has them, and a path without its prefix.
    """

    def __init__(
        self,
        app: App,
        access: Access | None = None,
        backlog: Backlog | None = None,
        reads: Reads = lambda connection, payer: 0.0,
    ) -> None:
        self._reads = reads
        self._backlog = backlog
        self._access = access or Access()
        self._open = 0
        self._gone = trio.Event()
        self._app = ASGIWrapper(cast("ASGIFramework", Guard(app)))
        self._context = WorkerContext(None)
        self._config = Config()
        self._config.accesslog = self._config.errorlog = None  # the app's faults are logged by the guard
        self._config.include_server_header = False
        self._config.keep_alive_timeout = KEEP_ALIVE_S
        self._config.keep_alive_max_requests = 10_000
        self._config.h11_max_incomplete_size = MAX_HEAD
        self._config.max_app_queue_size = 4

    async def __call__(self, stream: Stream, head: Head, address: str) -> Head | None:
        """Serve one connection, whose first request begins with ``head``, until either side closes it.

        Or until a request comes that is the door's: its head is returned, with what came behind it, when all before it
        are answered. Raises Refusal, in the same way, for one that has no place here.

        Hypercorn shields what it sends from cancellation. So that a peer which does not read cannot hold up the
        server's end, the socket is closed under it when this is cancelled. And a peer that leaves with more than one
        request unanswered it would wait for without end: what could not be sent ends the connection.
        """
        first = head.raw + head.rest
        pay = payment(self._access, self._reads, stream, address)
        if isinstance(stream, trio.SSLStream):
            replay: Replay = SecureReplay(stream, first, self._backlog, pay)
        else:
            replay = Replay(stream, first, self._backlog, pay)
        READER.set(replay.share)
        self._open += 1
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_end_when_lost, replay, nursery.cancel_scope)
                server = _Connection(self._app, self._config, self._context, ConnectionState({}), cast("Any", replay))
                server.access = self._access
                try:
                    await server.run()
                finally:
                    server.protocol = cast("Any", None)  # which holds the server: no reference count would free the two
                nursery.cancel_scope.cancel()
        finally:
            self._open -= 1
            self._gone.set()
            self._gone = trio.Event()
        if isinstance(server.handed_on, Refusal):
            raise server.handed_on
        return server.handed_on

    async def finish(self) -> None:
        """Answer what is under way, but nothing after it on any connection; idle ones are closed.

        Returns when all connections are gone. The caller bounds the wait: a peer may read slowly.
        """
        await self._context.terminated.set()
        while self._open:
            await self._gone.wait()


class _Connection(TCPServer):
    """Hypercorn's, which after the peer's end waits for the idle timeout before it is done: this one does not."""

    access: Access
    handed_on: Head | Refusal | None = None

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
        self.protocol.protocol.serve(self.access, peer_address(cast("Any", self.stream)))
        try:
            await super()._read_data()
        except _HandedOnError as end:
            self.handed_on = end.to
            cast("Replay", self.stream).release()
        await self.idle_task.stop()


class _HandedOnError(Exception):
    """A request is the door's, to serve or to refuse. Raised when all before it are answered: h11 pauses until then."""

    def __init__(self, to: Head | Refusal) -> None:
        super().__init__()
        self.to = to


class _Http1(H11Protocol):
    """HTTP/1 and nothing else, in all of a connection's requests.

    Hypercorn's goes over to HTTP/2 for whoever asks, and to WebSocket, where it fails on bytes that come too soon.
    """

    def serve(self, access: Access, peer: str) -> None:
        self._access = access
        self._peer = peer
        self._secure = self.ssl
        self.connection = _Lenient(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)

    async def _check_protocol(self, event: h11.Request) -> None:
        """An upgrade to HTTP/2 is not taken up (RFC 9110, section 7.8)."""

    async def _create_stream(self, request: h11.Request) -> None:
        head = _head_of(request)
        try:
            if request.http_version not in (b"1.1", b"1.0"):
                raise Refusal(BadRequestError("only HTTP/1.1 is spoken here"), status=505, cause="version")
            visit = self._access.visit(head, self._peer, secure=self._secure)
        except Refusal as refusal:
            refusal.head = head
            raise _HandedOnError(refusal) from None
        if is_for_the_door(head, visit):
            head.raw = _raw(request)
            head.rest = self.connection.trailing_data[0]
            raise _HandedOnError(head)
        self.client = visit.address, self.client[1] if self.client else 0
        self.ssl = visit.secure
        headers = [(name, value) for name, value in request.headers if name != b"host"]
        if visit.host or head.get("host") is not None:
            headers.append((b"host", visit.host.encode("latin-1")))
        meant = h11.Request(
            method=request.method, target=visit.target, headers=headers, http_version=request.http_version
        )
        await super()._create_stream(meant)


class _Lenient(h11.Connection):
    """h11's, which takes an empty line before a request for an error (RFC 9112, section 2.2)."""

    def next_event(self) -> Any:
        if self.their_state is h11.IDLE:
            waiting, ended = self.trailing_data
            empty = 0
            while waiting.startswith(b"\r\n", empty):
                empty += 2
            if empty:
                self._receive_buffer.maybe_extract_at_most(empty)
            if waiting[empty:] == b"\r" and not ended:
                return h11.NEED_DATA
        try:
            return super().next_event()
        except h11.RemoteProtocolError as error:
            raise error.with_traceback(None) from None  # h11's has a frame in it that has the error in it


def _head_of(request: h11.Request) -> Head:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers)
    return Head(
        request.method.decode("latin-1"),
        request.target.decode("latin-1"),
        f"HTTP/{request.http_version.decode('latin-1')}",
        headers,
        b"",
    )


def _raw(request: h11.Request) -> bytes:
    """The head as it came, or as good as that."""
    lines = [b"%s %s HTTP/%s" % (request.method, request.target, request.http_version)]
    lines += [b"%s: %s" % pair for pair in request.headers.raw_items()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


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
            await answer(send, RequestTimeoutError(f"the body did not come within {self._body_s:g} s"))
            return
        if body is None:
            message = f"a request's body has at most {self._body_bytes} bytes"
            await answer(send, TooLargeError(message), unread=receive)
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
            await answer(send, InternalError.of(reference))


async def answer(send: Send, error: TradeGameError, *, unread: Receive | None = None) -> None:
    """A response with the protocol's error body.

    ``unread``: before the connection is closed, drop the rest of the request, as far as it comes within 1 s.

    Closing a socket with unread bytes resets the connection, and the peer might never see the answer.
    """
    body = error.body()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if unread is not None:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": unread is not None})
    if unread is not None:
        with trio.move_on_after(1):
            while (await unread()).get("more_body"):
                pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})
