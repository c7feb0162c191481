"""Close codes (RFC 6455, section 7.4) and docs/protocol.md: up to 4499 a client comes again, from 4500 on not."""

from __future__ import annotations

from tradegame.core.use_cases.keep_sessions import KICKED, REVOKED

NORMAL = 1000
GOING_AWAY = 1001
MALFORMED = 1002
BINARY = 1003
NO_STATUS = 1005
LOST = 1006
"""Stands for the lack of a close frame."""
NOT_UTF_8 = 1007
TOO_LARGE = 1009
FAULT = 1011
NO_TLS = 1015
TOO_SLOW = 4001
HEARTBEAT_LOST = 4002
FULL = 4003
NO_HELLO = 4004
ABUSE = 4500

NEVER_SENT = frozenset({NO_STATUS, LOST, NO_TLS})
"""They mean something to a program alone (section 7.4.1). Who left without a close frame gets none."""

COUNTED = frozenset(
    {NORMAL, GOING_AWAY, MALFORMED, BINARY, LOST, NOT_UTF_8, TOO_LARGE, FAULT}
    | {TOO_SLOW, HEARTBEAT_LOST, FULL, NO_HELLO, ABUSE, KICKED, REVOKED}
)
"""Those that are counted each by itself. A client may close with any of thousands."""
