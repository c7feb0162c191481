"""What proxies say of their clients, by ``Forwarded`` (RFC 7239) and ``X-Forwarded-…``. Here nothing is believed."""

from __future__ import annotations

import ipaddress
import re

from attrs import frozen

from tradegame.controller.head import Head

HOPS = 32
"""No chain of proxies is longer. What stands before these was written by the client, and is not looked at."""
_PAIR = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"\s]*)\s*([;,]|\Z)')
"""In time in proportion to the text: with spaces around the ``=``, where RFC 7239 has none, it would be the square."""


@frozen
class Said:
    """``hops``: the last ``HOPS`` addresses from the client to the last proxy, as written.

    ``host``: what the client asked for. ``secure``: whether it did so over TLS; None where nothing is said.
    """

    hops: tuple[str, ...] = ()
    host: str = ""
    secure: bool | None = None


def said_by_proxies(head: Head) -> Said:
    """What the head's headers say.

    A proxy sets one kind of header and may hand on the other kind as its client sent it. So where both are there and
    differ about the client, neither is believed: ``hops`` is empty.
    """
    standard = _forwarded(head.get("forwarded") or "")
    hops = head.tokens("x-forwarded-for")[-HOPS:]
    host = (head.tokens("x-forwarded-host") or ("",))[0]
    proto = (head.tokens("x-forwarded-proto") or ("",))[0].lower()
    if standard.hops and hops:
        if list(map(plain_address, standard.hops)) != list(map(plain_address, hops)):
            hops = ()
    else:
        hops = hops or standard.hops
    secure = proto in ("https", "wss") if proto else standard.secure
    return Said(hops, host or standard.host, secure)


def _forwarded(text: str) -> Said:
    """RFC 7239, section 4. What is malformed says nothing."""
    hops: list[str] = []
    first: dict[str, str] = {}
    at, hop = 0, ""
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return Said()
        name, value, end = pair[1].lower(), pair[2], pair[3]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if name == "for":
            hop = value
        else:
            first.setdefault(name, value)
        if end != ";":
            hops.append(hop)
            hop = ""
        at = pair.end()
    proto = first.get("proto", "").lower()
    return Said(tuple(hops[-HOPS:]), first.get("host", ""), proto in ("https", "wss") if proto else None)


def plain_address(text: str) -> str | None:
    """An IP address as it is compared: without port, brackets and zone, IPv4 in IPv6 as IPv4. None if it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
