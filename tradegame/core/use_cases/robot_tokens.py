"""What a robot of this node signs in with: a token that is good for one player in one game, and for trading alone.

It is in no store, and no other node knows it: it ends with the robot, or with the node.
"""

from __future__ import annotations

import secrets

from attrs import define, field, frozen

from tradegame.protocol.errors import MutedError, NotAdmittedError
from tradegame.protocol.ops import Request
from tradegame.protocol.requests import (
    AnyCommand,
    BookRequest,
    FillsRequest,
    JoinRequest,
    LeaveRequest,
    MeRequest,
    OrdersRequest,
    PingRequest,
    Ready,
    Say,
    StandingsRequest,
)

_ALLOWED = (
    AnyCommand
    | BookRequest
    | FillsRequest
    | JoinRequest
    | LeaveRequest
    | MeRequest
    | OrdersRequest
    | PingRequest
    | StandingsRequest
)


@frozen
class RobotSeat:
    """A player's seat in one life of a game."""

    game: str
    epoch: str
    player: str
    name: str


@define(eq=False)
class RobotTokens:
    """Nothing here waits."""

    _seats: dict[str, RobotSeat] = field(factory=dict, init=False, repr=False)

    def issue(self, seat: RobotSeat) -> str:
        """A new token for this seat, until it is revoked."""
        token = secrets.token_urlsafe(32)
        self._seats[token] = seat
        return token

    def revoke(self, token: str) -> None:
        """Nobody signs in with it any more. Idempotent."""
        self._seats.pop(token, None)

    def find(self, token: str) -> RobotSeat | None:
        """Whose seat it is for; None: it is no robot's."""
        return self._seats.get(token)


def check(seat: RobotSeat, request: Request) -> None:
    """Raises NotAdmittedError and MutedError for what a robot must not ask."""
    if isinstance(request, Say):
        raise MutedError("a robot does not speak")
    if not isinstance(request, _ALLOWED) or getattr(request, "game", seat.game) != seat.game:
        raise NotAdmittedError(f"a robot's token is good for the game {seat.game!r} alone")
    chooses = isinstance(request, JoinRequest) and (request.spectate or request.cancel_on_disconnect is not None)
    if chooses or isinstance(request, Ready):
        raise NotAdmittedError("a robot only plays, and leaves its player's choices as they are")
