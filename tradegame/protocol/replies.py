"""What each request is answered with: the `ok` of its reply."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tradegame.protocol.bounds import (
    Coins,
    Count,
    Epoch,
    GameId,
    Keys,
    Millis,
    OrderId,
    PlayerId,
    Seq,
    Token,
    Units,
)
from tradegame.protocol.state import Account, Book, Games, Standings, State


class PlayerInfo(Struct, omit_defaults=True):
    """Who the client is."""

    id: PlayerId
    name: str


class ServerInfo(Struct, omit_defaults=True):
    """The node that answers, and its limits: requests a second and at once, bytes a frame, seconds between pings.

    `nodes`: the WebSocket URLs of the nodes that live, this one's own first.
    """

    version: str
    node: str
    heartbeat_s: Count
    frame_bytes: Count
    commands_per_s: Count
    burst: Count
    nodes: tuple[str, ...] = ()


class Welcome(Struct, omit_defaults=True):
    """The client is signed in as `player`. `token` is good for `expires_s` seconds more, on any node."""

    player: PlayerInfo
    token: Token
    expires_s: Count
    server: ServerInfo


class Pong(Struct, omit_defaults=True):
    """The server's clock."""

    at: Millis


class Following(Struct, omit_defaults=True):
    """The client follows the game from frame `seq` on.

    `recovered`: the frames after the one it named follow; else `state` is the game at `seq`. `me`: unless it
    spectates.
    """

    game: GameId
    epoch: Epoch
    seq: Seq
    recovered: bool
    state: State | None = None
    me: Account | None = None
    replayed: bool = False


class Left(Struct, omit_defaults=True):
    """No more news of the game."""


class Bought(Struct, omit_defaults=True):
    """`cost` is without the `fee`; `cash` is what is free after it; `replayed`: the first result again."""

    filled: Units
    cost: Coins
    fee: Coins
    cash: Coins
    seq: Seq
    replayed: bool = False
    keys: Keys | None = None


class Sold(Struct, omit_defaults=True):
    """`proceeds` are before the `fee`; `cash` is what is free after it."""

    filled: Units
    proceeds: Coins
    fee: Coins
    cash: Coins
    seq: Seq
    replayed: bool = False
    keys: Keys | None = None


class Ordered(Struct, omit_defaults=True):
    """`filled` traded at once, `resting` rests under the id `order`."""

    order: OrderId
    filled: Units
    resting: Units
    cash: Coins
    seq: Seq
    replayed: bool = False
    keys: Keys | None = None


class Released(Struct, omit_defaults=True):
    """`cash` for a bid, `qty` for an ask; the other is 0."""

    cash: Coins
    qty: Units


class Cancelled(Struct, omit_defaults=True):
    """The order is out of the book, and what it held is free again."""

    order: OrderId
    released: Released
    seq: Seq
    replayed: bool = False
    keys: Keys | None = None


class Sent(Struct, omit_defaults=True):
    """It was done; `seq` is the game's last frame then."""

    seq: Seq
    replayed: bool = False
    keys: Keys | None = None


OKS: Mapping[str, type[Struct]] = {
    "hello": Welcome,
    "ping": Pong,
    "games": Games,
    "join": Following,
    "leave": Left,
    "buy": Bought,
    "sell": Sold,
    "order": Ordered,
    "cancel": Cancelled,
    "say": Sent,
    "me": Account,
    "book": Book,
    "standings": Standings,
}
"""What the reply to each request holds when all went well, by its ``op``."""
