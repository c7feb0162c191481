"""What a client may ask: one class an ``op``.

A player's command is the request itself: the server adds whose it is, and puts it into the game's log.
docs/contributing.md has the steps to add one.
"""

from __future__ import annotations

from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields

from tradegame.protocol import tag_of
from tradegame.protocol.bounds import (
    Answers,
    Choice,
    ClientName,
    Depth,
    DeviceCode,
    Epoch,
    FillsWanted,
    Flag,
    GameId,
    GoodId,
    Key,
    Label,
    OrderId,
    PlayerId,
    PlayerName,
    Price,
    Qty,
    RankedBy,
    Seq,
    Side,
    Since,
    Text,
    Token,
)
from tradegame.protocol.names import NAME_EXPECTED, is_name
from tradegame.protocol.ops import GameRequest, PlayerCommand, Request
from tradegame.protocol.replies import (
    AllCancelled,
    Bought,
    Cancelled,
    DeviceCodeMade,
    Following,
    Left,
    Ordered,
    Pong,
    Readied,
    Sold,
    Welcome,
)
from tradegame.protocol.state import Account, Book, Games, OwnFills, OwnOrders, Standings


class NumberedSeat(Struct, kw_only=True, forbid_unknown_fields=True):
    """A seat on the roster of `game`, by the number that the host knows somebody by."""

    game: GameId
    number: Label


class HelloRequest(Request, kw_only=True, tag="hello"):
    """Who the client is: with a live `token` the player of before, on any node; with none a new one.

    The first request of every connection. A token's player keeps their name: one given with it is ignored. In place of
    a `token`: the `code` that another device shows, or the number of a `seat`. The first of these that is there counts.
    `robot`: the new player is a program, which games mark as a robot, call *Robot 1*, and forget once it is gone.
    """

    ok = Welcome

    name: PlayerName | None = None
    token: Token | None = None
    client: ClientName | None = None
    code: DeviceCode | None = None
    seat: NumberedSeat | None = None
    robot: Flag = False

    def __post_init__(self) -> None:
        if self.name is not None and not is_name(self.name):
            raise ValueError(f"Expected {NAME_EXPECTED} - at `$.name`")


class DeviceCodeRequest(Request, kw_only=True, tag="device_code"):
    """A code with which another device becomes the same player: once, within a minute."""

    ok = DeviceCodeMade


class PingRequest(Request, kw_only=True, tag="ping"):
    """The server's clock."""

    ok = Pong


class GamesRequest(Request, kw_only=True, tag="games"):
    """The list of games."""

    ok = Games


class After(Struct, kw_only=True, forbid_unknown_fields=True):
    """The last frame that a client saw."""

    epoch: Epoch
    seq: Seq


class JoinRequest(GameRequest, kw_only=True, tag="join"):
    """Open an account, unless there is one, and follow the game from now on.

    `after`: go on behind the last frame that was seen. `spectate`: follow only, without an account.
    `cancel_on_disconnect`: withdraw the player's orders a while after their last connection is gone.
    """

    ok = Following

    spectate: Flag | None = None
    after: After | None = None
    cancel_on_disconnect: Choice | None = None
    key: Key | None = None
    since: Since | None = None
    epoch: Epoch | None = None


class LeaveRequest(GameRequest, kw_only=True, tag="leave"):
    """No more news of the game; the account stays."""

    ok = Left


class MeRequest(GameRequest, kw_only=True, tag="me"):
    """The player's account."""

    ok = Account


class FillsRequest(GameRequest, kw_only=True, tag="fills"):
    """The player's last `limit` trades of this round."""

    ok = OwnFills

    limit: FillsWanted | None = None


class OrdersRequest(GameRequest, kw_only=True, tag="orders"):
    """The player's open orders, and the last of this round that are done."""

    ok = OwnOrders


class BookRequest(GameRequest, kw_only=True, tag="book"):
    """One good's book, `depth` levels a side."""

    ok = Book

    good: GoodId
    depth: Depth | None = None


class StandingsRequest(GameRequest, kw_only=True, tag="standings"):
    """The richest `limit` players in this round, or by the gains of all closed rounds together."""

    ok = Standings

    limit: Depth | None = None
    by: RankedBy | None = None


class BuyGood(PlayerCommand, kw_only=True, tag="buy"):
    """Buy now, up to `qty` units, from the cheapest ask up, none dearer than `limit`.

    What is not there is not bought: `filled` may be less than `qty`, and at most 100 orders are met. `fill_or_kill`:
    all of `qty`, or nothing. Refused with `no_liquidity`, `insufficient_cash`, `not_open` or `unknown_good`; with
    `fill_or_kill` also with `insufficient_liquidity` or `too_many_fills`.
    """

    ok = Bought

    good: GoodId
    qty: Qty
    limit: Price | None = None
    fill_or_kill: Flag = False


class SellGood(PlayerCommand, kw_only=True, tag="sell"):
    """Sell now, up to `qty` units, to the dearest bid down, none cheaper than `limit`.

    As `buy`, but refused with `insufficient_goods` in place of `insufficient_cash`.
    """

    ok = Sold

    good: GoodId
    qty: Qty
    limit: Price | None = None
    fill_or_kill: Flag = False


class PlaceOrder(PlayerCommand, kw_only=True, tag="order"):
    """A limit order: what does not trade at once rests at `price`, and what it needs is held.

    `post_only`: only if all of it rests. Refused with `insufficient_cash`, `insufficient_goods`, `too_many_orders`,
    `too_many_fills`, `not_open` or `unknown_good`; with `post_only` also with `would_trade`.
    """

    ok = Ordered

    good: GoodId
    side: Side
    qty: Qty
    price: Price
    post_only: Flag = False


class AmendOrder(PlayerCommand, kw_only=True, tag="amend"):
    """Change a resting order, so that `qty` units of it are open, at `price`; what is left out stays.

    One of the two must be there. If the price stays and no unit is added, the order keeps its id and its place in the
    queue, and what it no longer needs is released. Otherwise a new order takes its place, with an id of its own, as if
    by `order`: it may trade at once, unless it is `post_only`. Refused as `cancel` and `order` are, and then the old
    order stays as it was.
    """

    ok = Ordered
    one_of = ("qty", "price")

    order: OrderId
    qty: Qty | None = None
    price: Price | None = None
    post_only: Flag = False

    def __post_init__(self) -> None:
        if self.qty is None and self.price is None:
            raise ValueError("Expected `qty`, `price` or both - at `$.qty`")


class CancelOrder(PlayerCommand, kw_only=True, tag="cancel"):
    """Take a resting order out of the book, and release what it held.

    Refused with `unknown_order` if it has traded or is gone, and `became` says which, or with `not_open`.
    """

    ok = Cancelled

    order: OrderId


class CancelAll(PlayerCommand, kw_only=True, tag="cancel_all"):
    """Take all your resting orders out of the book, or those in one `good`, or on one `side`, or both.

    Where none is open, nothing happens, and `cancelled` is 0. Refused with `not_open` or `unknown_good`.
    """

    ok = AllCancelled

    good: GoodId | None = None
    side: Side | None = None


class Say(PlayerCommand, kw_only=True, tag="say"):
    """Say `text`, of 1 to 500 characters, to everyone in the game, or to the player with the id `to` alone."""

    text: Text
    to: PlayerId | None = None


class Ready(PlayerCommand, kw_only=True, tag="ready"):
    """Say that you are ready, with `answers` to the quiz where the game has one.

    What is not answered is wrong. The host sees who is ready, and how many answers were right in the best attempt.
    """

    ok = Readied

    answers: Answers | None = None


AnyCommand = BuyGood | SellGood | PlaceOrder | AmendOrder | CancelOrder | CancelAll | Say | Ready
"""What goes through the log as it was asked."""
AnyRequest = (
    HelloRequest
    | DeviceCodeRequest
    | PingRequest
    | GamesRequest
    | JoinRequest
    | LeaveRequest
    | AnyCommand
    | MeRequest
    | FillsRequest
    | OrdersRequest
    | BookRequest
    | StandingsRequest
)
REQUESTS: dict[str, type[Request]] = {tag_of(request): request for request in get_args(AnyRequest)}
"""Every request by its ``op``."""
KEYED = frozenset(op for op, request in REQUESTS.items() if "key" in request.__struct_fields__)
"""What takes a key."""
READS = frozenset({"ping", "games", "me", "fills", "orders", "book", "standings"})
"""What changes nothing, and may be asked again at will."""
DEFAULTS: dict[str, dict[str, Any]] = {
    op: {field.name: field.default for field in fields(request)} for op, request in REQUESTS.items()
}
"""Of each request, what its fields are where they are left out."""
