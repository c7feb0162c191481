"""Which nodes live, and who is connected where. All of it hangs on each node's lease."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen

LEASE_S = 10
"""How long a node that is silent still counts as alive."""


@frozen
class NodeInfo:
    """A node. ``address`` is where clients reach it (``ws://…/ws``), ``started_at`` in ms since the Unix epoch.

    ``clock`` is the node's own wall clock, in ms, when it last wrote this.
    """

    id: str
    address: str
    version: str
    started_at: int
    clock: int = 0


@frozen
class LiveConnection:
    """One signed-in connection. ``games``: what it follows, and ``plays``: which of them as a player, not an onlooker.
    ``since`` in ms since the Unix epoch.
    """

    id: str
    node: str
    player: str
    games: tuple[str, ...]
    since: int
    plays: tuple[str, ...] = ()


@frozen
class ConnectionsChanged:
    """``saved`` appeared or changed, ``removed`` (connection ids) are gone.

    ``reset``: forget everything known before; ``saved`` is all there is.
    """

    saved: tuple[LiveConnection, ...] = ()
    removed: tuple[str, ...] = ()
    reset: bool = False


@frozen
class NodesChanged:
    """The nodes that live now, by id; those of this store and prefix, this one included."""

    nodes: tuple[NodeInfo, ...]


class ConnectionWatch(Protocol):
    async def receive(self) -> ConnectionsChanged | NodesChanged:
        """The next change; the first ones tell what is there already (``reset``). It never ends by itself."""
        ...


class ConnectionRepository(Protocol):
    """The register of live nodes and connections."""

    async def register(self, node: NodeInfo) -> None:
        """Take a lease for this node and write its key. Again after a loss: a new lease.

        Connections saved before hang on the old lease: save them again.
        """
        ...

    async def keep_alive(self, node: NodeInfo) -> float:
        """Keep the node's lease and write its key anew; returns the lease's time to live in s.

        Raises LeaseLostError: ``register`` and save every connection again. StoreFullError: the lease is kept all the
        same, only the key was not written.
        """
        ...

    async def save(self, connections: Sequence[LiveConnection]) -> None:
        """Write these connections, any number, on this node's lease. Raises LeaseLostError."""
        ...

    async def remove(self, connections: Sequence[LiveConnection]) -> None:
        """Delete these connections, any number."""
        ...

    async def withdraw(self, node: str) -> None:
        """Delete this node's key, for good: nobody is sent to it any more. Its lease and its connections stay."""
        ...

    async def unregister(self) -> None:
        """Give the node's lease back: its key and its connections are gone at once."""
        ...

    def watch(self) -> AbstractAsyncContextManager[ConnectionWatch]:
        """Every node's connections, and the nodes: first what is there, then what changes."""
        ...
