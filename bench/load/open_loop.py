"""An open loop: each client commands when its time has come, whether it was answered or not.

An answer's latency is counted from when its command was due, so that a server (or a load) that stands still does not
thereby ask less. Times are drawn: each client is a Poisson process of its own.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import time
from typing import Any

from bench.load.connection import GAME, GOOD, Connection, Crowd, frame
from bench.load.meter import Meter

SEED = 11
_FIRST_ID = 1_000_000
_WAYS: tuple[dict[str, Any], ...] = (
    {"op": "buy", "good": GOOD, "qty": 1},
    {"op": "order", "good": GOOD, "side": "bid", "qty": 3, "price": 5},
    {"op": "sell", "good": GOOD, "qty": 1},
    {"op": "cancel_all"},
)
"""What a client does, one after the other, again and again; each begins somewhere else."""


def open_loop(
    crowd: Crowd, traders: list[Connection], deaf: list[Connection], pid: int, seconds: float, pace: float
) -> dict[str, Any]:
    """Each of ``traders`` gives ``pace`` commands a second; answers to the ``deaf``, who do so too, are not counted."""
    chance = random.Random(SEED)
    crowd.ignore(deaf)
    hearing = set(traders) - set(deaf)
    first = dict(zip(traders, itertools.cycle(range(len(_WAYS)))))
    begun = time.monotonic()
    due = [(begun + chance.expovariate(pace), order, each) for order, each in enumerate(traders)]
    heapq.heapify(due)
    asked: dict[Connection, dict[int, float]] = {connection: {} for connection in traders}
    latencies: list[float] = []
    done = errors = sent = 0
    end = begun + seconds
    meter = Meter(pid)
    while (now := time.monotonic()) < end + 1:
        while due[0][0] <= now and due[0][0] < end:
            at, order, connection = due[0]
            heapq.heapreplace(due, (at + chance.expovariate(pace), order, connection))
            number = _FIRST_ID + sent
            sent += 1
            way = _WAYS[first[connection]]
            first[connection] = (first[connection] + 1) % len(_WAYS)
            _send(connection, frame(json.dumps({"id": number, "game": GAME, "key": f"k-{number}", **way}).encode()))
            if connection in hearing:
                asked[connection][number] = at
        if now >= end and not any(asked.values()):
            break
        for connection in crowd.readable(due[0][0] if due[0][0] < end else end + 1):
            for body in connection.frames():
                number = int(body[6 : body.index(b",", 6)])
                at = asked[connection].pop(number)
                errors += b'"error"' in body
                latencies.append(time.monotonic() - at)
                done += 1
    unanswered = sum(map(len, asked.values()))
    return meter.report(done, latencies) | {"errors": errors, "unanswered": unanswered}


def _send(connection: Connection, data: bytes) -> None:
    """One that does not read is closed at last, and commands no more."""
    try:
        connection.sock.send(data)
    except (ConnectionError, BlockingIOError):
        return
