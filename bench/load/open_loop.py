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
from collections.abc import Sequence
from typing import Any, NoReturn

from attrs import define, field

from bench.load.connection import GAME, GOOD, Connection, Crowd, frame
from bench.load.meter import Meter

SEED = 11
RECEIVE_BUFFER = 4_096
"""Of who will not read: so the system takes little for them, and the rest waits in the server."""
DROPPED_AT_ONCE = 2
_FIRST_ID = 1_000_000
_WAYS: tuple[dict[str, Any], ...] = (
    {"op": "buy", "good": GOOD, "qty": 1},
    {"op": "order", "good": GOOD, "side": "bid", "qty": 3, "price": 5},
    {"op": "sell", "good": GOOD, "qty": 1},
    {"op": "cancel_all"},
)
"""What a client does, one after the other, again and again; each begins somewhere else."""


@define
class Schedule:
    """Whose turn it is, and when: ``pace`` turns a second each, at random."""

    connections: Sequence[Connection]
    pace: float
    begun: float
    _chance: random.Random = field(factory=lambda: random.Random(SEED))
    _due: list[tuple[float, int]] = field(init=False)
    _turns: list[int] = field(init=False)
    _number: int = _FIRST_ID

    def __attrs_post_init__(self) -> None:
        self._due = [(self.begun + self._wait(), who) for who in range(len(self.connections))]
        heapq.heapify(self._due)
        self._turns = list(range(len(self.connections)))

    def _wait(self) -> float:
        return self._chance.expovariate(self.pace)

    @property
    def next(self) -> float:
        """When the next turn is due."""
        return self._due[0][0]

    def turn(self) -> tuple[float, int, int, bytes]:
        """When it was due, whose it is (by place), the id of the command, and its frame."""
        at, who = self._due[0]
        heapq.heapreplace(self._due, (at + self._wait(), who))
        self._number += 1
        self._turns[who] += 1
        way = _WAYS[self._turns[who] % len(_WAYS)]
        body = {"id": self._number, "game": GAME, "key": f"k-{self._number}", **way}
        return at, who, self._number, frame(json.dumps(body).encode())


def open_loop(
    crowd: Crowd, traders: list[Connection], onlookers: list[Connection], pid: int, seconds: float, pace: float
) -> dict[str, Any]:
    """Each of ``traders`` gives ``pace`` commands a second. What the onlookers get is dropped unseen, in turn."""
    crowd.ignore(onlookers)
    drops = itertools.cycle(onlookers)
    asked: dict[Connection, dict[int, float]] = {connection: {} for connection in traders}
    latencies: list[float] = []
    errors = 0
    meter = Meter(pid)
    schedule = Schedule(traders, pace, time.monotonic())
    end = schedule.begun + seconds
    while (now := time.monotonic()) < end + 1:
        while schedule.next <= min(now, end):
            at, who, number, data = schedule.turn()
            traders[who].send(data)
            asked[traders[who]][number] = at
        if now >= end and not any(asked.values()):
            break
        for connection in crowd.readable(schedule.next if schedule.next < end else end + 1):
            for body in connection.frames():
                at = asked[connection].pop(int(body[6 : body.index(b",", 6)]))
                latencies.append(time.monotonic() - at)
                errors += b'"error"' in body
        for connection in itertools.islice(drops, DROPPED_AT_ONCE):
            connection.drop()
    report = meter.report(len(latencies), latencies)
    return report | {"errors": errors, "unanswered": sum(map(len, asked.values()))}


def neighbours(crowd: Crowd, count: int, pace: float, *, deaf: bool) -> NoReturn:
    """So many who give ``pace`` commands a second each; the ``deaf`` read nothing, and come again when closed."""
    buffer = RECEIVE_BUFFER if deaf else 0
    them = crowd.connect(count, buffer)
    crowd.ignore(them)
    schedule = Schedule(them, pace, time.monotonic())
    while True:
        time.sleep(max(0.0, schedule.next - time.monotonic()))
        _, who, _, data = schedule.turn()
        try:
            them[who].sock.send(data)
        except BlockingIOError:
            continue  # the server does not read, either
        except ConnectionError:
            them[who].sock.close()
            them[who : who + 1] = again = crowd.connect(1, buffer)
            crowd.ignore(again)
        if not deaf:
            for each in them:
                each.drop()
