"""Budgets: everything that clients cause has a cost, paid from a budget that outlives connections.

Before ``hello``, and for HTTP, the payer is the address (for IPv6, its /64), whose connections share what it has. After
``hello`` it is the player, over all connections on this node, open or gone; an address has a total for all its players.
While a total runs low, each active payer gets an equal share of it and no more.

Costs are in units: one is a plain command, some 0.1 ms. There are three budgets:

- ``requests`` is what ``commands_per_s`` limits: without any left a request is answered ``rate_limited``. Who has only
  spent a share, or what an overloaded node grants, waits for a moment instead: it is others who ask for too much;
- ``frames`` is for everything but accepted requests (pings, fragments, refusals, bytes): without any left a client is
  not read for a moment, silently;
- ``http`` is a connection's, under the address's total: without any left a request is delayed, and then answered 429.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import trio

from tradegame.core.admission.messages import MessageBudgets
from tradegame.core.admission.pools import ADDRESS_BURST_S, FEW_KEPT, Bucket, Pace, Pool, Rates, Seconds, Table
from tradegame.protocol.errors import RateLimitedError
from tradegame.protocol.reasons import Why

PLAYERS_AT_FULL_RATE = 100
"""So many players of one address may all use their full rate, unless ``address_commands_per_s`` says otherwise."""
FRAMES_PER_S = 50.0
FRAMES_BURST = 200.0
"""A player's frames a second beyond ``commands_per_s``, and at once: ten times what a client needs."""
LONGEST_PAUSE_S = 5.0
"""A client that has spent its frames is not read for at most so long."""

CROWD_PATIENCE_S = 2.0
"""A request beyond what is left to a payer by others waits for at most so long, and so does what the same connection
sends behind it."""

SIGN_UPS_PER_S = 1.0
"""New players of an address in the long run. At once it makes as many as it may have connections."""
KNOCKS_SHARE = 0.1
"""Of an address's commands a second, so many connections of every kind: a TLS handshake takes 2 ms."""
GUESSES_PER_S = 0.5
GUESSES_BURST = 5
"""Wrong admin tokens of an address in the long run, and at once: somebody who mistypes."""
ENTRIES_PER_S = 0.5
ENTRIES_BURST = 60
"""Wrong numbers and device codes of an address in the long run, and at once: a class that mistypes. What is right is
given back."""
PAYERS_KEPT = 50_000
ADDRESSES_KEPT = 20_000
"""At most so many budgets that are not full are kept: 50 MB at most. Newcomers beyond that share one; nobody's is
reset.
"""

CONNECT = 10.0
"""A connection's cost: TCP, the handshake, its tasks."""
SIGN_UP = 10.0
"""A new player's: two writes to the store."""
WRONG_TOKEN = 20.0
"""A wrong token's, on top of the hello: two at once on a connection, then one a second."""
DEVICE_CODE = 10.0
"""A code for another device: two writes to the store."""
WEIGHT_A_UNIT = 20
"""So much of a command's weight (see the domain's ``weight``; about a fill each) costs one more unit, charged
afterwards. A plain command has 1.
"""
ANSWER_BYTES = 16_384
"""So many bytes of an answer cost one more unit, charged afterwards."""
MISSED_FRAMES = 100
"""So many missed frames of a resumed client cost one more unit, and so do `ANSWER_BYTES` of them: they are sent to it
alone.
"""
REFUSED = 3.0
"""The cost of a refused or malformed request, in frames: about as much work as three pings."""
READ_BYTES = 4_096
"""So many bytes read cost a frame."""
HTTP_READ = 0.5
"""The cost of a read for HTTP, in units, however small: a client may send each byte by itself. A chunk of a body costs
as much, and a TLS record without data.
"""


class Payer:
    """A player's two buckets, or those of a connection that has not said hello."""

    __slots__ = ("frames", "requests")

    def __init__(self, requests: Bucket, frames: Bucket) -> None:
        self.requests = requests
        self.frames = frames


class Address:
    """An address's totals. ``draw`` and ``charge`` are for costs without a known payer."""

    __slots__ = ("_now", "entries", "frames", "guesses", "http", "knocks", "requests", "sign_ups")

    def __init__(
        self,
        requests: Pool,
        frames: Pool,
        http: Pool,
        knocks: Pool,
        sign_ups: Pool,
        guesses: Pool,
        entries: Pool,
        now: Callable[[], float],
    ) -> None:
        self.requests = requests
        self.frames = frames
        self.http = http
        self.knocks = knocks
        self.sign_ups = sign_ups
        self.guesses = guesses
        self.entries = entries
        self._now = now

    @property
    def pools(self) -> tuple[Pool, ...]:
        """All of them."""
        return self.requests, self.frames, self.http, self.knocks, self.sign_ups, self.guesses, self.entries

    def draw(self, cost: float) -> Seconds:
        """Spend ``cost`` units of requests and return 0; or spend nothing, and return how many s until it may."""
        return self.requests.draw(cost, self._now())

    def charge(self, cost: float) -> None:
        """Spend ``cost`` units of requests, even into debt."""
        self.requests.debit(cost, self._now())


class Budgets:
    """Those of one node.

    ``commands_per_s`` and ``burst`` are a player's, ``address_commands_per_s`` is an address's (0: a hundred times a
    player's), ``sign_ups`` the new players that it may make at once, ``knocks`` the connections of every kind.
    """

    def __init__(
        self,
        commands_per_s: float,
        burst: float,
        address_commands_per_s: float = 0,
        sign_ups: int = 2_000,
        knocks: int = 5_000,
        now: Callable[[], float] = trio.current_time,
    ) -> None:
        self.too_fast: dict[str, int] = {}
        """What was refused or delayed, by the budget that was spent."""
        self.pace = Pace()
        """The part of every player's budget that is granted now: below 1 while the node is overloaded."""
        self.door = Pace()
        """The same for connections and HTTP."""
        self._calm = Pace()
        self._now = now
        self._too_fast = f"at most {commands_per_s:g} commands a second, and a share of your address's"
        per_s = max(address_commands_per_s or commands_per_s * PLAYERS_AT_FULL_RATE, 1.0)
        frames_per_s, frames_burst = FRAMES_PER_S + commands_per_s, FRAMES_BURST + commands_per_s
        self._requests: Rates = (per_s, commands_per_s, burst)
        self._frames: Rates = (per_s * frames_per_s / commands_per_s, frames_per_s, frames_burst)
        self._http: Rates = (per_s, per_s, per_s * ADDRESS_BURST_S)
        self._sign_ups, self._knocks = sign_ups, knocks
        self._addresses = Table(self._new_address, self._address_is_new, FEW_KEPT, ADDRESSES_KEPT)
        self._payers = Table(self._new_payer, self._payer_is_new, FEW_KEPT, PAYERS_KEPT)
        self.messages = MessageBudgets(commands_per_s, burst, now, self._refuse)
        """What players say to each other."""
        self._readers = Table(
            lambda: Bucket(self._http[2], self._now()),
            lambda row: row.full(self._http, self.door, self._now()),
            FEW_KEPT,
            PAYERS_KEPT,
        )

    def address(self, address: str) -> Address:
        """The budget of an address, by its ``payer_of``. Do not keep it: it may be replaced a moment later."""
        return self._addresses.get(address)

    def take(self, payer: str, address: str, cost: float = 1.0) -> None:
        """Spend ``cost`` of the payer's requests, or nothing. Raises RateLimitedError with the time to wait."""
        self.admit(payer, address, cost, 0.0)

    def admit(self, payer: str, address: str, cost: float, patience_s: float = CROWD_PATIENCE_S) -> Seconds:
        """The same, but for a payer that has only spent what others leave it, and would wait for at most
        ``patience_s``: returns how long, and spends nothing then.
        """
        pool = self._addresses.get(address).requests
        wait = pool.take(self._payers.get(payer).requests, cost, self._now())
        if not wait:
            return 0.0
        if wait > patience_s or not pool.short:
            self._refuse(wait, "commands", self._too_fast)
        self._note("commands")
        return wait

    def charge(self, payer: str, address: str, cost: float) -> None:
        """Spend a cost that is known only afterwards."""
        self._addresses.get(address).requests.charge(self._payers.get(payer).requests, cost, self._now())

    def frames(self, payer: str, address: str, cost: float) -> Seconds:
        """Spend that many frames; returns for how many s the payer must not be read, usually 0."""
        row = self._payers.get(payer)
        wait = self._addresses.get(address).frames.charge(row.frames, cost, self._now())
        if wait:
            self._note("frames")
        return min(wait, LONGEST_PAUSE_S)

    def knock(self, address: str) -> bool:
        """Charge an address for a connection of any kind, before anything is done for it. Returns whether it may come
        in.
        """
        wait = self._addresses.get(address).knocks.draw(1.0, self._now())
        if wait:
            self._note("knocks")
        return not wait

    def connect(self, address: str) -> None:
        """Charge an address for a WebSocket. Raises RateLimitedError if it makes too many."""
        self._refuse(self._addresses.get(address).draw(CONNECT), "connections", "too many connections of this address")

    def http(self, connection: str, address: str, cost: float) -> None:
        """Charge an HTTP request to a connection of this address. Raises RateLimitedError."""
        bucket = self._readers.get(connection)
        wait = self._addresses.get(address).http.take(bucket, cost, self._now())
        self._refuse(wait, "http", "too many requests from this address")

    def http_answer(self, connection: str, address: str, cost: float) -> None:
        """Charge the cost of its answer, too."""
        self._addresses.get(address).http.charge(self._readers.get(connection), cost, self._now())

    def http_read(self, connection: str, address: str, reads: float) -> Seconds:
        """Charge so many reads; returns for how many s the connection must not be read, usually 0."""
        cost = reads * HTTP_READ
        wait = self._addresses.get(address).http.charge(self._readers.get(connection), cost, self._now())
        if wait:
            self._note("http")
        return min(wait, LONGEST_PAUSE_S)

    def sign_up(self, address: str) -> None:
        """Charge an address for a new player. Raises RateLimitedError."""
        row = self._addresses.get(address)
        wait = row.sign_ups.draw(1.0, self._now())
        self._refuse(wait, "players", f"at most {SIGN_UPS_PER_S:g} new player a second from an address")
        row.charge(SIGN_UP)

    def guess(self, address: str) -> None:
        """Charge an address for a wrong admin token. Raises RateLimitedError."""
        wait = self._addresses.get(address).guesses.draw(1.0, self._now())
        self._refuse(wait, "admin_tokens", "that is not the admin token, and too many were tried from this address")

    def enter(self, address: str) -> None:
        """Charge an address for a number or a device code, before it is looked at. Raises RateLimitedError."""
        wait = self._addresses.get(address).entries.draw(1.0, self._now())
        self._refuse(wait, "entries", "too many wrong numbers and codes were tried from this address")

    def entered(self, address: str) -> None:
        """It was right, and is given back."""
        self._addresses.get(address).entries.debit(-1.0, self._now())

    def __len__(self) -> int:
        """How many budgets are kept."""
        return len(self._addresses) + len(self._payers) + len(self._readers) + len(self.messages)

    def _note(self, budget: str) -> None:
        self.too_fast[budget] = self.too_fast.get(budget, 0) + 1

    def _refuse(self, wait: Seconds, budget: str, message: str | Why) -> None:
        if wait:
            self._note(budget)
            raise RateLimitedError(message, retry_after_ms=int(wait * 1000) + 1)

    def _new_address(self) -> Address:
        now = self._now()
        return Address(
            Pool(*self._requests, now, self.pace),
            Pool(*self._frames, now, self.pace),
            Pool(*self._http, now, self.door),
            Pool.of_nobody(self._requests[0] * KNOCKS_SHARE, self._knocks, now, self.door),
            Pool.of_nobody(SIGN_UPS_PER_S, self._sign_ups, now, self._calm),
            Pool.of_nobody(GUESSES_PER_S, GUESSES_BURST, now, self._calm),
            Pool.of_nobody(ENTRIES_PER_S, ENTRIES_BURST, now, self._calm),
            self._now,
        )

    def _address_is_new(self, address: Address) -> bool:
        now = self._now()
        return all(pool.full(now) for pool in address.pools)

    def _new_payer(self) -> Payer:
        now = self._now()
        return Payer(Bucket(self._requests[2], now), Bucket(self._frames[2], now))

    def _payer_is_new(self, payer: Payer) -> bool:
        now = self._now()
        return payer.requests.full(self._requests, self.pace, now) and payer.frames.full(self._frames, self.pace, now)


def payer_of(address: str) -> str:
    """Who pays for this IP address: itself; for IPv6 its /64, which belongs to one customer; for an IPv4-mapped one the
    IPv4 address. Anything else is its own payer.
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
