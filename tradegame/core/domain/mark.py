"""What a unit of a good counts for: its mark, and the bids of the last minute from which it may come."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from attrs import Factory, define, field, frozen

from tradegame.protocol.bounds import Level, MarkSource

MINUTE_S = 60
"""So many seconds of bids count for a mark."""
LADDER = 100
"""The best price levels that a mark from the book is made of; what is left after them counts for nothing."""


@frozen
class Mark:
    """``price``: coins a unit, 0 without a bid or a trade; None: there is no mark. ``source``: where it comes from.

    ``levels``: for a mark from the book, the bids that units are sold to, best first; ``price`` is that of the first.
    """

    price: int | None = None
    source: MarkSource | None = None
    levels: tuple[Level, ...] = ()
    _ladder: list[tuple[int, int]] = field(factory=list, init=False, eq=False, repr=False)
    """Of each level: how many units are wanted down to it, and what those are worth. Empty until it is needed."""

    @property
    def told(self) -> tuple[int, MarkSource] | None:
        """What is public of it."""
        return None if self.price is None or self.source is None else (self.price, self.source)

    def value(self, qty: int) -> int:
        """What ``qty`` units count for, in coins. Takes well under 1 µs, however many levels there are."""
        if not self.levels:
            return qty * (self.price or 0)
        if not self._ladder:
            units = coins = 0
            for price, wanted in self.levels:
                units, coins = units + wanted, coins + price * wanted
                self._ladder.append((units, coins))
        at = bisect_left(self._ladder, (qty,))
        if at == len(self._ladder):
            return self._ladder[-1][1]
        units, coins = self._ladder[at - 1] if at else (0, 0)
        return coins + (qty - units) * self.levels[at][0]


@define
class BidLows:
    """The lowest best bid of each second of a round, as far back as the last minute needs them.

    Seconds are counted from the opening. ``second``: the present one, and ``low`` the lowest best bid in it so far.
    ``bid``: the best bid now. Both are 0 where there is none. ``runs``: of the seconds before, the first second of each
    run of equal lows, and that low; the oldest first. A change of the best bid takes O(1), and about 60 runs are kept.
    """

    second: int = 0
    low: int = 0
    bid: int = 0
    runs: deque[tuple[int, int]] = Factory(deque)

    def see(self, second: int, bid: int) -> None:
        """From now on, in ``second``, the best bid is ``bid``. ``second`` never falls."""
        if second > self.second:
            self._run(self.second, self.low)
            if second > self.second + 1:
                self._run(self.second + 1, self.bid)
            self.second, self.low = second, self.bid
            while len(self.runs) > 1 and self.runs[1][0] <= second - MINUTE_S + 1:
                self.runs.popleft()
        self.bid = bid
        self.low = min(self.low, bid)

    def median(self, second: int) -> int:
        """The median of the lows of the last 60 seconds, ``second`` the last of them; of two, the lower.

        So somebody bid that much or more all through more than half of these seconds.
        """
        self.see(second, self.bid)
        first = max(0, second - MINUTE_S + 1)
        lows, end = [(self.low, 1)], second
        for begin, low in reversed(self.runs):
            begin = max(begin, first)
            lows.append((low, end - begin))
            end = begin
        lows.sort()
        below = (second - first) // 2  # so many seconds are left out
        while below >= lows[0][1]:
            below -= lows.pop(0)[1]
        return lows[0][0]

    def _run(self, second: int, low: int) -> None:
        if not self.runs or self.runs[-1][1] != low:
            self.runs.append((second, low))
