"""Closed loops: whoever is answered asks again, and one who speaks to all."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from bench.load.connection import GAME, GOOD, NEWS, Connection, Crowd, frame, request
from bench.load.meter import Meter

SAYS_A_SECOND = 50
SAID_CHARACTERS = 200
_FIRST_ID = 1_000_000  # so that all have the same length
_BUY = f'{{"id":%d,"op":"buy","game":"{GAME}","good":"{GOOD}","qty":1,"key":"k-%d"}}'.encode()


def buy(crowd: Crowd, connections: list[Connection], pid: int, seconds: float, window: int) -> dict[str, Any]:
    """Each keeps ``window`` buys of one unit under way; 1: it waits for each answer."""
    asked: dict[Connection, dict[int, float]] = {connection: {} for connection in connections}
    latencies: list[float] = []
    done = errors = 0
    meter = Meter(pid)
    end = time.monotonic() + seconds
    for connection in connections:
        _buy(connection, range(_FIRST_ID, _FIRST_ID + window), asked[connection])
    while time.monotonic() < end:
        for connection in crowd.readable(end):
            bodies = connection.frames()
            if not bodies:
                continue
            own, now, again = asked[connection], time.monotonic(), []
            for body in bodies:
                number = int(body[6 : body.index(b",", 6)])
                errors += b'"error"' in body
                latencies.append(now - own.pop(number))
                again.append(number + window)
            done += len(again)
            _buy(connection, again, own)
    return meter.report(done, latencies) | {"errors": errors}


def _buy(connection: Connection, numbers: Sequence[int], asked: dict[int, float]) -> None:
    connection.send(b"".join([frame(_BUY % (number, number)) for number in numbers]))
    asked.update(dict.fromkeys(numbers, time.monotonic()))


def say(crowd: Crowd, connections: list[Connection], pid: int, seconds: float) -> dict[str, Any]:
    """One speaks at an even pace. Counted is each delivery to each connection; each 50th is timed."""
    for connection in connections:
        connection.wanted = NEWS
    timed = set(connections[::50])
    latencies: list[float] = []
    done = sent = 0
    meter = Meter(pid)
    begun = time.monotonic()
    end = begun + seconds
    while (now := time.monotonic()) < end + 1:
        due = begun + sent / SAYS_A_SECOND
        if now >= due and now < end:
            sent += 1
            text = f"{now:.6f}".ljust(20).ljust(SAID_CHARACTERS, "x")
            connections[0].send(request(_FIRST_ID + sent, "say", game=GAME, text=text))
        for connection in crowd.readable(min(due, end + 1) if due < end else end + 1):
            for body in connection.frames():
                said = body.count(b'"said"')
                done += said
                if said and connection in timed:
                    events = [event for event in json.loads(body)["events"] if event["type"] == "said"]
                    latencies += [time.monotonic() - float(event["text"][:20]) for event in events]
    return meter.report(done, latencies) | {"delivered": round(done / (sent * len(connections)), 4)}
