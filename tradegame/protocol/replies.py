"""What requests are answered with: the `ok` of a reply. Each request names its own."""

from __future__ import annotations

from msgspec import Struct

from tradegame.protocol.bounds import (
    Coins,
    Count,
    DeviceCode,
    Epoch,
    GameId,
    GoodId,
    Keys,
    Millis,
    OrderId,
    PlayerId,
    Seq,
    Token,
    Units,
)
from tradegame.protocol.state import Account, State


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


class DeviceCodeMade(Struct, omit_defaults=True):
    """A `code` that is good once, for `expires_s` seconds. Whoever has it becomes this player: a secret until then."""

    code: DeviceCode
    expires_s: Count


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


class CommandOk(Struct, kw_only=True, omit_defaults=True):
    """The base of what a command is answered with.

    `seq`: the game's last frame, once the command was applied (a rule says 0, and `Game` fills it in). `replayed`: the
    `key` was seen before, and this is the first result again. `keys`: the player's count, to say as `since`.
    """

    seq: Seq
    replayed: bool = False
    keys: Keys | None = None


class Bought(CommandOk):
    """`cost` is without the `fee`; `cash` is what is free after it; `replayed`: the first result again."""

    filled: Units
    cost: Coins
    fee: Coins
    cash: Coins


class Sold(CommandOk):
    """`proceeds` are before the `fee`; `cash` is what is free after it."""

    filled: Units
    proceeds: Coins
    fee: Coins
    cash: Coins


class Ordered(CommandOk):
    """`filled` traded at once, `resting` rests under the id `order`; `cash` is what is free after it."""

    order: OrderId
    filled: Units
    resting: Units
    cash: Coins


class Released(Struct, omit_defaults=True):
    """`cash` for a bid, `qty` for an ask; the other is 0."""

    cash: Coins
    qty: Units


class Cancelled(CommandOk):
    """The order is out of the book, and what it held is free again."""

    order: OrderId
    released: Released


class ReleasedAll(Struct, omit_defaults=True):
    """`cash` for bids, `goods` for asks: of each good as many units as were released, if any."""

    cash: Coins
    goods: dict[GoodId, Units]


class AllCancelled(CommandOk):
    """How many orders were `cancelled`; what they held is free again."""

    cancelled: Count
    released: ReleasedAll


class Readied(CommandOk):
    """`right`: of each question of the quiz, whether it was answered rightly; empty where there is none."""

    right: tuple[bool, ...]


class Sent(CommandOk):
    """It was done; `seq` is the game's last frame then."""
