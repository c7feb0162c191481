"""What calls return, besides the replies of the protocol. Times in ms since the Unix epoch."""

from __future__ import annotations

from attrs import frozen


@frozen
class Pong:
    """``at``: the server's clock. ``round_trip_s``: measured here."""

    at: int
    round_trip_s: float
