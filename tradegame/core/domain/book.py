"""The order book of one good: limit orders by price, then time.

A book only matches; it moves no money. ``walk`` says what an incoming order would meet without changing
anything, so that a command can be checked whole before any of it happens.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from attrs import Factory, define, frozen

from tradegame.core.domain.events import Level

BID = "bid"
ASK = "ask"


@define
class Order:
    """A resting order. ``qty`` is what is still open; ``number`` counts the game's orders and gives time priority."""

    number: int
    player: str
    good: str
    side: str
    qty: int
    price: int

    @property
    def id(self) -> str:
        return f"o{self.number}"


@define
class _PriceLevel:
    qty: int = 0
    orders: dict[int, Order] = Factory(dict)


@frozen
class Fill:
    """``qty`` units of a resting order, at that order's price."""

    order: Order
    qty: int


@frozen
class Walk:
    """What an incoming order meets: the ``fills`` in their order, and the same player's orders in its way."""

    fills: tuple[Fill, ...]
    own: tuple[Order, ...]
    filled: int
    notional: int


class _Side:
    """One side. Keys are ``price * sign``, ascending, so that the best price is always the last."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[int] = []
        self._levels: dict[int, _PriceLevel] = {}

    def add(self, order: Order) -> None:
        key = order.price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = _PriceLevel()
            insort(self._keys, key)
        level.orders[order.number] = order
        level.qty += order.qty

    def reduce(self, order: Order, qty: int) -> None:
        key = order.price * self._sign
        level = self._levels[key]
        order.qty -= qty
        level.qty -= qty
        if order.qty == 0:
            del level.orders[order.number]
            if not level.orders:
                del self._levels[key]
                del self._keys[bisect_left(self._keys, key)]

    def levels(self, depth: int) -> tuple[Level, ...]:
        keys = self._keys[: -depth - 1 : -1]
        return tuple((key * self._sign, self._levels[key].qty) for key in keys)

    def best(self) -> int | None:
        return self._keys[-1] * self._sign if self._keys else None

    def orders(self, limit: int | None) -> Iterator[Order]:
        """By price from the best, then by time; none worse than ``limit`` for who comes to take."""
        worst = None if limit is None else limit * self._sign
        for key in reversed(self._keys):
            if worst is not None and key < worst:
                return
            yield from self._levels[key].orders.values()


class Book:
    """The bids and asks of one good."""

    __slots__ = ("_sides",)

    def __init__(self) -> None:
        self._sides = {BID: _Side(1), ASK: _Side(-1)}

    def add(self, order: Order) -> None:
        """Rest an order, behind those of the same price."""
        self._sides[order.side].add(order)

    def reduce(self, order: Order, qty: int) -> None:
        """Take ``qty`` units (at most what is open) off a resting order; at none left it leaves the book."""
        self._sides[order.side].reduce(order, qty)

    def walk(self, side: str, player: str, qty: int, limit: int | None) -> Walk:
        """What ``player`` would meet, taking up to ``qty`` units from the resting ``side``; changes nothing."""
        fills: list[Fill] = []
        own: list[Order] = []
        open_qty, notional = qty, 0
        for order in self._sides[side].orders(limit):
            if order.player == player:
                own.append(order)
                continue
            taken = order.qty if order.qty < open_qty else open_qty
            fills.append(Fill(order, taken))
            notional += taken * order.price
            open_qty -= taken
            if open_qty == 0:
                break
        return Walk(tuple(fills), tuple(own), qty - open_qty, notional)

    def levels(self, side: str, depth: int) -> tuple[Level, ...]:
        """The best ``depth`` prices of a side with what rests at each, best first."""
        return self._sides[side].levels(depth)

    def best(self, side: str) -> int | None:
        return self._sides[side].best()

    def orders(self, side: str) -> Iterator[Order]:
        """Every resting order of a side, by price, then time."""
        return self._sides[side].orders(None)
