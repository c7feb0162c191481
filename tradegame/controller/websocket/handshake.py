"""Whether a client may open a WebSocket here: decided from the head of its request alone. No I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from urllib.parse import urlsplit

from tradegame.controller.head import Head, Refusal

SUBPROTOCOL = "tradegame.v1"

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def choose_subprotocol(head: Head, *, origins: Collection[str] = ()) -> str | None:
    """The subprotocol to select for this request, None to select none. Raises Refusal.

    ``origins``: those allowed besides the server's own, as ``scheme://host[:port]``; ``*`` is any.
    """
    _check_upgrade(head)
    _check_origin(head, origins)
    offered = head.tokens("sec-websocket-protocol")
    if not offered:
        return None
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    names = ", ".join(offered)[:200]
    raise Refusal(400, "bad_request", f"of the subprotocols offered ({names}) none is spoken here: use {SUBPROTOCOL}")


def _check_upgrade(head: Head) -> None:
    """RFC 6455, section 4.2.1."""
    upgrade = (("Upgrade", "websocket"),)
    if head.method != "GET":
        raise Refusal(405, "bad_request", "a WebSocket begins with GET", (("Allow", "GET"),))
    if not head.wants_websocket:
        raise Refusal(426, "bad_request", "this address speaks WebSocket", upgrade)
    if "upgrade" not in (item.lower() for item in head.tokens("connection")):
        raise Refusal(400, "bad_request", "the header Connection: Upgrade is missing")
    if head.version != "HTTP/1.1" or not head.get("host"):
        raise Refusal(400, "bad_request", "a WebSocket begins with an HTTP/1.1 request that has a Host")
    if head.get("sec-websocket-version") != "13":
        headers = (*upgrade, ("Sec-WebSocket-Version", "13"))
        raise Refusal(426, "bad_request", "only version 13 of WebSocket is spoken here", headers)
    try:
        nonce = base64.b64decode(head.get("sec-websocket-key") or "", validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if len(nonce) != 16:
        raise Refusal(400, "bad_request", "the header Sec-WebSocket-Key is missing or malformed")


def _check_origin(head: Head, origins: Collection[str]) -> None:
    """Only browsers send an origin; a page of another site must not play with its visitor's session."""
    origin = head.get("origin")
    if origin is None or "*" in origins:
        return
    if origin.lower() in (allowed.rstrip("/").lower() for allowed in origins):
        return
    scheme = origin.partition("://")[0].lower()
    # The scheme is not compared: behind a proxy that ends TLS, a page of https: has its WebSocket from here.
    if scheme in _DEFAULT_PORTS:
        theirs = _authority(origin, scheme)
        if theirs is not None and theirs == _authority(f"{scheme}://{head.get('host')}", scheme):
            return
    message = f"pages of {origin[:200]} may not connect: add it to server.origins"
    raise Refusal(403, "forbidden", message)


def _authority(url: str, scheme: str) -> tuple[str, int] | None:
    """Host and port, the scheme's own port if none is written; None if it is no such thing."""
    try:
        parts = urlsplit(url)
        if not parts.hostname or parts.path not in ("", "/") or parts.username is not None:
            return None
        return parts.hostname, parts.port or _DEFAULT_PORTS[scheme]
    except ValueError:
        return None
