"""The door: accepts connections, reads the head of each one's first request, and shows it the way.

An upgrade on a connection that was kept after other requests comes back here too: see ``Handler``.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

import structlog
import trio
from attrs import define, field

from tradegame.controller.access import Access, Visit
from tradegame.controller.forwarded import plain_address
from tradegame.controller.head import Head, Pay, Refusal, free, read_head, refuse
from tradegame.controller.tls import Certificate, SecureStream, TlsListener, plain_http
from tradegame.core.admission.budgets import payer_of
from tradegame.protocol.errors import NotFoundError, RequestTimeoutError

log = structlog.get_logger(__name__)

HEAD_S = 5.0
"""How long a peer may take for its TLS handshake and the head of its first request together."""
SEND_BUFFER_BYTES = 65_536
"""What the kernel may hold of what is sent to one connection, of every kind (Linux doubles it)."""
WEBSOCKET_PATH = "/ws"

Reads: TypeAlias = Callable[[str, str, float], float]
"""Charges a connection, and who pays for it, for so many reads. Returns for how long to read nothing then, in s."""
Stream: TypeAlias = trio.SocketStream | SecureStream
Listener: TypeAlias = trio.SocketListener | TlsListener
WebSocketHandler: TypeAlias = Callable[[Stream, Head, str], Awaitable[None]]
"""Serves a WebSocket to its end. It is given the stream, which it need not close, the head of the upgrade request, and
the client's address. It may raise Refusal, having answered the client or not."""
HttpHandler: TypeAlias = Callable[[Stream, Head, str], Awaitable[Head | None]]
"""Serves a connection from its first request on. It is given the stream, the head, and the peer's address.

It returns the head of a later request that is the door's (one for ``/ws``, or any WebSocket), with the bytes that came
behind it, and has then answered all requests before it and not closed the stream. Else None: the connection is over.
"""


async def open_listeners(
    host: str, port: int, *, tls_cert: str = "", tls_key: str = "", backlog: int = 1024
) -> Sequence[Listener]:
    """Bind ``host`` (a name may mean several addresses) and ``port`` (0: any free one).

    ``::`` and an empty host are every network, by IPv4 and IPv6 both. With ``tls_cert``, a file with the chain (and the
    key, unless ``tls_key`` has it), TLS 1.2 and later is spoken. Raises OSError for an address that cannot be had, and
    for files that cannot be used, which it then names. The listeners are the caller's to close; ``Door.serve`` does so.
    """
    certificate = Certificate(tls_cert, tls_key) if tls_cert else None
    listeners = None
    if host in ("", "::"):
        listeners = await _open_both(port, backlog)
    if listeners is None:
        listeners = await trio.open_tcp_listeners(port, host=host or None, backlog=backlog)
    for listener in listeners:
        # Accepted sockets inherit it. Left alone, Linux grows it to 4 MiB each: a queue behind those that are bounded.
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if certificate is None:
        return listeners
    return [TlsListener(listener, certificate) for listener in listeners]


async def _open_both(port: int, backlog: int) -> list[trio.SocketListener] | None:
    """One socket for IPv4 and IPv6; None where the system has no such thing."""
    if not socket.has_dualstack_ipv6():
        return None
    both = trio.socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, False)
        if os.name == "posix":  # elsewhere it would take a port that is in use
            both.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await both.bind(("::", port))
        both.listen(backlog)
    except BaseException as error:
        both.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return [trio.SocketListener(both)]


@define(eq=False)
class Door:
    """Everyone who comes in. Nothing that happens in a connection gets out of here, but cancellation.

    ``most``: connections of every kind at a time, half-open ones too: more, by a good deal, than the WebSockets that
    are let in. One more is closed at once, without a word. Likewise ``most_per_address``, which does not hold for the
    proxies that ``access`` trusts, and ``admits``, which is asked for each before anything else is done for it.
    ``reads`` is charged for what comes in before a whole head, and over TLS for what brings no data.
    """

    websocket: WebSocketHandler
    http: HttpHandler
    most: int
    most_per_address: int
    admits: Callable[[str], bool] = lambda payer: True
    access: Access = field(factory=Access)
    reads: Reads = lambda connection, payer, reads: 0.0
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
        payer = payer_of(address)
        count = self._addresses.get(payer, 0)
        trusted = self.access.trusts(address)
        if self.inside >= self.most or not (trusted or (count < self.most_per_address and self.admits(payer))):
            self.turned_away += 1
            await _close(stream)
            return
        self.inside += 1
        self._addresses[payer] = count + 1
        try:
            await self._serve(stream, address)
        finally:
            self.inside -= 1
            self._addresses[payer] -= 1
            if not self._addresses[payer]:
                del self._addresses[payer]

    async def _serve(self, stream: Stream, address: str) -> None:
        """Read the head of the first request, within ``head_s``, and hand the connection over; in the end, close it.

        Whatever is for ``/ws`` goes to ``websocket``, be it an upgrade or not; an upgrade to WebSocket elsewhere is
        404; everything else goes to ``http``, with the connection's further requests.

        **Error handling.** What a handler raises is logged, whole exception groups too, and closes this connection
        alone. Cancellation (and KeyboardInterrupt) passes.
        """
        refused: Refusal | None = None
        pay = payment(self.access, self.reads, stream, address)
        try:
            head = await self._knock(stream, pay)
            if head is not None:
                await self._lead(stream, head, address)
        except* Refusal as refusals:
            refused = first_of(refusals)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionError) as left:
            log.debug("connection_broke", address=address, error=repr(left.exceptions[0]))
        except* Exception:
            log.exception("connection_failed", address=address)
        finally:
            if refused is None:
                await _close(stream)
        if refused is not None:
            self.access.note(refused, address)
            if refused.status != 408:
                await refuse(stream, refused, pay)
            elif isinstance(stream, trio.SocketStream):  # over TLS it may be the handshake that is late
                await refuse(stream, refused, pay, within_s=0.2)
            await _close(stream)
            refused = None  # its traceback has this frame: no reference count would free the two

    async def _knock(self, stream: Stream, pay: Pay) -> Head | None:
        """The head, or None if the peer has left. Raises Refusal."""
        with trio.move_on_after(self.head_s):
            if isinstance(stream, SecureStream):
                if not await stream.speaks_tls():
                    await self._tell_plain(stream.plain, pay)
                    return None
                stream.charge(pay)
                await stream.do_handshake()
            return await read_head(stream, pay)
        message = f"the head of the request did not come within {self.head_s:g} s"
        raise Refusal(RequestTimeoutError(message), cause="too_slow")

    async def _tell_plain(self, stream: trio.SocketStream, pay: Pay) -> None:
        try:
            await read_head(stream, pay)
        except Refusal:
            return  # neither TLS nor HTTP
        self.access.note(refusal := plain_http(), peer_address(stream))
        await refuse(stream, refusal, pay)

    async def _lead(self, stream: Stream, head: Head, address: str) -> None:
        """To HTTP, from which a later request may come back, and to WebSocket."""
        secure = isinstance(stream, SecureStream)
        try:
            visit = self.access.visit(head, address, secure=secure)
            if not is_for_the_door(head, visit):
                later = await self.http(stream, head, address)
                if later is None:
                    return
                head, visit = later, self.access.visit(later, address, secure=secure)
            if visit.path != WEBSOCKET_PATH:
                raise Refusal(NotFoundError(f"WebSocket is spoken at {WEBSOCKET_PATH}"), cause="path")
            self.access.check_origin(head.get("origin"), visit.host)
            await self.websocket(stream, head, visit.address)
        except* Refusal as refusals:
            refusal = first_of(refusals)
            refusal.head = refusal.head or head
            raise


def is_for_the_door(head: Head, visit: Visit) -> bool:
    """Whether a request, the first of its connection or a later one, leads to WebSocket."""
    return visit.path == WEBSOCKET_PATH or head.wants_websocket


def first_of(refusals: BaseExceptionGroup[Refusal]) -> Refusal:
    """The innermost first one."""
    first = refusals.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def peer_address(stream: Stream) -> str:
    """The peer's IP address; empty if it has left already."""
    try:
        name = str(stream.socket.getpeername()[0])
    except OSError:
        return ""
    return plain_address(name) or name


def payment(access: Access, reads: Reads, stream: Stream, address: str) -> Pay:
    """What to call for the reads of a connection. A trusted proxy's are free: they would be paid by all behind it."""
    if access.trusts(address):
        return free
    payer = payer_of(address)
    try:
        port = stream.socket.getpeername()[1]
    except OSError:  # it has left already
        port = 0
    return partial(reads, f"{payer}#{port}", payer)


async def _close(stream: Stream) -> None:
    """At once: whoever had something to say has closed it properly before."""
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(stream)
