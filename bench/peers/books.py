"""``python -m bench.peers.books ENGINE STREAM``: one order book takes a stream of orders; what it did, as JSON.

Imports nothing but its engine: the peers live in an environment that has nothing of ours. Each engine gets integers
and gives the trades of an order as (price, units) in its own way; making orders of them is part of the job.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

Take: TypeAlias = Callable[[int, int, int, int], int]
"""Takes one step of a stream, and returns how many units traded.

(number, bid, qty, price): a limit order, a bid if ``bid`` is 1. A qty of 0: the order ``number``, which rests, is
cancelled.
"""

AT_LEAST_S = 1.0


def tradegame(resting: dict[int, Any] | None = None) -> Take:
    """Our book; ``resting`` is filled with the orders that were placed, by number. No accounts, no money."""
    from tradegame.core.domain.book import ASK, BID, Book, Order

    book, placed = Book(), {} if resting is None else resting

    def take(number: int, bid: int, qty: int, price: int) -> int:
        if not qty:
            order = placed.pop(number)
            book.reduce(order, order.qty)
            return 0
        walk = book.walk(ASK if bid else BID, "taker", qty, price)
        for order, units in walk.fills:
            book.reduce(order, units)
        if walk.filled < qty:
            order = placed[number] = Order(number, "maker", "grain", BID if bid else ASK, qty - walk.filled, price)
            book.add(order)
        return walk.filled

    return take


def _lightmatchingengine() -> Take:
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    engine = LightMatchingEngine()
    ids: dict[int, int] = {}

    def take(number: int, bid: int, qty: int, price: int) -> int:
        if not qty:
            engine.cancel_order(ids.pop(number), "grain")
            return 0
        order, _ = engine.add_order("grain", price, qty, Side.BUY if bid else Side.SELL)
        if order.leaves_qty:
            ids[number] = order.order_id
        return int(qty - order.leaves_qty)

    return take


def _fastlob() -> Take:
    import logging

    from fastlob import Orderbook, OrderParams, OrderSide, OrderType

    logging.disable()
    book = Orderbook()
    book._alive = True  # start() would begin a thread that looks for orders to expire, and none does
    ids: dict[int, str] = {}

    def take(number: int, bid: int, qty: int, price: int) -> int:
        if not qty:
            book.cancel(ids.pop(number))
            return 0
        side = OrderSide.BID if bid else OrderSide.ASK
        result = book.process(OrderParams(side, price, qty, OrderType.GTC))
        ids[number] = result.orderid()
        left = book.get_status(result.orderid())[1]
        return qty - int(left)

    return take


def _order_matching() -> Take:
    from loguru import logger
    from order_matching.enums import Side
    from order_matching.matching_engine import MatchingEngine
    from order_matching.order import LimitOrder
    from order_matching.orders import Orders

    logger.remove()
    logger.disable("order_matching")
    engine, now = MatchingEngine(seed=1), datetime(2026, 1, 1)

    def take(number: int, bid: int, qty: int, price: int) -> int:
        if not qty:
            engine.cancel_order(str(number))
            return 0
        side = Side.BUY if bid else Side.SELL
        order = LimitOrder(side=side, price=price, size=qty, timestamp=now, order_id=str(number), trader_id="x")
        engine.place(Orders([order]))
        return int(sum(trade.size for trade in engine.match(now).trades))

    return take


OURS = "tradegame"
ENGINES: dict[str, Callable[[], Take]] = {
    OURS: tradegame,
    "lightmatchingengine": _lightmatchingengine,
    "fastlob": _fastlob,
    "order-matching": _order_matching,
}


def main() -> None:
    make, steps = ENGINES[sys.argv[1]], json.loads(Path(sys.argv[2]).read_text())
    trades, units, spent, rounds = 0, 0, 0.0, 0
    while spent < AT_LEAST_S:
        take = make()
        begun = time.process_time()
        taken = [take(*step) for step in steps]
        spent += time.process_time() - begun
        rounds += 1
        trades, units = sum(map(bool, taken)), sum(taken)
    print(json.dumps({"per_second": round(rounds * len(steps) / spent), "trades": trades, "units": units}))


if __name__ == "__main__":
    main()
