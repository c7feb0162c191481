"""Budgets: everything that clients cause has a cost, and who pays it has a budget that outlives connections.

Before ``hello``, and for HTTP, the payer is the address (of IPv6, its /64), and its connections share what it has.
After ``hello`` it is the player, over all connections on this node, open or gone; an address has a total for all its
players. While a total runs low, each who is active gets an equal share of it and no more.

Costs are in units: one is a plain command, some 0.1 ms. There are three budgets, all of one make:

- ``requests`` is what ``commands_per_s`` is about: who has spent it is answered ``rate_limited``;
- ``frames`` is for what is not a request that was taken in (pings, fragments, refusals, bytes): who has spent it is not
  read for a moment, and told nothing;
- ``http`` is an address's alone: its requests are answered 429.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import trio

from tradegame.core.domain.errors import RateLimitedError

PLAYERS_AT_FULL_RATE = 100
"""So many players of one address may all send as fast as each may, unless ``address_commands_per_s`` says otherwise."""
ADDRESS_BURST_S = 5.0
"""An address may spend so many seconds of its rate at once: 300 who connect, say hello and join take half of it."""
CROWDED = 0.25
"""With less than this part of its burst left, an address's players get equal shares."""
SHARED = 0.8
"""The part of the rate that is shared then. The rest is for those who connect."""
FADES = 0.75
"""How many players are active is the count of the last second, or what it was before, fading so much a second."""

FRAMES_PER_S = 50.0
FRAMES_BURST = 200.0
"""A player's frames on top of ``commands_per_s``, and at once: ten times what a client needs."""
LONGEST_PAUSE_S = 5.0
"""Who has spent the frames is not read for so long at most before it may spend again."""

SIGN_UPS_PER_S = 1.0
"""New players of an address in the long run. At once it makes as many as it may have connections."""
GUESSES_PER_S = 0.5
GUESSES_BURST = 5
"""Wrong admin tokens of an address in the long run, and at once: somebody who mistypes."""
PAYERS_KEPT = 50_000
ADDRESSES_KEPT = 20_000
"""Budgets that are not full again, at a time; some 20 MB. Newcomers beyond share one: nobody's is begun anew."""

CONNECT = 10.0
"""A connection's cost: TCP, the handshake, its tasks."""
SIGN_UP = 5.0
"""A new player's: two writes to the store."""
WRONG_TOKEN = 20.0
"""A wrong token's, on top of the hello: two at once on a connection, then one a second."""
ANSWER_BYTES = 16_384
"""Of an answer, so many bytes cost one more unit, charged afterwards."""
REFUSED = 3.0
"""A refused or malformed request, in frames: about as much work as three pings."""
READ_BYTES = 4_096
"""So many bytes read cost a frame."""

Seconds = float
Rates = tuple[float, float, float]
"""An address's units a second, each payer's, and each payer's burst."""


class Bucket:
    """What one payer may still spend. See ``Pool``, which does the sums."""

    __slots__ = ("at", "level", "window")

    def __init__(self, level: float, now: float) -> None:
        self.level = level
        self.at = now
        self.window = -1


class Pool:
    """An address's total of one kind, and the rules for the buckets of those who come from there.

    ``each_per_s`` and ``each_burst`` are a single payer's, in units.
    """

    __slots__ = ("_count", "_past", "_window", "at", "burst", "each_burst", "each_per_s", "level", "per_s")

    def __init__(self, per_s: float, each_per_s: float, each_burst: float, now: float) -> None:
        self.per_s = per_s
        self.burst = max(per_s * ADDRESS_BURST_S, each_burst)
        self.each_per_s = each_per_s
        self.each_burst = each_burst
        self.level = self.burst
        self.at = now
        self._window = -1
        self._count = 0  # payers seen in this second
        self._past = 1.0  # and before

    @property
    def active(self) -> float:
        """How many payers share it, about."""
        return max(self._count, self._past)

    def take(self, bucket: Bucket, cost: float, now: float) -> Seconds:
        """Spend ``cost`` and return 0; or spend nothing, and return how long until there is as much."""
        per_s = self._refill(bucket, cost, now)
        cost = min(cost, self.each_burst)  # the dearest request must be possible under the smallest burst
        if bucket.level < cost:
            return (cost - bucket.level) / per_s
        if self.level < -self.burst:  # shares were too large while the crowd came
            return (-self.burst - self.level) / self.per_s
        bucket.level -= cost
        self.level -= cost
        return 0.0

    def charge(self, bucket: Bucket, cost: float, now: float) -> Seconds:
        """Spend ``cost`` whether it is there or not. Returns how long until the debt is paid."""
        per_s = self._refill(bucket, cost, now)
        cost = min(cost, bucket.level + self.each_burst)  # nobody's debt is larger than a burst
        bucket.level -= cost
        self.level -= cost
        wait = -bucket.level / per_s if bucket.level < 0 else 0.0
        if self.level < -self.burst:
            wait = max(wait, (-self.burst - self.level) / self.per_s)
        return wait

    def draw(self, cost: float, now: float) -> Seconds:
        """Spend from the total itself, for nobody in particular; as ``take``."""
        self._refill_total(now)
        if self.level < cost:
            return (cost - self.level) / self.per_s
        self.level -= cost
        return 0.0

    def debit(self, cost: float, now: float) -> None:
        """The same, whether it is there or not."""
        self._refill_total(now)
        self.level = max(self.level - cost, -2 * self.burst)

    def full(self, now: float) -> bool:
        """Whether a new one would be no different."""
        return self.level + (now - self.at) * self.per_s >= self.burst

    def _refill(self, bucket: Bucket, cost: float, now: float) -> float:
        """Bring both up to date; the payer's rate in units a second."""
        self._refill_total(now)
        window = int(now)
        if bucket.window != window:
            bucket.window = window
            self._note(window)
        per_s, most = self.each_per_s, self.each_burst
        if self.level < self.burst * CROWDED:
            share = SHARED * self.per_s / max(self._count, self._past)
            if share < per_s:
                per_s, most = share, min(most, max(share, cost))
        level = bucket.level + (now - bucket.at) * per_s
        bucket.level = level if level < most else most
        bucket.at = now
        return per_s

    def _refill_total(self, now: float) -> None:
        level = self.level + (now - self.at) * self.per_s
        self.level = level if level < self.burst else self.burst
        self.at = now

    def _note(self, window: int) -> None:
        if window != self._window:
            gone = window - self._window
            self._past = max(self._count, self._past * FADES) * (FADES ** (gone - 1) if gone < 64 else 0.0)
            self._past = max(self._past, 1.0)
            self._count, self._window = 0, window
        self._count += 1


class Payer:
    """A player's two buckets, or those of a connection that has not said hello."""

    __slots__ = ("frames", "requests")

    def __init__(self, requests: Bucket, frames: Bucket) -> None:
        self.requests = requests
        self.frames = frames


class Address:
    """An address's totals. ``draw`` and ``charge`` are for what nobody who is known has caused."""

    __slots__ = ("_now", "frames", "guesses", "http", "requests", "sign_ups")

    def __init__(
        self, requests: Pool, frames: Pool, http: Pool, sign_ups: Pool, guesses: Pool, now: Callable[[], float]
    ) -> None:
        self.requests = requests
        self.frames = frames
        self.http = http
        self.sign_ups = sign_ups
        self.guesses = guesses
        self._now = now

    def draw(self, cost: float) -> Seconds:
        """Spend ``cost`` units of requests and return 0; or spend nothing, and return how long until it may."""
        return self.requests.draw(cost, self._now())

    def charge(self, cost: float) -> None:
        """Spend ``cost`` units of requests, whether they are there or not."""
        self.requests.debit(cost, self._now())


Row = TypeVar("Row")


class _Table(Generic[Row]):
    """Rows by key; a row that is as good as new is dropped. Never over ``most``, and no row is lost to a newcomer."""

    def __init__(self, make: Callable[[], Row], is_new: Callable[[Row], bool], most: int) -> None:
        self._make = make
        self._is_new = is_new
        self._most = most
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._common = make()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> Row:
        row = self._rows.get(key)
        if row is None:
            self._sweep()
            if len(self._rows) >= self._most:
                return self._common
            row = self._rows[key] = self._make()
        return row

    def _sweep(self) -> None:
        """Look at two for each that comes: so there are at most twice as many as are in use, and nobody waits long."""
        for key in [key for key, _ in zip(self._rows, range(2), strict=False)]:
            if self._is_new(self._rows[key]):
                del self._rows[key]
            else:
                self._rows.move_to_end(key)


class Budgets:
    """Those of one node.

    ``commands_per_s`` and ``burst`` are a player's, ``address_commands_per_s`` is an address's (0: a hundred times a
    player's), ``sign_ups`` the new players that it may make at once.
    """

    def __init__(
        self,
        commands_per_s: float,
        burst: float,
        address_commands_per_s: float = 0,
        sign_ups: int = 2_000,
        now: Callable[[], float] = trio.current_time,
    ) -> None:
        self.refused = 0
        """Requests and connections that were too fast."""
        self._now = now
        self._too_fast = f"at most {commands_per_s:g} commands a second, and a share of your address's"
        per_s = max(address_commands_per_s or commands_per_s * PLAYERS_AT_FULL_RATE, 1.0)
        frames_per_s, frames_burst = FRAMES_PER_S + commands_per_s, FRAMES_BURST + commands_per_s
        self._requests: Rates = (per_s, commands_per_s, burst)
        self._frames: Rates = (per_s * frames_per_s / commands_per_s, frames_per_s, frames_burst)
        self._http: Rates = (per_s, per_s, per_s * ADDRESS_BURST_S)
        self._sign_ups = sign_ups
        self._addresses = _Table(self._new_address, self._address_is_new, ADDRESSES_KEPT)
        self._payers = _Table(self._new_payer, self._payer_is_new, PAYERS_KEPT)
        self._readers = _Table(
            lambda: Bucket(self._http[2], self._now()), lambda row: _full(row, self._http, self._now()), PAYERS_KEPT
        )

    def address(self, address: str) -> Address:
        """The budget of an address, by its ``payer_of``. Not to be kept: it may be another one a moment later."""
        return self._addresses.get(address)

    def take(self, payer: str, address: str, cost: float = 1.0) -> None:
        """Spend ``cost`` of the payer's requests, or nothing. Raises RateLimitedError with the time to wait."""
        wait = self._addresses.get(address).requests.take(self._payers.get(payer).requests, cost, self._now())
        if wait:
            self._refuse(wait, self._too_fast)

    def charge(self, payer: str, address: str, cost: float) -> None:
        """Spend what was found to be the cost afterwards."""
        self._addresses.get(address).requests.charge(self._payers.get(payer).requests, cost, self._now())

    def frames(self, payer: str, address: str, cost: float) -> Seconds:
        """Spend that many frames; returns for how long the payer should not be read now, mostly 0."""
        row = self._payers.get(payer)
        return min(self._addresses.get(address).frames.charge(row.frames, cost, self._now()), LONGEST_PAUSE_S)

    def connect(self, address: str) -> None:
        """Charge an address for a connection. Raises RateLimitedError when it makes too many."""
        self._refuse(self._addresses.get(address).draw(CONNECT), "too many connections from this address")

    def http(self, connection: str, address: str, cost: float) -> None:
        """Charge an HTTP request to a connection of this address. Raises RateLimitedError."""
        bucket = self._readers.get(connection)
        wait = self._addresses.get(address).http.take(bucket, cost, self._now())
        self._refuse(wait, "too many requests from this address")

    def http_answer(self, connection: str, address: str, cost: float) -> None:
        """Charge what its answer cost besides."""
        self._addresses.get(address).http.charge(self._readers.get(connection), cost, self._now())

    def sign_up(self, address: str) -> None:
        """Charge an address for a new player. Raises RateLimitedError."""
        row = self._addresses.get(address)
        wait = row.sign_ups.draw(1.0, self._now())
        self._refuse(wait, f"at most {SIGN_UPS_PER_S:g} new player a second from an address")
        row.charge(SIGN_UP)

    def guess(self, address: str) -> None:
        """Charge an address for a wrong admin token. Raises RateLimitedError."""
        self._refuse(self._addresses.get(address).guesses.draw(1.0, self._now()), "too many wrong admin tokens")

    def __len__(self) -> int:
        """How many budgets are kept."""
        return len(self._addresses) + len(self._payers) + len(self._readers)

    def _refuse(self, wait: Seconds, message: str) -> None:
        if wait:
            self.refused += 1
            raise RateLimitedError(message, retry_after_ms=int(wait * 1000) + 1)

    def _new_address(self) -> Address:
        now = self._now()
        requests, frames = Pool(*self._requests, now), Pool(*self._frames, now)
        sign_ups = Pool(SIGN_UPS_PER_S, 0.0, 0.0, now)
        sign_ups.burst = sign_ups.level = float(self._sign_ups)
        guesses = Pool(GUESSES_PER_S, 0.0, 0.0, now)
        guesses.burst = guesses.level = float(GUESSES_BURST)
        return Address(requests, frames, Pool(*self._http, now), sign_ups, guesses, self._now)

    def _address_is_new(self, address: Address) -> bool:
        now = self._now()
        pools = (address.requests, address.frames, address.http, address.sign_ups, address.guesses)
        return all(pool.full(now) for pool in pools)

    def _new_payer(self) -> Payer:
        now = self._now()
        return Payer(Bucket(self._requests[2], now), Bucket(self._frames[2], now))

    def _payer_is_new(self, payer: Payer) -> bool:
        now = self._now()
        return _full(payer.requests, self._requests, now) and _full(payer.frames, self._frames, now)


def _full(bucket: Bucket, rates: Rates, now: float) -> bool:
    """Whether a new one would be no different, in a crowd neither: there both have no more than their share."""
    return bucket.level + (now - bucket.at) * rates[1] >= rates[2]


def payer_of(address: str) -> str:
    """Who pays for this IP address: itself; of IPv6 its /64, which is one customer's; of an IPv4-mapped one the IPv4.

    What is no IP address is its own payer.
    """
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(parsed) >> 64 << 64)}/64"
