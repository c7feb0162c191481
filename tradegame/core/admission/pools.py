"""The parts of ``budgets``: token buckets under a total that is shared fairly when it runs low, and a table of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

ADDRESS_BURST_S = 5.0
"""An address may spend so many seconds of its rate at once: 300 clients that connect, say hello and join use half of
it. So may a payer of a share: who asks for less on average is not refused when some requests come together.
"""
CROWDED = 0.25
"""With less than this part of its burst left, an address's players get equal shares."""
SHARED = 0.8
"""The share of the rate that is divided then. The rest is for newcomers."""
LARGEST_SHARE = 4.0
"""While others take less than an equal share, one may be so many times as large: so many accounts that ask for little
do not make the share too small for who plays. If all of them then ask for theirs at once, the total is in debt by a
fraction of its burst until the next second.
"""
SHARE_GROWS = 1.25
"""By so much in a second in which a share was too small, and less was spent than there was."""
FADES = 0.75
"""The number of active players is the count of the last second, or the previous number, decaying by this much a
second.
"""
FEW_KEPT = 1_000
"""So many budgets of each kind are kept though they are full: 1 MB."""

Seconds = float
Rates = tuple[float, float, float]
"""A total's units a second, each payer's, and each payer's burst."""


class Pace:
    """The part of every budget that is granted now, from ``LEAST`` to 1: see ``strain.py``."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 1.0


class Bucket:
    """What one payer may still spend. See ``Pool``, which computes it."""

    __slots__ = ("at", "level", "window")

    def __init__(self, level: float, now: float) -> None:
        self.level = level
        self.at = now
        self.window = -1

    def full(self, rates: Rates, pace: Pace, now: float) -> bool:
        """Whether a new one would be the same; never in a crowd, where neither has more than its share."""
        _, per_s, burst = rates
        return self.level + (now - self.at) * per_s * pace.value >= burst * pace.value


class Pool:
    """A total of one kind, an address's or of a game's talk, and the rules for the buckets of who shares it.

    ``each_per_s`` and ``each_burst`` are one payer's, in units. All rates and bursts are those of a calm node;
    ``pace`` is the part of them that is granted now.
    """

    __slots__ = (
        "_count",
        "_larger",
        "_pace",
        "_past",
        "_refused",
        "_spent",
        "_window",
        "at",
        "burst",
        "each_burst",
        "each_per_s",
        "level",
        "per_s",
    )

    def __init__(self, per_s: float, each_per_s: float, each_burst: float, now: float, pace: Pace) -> None:
        self.per_s = per_s
        self.burst = max(per_s * ADDRESS_BURST_S, each_burst)
        self.each_per_s = each_per_s
        self.each_burst = each_burst
        self.level = self.burst
        self.at = now
        self._pace = pace
        self._window = -1
        self._count = 0  # payers seen in this second
        self._past = 1.0  # and before
        self._spent = 0.0  # by payers in this second
        self._refused = False  # somebody was, in this second, since their share was spent
        self._larger = LARGEST_SHARE  # so many times an equal share is a share

    @classmethod
    def of_nobody(cls, per_s: float, burst: float, now: float, pace: Pace) -> Pool:
        """A total without buckets."""
        pool = cls(per_s, 0.0, 0.0, now, pace)
        pool.burst = pool.level = float(burst)
        return pool

    @property
    def active(self) -> float:
        """About how many payers share it."""
        return max(self._count, self._past)

    def take(self, bucket: Bucket, cost: float, now: float) -> Seconds:
        """Spend ``cost`` and return 0; or spend nothing, and return how many s until there is enough."""
        per_s = self._refill(bucket, cost, now)
        if cost > self.each_burst:  # the most expensive request must fit into the smallest burst
            cost = self.each_burst
        if bucket.level < cost:
            self._refused = True
            return (cost - bucket.level) / per_s
        if self.level < 0 and self.level < -self._most:  # shares were too large while the crowd arrived
            return (-self._most - self.level) / self._rate
        bucket.level -= cost
        self.level -= cost
        self._spent += cost
        return 0.0

    def charge(self, bucket: Bucket, cost: float, now: float) -> Seconds:
        """Spend ``cost``, even into debt. Returns how many s until the debt is paid."""
        per_s = self._refill(bucket, cost, now)
        cost = max(min(cost, bucket.level + self.each_burst * self._pace.value), 0.0)  # no debt exceeds a burst
        bucket.level -= cost
        self._spent += cost
        self._owe(cost)
        wait = -bucket.level / per_s if bucket.level < 0 else 0.0
        if self.level < -self._most:
            wait = max(wait, (-self._most - self.level) / self._rate)
        return wait

    def draw(self, cost: float, now: float) -> Seconds:
        """Spend from the total itself, for no payer in particular; like ``take``."""
        self._refill_total(now, cost)
        if self.level < cost:
            return (cost - self.level) / self._rate
        self.level -= cost
        return 0.0

    def debit(self, cost: float, now: float) -> None:
        """The same, even into debt."""
        self._refill_total(now, cost)
        self._owe(cost)

    @property
    def short(self) -> bool:
        """Whether its payers have less than they would have by themselves on a calm node."""
        share = self._larger * SHARED * self._rate / self.active
        crowded = self.level < self._most * CROWDED and share < self.each_per_s
        return crowded or self._pace.value < 1

    def full(self, now: float) -> bool:
        """Whether a new one would be the same."""
        return self.level + (now - self.at) * self._rate >= self._most

    @property
    def _rate(self) -> float:
        """Units a second now."""
        return self.per_s * self._pace.value

    @property
    def _most(self) -> float:
        """The burst now."""
        return self.burst * self._pace.value

    def _owe(self, cost: float) -> None:
        """Many payers who each owe a burst must not shut out the rest of the address for longer than one burst
        takes.
        """
        self.level = max(self.level - cost, -2 * self._most)

    def _refill(self, bucket: Bucket, cost: float, now: float) -> float:
        """Refill both; returns the payer's rate in units a second."""
        self._refill_total(now, cost)
        window = int(now)
        if bucket.window != window:
            bucket.window = window
            self._note(window)
        pace = self._pace.value
        per_s, most = self.each_per_s * pace, self.each_burst * pace
        if self.level < self.burst * pace * CROWDED:
            share = self._larger * SHARED * self._rate / self.active
            if share < per_s:
                per_s, most = share, min(most, share * ADDRESS_BURST_S)
        if most < cost:
            most = min(cost, self.each_burst)
        level = bucket.level + (now - bucket.at) * per_s
        bucket.level = level if level < most else most
        bucket.at = now
        return per_s

    def _refill_total(self, now: float, cost: float) -> None:
        pace = self._pace.value
        level, most = self.level + (now - self.at) * self.per_s * pace, self.burst * pace
        if most < cost:
            most = min(cost, self.burst)
        self.level = level if level < most else most
        self.at = now

    def _note(self, window: int) -> None:
        if window != self._window:
            gone = window - self._window
            self._past = max(self._count, self._past * FADES) * (FADES ** (gone - 1) if gone < 64 else 0.0)
            self._past = max(self._past, 1.0)
            self._weigh_shares()
            self._count, self._window = 0, window
        self._count += 1

    def _weigh_shares(self) -> None:
        """A second is over: what was too small for some though something was left grows, and else shrinks."""
        most = SHARED * self._rate
        if self._spent > most:
            self._larger = max(1.0, self._larger * most / self._spent)
        elif self._refused:
            self._larger = min(LARGEST_SHARE, self._larger * SHARE_GROWS)
        self._spent, self._refused = 0.0, False


Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows by key; of more than ``few``, those that equal a new one are dropped. Never more than ``most``, and no
    newcomer displaces a row.

    A row in use is usually as good as new: it was dropped and made again for each request, at 4 µs, before ``few`` were
    kept in any case.
    """

    def __init__(self, make: Callable[[], Row], is_new: Callable[[Row], bool], few: int, most: int) -> None:
        self._make = make
        self._is_new = is_new
        self._few = few
        self._most = most
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._common = make()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> Row:
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= self._few:
                self._sweep()
            if len(self._rows) >= self._most:
                return self._common
            row = self._rows[key] = self._make()
        return row

    def _sweep(self) -> None:
        """Check two rows for each new one: so there are at most twice as many as in use, and nobody waits long."""
        for key in [key for key, _ in zip(self._rows, range(2), strict=False)]:
            if self._is_new(self._rows[key]):
                del self._rows[key]
            else:
                self._rows.move_to_end(key)
