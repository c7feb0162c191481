"""Free TCP ports on 127.0.0.1."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

FAVOURITE = 8765
LAST = 65_535
QUIET = range(15_000, 32_000)
"""Below the ports that the system gives to clients. A client that keeps trying a dead node's port from that range may
get the same port for its own end: TCP then connects the socket to itself, and the node cannot come back.
"""


class NoPorts(Exception):  # noqa: N818 - it names what is the matter
    """The message says which."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server binds: a closed connection in TIME_WAIT does not matter to it.
        if hasattr(socket, "SO_REUSEPORT"):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def node_ports(count: int, first: int | None) -> list[int]:
    """Consecutive ports, from ``first`` on; None: from 8765, else anywhere. Raises NoPorts."""
    if first is not None:
        ports = list(range(first, first + count))
        if ports[-1] > LAST:
            raise NoPorts(f"there is no port {ports[-1]}: the last one is {LAST} (--port picks another first one)")
        if taken := [port for port in ports if not is_free(port)]:
            raise NoPorts(f"port {taken[0]} is not free (--port picks another)")
        return ports
    for base in (FAVOURITE, *random.SystemRandom().sample(QUIET, 200)):
        if all(map(is_free, range(base, base + count))):
            return list(range(base, base + count))
    raise NoPorts(f"no {count} free ports in a row")


def quiet_ports(count: int, taken: Iterable[int] = ()) -> list[int]:
    """That many free ports, none of them ``taken``. Raises NoPorts."""
    found: list[int] = []
    for port in random.SystemRandom().sample(QUIET, 2_000):
        if len(found) == count:
            break
        if port not in taken and is_free(port):
            found.append(port)
    if len(found) < count:
        raise NoPorts(f"no {count} free ports")
    return found
