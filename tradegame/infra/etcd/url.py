"""Addresses of an etcd cluster: ``etcd://h1:2379,h2:2379/prefix``."""

from __future__ import annotations

import ipaddress
import re

DEFAULT_PREFIX = "tradegame"
DEFAULT_PORT = 2379

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")


def parse_etcd_url(url: str) -> tuple[tuple[str, ...], str]:
    """The endpoints and the key prefix that a URL names. Raises ValueError with what is wrong.

    ``etcd://h1:2379,[::1]:2379/prefix``; a port left out is 2379, a prefix left out ``tradegame``. The endpoints of
    ``etcds://…`` (TLS) come back as ``https://h1:2379``, those of ``etcd://…`` as ``h1:2379``: TLS is then used
    if the settings name a ``ca``.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("etcd", "etcds"):
        raise ValueError(f"{url!r}: expected etcd://HOST:PORT,…/PREFIX or etcds://…")
    if "@" in rest:
        raise ValueError("a user and a password do not belong in the URL: they have settings of their own")
    authority, slash, path = rest.partition("/")
    if "?" in rest or "#" in rest:
        raise ValueError(f"{url!r}: a query or a fragment means nothing here")
    endpoints = tuple(parse_endpoint(each) for each in authority.split(","))
    if len(set(endpoints)) != len(endpoints):
        raise ValueError(f"{url!r}: an endpoint is named twice")
    prefix = path.removesuffix("/") if slash else ""
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{url!r}: the prefix {prefix!r} may hold letters, digits, '.', '_', '-' and single slashes")
    return tuple(f"https://{each}" if scheme == "etcds" else each for each in endpoints), prefix or DEFAULT_PREFIX


def parse_endpoint(text: str) -> str:
    """``host:port`` in a normal form, an IPv6 address in brackets. Raises ValueError."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        address, port = bracketed.groups()
        try:
            host = f"[{ipaddress.IPv6Address(address)}]"
        except ipaddress.AddressValueError as error:
            raise ValueError(f"{text!r} is no endpoint: {error}") from None
    else:
        if text.count(":") > 1:
            raise ValueError(f"{text!r} is no endpoint: an IPv6 address goes in brackets, as in [::1]:{DEFAULT_PORT}")
        host, colon, port = text.partition(":")
        if not _HOST_NAME.fullmatch(host):
            raise ValueError(f"{text!r} is no endpoint: expected HOST:PORT")
        port = port if colon else None
    if port is None:
        return f"{host}:{DEFAULT_PORT}"
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is no endpoint: the port must be 1 to 65535")
    return f"{host}:{int(port)}"
