"""A calm game with guests: a client that trades at an even pace, and newcomers who look at everything once."""

from __future__ import annotations

import json
import time
from typing import Any

from bench.load.connection import GAME, GOOD, Crowd, request

TRADES_A_SECOND = 200
VISITS_A_SECOND = 10


def visits(crowd: Crowd, seconds: float) -> dict[str, Any]:
    """Each newcomer joins, asks for the standings and for its account, buys, and stays."""
    (trader,) = crowd.connect(1)
    trades = seen = 0
    begun = time.monotonic()
    while (now := time.monotonic()) < begun + seconds:
        if now >= begun + trades / TRADES_A_SECOND:
            trades += 1
            trader.send(request(10 + trades, "buy", game=GAME, good=GOOD, qty=1, key=f"k-{trades}"))
        if now >= begun + seen / VISITS_A_SECOND:
            seen += 1
            (guest,) = crowd.connect(1)
            guest.send(request(3, "standings", game=GAME, limit=100) + request(4, "me", game=GAME))
            guest.send(request(5, "buy", game=GAME, good=GOOD, qty=1, key="k"))
        for connection in crowd.readable(begun + trades / TRADES_A_SECOND):
            for body in connection.frames():
                if b'"error"' in body:
                    raise SystemExit(f"refused: {json.loads(body)}")
    return {"visits": seen, "trades": trades}
