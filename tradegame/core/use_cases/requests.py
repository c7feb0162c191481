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
Key = NewType("Key", str)
Text = NewType("Text", str)
NewsText = NewType("NewsText", str)
SideName = NewType("SideName", str)
PhaseName = NewType("PhaseName", str)
Qty = NewType("Qty", int)
Price = NewType("Price", int)
Depth = NewType("Depth", int)
Seq = NewType("Seq", int)
ShiftBps = NewType("ShiftBps", int)
Flag = NewType("Flag", bool)


@frozen(kw_only=True)
class Request:
    """The base of every request."""

    op: ClassVar[str]


@frozen(kw_only=True)
class HelloRequest(Request):
    """Who the client is: with a live ``token`` the player of before, on any node; with none a new one.

    The first request of every connection. A token's player keeps his name: one given with it is ignored.
    """

    op = "hello"
    name: PlayerName | None = None
    token: Token | None = None
    client: ClientName | None = None


@frozen(kw_only=True)
class PingRequest(Request):
    """The server's clock."""

    op = "ping"


@frozen(kw_only=True)
class GamesRequest(Request):
    """The list of games."""

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
    """Open an account, unless there is one, and follow the game from now on.

    ``after``: go on behind the last frame that was seen. ``spectate``: follow only, without an account.
    """

    op = "join"
    spectate: Flag | None = None
    after: After | None = None
    key: Key | None = None


@frozen(kw_only=True)
class LeaveRequest(GameRequest):
    """No more news of the game; the account stays."""

    op = "leave"


@frozen(kw_only=True)
class BuyRequest(GameRequest):
    """Buy now, up to ``qty`` units, from the cheapest ask up, none dearer than ``limit``."""

    op = "buy"
    good: GoodId
    qty: Qty
    limit: Price | None = None
    key: Key | None = None


@frozen(kw_only=True)
class SellRequest(GameRequest):
    """Sell now, up to ``qty`` units, to the dearest bid down, none cheaper than ``limit``."""

    op = "sell"
    good: GoodId
    qty: Qty
    limit: Price | None = None
    key: Key | None = None


@frozen(kw_only=True)
class OrderRequest(GameRequest):
    """A limit order: what does not trade at once rests, and what it needs is held."""

    op = "order"
    good: GoodId
    side: SideName
    qty: Qty
    price: Price
    key: Key | None = None


@frozen(kw_only=True)
class CancelRequest(GameRequest):
    """Take a resting order out of the book, and release what it held."""

    op = "cancel"
    order: OpaqueId
    key: Key | None = None


@frozen(kw_only=True)
class SayRequest(GameRequest):
    """Say ``text`` to everyone in the game, or to the player ``to`` alone."""

    op = "say"
    text: Text
    to: OpaqueId | None = None
    key: Key | None = None


@frozen(kw_only=True)
class MeRequest(GameRequest):
    """The player's account."""

    op = "me"


@frozen(kw_only=True)
class BookRequest(GameRequest):
    """One good's book, ``depth`` levels a side."""

    op = "book"
    good: GoodId
    depth: Depth | None = None


@frozen(kw_only=True)
class StandingsRequest(GameRequest):
    """The richest ``limit`` players."""

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
