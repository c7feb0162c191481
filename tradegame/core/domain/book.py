"""The order book of one good: limit orders by price, then time.

A book only matches; it moves no money. ``walk`` says what an incoming order would meet without changing
anything, so that a command can be checked whole before any of it happens.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from tradegame.protocol.bounds import Level, SideName

BID: Final = "bid"
ASK: Final = "ask"
MAX_FILLS = 100
"""The most resting orders that one command meets, the player's own among them. It bounds the time that the command
takes (about 1 ms) and the events that it makes."""


class Order(Struct):
    """A resting order. ``qty`` is what is still open; ``number`` counts the game's orders and gives time priority.

    ``filled``: how many units it has traded, also before it rested. A ``Struct``: of 500 000 orders the garbage
    collector looks at none, since none refers to anything that it collects.
    """

    number: int
    player: str
    good: str
    side: SideName
    qty: int
    price: int
    filled: int = 0

    @property
    def id(self) -> str:
        return f"o{self.number}"


class PriceLevel(Struct):
    """What rests at one price: ``qty`` units in all, in ``orders`` by number, oldest first."""

    qty: int = 0
    orders: dict[int, Order] = field(default_factory=dict)


class Walk(Struct):
    """What an incoming order meets: ``fills``, the resting orders in their order with the units taken from each, and
    ``own``, the same player's orders in its way. ``more``: it met as many as it may, and did not come to its end.
    """

    fills: list[tuple[Order, int]]
    own: list[Order]
    filled: int
    notional: int
    more: bool = False


class _Side:
    """One side. Keys are ``price * sign``, ascending, so that the best price is always the last."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys = array("q")  # moved as a whole, without a look at each
        self._levels: dict[int, PriceLevel] = {}

    def add(self, order: Order) -> None:
        key = order.price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = PriceLevel()
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

    def remove(self, orders: Iterable[Order]) -> None:
        emptied = []
        for order in orders:
            key = order.price * self._sign
            level = self._levels[key]
            level.qty -= order.qty
            del level.orders[order.number]
            if not level.orders:
                del self._levels[key]
                emptied.append(key)
        if emptied:
            emptied.sort()
            first = bisect_left(self._keys, emptied[0])
            kept, begin = array("q"), first
            for key in emptied:  # what is between them moves once, and not once a level
                end = bisect_left(self._keys, key, begin)
                kept += self._keys[begin:end]
                begin = end + 1
            kept += self._keys[begin:]
            self._keys[first:] = kept

    def levels(self, depth: int) -> tuple[Level, ...]:
        sign, levels = self._sign, self._levels
        return tuple([(key * sign, levels[key].qty) for key in self._keys[: -depth - 1 : -1]])

    def __len__(self) -> int:
        return len(self._keys)

    def best(self) -> int | None:
        return self._keys[-1] * self._sign if self._keys else None

    def ranks(self) -> Iterator[tuple[int, int, int]]:
        for key in reversed(self._keys):
            level = self._levels[key]
            yield key * self._sign, level.qty, len(level.orders)

    def orders(self, limit: int | None) -> Iterator[Order]:
        """By price from the best, then by time; none worse than ``limit`` for who comes to take."""
        worst = None if limit is None else limit * self._sign
        for key in reversed(self._keys):
            if worst is not None and key < worst:
                return
            yield from self._levels[key].orders.values()

    def first(self, limit: int | None) -> Order | None:
        """The first of these, without a generator: most who come meet none, or are content with one."""
        if not (keys := self._keys) or (limit is not None and keys[-1] < limit * self._sign):
            return None
        return next(iter(self._levels[keys[-1]].orders.values()))

    def level(self, price: int) -> PriceLevel | None:
        return self._levels.get(price * self._sign)

    def prices(self) -> Iterator[int]:
        keys, sign = self._keys[:], self._sign
        return (key * sign for key in keys)

    def take_all(self) -> Iterator[dict[int, Order]]:
        return (level.orders for level in self._levels.values())

    def from_worst(self) -> Iterator[Order]:
        for key in self._keys:
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

    def remove(self, orders: Iterable[Order]) -> None:
        """Take resting orders out whole. Takes about 1 µs an order, and 2 ms more among 500 000 levels."""
        sides: dict[SideName, list[Order]] = {BID: [], ASK: []}
        for order in orders:
            sides[order.side].append(order)
        for side, some in sides.items():
            self._sides[side].remove(some)

    def walk(
        self, side: SideName, player: str, qty: int, limit: int | None, purse: int | None = None, most: int = MAX_FILLS
    ) -> Walk:
        """What ``player`` would meet, taking up to ``qty`` units from the resting ``side``; changes nothing.

        It ends where ``most`` orders are met, or where the ``notional`` is more than ``purse`` coins.
        """
        first = self._sides[side].first(limit)
        if first is None:
            return Walk([], [], 0, 0)
        if qty <= first.qty and first.player != player and most:
            return Walk([(first, qty)], [], qty, qty * first.price)
        fills: list[tuple[Order, int]] = []
        own: list[Order] = []
        open_qty, notional = qty, 0
        for order in self._sides[side].orders(limit):
            if not most:
                return Walk(fills, own, qty - open_qty, notional, more=True)
            most -= 1
            if order.player == player:
                own.append(order)
                continue
            taken = order.qty if order.qty < open_qty else open_qty
            fills.append((order, taken))
            notional += taken * order.price
            open_qty -= taken
            if open_qty == 0 or (purse is not None and notional > purse):
                break
        return Walk(fills, own, qty - open_qty, notional)

    def ranks(self, side: SideName) -> Iterator[tuple[int, int, int]]:
        """The price, the units and the number of orders of each level, from the best."""
        return self._sides[side].ranks()

    def level(self, side: SideName, price: int) -> PriceLevel | None:
        """The orders that rest at a price, oldest first; None if there are none."""
        return self._sides[side].level(price)

    def prices(self, side: SideName) -> Iterator[int]:
        """Every price that there is now, from the worst; the book may change meanwhile."""
        return self._sides[side].prices()

    def depth(self) -> int:
        """How many prices there are, on both sides. One that comes or goes moves those that are better, in 9 µs for
        each 100 000; `remove` takes four times as long.
        """
        return sum(map(len, self._sides.values()))

    def empty(self) -> bool:
        return self.best(BID) is None and self.best(ASK) is None

    def clear(self) -> list[dict[int, Order]]:
        """Drop every order at once. Returns what they were in: to free many takes a while, and can wait."""
        dropped = [orders for side in self._sides.values() for orders in side.take_all()]
        self._sides = {BID: _Side(1), ASK: _Side(-1)}
        return dropped

    def levels(self, side: SideName, depth: int) -> tuple[Level, ...]:
        """The best ``depth`` prices of a side with what rests at each, best first."""
        return self._sides[side].levels(depth)

    def best(self, side: SideName) -> int | None:
        return self._sides[side].best()

    def from_worst(self, side: SideName) -> Iterator[Order]:
        """Every resting order of a side, by price from the worst, then by time: so they are quickest to add again."""
        return self._sides[side].from_worst()
