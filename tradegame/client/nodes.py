"""Which nodes there are, and to which one to go next. No I/O here."""

from __future__ import annotations

import ipaddress
import math
import random
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import trio
from attrs import define

from tradegame.client.socket import check_url

MOST = 64
URL_LENGTH = 256
"""Learned URLs that are kept, and the most characters of one."""
COOL_S = 5.0
COOL_MOST_S = 60.0
"""A node that failed is passed over for so long while there are others; twice as long each time that it fails again."""
LOYALTY = 2
"""When so many others have failed in a row, it is rather where we have been before than where we were sent."""

_URL = re.compile(r"wss?://[!-?A-~]+")  # ASCII, no spaces, nobody's password before an @


@define
class _Record:
    """What is known of a URL. ``node``: the id of the node that was last met there; ``proven``: we have been there."""

    node: str = ""
    proven: bool = False
    failures: int = 0
    cool_until: float = -math.inf


class Nodes:
    """The URLs that the user gave, always, and those that the last ``hello`` told.

    They are tried in rounds: each at most once, then ``more`` is False until the next ``begin_round``. Before any node
    was ever met, in the order in which they were given; after that at random, so that the clients of a node that died
    spread over all the others; those that failed lately and the one just lost come last.
    """

    def __init__(self, given: Sequence[str], chance: random.Random) -> None:
        self.given = tuple(dict.fromkeys(given))
        self.urls = self.given
        self._chance = chance
        self._records = {url: _Record() for url in self.given}
        self._met = False
        self._tried: dict[str, None] = {}
        self._lost = ""
        self._secure = any(urlsplit(url).scheme == "wss" for url in self.given)
        self._local = any(_is_local(url) for url in self.given)

    def next(self) -> str:
        """The URL to try now. It counts as tried in this round."""
        fresh = [url for url in self.urls if url not in self._tried] or list(self.urls)
        url = min(fresh, key=self._rank)
        self._tried[url] = None
        return url

    @property
    def more(self) -> bool:
        """Whether some were not tried in this round yet."""
        return any(url not in self._tried for url in self.urls)

    def begin_round(self, lost: str = "") -> None:
        """All may be tried again; the node at ``lost``, whose connection has just ended, after the others."""
        self._tried.clear()
        self._lost = lost

    def others(self, url: str) -> list[str]:
        """The URLs that lead to other nodes than this one does, as far as is known."""
        return [other for other in self.urls if not self._same(other, url)]

    def elsewhere(self, url: str) -> bool:
        """Whether there is another node that has not failed lately."""
        now = trio.current_time()
        return any(self._records[other].cool_until <= now for other in self.others(url))

    def met(self, url: str, node: str, told: Sequence[str]) -> None:
        """``hello`` was answered at ``url`` by ``node``, and these are the addresses it told: its own first."""
        self._met = True
        record = self._records[url]
        record.proven, record.node = True, node
        own = told[0] if told else url
        learned = [url, *(address for address in map(self._checked, told) if address is not None)]
        if _with_path(own) != url:  # a name of its own for where we are, by which it may not be reached from here
            learned = [address for address in learned if address != _with_path(own)]
        urls = tuple(dict.fromkeys([*self.given, *learned]))[: len(self.given) + MOST]
        self._records = {known: self._records.get(known) or _Record() for known in urls}
        self.urls = urls

    def failed(self, url: str) -> None:
        """It could not be reached, was silent, or did not do what it was asked."""
        record = self._records[url]
        cool_s = min(COOL_MOST_S, COOL_S * 2 ** min(record.failures, 10))
        record.failures += 1
        record.cool_until = trio.current_time() + self._chance.uniform(cool_s / 2, cool_s)

    def steady(self, url: str) -> None:
        """It served us well for a while: what was before is forgiven."""
        self._records[url].failures = 0
        self._records[url].cool_until = -math.inf

    def _rank(self, url: str) -> tuple[bool, bool, bool, float]:
        record, tried = self._records[url], len(self._tried)
        return (
            record.cool_until > trio.current_time(),
            tried < LOYALTY and self._same(url, self._lost),
            tried >= LOYALTY and not record.proven and url not in self.given,
            self._chance.random() if self._met else self.urls.index(url),
        )

    def _same(self, one: str, other: str) -> bool:
        if one == other:
            return True
        first, second = self._records.get(one), self._records.get(other)
        return first is not None and second is not None and bool(first.node) and first.node == second.node

    def _checked(self, address: str) -> str | None:
        """The address as a URL that we may go to; None when it is none."""
        if len(address) > URL_LENGTH or not _URL.fullmatch(address):
            return None
        try:
            url = check_url(address)
        except ValueError:
            return None
        if self._secure and urlsplit(url).scheme != "wss":
            return None  # whoever came over TLS does not say its token in the clear
        if not self._local and _is_local(url):
            return None  # a node behind a proxy means its own machine, not ours
        return url


def _with_path(address: str) -> str:
    try:
        return check_url(address)
    except ValueError:
        return address


def _is_local(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
