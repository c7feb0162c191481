"""How a WebSocket is opened: whether it may be is decided from the head of its request alone."""

from __future__ import annotations

import base64
import binascii

import trio

from tradegame.controller.backlog import Backlog
from tradegame.controller.head import Head, Refusal, refuse
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.incoming import Pay
from tradegame.controller.websocket.poller import Poller
from tradegame.controller.websocket.transport import WebSocket
from tradegame.protocol import SUBPROTOCOL
from tradegame.protocol.closing import LOST
from tradegame.protocol.errors import BadRequestError

HANDSHAKE_S = 5.0
FRAME_BYTES = 16_384
OUTBOX_BYTES = 262_144


async def accept(
    nursery: trio.Nursery,
    stream: trio.abc.Stream,
    head: Head,
    *,
    frame_bytes: int = FRAME_BYTES,
    outbox_bytes: int = OUTBOX_BYTES,
    pay: Pay = lambda frames: 0.0,
    backlog: Backlog | None = None,
    poller: Poller | None = None,
    within_s: float = HANDSHAKE_S,
) -> WebSocket:
    """Make a WebSocket of a stream whose first request was read.

    ``frame_bytes``: the most that a message may have. ``outbox_bytes``: the most that may wait for the client, besides
    one frame; what waits for all clients counts in ``backlog``. ``pay`` is charged for what the client causes besides
    messages: it returns for how long to read nothing then. ``poller``, which must run, reads while the client sends
    nothing but plain messages; None: the task that receives reads everything.

    **Resource handling.** The stream is the WebSocket's from here on, or was closed if this raises. A task in
    ``nursery`` writes until ``WebSocket.close``, which somebody must call (and until a send that is under way ends, as
    it does when trio's streams are closed). Cancelling the nursery closes the socket too, with a close frame if the
    socket takes one at once.

    **Error handling.** Raises Refusal when the client was answered with an HTTP error instead, and Disconnected when
    it broke off or took longer than ``within_s``. The task in the nursery raises nothing but trio.Cancelled.
    """
    websocket = None
    try:
        subprotocol = choose_subprotocol(head)
        websocket = WebSocket(stream, head, frame_bytes, outbox_bytes, pay, backlog, poller)
        with trio.fail_after(within_s):
            if not await websocket.handshake(nursery, head.raw, subprotocol):
                raise Refusal(BadRequestError("the WebSocket handshake is malformed"))
    except Refusal as refusal:
        await refuse(stream, refusal, pay)
        raise
    except (trio.BrokenResourceError, trio.TooSlowError):
        await _kill(stream, websocket)
        raise Disconnected(LOST, "the handshake broke off") from None
    except BaseException:
        await _kill(stream, websocket)
        raise
    head.forget()
    return websocket


async def _kill(stream: trio.abc.Stream, websocket: WebSocket | None) -> None:
    if websocket is not None:
        websocket.stop()
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(stream)


def choose_subprotocol(head: Head) -> str | None:
    """The subprotocol to select for this request, None to select none. Raises Refusal."""
    _check_upgrade(head)
    offered = head.tokens("sec-websocket-protocol")
    if not offered:
        return None
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    names = ", ".join(offered)[:200]
    message = f"of the subprotocols offered ({names}) none is spoken here: use {SUBPROTOCOL}"
    raise Refusal(BadRequestError(message), cause="subprotocol")


def _check_upgrade(head: Head) -> None:
    """RFC 6455, section 4.2.1."""
    upgrade = (("Upgrade", "websocket"),)
    if head.method != "GET":
        raise Refusal(BadRequestError("a WebSocket begins with GET"), (("Allow", "GET"),), status=405)
    if not head.wants_websocket:
        message = "this address speaks WebSocket: a proxy in front must hand on Upgrade and Connection"
        raise Refusal(BadRequestError(message), upgrade, status=426, cause="upgrade")
    if "upgrade" not in (item.lower() for item in head.tokens("connection")):
        message = "the header Connection: Upgrade is missing: a proxy in front must set it"
        raise Refusal(BadRequestError(message), cause="upgrade")
    if head.version != "HTTP/1.1" or not head.get("host"):
        message = "a WebSocket begins with an HTTP/1.1 request that has a Host"
        raise Refusal(BadRequestError(message), cause="upgrade")
    if head.get("sec-websocket-version") != "13":
        headers = (*upgrade, ("Sec-WebSocket-Version", "13"))
        error = BadRequestError("only version 13 of WebSocket is spoken here")
        raise Refusal(error, headers, status=426, cause="version")
    try:
        nonce = base64.b64decode(head.get("sec-websocket-key") or "", validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if len(nonce) != 16:
        raise Refusal(BadRequestError("the header Sec-WebSocket-Key is missing or malformed"))
