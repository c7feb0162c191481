"""Which names, pages and proxies this server trusts: decided from the head of a request alone. No I/O but the log."""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog
import trio
from attrs import define, field, frozen

from tradegame.controller.forwarded import Said, plain_address, said_by_proxies
from tradegame.controller.head import Head, Refusal
from tradegame.protocol.errors import ForbiddenError, NotFoundError
from tradegame.protocol.http import Reach

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_DOMAINS = (
    *("localhost", "test"),  # RFC 6761
    *("local", "intranet", "internal", "private", "corp", "home", "lan"),  # RFC 6762, and its appendix G
    *("home.arpa", "localdomain"),  # RFC 8375; what many routers and systems are set up with
)
"""Nobody on the internet can make a name in these lead to another machine's server (DNS rebinding): no such top-level
domain is delegated, or will be."""
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/v1/reach"})
"""Answered under any name: they tell a load balancer, and a page, what is wrong."""
REFUSALS_KEPT = 1_000
"""So many last refusals are kept, by address and origin, for ``/v1/reach``: at most 16 KB each, mostly 500 bytes."""
RECENT_S = 30.0
"""A page asks within seconds of a refusal; an older one may have been somebody else's."""

OF_THE_SETUP = frozenset({"host", "origin", "plain_http", "subprotocol", "upgrade", "version"})
"""Causes that honest clients have where something is set up wrong. The others are port scans, mostly."""

NAME_CHARACTERS = 260
"""No name with its port is longer (RFC 1035, section 2.3.4). To look into one takes the square of its length."""
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@frozen
class Visit:
    """A request as its client sent it: what trusted proxies say of it is believed.

    ``address`` is the client's; ``host`` what it called this server (``name[:port]``, lower case; empty if it did not
    say); ``target`` begins with a slash, without the server's path prefix.
    """

    address: str
    host: str
    secure: bool
    target: str

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@define(eq=False)
class Access:
    """``origins``: of pages that may connect besides the server's own (``scheme://host[:port]``; ``*`` is any).

    ``hosts``: names under which the server answers (``*.example.org`` is all below, ``*`` any), besides IP addresses,
    names of one word and those of ``PRIVATE_DOMAINS``. ``names``: further ones that are not configured.
    ``advertise``: the node's WebSocket URL; its host is one of ours. ``proxies``: addresses and networks that are
    believed what they say about their clients. ``prefix``: a path (``/trade``) that a target may begin with.
    """

    origins: Sequence[str] = ()
    hosts: Sequence[str] = ()
    names: Iterable[str] = ()
    advertise: str = ""
    proxies: Sequence[str] = ()
    prefix: str = ""
    refused: dict[str, int] = field(factory=dict, init=False)
    """How many requests were refused, by cause."""
    _networks: tuple[Network, ...] = field(init=False)
    _origins: frozenset[str] = field(init=False)
    _own: frozenset[tuple[str, int]] = field(init=False)
    _hosts: frozenset[str] = field(init=False)
    _recent: OrderedDict[tuple[str, str | None], tuple[float, Refusal]] = field(factory=OrderedDict, init=False)

    def __attrs_post_init__(self) -> None:
        self._networks = tuple(ipaddress.ip_network(each, strict=False) for each in self.proxies)
        self._origins = frozenset(origin.rstrip("/").lower() for origin in self.origins)
        hosts = {name.lower().rstrip(".") for name in (*self.hosts, *self.names) if name}
        own = {(name, port) for name in self.hosts if "*" not in name for port in (80, 443)}
        if (advertised := authority(self.advertise)) is not None:
            own.add(advertised)
        self._own = frozenset(own)
        known = (authority(url) for url in (self.advertise, *self.origins))
        self._hosts = frozenset(hosts | {each[0] for each in known if each is not None})

    def trusts(self, address: str) -> bool:
        """Whether this is one of the proxies."""
        if not self._networks:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def visit(self, head: Head, peer: str, *, secure: bool) -> Visit:
        """``head`` as it was meant, from ``peer``'s connection. Raises Refusal for a name that is not the server's."""
        host, target = _origin_form(head)
        target = self._without_prefix(target)
        address, hosts = peer, [host]
        if self.trusts(peer):
            said = said_by_proxies(head)
            address = self._client(peer, said)
            if said.host:
                hosts.append(said.host)
            secure = secure if said.secure is None else said.secure
        visit = Visit(address, hosts[-1].lower(), secure, target)
        if visit.path not in OPEN_PATHS:
            for each in hosts:
                self._check_host(each)
        return visit

    def check_origin(self, origin: str | None, host: str) -> None:
        """Only browsers send an origin; a page of another site must not play with its visitor's session.

        Raises Refusal.
        """
        if origin is None or "*" in self._origins or origin.lower() in self._origins:
            return
        # The scheme is not compared: behind a proxy that ends TLS, a page of https: has its WebSocket from here.
        scheme = origin.partition("://")[0].lower()
        theirs = authority(origin)
        if theirs is not None and (theirs in self._own or theirs == authority(f"{scheme}://{host}")):
            return
        message = (
            f"pages of {origin[:200]} may not connect to {host[:200] or 'a server without a name'}: add the page's "
            "origin to server.origins, or let the proxy hand on Host"
        )
        raise Refusal(ForbiddenError(message), cause="origin", setting="server.origins")

    def reach(self, address: str, host: str, origin: str | None) -> Reach:
        """What a page of this origin, at this address, would be told if it opened a WebSocket; it cannot see that."""
        try:
            self._check_host(host)
            self.check_origin(origin, host)
        except Refusal as refusal:
            return Reach(False, str(refusal), refusal.setting)
        at, last = self._recent.get((address, origin), (-RECENT_S, None))
        if last is not None and trio.current_time() - at < RECENT_S:
            return Reach(False, last.error.message, last.setting)
        return Reach(True, None, None)

    def note(self, refusal: Refusal, peer: str) -> None:
        """Count and log a refusal: a page is not told why its WebSocket failed, so its host must be."""
        refusal.__traceback__ = None  # it may be kept, and that holds the connection
        if not refusal.cause:
            return
        self.refused[refusal.cause] = self.refused.get(refusal.cause, 0) + 1
        head, address = refusal.head, peer
        about: dict[str, str] = {}
        if head is not None:
            if self.trusts(peer):
                address = self._client(peer, said_by_proxies(head))
            about = {name: (head.get(name) or "")[:200] for name in ("host", "origin") if head.get(name)}
            if head.for_websocket:
                key = address, head.get("origin")
                self._recent[key] = trio.current_time(), refusal
                self._recent.move_to_end(key)
                if len(self._recent) > REFUSALS_KEPT:
                    self._recent.popitem(last=False)
            refusal.head = None
        facts = {"status": refusal.status, "address": address, "reason": str(refusal), **about}
        log = structlog.get_logger(__name__)
        if refusal.cause in OF_THE_SETUP:
            log.warning("request_refused", cause=refusal.cause, **facts)
        else:
            log.info("request_had_no_place", cause=refusal.cause, **facts)

    def _client(self, peer: str, said: Said) -> str:
        """The rightmost address that is no proxy of ours, or the leftmost proxy that said something else."""
        address = peer
        for hop in reversed(said.hops):
            if not self.trusts(address) or (before := plain_address(hop)) is None:
                break
            address = before
        return address

    def _without_prefix(self, target: str) -> str:
        prefix = self.prefix
        if prefix and target.startswith(prefix):
            rest = target[len(prefix) :]
            if rest.startswith("/"):
                return rest
            if not rest or rest.startswith("?"):
                # relative addresses in the pages begin behind the slash
                raise Refusal(NotFoundError("see Location"), (("Location", f"{prefix}/{rest}"),), status=308, cause="")
        return target

    def _check_host(self, host: str) -> None:
        """A name that anybody can make lead here would make this server's pages theirs (DNS rebinding)."""
        if not host or "*" in self._hosts:
            return
        found = authority(f"http://{host}") if len(host) <= NAME_CHARACTERS else None
        name = found[0].rstrip(".") if found is not None else ""
        if name and (is_private(name) or name in self._hosts or any(f"*.{up}" in self._hosts for up in _above(name))):
            return
        message = f"this server does not answer to the name {host[:200]}: add it to server.hosts"
        raise Refusal(ForbiddenError(message), status=421, cause="host", setting="server.hosts")


def _origin_form(head: Head) -> tuple[str, str]:
    """Host and target, also where the target is a whole URL (RFC 9112, section 3.2.2)."""
    scheme, found, rest = head.target.partition("://")
    if not found or not scheme.isalpha():
        return head.get("host") or "", head.target
    size = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    return rest[:size], rest[size:] if rest[size:].startswith("/") else f"/{rest[size:]}"


def is_private(name: str) -> bool:
    """An IP address, a name of one word, or one that only the local network or machine gives."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if _NAME.fullmatch(name) is None:
            return False
        return "." not in name or name.endswith(tuple(f".{domain}" for domain in PRIVATE_DOMAINS))
    return True


def _above(name: str) -> Iterable[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def authority(url: str) -> tuple[str, int] | None:
    """Host (lower case) and port, the scheme's own port if none is written; None if it is no such URL."""
    try:
        parts = urlsplit(url)
        default = _DEFAULT_PORTS.get(parts.scheme)
        if default is None or not parts.hostname or parts.username is not None:
            return None
        if parts.scheme in ("http", "https") and parts.path not in ("", "/"):
            return None  # an origin has no path
        return parts.hostname, parts.port or default
    except ValueError:
        return None
