"""What a client may ask, in the protocol's words: one class an ``op``. The edge has checked form and ranges."""

from __future__ import annotations

from typing import ClassVar, NewType

from attrs import frozen

PlayerName = NewType("PlayerName", str)
Token = NewType("Token", str)
ClientName = NewType("ClientName", str)
GameId = NewType("GameId", str)
GoodId = NewType("GoodId", str)
OpaqueId = NewType("OpaqueId", str)
Text = NewType("Text", str)
SideName = NewType("SideName", str)
Qty = NewType("Qty", int)
Price = NewType("Price", int)
Depth = NewType("Depth", int)
Seq = NewType("Seq", int)
Flag = NewType("Flag", bool)


@frozen(kw_only=True)
class Request:
    """The base of every request."""

    op: ClassVar[str]


@frozen(kw_only=True)
class HelloRequest(Request):
    op = "hello"
    name: PlayerName | None = None
    token: Token | None = None
    client: ClientName | None = None


@frozen(kw_only=True)
class PingRequest(Request):
    op = "ping"


@frozen(kw_only=True)
class GamesRequest(Request):
    op = "games"


@frozen(kw_only=True)
class After:
    """The last frame that a client saw."""

    epoch: OpaqueId
    seq: Seq


@frozen(kw_only=True)
class GameRequest(Request):
    """The base of what goes to one game."""

    game: GameId


@frozen(kw_only=True)
class JoinRequest(GameRequest):
    op = "join"
    spectate: Flag | None = None
    after: After | None = None
    key: OpaqueId | None = None


@frozen(kw_only=True)
class LeaveRequest(GameRequest):
    op = "leave"


@frozen(kw_only=True)
class BuyRequest(GameRequest):
    op = "buy"
    good: GoodId
    qty: Qty
    limit: Price | None = None
    key: OpaqueId | None = None


@frozen(kw_only=True)
class SellRequest(GameRequest):
    op = "sell"
    good: GoodId
    qty: Qty
    limit: Price | None = None
    key: OpaqueId | None = None


@frozen(kw_only=True)
class OrderRequest(GameRequest):
    op = "order"
    good: GoodId
    side: SideName
    qty: Qty
    price: Price
    key: OpaqueId | None = None


@frozen(kw_only=True)
class CancelRequest(GameRequest):
    op = "cancel"
    order: OpaqueId
    key: OpaqueId | None = None


@frozen(kw_only=True)
class SayRequest(GameRequest):
    op = "say"
    text: Text
    to: OpaqueId | None = None
    key: OpaqueId | None = None


@frozen(kw_only=True)
class MeRequest(GameRequest):
    op = "me"


@frozen(kw_only=True)
class BookRequest(GameRequest):
    op = "book"
    good: GoodId
    depth: Depth | None = None


@frozen(kw_only=True)
class StandingsRequest(GameRequest):
    op = "standings"
    limit: Depth | None = None


REQUESTS: dict[str, type[Request]] = {
    request.op: request
    for request in (
        HelloRequest,
        PingRequest,
        GamesRequest,
        JoinRequest,
        LeaveRequest,
        BuyRequest,
        SellRequest,
        OrderRequest,
        CancelRequest,
        SayRequest,
        MeRequest,
        BookRequest,
        StandingsRequest,
    )
}
"""Every request by its ``op``."""
