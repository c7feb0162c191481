"""Close codes: RFC 6455, section 7.4, and our own. Up to 4499 a client comes again, from 4500 on it does not."""

from __future__ import annotations

NORMAL = 1000
GOING_AWAY = 1001
MALFORMED = 1002
BINARY = 1003
NO_STATUS = 1005
LOST = 1006
"""Stands for the lack of a close frame."""
NOT_UTF_8 = 1007
TOO_LARGE = 1009
INTERNAL = 1011
NO_TLS = 1015
TOO_SLOW = 4001
HEARTBEAT_LOST = 4002
FULL = 4003
NO_HELLO = 4004
ABUSE = 4500
KICKED = 4501
REVOKED = 4502

FINAL = range(4500, 5000)
"""After these a client does not reconnect."""

ABOUT: dict[int, str] = {
    GOING_AWAY: "The server is going away: reconnect at once, to any node.",
    BINARY: "A binary frame: only text is spoken.",
    TOO_LARGE: "A frame of more bytes than `server.frame_bytes`.",
    INTERNAL: "An internal error: reconnect.",
    TOO_SLOW: "The client reads too slowly: reconnect, with `after`.",
    HEARTBEAT_LOST: "No sign of life for two heartbeats: reconnect, with `after`.",
    FULL: "The server, or this address's share of it, is full: reconnect, with back-off.",
    NO_HELLO: "No `hello` in time: reconnect.",
    ABUSE: "Protocol abuse: stop.",
    KICKED: "Kicked: stop.",
    REVOKED: "The session was revoked: stop.",
}
"""What the server closes a connection with, besides what the RFC asks for."""

NEVER_SENT = frozenset({NO_STATUS, LOST, NO_TLS})
"""They mean something to a program alone (section 7.4.1). A client that left without a close frame gets none."""

COUNTED = frozenset({NORMAL, MALFORMED, LOST, NOT_UTF_8, *ABOUT})
"""Those that are counted each by itself. A client may close with any of thousands."""
