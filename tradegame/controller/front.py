"""The door: accepts connections, reads the head of each one's first request, and shows it the way."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog
import trio
from attrs import define, field

from tradegame.controller.head import Head, Refusal, read_head, refuse

log = structlog.get_logger(__name__)

HEAD_S = 5.0
"""How long a peer may take for its TLS handshake and the head of its first request together."""
WEBSOCKET_PATH = "/ws"

Stream: TypeAlias = trio.SocketStream | trio.SSLStream[trio.SocketStream]
Listener: TypeAlias = trio.SocketListener | trio.SSLListener[trio.SocketStream]
Handler: TypeAlias = Callable[[Stream, Head, str], Awaitable[None]]
"""Serves a connection from its first request to its end.

It is given the stream, which it need not close, the head of that request, and the peer's address.
"""


async def open_listeners(
    host: str, port: int, *, tls_cert: str = "", tls_key: str = "", backlog: int = 1024
) -> Sequence[Listener]:
    """Bind ``host`` (a name may mean several addresses; empty is all) and ``port`` (0: any free one).

    With ``tls_cert``, a file with the chain (and the key, unless ``tls_key`` has it), TLS 1.2 and later is spoken.
    Raises OSError for an address that cannot be had, and for files that cannot be used, which it then names.
    The listeners are the caller's to close; ``Door.serve`` does so.
    """
    listeners = await trio.open_tcp_listeners(port, host=host or None, backlog=backlog)
    if not tls_cert:
        return listeners
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls_cert, tls_key or None)
        context.set_alpn_protocols(["http/1.1"])
    except OSError as error:  # ssl.SSLError is one, and neither says which file it is about
        for listener in listeners:
            await trio.aclose_forcefully(listener)
        files = " and ".join(filter(None, (tls_cert, tls_key)))
        raise OSError(f"the TLS certificate and key in {files} cannot be used: {error.strerror or error}") from error
    return [trio.SSLListener(listener, context, https_compatible=True) for listener in listeners]


@define(eq=False)
class Door:
    """Everyone who comes in. Nothing that happens in a connection gets out of here, but cancellation.

    ``most``: connections of every kind at a time, half-open ones too: more, by a good deal, than the WebSockets that
    are let in. One more is closed at once, without a word. Likewise ``most_per_address``.
    """

    websocket: Handler
    http: Handler
    most: int
    most_per_address: int
    head_s: float = HEAD_S
    inside: int = field(default=0, init=False)
    turned_away: int = field(default=0, init=False)
    _addresses: dict[str, int] = field(factory=dict, init=False)

    async def serve(
        self,
        listeners: Sequence[Listener],
        *,
        handler_nursery: trio.Nursery | None = None,
        task_status: trio.TaskStatus[Sequence[Listener]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until cancelled, which closes the listeners.

        Connections run in ``handler_nursery`` if there is one, and so outlive the listeners; else they are cancelled
        with them. Out of file descriptors, accepting pauses (trio.serve_listeners says so in the log). Raises OSError
        when a listener fails for another reason.
        """
        await trio.serve_listeners(
            self.let_in, list(listeners), handler_nursery=handler_nursery, task_status=task_status
        )

    async def let_in(self, stream: Stream) -> None:
        """Serve one connection to its end, and close it. Raises nothing but cancellation."""
        address = peer_address(stream)
        count = self._addresses.get(address, 0)
        if self.inside >= self.most or count >= self.most_per_address:
            self.turned_away += 1
            await _close(stream)
            return
        self.inside += 1
        self._addresses[address] = count + 1
        try:
            await serve_connection(
                stream,
                websocket_handler=self.websocket,
                http_handler=self.http,
                address=address,
                head_s=self.head_s,
            )
        finally:
            self.inside -= 1
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]


async def serve_connection(
    stream: Stream, *, websocket_handler: Handler, http_handler: Handler, address: str, head_s: float = HEAD_S
) -> None:
    """Read the head of the first request, within ``head_s``, and hand the connection over; at the end it is closed.

    Whatever is for ``/ws`` goes to ``websocket_handler``, be it an upgrade or not; an upgrade to WebSocket elsewhere is
    404; everything else goes to ``http_handler``, with the connection's further requests.

    **Error handling.** What a handler raises is logged, whole exception groups too, and closes this connection alone.
    Cancellation (and KeyboardInterrupt) passes.
    """
    try:
        head = await _knock(stream, head_s)
        if head is None:
            pass
        elif head.path == WEBSOCKET_PATH:
            await websocket_handler(stream, head, address)
        elif head.wants_websocket:
            await refuse(stream, Refusal(404, "not_found", f"WebSocket is spoken at {WEBSOCKET_PATH}"))
        else:
            await http_handler(stream, head, address)
    except* (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionError) as left:
        log.debug("connection_broke", address=address, error=repr(left.exceptions[0]))
    except* Exception:
        log.exception("connection_failed", address=address)
    finally:
        await _close(stream)


async def _knock(stream: Stream, head_s: float) -> Head | None:
    """The head, or None if there is none to be had: then the peer was told why, if it could be."""
    try:
        with trio.fail_after(head_s):
            if isinstance(stream, trio.SSLStream):
                await stream.do_handshake()
            return await read_head(stream)
    except Refusal as refusal:
        await refuse(stream, refusal)
    except trio.TooSlowError:
        message = f"the head of the request did not come within {head_s:g} s"
        # Over TLS it may be the handshake that is late: nothing can be said then.
        if not isinstance(stream, trio.SSLStream):
            await refuse(stream, Refusal(408, "timeout", message), within_s=0.2)
    except trio.BrokenResourceError as error:
        log.debug("connection_broke", error=repr(error))
    return None


def peer_address(stream: Stream) -> str:
    """The peer's IP address; empty if it has left already."""
    socket = stream.transport_stream.socket if isinstance(stream, trio.SSLStream) else stream.socket
    try:
        return str(socket.getpeername()[0])
    except OSError:
        return ""


async def _close(stream: Stream) -> None:
    """At once: whoever had something to say has closed it properly before."""
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(stream)
