"""How long to wait before trying again.

Exponential with full jitter: of the ways to spread a crowd that was thrown out at once, it makes the fewest calls
(Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random

from attrs import define


@define
class Backoff:
    """Waits of 0 to ``min(cap_s, base_s * 2**n)`` seconds, uniformly.

    ``cap_s``: so late may a client be when a server is back after some time, and a thousand of them that wait for it
    are 500 tries a second.
    """

    random: random.Random
    base_s: float = 0.25
    cap_s: float = 4.0
    tries: int = 0

    def next(self) -> float:
        """Seconds to wait this time."""
        ceiling = min(self.cap_s, self.base_s * 2 ** min(self.tries, 30))
        self.tries += 1
        return self.random.uniform(0, ceiling)

    def reset(self) -> None:
        self.tries = 0
