"""How a connection ends, and what is wrong with a frame."""

from __future__ import annotations

from tradegame.protocol.errors import TradeGameError

RequestId = int | str | None


class Disconnected(Exception):  # noqa: N818 - an end, not always a fault
    """The connection is over, or as good as over: ``close`` is all that is left to do with it.

    ``code`` and ``reason`` are those of the close frame: the peer's, or with ``by_us`` the one the transport sent it
    (1002, 1007, 1009: it broke the protocol; 4001: it read too slowly). 1006: the connection broke.
    """

    def __init__(self, code: int, reason: str, *, by_us: bool = False) -> None:
        super().__init__(f"{code} {reason}".rstrip())
        self.code = code
        self.reason = reason
        self.by_us = by_us


class DecodeError(Exception):
    """A frame that was not understood: the ``id`` to answer to, and the error."""

    def __init__(self, request_id: RequestId, error: TradeGameError) -> None:
        super().__init__(error.message)
        self.id = request_id
        self.error = error
