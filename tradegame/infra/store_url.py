"""The URL that names a store: ``memory:``, ``embedded:PATH`` or ``etcd://HOST:PORT,…/PREFIX``.

The one place that knows what such a URL may look like: settings are checked here, and stores opened by what it returns.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from attrs import frozen

EXPECTED = "memory:, embedded:PATH or etcd://HOST:PORT,…/PREFIX"
DEFAULT_PREFIX = "tradegame"
DEFAULT_PORT = 2379

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")


@frozen
class StoreUrl:
    """``path`` of an embedded store's file, ``endpoints`` of etcd; ``prefix`` of all keys.

    An endpoint is ``host:port``, or ``https://host:port`` if the URL's scheme is ``etcds``.
    """

    kind: Literal["memory", "embedded", "etcd"]
    path: str = ""
    endpoints: tuple[str, ...] = ()
    prefix: str = DEFAULT_PREFIX


def parse_store_url(url: str) -> StoreUrl:
    """What a URL names. Raises ValueError with what is wrong; a password in it is not repeated.

    ``etcd://h1:2379,[::1]:2379/prefix``: the default port is 2379, the default prefix ``tradegame``. ``etcds://…`` is
    TLS; ``etcd://…`` uses TLS if the settings name a ``ca``.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and not rest:
        return StoreUrl("memory")
    if scheme == "embedded" and rest and rest.isprintable():
        return StoreUrl("embedded", path=rest)
    if scheme not in ("etcd", "etcds") or not rest.startswith("//"):
        raise ValueError(f"expected {EXPECTED}, found {url!r}")
    try:
        return _parse_etcd(rest[2:], "https://" if scheme == "etcds" else "")
    except ValueError as error:
        raise ValueError(f"expected {EXPECTED}: {error}") from None


def _parse_etcd(rest: str, scheme: str) -> StoreUrl:
    if "@" in rest:
        raise ValueError("a user and a password do not belong in the URL: those are store.user and store.password")
    if "?" in rest or "#" in rest:
        raise ValueError("a query or a fragment has no meaning here")
    authority, _, prefix = rest.partition("/")
    endpoints = tuple(parse_endpoint(each) for each in authority.split(","))
    if len(set(endpoints)) != len(endpoints):
        raise ValueError("an endpoint is named twice")
    prefix = prefix.removesuffix("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError(f"the prefix {prefix!r} may contain letters, digits, '.', '_', '-' and single slashes")
    return StoreUrl("etcd", endpoints=tuple(f"{scheme}{each}" for each in endpoints), prefix=prefix or DEFAULT_PREFIX)


def parse_endpoint(text: str) -> str:
    """``host:port`` in a normal form, an IPv6 address in brackets. Raises ValueError."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        address, port = bracketed.groups()
        try:
            host = f"[{ipaddress.IPv6Address(address)}]"
        except ipaddress.AddressValueError as error:
            raise ValueError(f"{text!r} is not an endpoint: {error}") from None
    else:
        if text.count(":") > 1:
            raise ValueError(f"{text!r} is not an endpoint: put IPv6 addresses in brackets, as in [::1]:{DEFAULT_PORT}")
        host, colon, port = text.partition(":")
        if not _HOST_NAME.fullmatch(host):
            raise ValueError(f"{text!r} is not an endpoint: expected HOST:PORT")
        port = port if colon else None
    if port is None:
        return f"{host}:{DEFAULT_PORT}"
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is not an endpoint: the port must be 1 to 65535")
    return f"{host}:{int(port)}"
