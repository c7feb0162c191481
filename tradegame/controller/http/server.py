"""Hypercorn, behind the door: an ASGI app for requests that lead to no WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import h11
import structlog
import trio
from h11._receivebuffer import ReceiveBuffer
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from tradegame.controller.access import Access
from tradegame.controller.backlog import Backlog
from tradegame.controller.front import Reads, Stream, is_for_the_door, payment, peer_address
from tradegame.controller.head import MAX_HEAD, Head, Refusal, check_size, too_large
from tradegame.controller.http.guard import App, Guard
from tradegame.controller.http.replay import READER, Replay, SecureReplay
from tradegame.controller.tls import SecureStream
from tradegame.protocol.errors import BadRequestError
from tradegame.utils.changes import Changes

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 15


class HttpServer:
    """Serves an ASGI app, connection by connection: an instance is the door's ``http`` handler.

    The app is called with ``http`` scopes only (no lifespan: what the app needs is built before it), before the body is
    read: see `Guard`. The scope has the client's address, the host and the scheme as ``access`` has them, and a path
    without its prefix.
    """

    def __init__(
        self,
        app: App,
        access: Access | None = None,
        backlog: Backlog | None = None,
        reads: Reads = lambda connection, payer, reads: 0.0,
    ) -> None:
        self._reads = reads
        self._backlog = backlog
        self._access = access or Access()
        self._open = 0
        self._left = Changes()
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
        if isinstance(stream, SecureStream):
            replay: Replay = SecureReplay(stream, first, self._backlog, pay)
        else:
            replay = Replay(stream, first, self._backlog, pay)
        READER.set(replay.share)
        self._open += 1
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_end_when_lost, replay, nursery.cancel_scope, address)
                server = _Connection(self._app, self._config, self._context, ConnectionState({}), cast("Any", replay))
                server.access = self._access
                try:
                    await server.run()
                finally:
                    server.protocol = cast("Any", None)  # which holds the server: no reference count would free the two
                nursery.cancel_scope.cancel()
        finally:
            self._open -= 1
            self._left.made()
        if isinstance(server.handed_on, Refusal):
            raise server.handed_on
        return server.handed_on

    async def finish(self) -> None:
        """Answer what is under way, but nothing after it on any connection; idle ones are closed.

        Returns when all connections are gone. The caller bounds the wait: a peer may read slowly.
        """
        await self._context.terminated.set()
        await self._left.until(lambda: not self._open)


class _Connection(TCPServer):
    """Hypercorn's, which after the peer's end waits for the idle timeout before it is done: this one does not."""

    access: Access
    handed_on: Head | Refusal | None = None
    _over: bool = False

    async def protocol_send(self, event: Event) -> None:
        if self._over and isinstance(event, Updated):  # an answer that ends only now is not waited upon
            return
        try:
            await super().protocol_send(event)
        except trio.BusyResourceError:  # what came in meanwhile broke the protocol: the connection is being closed
            await self.protocol.handle(Closed())

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
        replay = cast("Replay", self.stream)
        self.protocol.protocol.serve(self.access, peer_address(cast("Any", replay)), replay.owe)
        try:
            await super()._read_data()
        except _HandedOnError as end:
            self.handed_on = end.to
            replay.release()
        self._over = True
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

    def serve(self, access: Access, peer: str, owe: Callable[[], None]) -> None:
        self._access = access
        self._peer = peer
        self._secure = self.ssl
        self.connection = _H11(owe, self.config.h11_max_incomplete_size)

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


class _H11(h11.Connection):
    """h11's, with what it lacks: bounds, and patience with empty lines before a request (RFC 9112, section 2.2).

    ``owe`` is called for each chunk of a body. The rest of chunks that nobody waits for is dropped unread.
    """

    def __init__(self, owe: Callable[[], None], max_incomplete: int) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=max_incomplete)
        self._owe = owe
        self._chunked = False
        self._receive_buffer = _Lines()

    def next_event(self) -> Any:
        if self._chunked and self.their_state is h11.SEND_BODY and self.our_state is not h11.SEND_RESPONSE:
            self._receive_buffer.maybe_extract_at_most(len(self._receive_buffer))
            return h11.NEED_DATA
        begins = self.their_state is h11.IDLE
        if begins:
            waiting, ended = self.trailing_data
            empty = 0
            while waiting.startswith(b"\r\n", empty):
                empty += 2
            if empty:
                self._receive_buffer.maybe_extract_at_most(empty)
            if waiting[empty:] == b"\r" and not ended:
                return h11.NEED_DATA
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            if begins and error.error_status_hint == 431:
                raise _HandedOnError(too_large(str(error))) from None
            raise error.with_traceback(None) from None  # h11's has a frame in it that has the error in it
        if isinstance(event, h11.Request):
            self._chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
        elif isinstance(event, h11.Data) and event.chunk_start:
            self._owe()
        return event


class _Lines(ReceiveBuffer):
    """Bounds a head, and what may follow the last chunk of a body, before h11 looks into them."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        lines = super().maybe_extract_lines()
        if lines is not None:
            try:
                check_size(lines)
            except Refusal as refusal:
                raise h11.RemoteProtocolError(str(refusal), error_status_hint=431) from None
        return lines


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


async def _end_when_lost(replay: Replay, connection: trio.CancelScope, address: str) -> None:
    try:
        await replay.lost.wait()
        if replay.lost.reason:
            log.info("http_client_given_up", address=address, reason=replay.lost.reason)
        connection.cancel()
    finally:
        replay.cut()
