"""How quickly to go on after a connection has ended, and how long to wait for the next. No I/O here."""

from __future__ import annotations

import random

from attrs import frozen

from tradegame.client.backoff import Backoff
from tradegame.client.nodes import Nodes
from tradegame.protocol.closing import GOING_AWAY, LOST

CONNECT_TIMEOUT = 10.0
HELLO_TIMEOUT = 10.0
HASTY_CONNECT_TIMEOUT = 3.0
HASTY_HELLO_TIMEOUT = 4.0
"""While there are other nodes to go to. They double each time that none of them was quick enough."""
MOST_PATIENCE = 4.0
JITTER_S = 0.25
"""When a node dies, its clients come to the others spread over so long."""
STEADY_S = 10.0
"""A connection that lasted this long ends the back-off: what comes next is a new trouble."""


@frozen
class Ended:
    """How a connection ended. ``lasted_s``: since hello was answered; None: it was not. ``status``: HTTP's.

    ``failing``: the node was there, but silent or of no use. ``wait_s``: it asked not to be tried again before.
    """

    reason: str
    code: int = LOST
    lasted_s: float | None = None
    status: int | None = None
    wait_s: float = 0.0
    failing: bool = False


class Pace:
    """Hurry while there are other nodes to go to; back-off, and ever more patience, when none of them is any better."""

    def __init__(self, nodes: Nodes, chance: random.Random) -> None:
        self.backoff = Backoff(chance)
        self.patience = 1.0
        """A factor for all that is waited in a hurry, 1 to 4."""
        self._nodes = nodes
        self._chance = chance
        self._hurried = 0

    @property
    def hasty(self) -> bool:
        """Whether there is anywhere else to go."""
        return len(self._nodes.urls) > 1

    @property
    def connect_timeout(self) -> float:
        return min(CONNECT_TIMEOUT, HASTY_CONNECT_TIMEOUT * self.patience) if self.hasty else CONNECT_TIMEOUT

    @property
    def hello_timeout(self) -> float:
        return min(HELLO_TIMEOUT, HASTY_HELLO_TIMEOUT * self.patience) if self.hasty else HELLO_TIMEOUT

    def pause(self, url: str, ended: Ended) -> float:
        """Seconds until the next try, after what happened at ``url``."""
        return self._unconnected(url, ended) if ended.lasted_s is None else self._lost(url, ended, ended.lasted_s)

    def _unconnected(self, url: str, ended: Ended) -> float:
        nodes = self._nodes
        nodes.failed(url)
        if nodes.more:
            return 0.0  # there are others that were not asked yet
        nodes.begin_round()
        self._be_patient()
        return self.backoff.next() + ended.wait_s

    def _lost(self, url: str, ended: Ended, lasted_s: float) -> float:
        nodes = self._nodes
        if lasted_s >= STEADY_S:
            self.backoff.reset()
            self._hurried = 0
        if ended.failing:
            nodes.failed(url)
            self._be_patient()
        elif lasted_s >= STEADY_S:
            nodes.steady(url)
            self.patience = 1.0
        nodes.begin_round(lost=url)
        others = nodes.others(url)
        hurry = ended.code == GOING_AWAY or (others and ended.code == LOST)
        if hurry and self._hurried < len(nodes.urls):
            self._hurried += 1  # another node takes us in; not for ever, should they all be going
            return self._chance.uniform(0, JITTER_S) if others else 0.0
        return self.backoff.next() + ended.wait_s

    def _be_patient(self) -> None:
        """If all are slow, to hurry from one to the next only makes them slower."""
        self.patience = min(MOST_PATIENCE, 2 * self.patience)
