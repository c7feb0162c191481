"""Does the server do what it is asked? No I/O here."""

from __future__ import annotations

import math

from attrs import define, field

from tradegame.client.call import PROMPT
from tradegame.protocol.errors import BEFORE_THE_KEY, TROUBLE

TROUBLE_S = 1.5
"""So long a node may answer nothing but that it cannot."""
RECENT_S = 10.0


@define
class CircuitBreaker:
    """Whether the node of this connection does its work, or only answers that it cannot."""

    _good_at: float = field(default=-math.inf, init=False)
    _bad_since: float = field(default=math.inf, init=False)
    _bad_at: float = field(default=-math.inf, init=False)

    def answered(self, op: str, error: str | None, sent_at: float, now: float) -> bool:
        """A request that went out at ``sent_at`` was answered, well or with an error's code. True: try another node.

        One answer is enough when it took long, as it does when the store is not there.
        """
        if error not in TROUBLE:
            if op in PROMPT and error not in BEFORE_THE_KEY:
                self._good_at, self._bad_since = now, math.inf
            return False
        if now - self._bad_at > RECENT_S:
            self._bad_since = math.inf
        self._bad_at = now
        self._bad_since = min(self._bad_since, max(sent_at, self._good_at))
        return now - self._bad_since >= TROUBLE_S
