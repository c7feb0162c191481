"""Who is connected to which game, on all nodes; and this node's own entries in that register."""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio
from attrs import define, evolve, field, frozen

from tradegame.core.repositories import (
    ConnectionRepository,
    ConnectionsChanged,
    LeaseLostError,
    LiveConnection,
    NodeInfo,
    NodesChanged,
    StoreError,
)

BATCH_S = 0.1


@frozen
class PresenceDelta:
    """Players who came and went in one game since the last delta; never the same in both."""

    online: tuple[str, ...]
    offline: tuple[str, ...]


@define
class Presence:
    """Counts connections a player, so that a second tab is no second arrival."""

    _connections: dict[str, LiveConnection] = field(factory=dict, init=False)
    _counts: dict[str, dict[str, int]] = field(factory=dict, init=False)
    _told: dict[str, dict[str, None]] = field(factory=dict, init=False)
    _changed: dict[str, None] = field(factory=dict, init=False)
    nodes: tuple[NodeInfo, ...] = field(default=(), init=False)

    def change(self, change: ConnectionsChanged) -> None:
        """Take in what the register says."""
        if change.reset:
            for connection in list(self._connections.values()):
                self._forget(connection.id)
        for connection in change.saved:
            self._forget(connection.id)
            self._connections[connection.id] = connection
            for game in connection.games:
                counts = self._counts.setdefault(game, {})
                counts[connection.player] = counts.get(connection.player, 0) + 1
                self._changed[game] = None
        for removed in change.removed:
            self._forget(removed)

    def online(self, game: str) -> tuple[str, ...]:
        """Everyone who was told to be online in this game."""
        return tuple(self._told.get(game, ()))

    def deltas(self) -> dict[str, PresenceDelta]:
        """What changed since the last call, by game."""
        deltas: dict[str, PresenceDelta] = {}
        for game in self._changed:
            now, told = self._counts.get(game, {}), self._told.get(game, {})
            online = tuple(player for player in now if player not in told)
            offline = tuple(player for player in told if player not in now)
            if online or offline:
                deltas[game] = PresenceDelta(online, offline)
            if now:
                self._told[game] = dict.fromkeys(now)
            else:
                self._told.pop(game, None)
        self._changed.clear()
        return deltas

    def knows(self, connection_id: str, game: str) -> bool:
        """Whether the register has this connection in this game."""
        connection = self._connections.get(connection_id)
        return connection is not None and game in connection.games

    def __len__(self) -> int:
        return len(self._connections)

    def _forget(self, connection_id: str) -> None:
        connection = self._connections.pop(connection_id, None)
        if connection is None:
            return
        for game in connection.games:
            counts = self._counts[game]
            counts[connection.player] -= 1
            if not counts[connection.player]:
                del counts[connection.player]
            if not counts:
                del self._counts[game]
            self._changed[game] = None


@define(eq=False)
class ConnectionRegister:
    """Writes this node's connections behind their backs, in batches, and keeps the node's lease.

    ``put`` and ``drop`` never wait. What the store could not take is written once it can.
    """

    connections: ConnectionRepository
    node: NodeInfo
    now_ms: Callable[[], int]
    registered: bool = field(default=False, init=False)
    _live: dict[str, LiveConnection] = field(factory=dict, init=False)
    _dirty: dict[str, LiveConnection] = field(factory=dict, init=False)
    _work: trio.Event = field(factory=trio.Event, init=False)

    def put(self, connection: LiveConnection) -> None:
        """This connection is there, or follows other games now."""
        self._live[connection.id] = connection
        self._dirty[connection.id] = connection
        self._work.set()

    def drop(self, connection_id: str) -> None:
        """This connection is gone."""
        connection = self._live.pop(connection_id, None)
        if connection is not None:
            self._dirty[connection_id] = connection
            self._work.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Register the node, then write and keep alive until cancelled; gives the lease back at the end.

        Raises StoreUnavailableError when the first registration fails.
        """
        await self.connections.register(self._now())
        self.registered = True
        task_status.started()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_alive)
                nursery.start_soon(self._write)
        finally:
            self.registered = False
            with trio.move_on_after(1, shield=True):
                try:
                    await self.connections.unregister()
                except StoreError as error:
                    structlog.get_logger().warning("lease_not_given_back", error=str(error))

    async def _keep_alive(self) -> None:
        pause_s = 0.0
        while True:
            await trio.sleep(pause_s)
            try:
                pause_s = await self.connections.keep_alive(self._now()) / 4
            except LeaseLostError:
                structlog.get_logger().warning("node_lease_lost", node=self.node.id)
                pause_s = await self._register_again()
            except StoreError as error:
                structlog.get_logger().warning("node_lease_at_risk", node=self.node.id, error=str(error))
                pause_s = 0.5

    async def _register_again(self) -> float:
        try:
            await self.connections.register(self._now())
        except StoreError as error:
            structlog.get_logger().warning("node_lease_not_retaken", node=self.node.id, error=str(error))
            return 0.5
        self._dirty.update(self._live)
        self._work.set()
        return 0.0

    async def _write(self) -> None:
        while True:
            await self._work.wait()
            await trio.sleep(BATCH_S)
            self._work = trio.Event()
            dirty, self._dirty = self._dirty, {}
            try:
                gone = [connection for key, connection in dirty.items() if key not in self._live]
                await self.connections.remove(gone)
                await self.connections.save([self._live[key] for key in dirty if key in self._live])
            except StoreError as error:
                structlog.get_logger().warning("connections_not_written", count=len(dirty), error=str(error))
                self._dirty = {**dirty, **self._dirty}
                self._work.set()
                await trio.sleep(0.5)

    def _now(self) -> NodeInfo:
        return evolve(self.node, clock=self.now_ms())


async def follow_register(
    connections: ConnectionRepository,
    presence: Presence,
    changed: Callable[[], None],
    heartbeat: Callable[[tuple[NodeInfo, ...]], None],
) -> None:
    """Keep ``presence`` current for ever.

    ``changed`` is called after each change, ``heartbeat`` with the nodes whenever one of them wrote its key.
    Neither may raise.
    """
    async with connections.watch() as watch:
        while True:
            change = await watch.receive()
            if isinstance(change, NodesChanged):
                presence.nodes = change.nodes
                heartbeat(change.nodes)
            else:
                presence.change(change)
            changed()
