"""A node that serves, and where it is reached."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import trio
from attrs import evolve, field, frozen

from tradegame.controller.front import Listener
from tradegame.controller.tls import TlsListener

ALL_NETWORKS = ("", "0.0.0.0", "::")


@frozen
class Running:
    """A node that serves. ``port`` is the one that was bound; ``stop`` begins an orderly end."""

    node: str
    host: str
    port: int
    secure: bool
    stop: Callable[[], None]
    host_token: str = field(default="", repr=False)
    """The token that was made for the host; empty if one is configured."""
    advertised: str = ""
    """The WebSocket URL at which clients reach it from outside, if one is configured."""

    @property
    def websocket_url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://{_url_host(self.host)}:{self.port}/ws"

    @property
    def http_url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{_url_host(self.host)}:{self.port}/"

    @property
    def host_url(self) -> str:
        """Where the host signs in, with the token in the fragment, which no server and no proxy is sent."""
        here = evolve(self, host="localhost") if self.host in ALL_NETWORKS else self
        return f"{here.http_url}host#token={self.host_token}"

    @property
    def players_url(self) -> str:
        """Where people on other machines get at it, as far as it knows: empty if it listens on this machine alone."""
        if self.advertised:
            secure, rest = self.advertised.startswith("wss:"), self.advertised.partition(":")[2]
            return f"{'https' if secure else 'http'}:{rest.removesuffix('/').removesuffix('/ws')}/"
        if self.host not in ALL_NETWORKS:
            return ""
        return evolve(self, host=_address_in_network() or socket.gethostname()).http_url


def port_of(listeners: Sequence[Listener]) -> int:
    """The port that was bound."""
    first = listeners[0]
    listener = first.transport_listener if isinstance(first, TlsListener) else first
    return int(listener.socket.getsockname()[1])


def reachable(host: str) -> str:
    """What other machines may call the host that was configured: this machine's name if that is every network."""
    return socket.gethostname() if host in ALL_NETWORKS else host


def _address_in_network() -> str:
    """The address from which this machine would speak to others; empty if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # of no use to anybody (RFC 5737); nothing is sent
        except OSError:
            return ""
        return str(probe.getsockname()[0])


async def own_names() -> Sequence[str]:
    """What this machine is called. Takes at most 1 s: the name service may be slow, and is not needed."""
    names = [socket.gethostname()]
    with trio.move_on_after(1):
        names.append(await trio.to_thread.run_sync(socket.getfqdn, abandon_on_cancel=True))
    return names


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host or "localhost"
