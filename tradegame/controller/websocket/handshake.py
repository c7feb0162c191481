"""Whether a client may open a WebSocket here: decided from the head of its request alone. No I/O."""

from __future__ import annotations

import base64
import binascii

from tradegame.controller.head import Head, Refusal
from tradegame.protocol import SUBPROTOCOL
from tradegame.protocol.errors import BadRequestError


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
