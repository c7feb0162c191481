"""What each request is answered with: the ``ok`` of its reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from tradegame.controller.spec.schema import ABSENT
from tradegame.controller.spec.state import Account, Book, Games, Standings, State
from tradegame.controller.spec.words import Coins, Count, Epoch, Millis, OrderId, PlayerId, Units
from tradegame.core.use_cases import requests
from tradegame.core.use_cases.requests import GameId, Request, Seq, Token


@frozen(kw_only=True)
class Player:
    """Who the client is."""

    id: PlayerId
    name: str


@frozen(kw_only=True)
class Server:
    """The node that answers, and its limits: requests a second and at once, bytes a frame, seconds between pings.

    ``nodes``: the WebSocket URLs of the nodes that live, this one's own first.
    """

    version: str
    node: str
    heartbeat_s: Count
    frame_bytes: Count
    commands_per_s: Count
    burst: Count
    nodes: list[str] = ABSENT


@frozen(kw_only=True)
class Welcome:
    """The client is signed in as ``player``. ``token`` is good for ``expires_s`` seconds more, on any node."""

    player: Player
    token: Token
    expires_s: Count
    server: Server


@frozen(kw_only=True)
class Pong:
    """The server's clock."""

    at: Millis


@frozen(kw_only=True)
class Joined:
    """The client follows the game from frame ``seq`` on.

    ``recovered``: the frames after the one it named follow; else ``state`` is the game at ``seq``. ``me``: unless it
    spectates.
    """

    game: GameId
    epoch: Epoch
    seq: Seq
    recovered: bool
    state: State = ABSENT
    me: Account = ABSENT
    replayed: Literal[True] = ABSENT


@frozen(kw_only=True)
class Left:
    """No more news of the game."""


@frozen(kw_only=True)
class Bought:
    """``cost`` is without the ``fee``; ``cash`` is what is free after it; ``replayed``: the first result again."""

    filled: Units
    cost: Coins
    fee: Coins
    cash: Coins
    seq: Seq
    replayed: Literal[True] = ABSENT


@frozen(kw_only=True)
class Sold:
    """``proceeds`` are before the ``fee``; ``cash`` is what is free after it."""

    filled: Units
    proceeds: Coins
    fee: Coins
    cash: Coins
    seq: Seq
    replayed: Literal[True] = ABSENT


@frozen(kw_only=True)
class OrderPlaced:
    """``filled`` traded at once, ``resting`` rests under the id ``order``."""

    order: OrderId
    filled: Units
    resting: Units
    cash: Coins
    seq: Seq
    replayed: Literal[True] = ABSENT


@frozen(kw_only=True)
class Released:
    """``cash`` for a bid, ``qty`` for an ask; the other is 0."""

    cash: Coins
    qty: Units


@frozen(kw_only=True)
class OrderCancelled:
    """The order is out of the book, and what it held is free again."""

    order: OrderId
    released: Released
    seq: Seq
    replayed: Literal[True] = ABSENT


@frozen(kw_only=True)
class Said:
    """It was said; ``seq`` is the game's last frame then."""

    seq: Seq
    replayed: Literal[True] = ABSENT


OKS: Mapping[type[Request], type] = {
    requests.HelloRequest: Welcome,
    requests.PingRequest: Pong,
    requests.GamesRequest: Games,
    requests.JoinRequest: Joined,
    requests.LeaveRequest: Left,
    requests.BuyRequest: Bought,
    requests.SellRequest: Sold,
    requests.OrderRequest: OrderPlaced,
    requests.CancelRequest: OrderCancelled,
    requests.SayRequest: Said,
    requests.MeRequest: Account,
    requests.BookRequest: Book,
    requests.StandingsRequest: Standings,
}
"""What each request's reply holds when all went well."""
