"""What calls return. Money in coins, goods in whole units, times in ms since the Unix epoch.

``seq``: the game's place right after the command; ``replayed``: it had happened before, this is its first answer.
"""

from __future__ import annotations

from typing import Any

from attrs import Factory, frozen

Level = tuple[int, int]
"""A price, and the quantity that rests at it."""


@frozen
class Bought:
    """``cost`` without the ``fee``; ``cash`` is what is free after it."""

    filled: int
    cost: int
    fee: int
    cash: int
    seq: int
    replayed: bool = False


@frozen
class Sold:
    """``proceeds`` before the ``fee``; ``cash`` is what is free after it."""

    filled: int
    proceeds: int
    fee: int
    cash: int
    seq: int
    replayed: bool = False


@frozen
class Ordered:
    """``filled`` units traded at once; ``resting`` rest under the id ``order``."""

    order: str
    filled: int
    resting: int
    cash: int
    seq: int
    replayed: bool = False


@frozen
class Released:
    """What is free again: the ``cash`` of a bid, the ``qty`` of an ask."""

    cash: int
    qty: int


@frozen
class Cancelled:
    order: str
    released: Released
    seq: int
    replayed: bool = False


@frozen
class Sent:
    """A message is in the game's log."""

    seq: int
    replayed: bool = False


@frozen
class OpenOrder:
    """``side`` is ``bid`` or ``ask``; ``qty`` is what still rests."""

    order: str
    good: str
    side: str
    qty: int
    price: int


@frozen
class Account:
    """``cash`` and ``goods`` are what is free; ``worth`` counts everything, goods at their last price.

    ``start``: the worth with which this round began, valued as now; ``score``: the gains of closed rounds. In a game
    with private values ``role`` is ``buyer`` or ``seller``, and ``values`` what the 1st, 2nd … unit held at the close
    is worth to this player, which ``worth`` counts too. ``hints``: ``{"good", "not", "text", "at"}``, a value that a
    good will not settle at.
    """

    cash: int
    held_cash: int
    goods: dict[str, int]
    held_goods: dict[str, int]
    orders: tuple[OpenOrder, ...]
    worth: int
    start: int = 0
    score: int = 0
    role: str | None = None
    values: dict[str, tuple[int, ...]] = Factory(dict)
    hints: tuple[dict[str, Any], ...] = ()


@frozen
class Book:
    """Levels best first."""

    good: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last: int | None
    seq: int


@frozen
class Standing:
    """Equal worth is equal rank."""

    rank: int
    player: str
    name: str
    worth: int
    score: int = 0


@frozen
class GameSummary:
    """One line of the list of games. ``players``: how many; ``goods``: their ids."""

    game: str
    title: str
    phase: str
    players: int
    goods: tuple[str, ...]
    epoch: str
    seq: int


@frozen
class Pong:
    """``at``: the server's clock. ``round_trip_s``: measured here."""

    at: int
    round_trip_s: float


@frozen
class PlayerInfo:
    id: str
    name: str


@frozen
class ServerInfo:
    """What ``hello`` told of the server. ``commands_per_s`` and ``burst``: how fast a player may send.

    ``nodes``: where the nodes that live can be reached, this one first; empty from a server of before that.
    """

    version: str = ""
    node: str = ""
    heartbeat_s: int = 20
    frame_bytes: int = 16384
    commands_per_s: int = 20
    burst: int = 40
    nodes: tuple[str, ...] = ()
