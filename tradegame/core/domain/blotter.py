"""A player's own record of a round: the last fills, the last orders that are done, and what was traded of each good.

10 000 players may have all of it. So a fill takes 42 bytes and an order 34, packed into one string of bytes, at which
the garbage collector does not look. Objects are made for whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any, Final, get_args

from attrs import Factory, define

from tradegame.core.domain.book import ASK, BID, Order
from tradegame.protocol.bounds import FILLS_KEPT, ORDERS_KEPT, Became, SideName, Taker
from tradegame.protocol.state import DoneOrder, Fill

FILLED: Final = "filled"
CANCELLED: Final = "cancelled"
MET_OWN: Final = "met_own"
REPLACED: Final = "replaced"
DISCONNECTED: Final = "disconnected"

ENDINGS: tuple[Became, ...] = get_args(Became)
_NUMBERS = {became: number for number, became in enumerate(ENDINGS)}

BOUGHT, MADE = 1, 2
"""Bits of a fill: the player bought, and made the market: their order rested."""
_FILL = Struct("<QQQQIIBB")
"""Trade, time in ms, order (0: none), fee, price, quantity, index of the good, bits."""
_DONE = Struct("<QQQIIBB")
"""Order, time in ms, units filled, units left, price, index of the good, and twice the ending, plus 1 for a bid."""
_pack_fill, _pack_done = _FILL.pack, _DONE.pack
_FILL_SIZE, _ORDER_SIZE = _FILL.size, _DONE.size
_FILLS_SIZE, _ORDERS_SIZE = FILLS_KEPT * _FILL_SIZE, ORDERS_KEPT * _ORDER_SIZE

WORDS: dict[Became, str] = {
    CANCELLED: "was cancelled",
    MET_OWN: "was withdrawn, since another order of yours met it",
    REPLACED: "was replaced",
    DISCONNECTED: "was withdrawn while you were not connected",
}
"""What became of an order, after its id, in a message to its player."""


@define
class Traded:
    """What was traded of one good in this round, in units and coins. ``cost`` and ``proceeds``: without ``fees``."""

    bought: int = 0
    cost: int = 0
    sold: int = 0
    proceeds: int = 0
    fees: int = 0


@define
class Blotter:
    """``fills`` and ``done``: packed, the oldest first, at most `FILLS_KEPT` and `ORDERS_KEPT` of them. ``traded``: by
    the index of the good, in the order of the first trade.
    """

    fills: bytearray = Factory(bytearray)
    done: bytearray = Factory(bytearray)
    traded: dict[int, Traded] = Factory(dict)

    def fill(self, trade: int, at: int, order: int, fee: int, price: int, qty: int, index: int, bits: int) -> bytes:
        """Write down a fill. ``bits``: `BOUGHT` and `MADE`. Returns it packed."""
        packed = _pack_fill(trade, at, order, fee, price, qty, index, bits)
        kept = self.fills
        kept += packed
        if len(kept) > _FILLS_SIZE:
            del kept[:_FILL_SIZE]
        if (traded := self.traded.get(index)) is None:
            traded = self.traded[index] = Traded()
        if bits & BOUGHT:
            traded.bought += qty
            traded.cost += qty * price
        else:
            traded.sold += qty
            traded.proceeds += qty * price
        traded.fees += fee
        return packed

    def end(self, order: Order, index: int, became: Became, at: int) -> None:
        """Write down an order that is done, as it was just before it left the book."""
        ending = 2 * _NUMBERS[became] + (order.side == BID)
        kept = self.done
        kept += _pack_done(order.number, at, order.filled, order.qty, order.price, index, ending)
        if len(kept) > _ORDERS_SIZE:
            del kept[:_ORDER_SIZE]

    def became(self, number: int) -> tuple[Became, int] | None:
        """What became of an order, and how many units were filled; None if that is not known any more."""
        begins = number.to_bytes(8, "little")
        at = self.done.rfind(begins)  # 0.6 µs, where unpacking all takes 3
        while at >= 0 and at % _ORDER_SIZE:  # the same bytes by chance
            at = self.done.rfind(begins, 0, at + 7)
        if at < 0:
            return None
        _, _, filled, _, _, _, ending = _DONE.unpack_from(self.done, at)
        return ENDINGS[ending >> 1], filled

    def last_fills(self, limit: int, goods: Sequence[str]) -> tuple[Fill, ...]:
        """The last ``limit`` fills, the oldest first. ``goods``: of the game, in order."""
        return unpack_fills(self.fills[-limit * _FILL.size :], goods)

    def done_orders(self, goods: Sequence[str]) -> tuple[DoneOrder, ...]:
        """The orders that are done, in the order in which they were. ``goods``: as above."""
        return tuple(
            [
                DoneOrder(
                    f"o{order}", goods[index], BID if bits & 1 else ASK, left, price, filled, ENDINGS[bits >> 1], at
                )
                for order, at, filled, left, price, index, bits in _DONE.iter_unpack(self.done)
            ]
        )

    def rows(self) -> tuple[list[Any], list[Any], list[Any]]:
        """All of it as lists of integers."""
        fills, done, traded = _FILL.iter_unpack(self.fills), _DONE.iter_unpack(self.done), self.traded.items()
        amounts = [(index, each.bought, each.cost, each.sold, each.proceeds, each.fees) for index, each in traded]
        return list(fills), list(done), amounts

    @classmethod
    def of_rows(cls, fills: Iterable[Any], done: Iterable[Any], traded: Iterable[Any]) -> Blotter:
        """What ``rows`` wrote."""
        packed = bytearray().join(_FILL.pack(*row) for row in fills), bytearray().join(_DONE.pack(*row) for row in done)
        return cls(*packed, {index: Traded(*amounts) for index, *amounts in traded})


def unpack_fills(packed: bytes | bytearray, goods: Sequence[str]) -> tuple[Fill, ...]:
    """Packed fills as they are told, the oldest first. ``goods``: of the game, in order."""
    return tuple([_fill(row, goods) for row in _FILL.iter_unpack(packed)])


def _fill(row: tuple[Any, ...], goods: Sequence[str]) -> Fill:
    trade, at, order, fee, price, qty, index, bits = row
    bought, made = bool(bits & BOUGHT), bool(bits & MADE)
    side: SideName = BID if bought else ASK
    taker: Taker = "buy" if bought != made else "sell"
    return Fill(trade, at, goods[index], side, price, qty, taker, fee, f"o{order}" if order else None, made)
