"""This node's entries in the register of nodes and connections; and the register, followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import structlog
import trio
from attrs import define, evolve, field

from tradegame.core.membership.presence import Presence
from tradegame.core.repositories import (
    ConnectionRepository,
    ConnectionsChanged,
    HistoryLostError,
    LeaseLostError,
    LiveConnection,
    NodeInfo,
    NodesChanged,
    StoreError,
    StoreFullError,
)
from tradegame.utils.trouble import Trouble

BATCH_S = 0.1
WRITTEN_AT_ONCE = 1_000
RETRY_S = 0.5
LOOK_S = 1.0
"""Twice as long as any reader that checks for a lost store takes."""


@define(eq=False)
class ConnectionRegister:
    """Keeps this node's lease, and writes the node's connections on it, in the background and in batches.

    ``put`` and ``drop`` never wait. What the store did not accept is written once it can be. After a lost lease, it
    takes a new one and writes every connection again, for as long as that takes.
    """

    connections: ConnectionRepository
    node: NodeInfo
    now_ms: Callable[[], int]
    registered: bool = field(default=False, init=False)
    _answered_at: float = field(default=-float("inf"), init=False)
    _looked_at: float = field(default=float("inf"), init=False)
    _busy_s: float = field(default=0.0, init=False)
    _kept_until: float = field(default=-float("inf"), init=False)
    _ttl_s: float = field(default=4.0, init=False)
    _full: str | None = field(default=None, init=False)
    _kick: trio.Event = field(factory=trio.Event, init=False)
    _live: dict[str, LiveConnection] = field(factory=dict, init=False)
    _dirty: dict[str, LiveConnection] = field(factory=dict, init=False)
    _work: trio.Event = field(factory=trio.Event, init=False)

    def put(self, connection: LiveConnection) -> None:
        """This connection exists, or follows other games now."""
        self._live[connection.id] = connection
        self._dirty[connection.id] = connection
        self._work.set()

    def drop(self, connection_id: str) -> None:
        """This connection is gone."""
        connection = self._live.pop(connection_id, None)
        if connection is not None:
            self._dirty[connection_id] = connection
            self._work.set()

    def ready(self) -> str | None:
        """None while the other nodes can know that this one is alive, and it can write; otherwise the reason."""
        if not self.registered:
            return "not registered in the store"
        if trio.current_time() >= self._kept_until:
            return "this node's lease may be over"
        return self._full

    def silent_s(self) -> float:
        """How many s ago the last question began that the store has answered, whatever the answer.

        Call it at least once a second: time in which the loop was too busy even for that does not count, since the
        store could not be asked either.
        """
        return self._free_s() - self._answered_at

    def _free_s(self) -> float:
        """Seconds on a clock that stands still while the loop is busy."""
        now = trio.current_time()
        self._busy_s += max(0.0, now - self._looked_at - LOOK_S)
        self._looked_at = now
        return now - self._busy_s

    def doubt(self) -> None:
        """The lease may be over: ask at once, and be unready until it is renewed."""
        self._answered_at = self._free_s()
        self._kept_until = -float("inf")
        self._kick.set()

    def nodes_seen(self, nodes: Sequence[NodeInfo]) -> None:
        """The register's nodes. If this one is missing, its lease may have been revoked, so ask at once."""
        if self.registered and all(node.id != self.node.id for node in nodes):
            self._kick.set()

    def connections_seen(self, change: ConnectionsChanged) -> None:
        """Compare what the register says of this node's own connections with reality, and write it again if it differs.
        A write that was given up may land long after the one that replaced it.
        """
        known = {connection.id: connection for connection in change.saved if connection.node == self.node.id}
        wrong = {key: connection for key, connection in known.items() if self._live.get(key) != connection}
        missing = [key for key in self._live if key not in known] if change.reset else change.removed
        wrong.update({key: self._live[key] for key in missing if key in self._live})
        if wrong:
            self._dirty.update(wrong)
            self._work.set()

    async def withdraw(self) -> None:
        """This node is about to go: remove its key, so that no client is sent to it. What hangs on its lease stays
        until ``run`` ends.

        The caller bounds the wait. If the store refuses, that is only logged: the key goes with the lease, later.
        """
        try:
            await self.connections.withdraw(self.node.id)
        except StoreError as error:
            structlog.get_logger().warning("node_not_withdrawn", node=self.node.id, error=str(error))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Register the node, then write and renew until cancelled; gives the lease back at the end.

        Raises StoreUnavailableError if the first registration fails, HistoryLostError whenever that is found.
        """
        await self._register()
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
        trouble = Trouble("node_lease_at_risk", "node_lease_safe", {"node": self.node.id})
        lost_at_once = False
        while True:
            try:
                if not self.registered:
                    await self._register()
                    self._dirty.update(self._live)
                    self._work.set()
                    structlog.get_logger().info("node_lease_retaken", node=self.node.id, connections=len(self._live))
                pause_s = await self._keep()
                lost_at_once = False
            except LeaseLostError as error:
                structlog.get_logger().warning("node_lease_lost", node=self.node.id, error=str(error))
                self._answered(self._free_s())
                self.registered = False
                pause_s = RETRY_S if lost_at_once else 0.0
                lost_at_once = True
            except HistoryLostError:
                raise  # all that this node knows is of another history: it must start afresh
            except StoreError as error:
                trouble.happened(error=str(error))
                pause_s = RETRY_S
            else:
                trouble.over()
            with trio.move_on_after(pause_s):
                await self._kick.wait()
            self._kick = trio.Event()

    async def _register(self) -> None:
        begun, asked_at = trio.current_time(), self._free_s()
        try:
            await self.connections.register(self._now())
        except StoreFullError as error:
            self._answered(asked_at, f"the store is full: {error}")
            raise
        self._answered(asked_at)
        self._kept_until = begun + self._ttl_s
        self.registered = True

    async def _keep(self) -> float:
        """Renew the lease. Returns how long until the next time, in s."""
        begun, asked_at = trio.current_time(), self._free_s()
        full = None
        try:
            self._ttl_s = await self.connections.keep_alive(self._now())
        except StoreFullError as error:  # it is renewed nevertheless
            full = f"the store is full: {error}"
        self._answered(asked_at, full)
        self._kept_until = begun + self._ttl_s
        return self._ttl_s / 4

    def _answered(self, asked_at: float, full: str | None = None) -> None:
        self._answered_at = asked_at
        if full != self._full:
            if full is None:
                structlog.get_logger().info("store_has_room_again", node=self.node.id)
            else:
                structlog.get_logger().error("store_full", node=self.node.id, reason=full)
        self._full = full

    async def _write(self) -> None:
        trouble = Trouble("connections_not_written", "connections_written", {"node": self.node.id})
        while True:
            await self._work.wait()
            await trio.sleep(BATCH_S)
            self._work = trio.Event()
            dirty, self._dirty = self._dirty, {}
            try:
                for first in range(0, len(dirty), WRITTEN_AT_ONCE):
                    some = list(islice(dirty.items(), first, first + WRITTEN_AT_ONCE))
                    await self.connections.remove([connection for key, connection in some if key not in self._live])
                    await self.connections.save([self._live[key] for key, _ in some if key in self._live])
            except StoreError as error:
                trouble.happened(count=len(dirty), error=str(error))
                self._dirty = {**dirty, **self._dirty}
                self._work.set()
                await trio.sleep(RETRY_S)
            else:
                trouble.over()

    def _now(self) -> NodeInfo:
        return evolve(self.node, clock=self.now_ms())


async def follow_register(
    connections: ConnectionRepository,
    presence: Presence,
    changed: Callable[[], None],
    heartbeat: Callable[[tuple[NodeInfo, ...]], None],
    connections_seen: Callable[[ConnectionsChanged], None],
) -> None:
    """Keep ``presence`` current until cancelled.

    ``changed`` is called after each change, ``heartbeat`` with the nodes whenever one of them wrote its key,
    ``connections_seen`` with everything else the register says. None of them may raise.
    """
    async with connections.watch() as watch:
        while True:
            change = await watch.receive()
            if isinstance(change, NodesChanged):
                presence.nodes = change.nodes
                heartbeat(change.nodes)
            else:
                for _ in presence.steps(change):
                    await trio.lowlevel.checkpoint()
                connections_seen(change)
            changed()
