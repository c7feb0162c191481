"""Whose turn it is to be sent, so that no key is forgotten while its command is still asked again. No I/O here.

A server remembers a player's last 256 keys per game. A command of which nobody knows whether it happened is asked
again; had 256 newer ones passed it meanwhile, its answer would be ``stale``, and nobody would ever know. So each game's
commands go through a sliding window, as the frames of any protocol do that sends again what was lost (selective repeat:
Tanenbaum, "Computer Networks", 3.4).
"""

from __future__ import annotations

import heapq
from collections import deque

from attrs import Factory, define

from tradegame.client.call import Call
from tradegame.protocol.bounds import UNANSWERED

WINDOW = UNANSWERED // 2
"""No new key goes out while one that is not settled has so many newer ones, less one, in its game.

Half of what all of a player's connections may have: a page in two tabs, a bot beside it make keys of the same player,
and neither knows of the other's. And more than are under way at once, at the rate that a server allows a player.
"""


@define
class _Lane:
    """One game's commands, or all that has no key. ``queue``: a heap, so that who was asked first goes first, also when
    it was refused meanwhile. ``places``: by id, what went out, in its order: is it settled?"""

    queue: list[tuple[int, Call]] = Factory(list)
    places: dict[int, bool] = Factory(dict)

    def ready(self) -> bool:
        """Whether anybody waits, and there is room."""
        while self.queue and self.queue[0][1].over:
            heapq.heappop(self.queue)
        return bool(self.queue) and len(self.places) < WINDOW

    def take(self) -> Call:
        _, call = heapq.heappop(self.queue)
        self.places[call.id] = False
        return call

    def settle(self, number: int) -> None:
        """Its place is free once all older ones are."""
        if number in self.places:
            self.places[number] = True
        while self.places and self.places[oldest := next(iter(self.places))]:
            del self.places[oldest]


class Turns:
    """What waits to be sent. A call that was sent before and may have happened goes before all that is new."""

    def __init__(self) -> None:
        self._first: deque[Call] = deque()
        self._lanes: dict[str | None, _Lane] = {None: _Lane()}
        self._refused: set[int] = set()
        """In doubt, and not taken in when they were asked again: nothing new takes the rate away from them."""

    def add(self, call: Call) -> None:
        """It wants to go out, for the first time or again."""
        if not call.lasting or call.doubt:
            self._first.append(call)
        else:
            heapq.heappush(self._lane(call).queue, (call.id, call))

    def next(self) -> Call | None:
        """Who goes out now; None: nobody may, until something is answered or given up."""
        while self._first:
            call = self._first.popleft()
            if not call.over:
                return call
        ready = [] if self._refused else [lane for lane in self._lanes.values() if lane.ready()]
        return min(ready, key=lambda lane: lane.queue[0][0]).take() if ready else None

    def answered(self, call: Call, refused: bool) -> None:
        """``refused``: not taken in, this time: its key, if it was never sent before, is no key that was sent."""
        if call.key is None or (refused and not call.doubt):
            self._lane(call).places.pop(call.id, None)
        elif refused:
            self._refused.add(call.id)
        else:
            self._refused.discard(call.id)

    def ended(self, call: Call) -> None:
        """It will not be sent again."""
        self._refused.discard(call.id)
        self._lane(call).settle(call.id)

    def clear(self) -> None:
        """On a new connection nothing is under way yet. Keys that were sent stay sent."""
        self._first.clear()
        for lane in self._lanes.values():
            lane.queue.clear()
        self._lanes[None].places.clear()

    def _lane(self, call: Call) -> _Lane:
        return self._lanes.setdefault(None if call.key is None else call.game, _Lane())
