"""A WebSocket to the server. The only file of the client that knows trio_websocket."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from tradegame.protocol import SUBPROTOCOL
from tradegame.protocol.closing import BINARY, LOST

MESSAGE_BYTES = 16 * 2**20  # a whole state of a big game is the largest thing a server sends
CLOSE_TIMEOUT = 1.0

Dial = Callable[[str], Awaitable[trio.abc.Stream]]
"""Opens a byte stream to a URL's host; raises OSError or trio.BrokenResourceError."""


class SocketClosed(Exception):  # noqa: N818 - every connection ends so
    """The connection is over. ``code`` as in RFC 6455, section 7.4; LOST when there was no close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason or 'closed'} ({code})")
        self.code = code
        self.reason = reason


class Unreachable(Exception):  # noqa: N818
    """There is no WebSocket there, now. ``status``: of the HTTP reply, when there was one."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Socket:
    """Text messages both ways. ``send`` is for one task, ``receive`` for one other.

    ``silent``: set it, and nobody waits for the other side to say goodbye.
    """

    def __init__(self, connection: WebSocketConnection, stream: _HeardStream) -> None:
        self._connection = connection
        self._stream = stream
        self.silent = False

    @property
    def heard_at(self) -> float:
        """When the last byte came, on trio's clock: pings count, which the application never sees."""
        return self._stream.heard_at

    async def send(self, text: str) -> None:
        """Raises SocketClosed. Cancelled, the frame is torn and the socket is good for closing only."""
        try:
            await self._connection.send_message(text)
        except ConnectionClosed as closed:
            raise _closed(closed) from None

    async def ping(self) -> None:
        """Ask for a sign of life, and return when it came: ``heard_at`` tells too. Raises SocketClosed."""
        try:
            await self._connection.ping()
        except ConnectionClosed as closed:
            raise _closed(closed) from None

    async def receive(self) -> str:
        """The next text message. Raises SocketClosed, after everything that came before the close."""
        try:
            message = await self._connection.get_message()
        except ConnectionClosed as closed:
            raise _closed(closed) from None
        if not isinstance(message, str):
            raise SocketClosed(BINARY, "the server sent a binary frame")
        return message


async def dial_tcp(url: str, ssl_context: ssl.SSLContext | None = None) -> trio.abc.Stream:
    """TCP for ``ws:``, TLS for ``wss:``. Raises OSError, or trio.BrokenResourceError when TLS fails."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "ws":
        return await trio.open_tcp_stream(host, parts.port or 80)
    stream = await trio.open_ssl_over_tcp_stream(
        host, parts.port or 443, ssl_context=ssl_context, https_compatible=True
    )
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def check_url(url: str) -> str:
    """The URL, with ``/ws`` for a path where it has none. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url!r} is no ws:// or wss:// URL")
    _ = parts.port  # raises ValueError itself
    return url if parts.path else parts._replace(path="/ws").geturl()


@asynccontextmanager
async def open_socket(url: str, dial: Dial, connect_timeout: float) -> AsyncIterator[Socket]:
    """A socket for the length of the block, which closes it. Raises Unreachable before the block begins.

    When the connection breaks in a way that trio_websocket does not handle, the block is cancelled and
    SocketClosed is raised. What the block raises comes out as it is, in no exception group.
    """
    body_error: BaseException | None = None
    opened = False
    socket: Socket | None = None
    stream: _HeardStream | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                with trio.fail_after(connect_timeout):
                    stream = _HeardStream(await dial(url))
                    parts = urlsplit(url)
                    connection = await wrap_client_stream(
                        nursery,
                        cast(trio.SocketStream, stream),  # it needs no more than a Stream
                        parts.netloc.rpartition("@")[2],
                        parts.path + (f"?{parts.query}" if parts.query else ""),
                        subprotocols=[SUBPROTOCOL],
                        max_message_size=MESSAGE_BYTES,
                        receive_buffer_size=65536,
                    )
            except trio.TooSlowError:
                raise Unreachable(f"no answer within {connect_timeout:g} s") from None
            stream.opened = opened = True
            socket = Socket(connection, stream)
            try:
                yield socket
            except trio.Cancelled:
                raise
            except BaseException as error:  # noqa: BLE001 - handed on below, outside the nursery's group
                body_error = error
            finally:
                with trio.move_on_after(0 if socket.silent else CLOSE_TIMEOUT):
                    await connection.aclose()
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        errors, rest = group.split(Exception)
        if rest is not None:  # cancelled, or interrupted: that goes first
            try:
                raise rest from None
            finally:
                del rest
        assert errors is not None
        if opened:
            raise SocketClosed(LOST, _explain(errors)) from group
        raise Unreachable(_explain(errors), _status(errors)) from group
    finally:
        if stream is not None:
            await trio.aclose_forcefully(stream)
    if body_error is not None:
        try:
            raise body_error
        finally:
            del body_error


class _HeardStream(trio.abc.Stream):
    """Remembers when something was last heard, and makes an end before the handshake an error.

    trio_websocket would wait on such a connection until its time is over.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.heard_at = trio.current_time()
        self.opened = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError as error:
            if self.opened:
                raise
            raise ConnectionResetError("the connection broke before the handshake") from error
        if not data and not self.opened:
            raise ConnectionResetError("the connection was closed before the handshake")
        self.heard_at = trio.current_time()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _closed(closed: ConnectionClosed) -> SocketClosed:
    if closed.reason is None:
        return SocketClosed(LOST, "the connection broke")
    reason = closed.reason.reason or ("the connection broke" if closed.reason.code == LOST else "")
    return SocketClosed(closed.reason.code, reason)


def _leaves(error: BaseException) -> list[BaseException]:
    """What went wrong at the bottom: trio says "all attempts failed" and has the reasons as its cause."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    if isinstance(error.__cause__, (OSError, ExceptionGroup)):
        return _leaves(error.__cause__)
    return [error]


def _status(errors: BaseException) -> int | None:
    return next((leaf.status_code for leaf in _leaves(errors) if isinstance(leaf, ConnectionRejected)), None)


def _explain(errors: BaseException) -> str:
    """One line for a person."""
    lines: list[str] = []
    for leaf in _leaves(errors):
        if isinstance(leaf, ConnectionRejected):
            body = (leaf.body or b"").decode(errors="replace").strip()
            lines.append(f"HTTP {leaf.status_code}" + (f": {body[:200]}" if body else ""))
        elif isinstance(leaf, OSError) and leaf.strerror:
            lines.append(leaf.strerror)
        else:
            cause = leaf.__cause__ if isinstance(leaf, trio.BrokenResourceError) else None
            lines.append(str(cause or leaf) or type(leaf).__name__)
    return "; ".join(dict.fromkeys(lines))
