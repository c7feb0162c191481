"""Live nodes and their connections in an ordered key-value store, all on the nodes' leases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import define

from tradegame.core.repositories.connections import (
    LEASE_S,
    ConnectionsChanged,
    LiveConnection,
    NodeInfo,
    NodesChanged,
)
from tradegame.core.repositories.errors import LeaseLostError, StoreRefusedError
from tradegame.infra.kv.codec import encode
from tradegame.infra.kv.connection_watch import KvConnectionWatch, follow
from tradegame.infra.kv.fence import Fence
from tradegame.infra.kv.keys import ConnectionKeys
from tradegame.infra.kv.limits import batches
from tradegame.infra.kv.port import Delete, KeyRange, KeyValueStore, Operation, Put

# Changes waiting for a slow receiver. Beyond that the store's own watch waits, which is bounded too.
_CHANGES = 64


@define(eq=False)
class KvConnectionRepository:
    """See `ConnectionRepository`. One instance is one node.

    ``lease_s``: how long a dead node still counts as living. ``fence``: raised anew with each registration. A write
    without an answer is not retried here: the caller saves again whatever is still true by then.
    """

    _kv: KeyValueStore
    _prefix: str
    _lease_s: int = LEASE_S
    _fence: Fence | None = None
    _lease: int = 0
    _withdrawn: bool = False

    async def register(self, node: NodeInfo) -> None:
        self._lease = await self._kv.grant(self._lease_s)
        if self._fence is None:
            await self._write_node(node)
            return
        own = [] if self._withdrawn else [Put(self._keys.node(node.id), encode(node), self._lease)]
        written = await self._kv.transaction([], [*own, self._fence.put(node.id, self._lease)])
        self._fence.raised(written.revision)

    async def keep_alive(self, node: NodeInfo) -> float:
        self._check_registered()
        try:
            if self._fence is not None and not self._fence.revision:
                raise LeaseLostError("this node's fence is gone")
            ttl_s = await self._kv.keep_alive(self._lease)
        except LeaseLostError:
            self._forget_lease()
            raise
        await self._write_node(node)
        return ttl_s

    async def save(self, connections: Sequence[LiveConnection]) -> None:
        self._check_registered()
        await self._write(
            [
                Put(self._keys.connection(connection.node, connection.id), encode(connection), self._lease)
                for connection in connections
            ]
        )

    async def remove(self, connections: Sequence[LiveConnection]) -> None:
        await self._write(
            [Delete(KeyRange(self._keys.connection(connection.node, connection.id))) for connection in connections]
        )

    async def withdraw(self, node: str) -> None:
        self._withdrawn = True
        await self._write([Delete(KeyRange(self._keys.node(node)))])

    async def unregister(self) -> None:
        if lease := self._forget_lease():
            await self._kv.revoke(lease)

    def _forget_lease(self) -> int:
        lease, self._lease = self._lease, 0
        if self._fence is not None:
            self._fence.fell(self._fence.revision)
        return lease

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[KvConnectionWatch]:
        send, receive = trio.open_memory_channel[ConnectionsChanged | NodesChanged](_CHANGES)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, self._kv, self._keys, send)
            try:
                yield KvConnectionWatch(receive)
            except Exception as error:  # noqa: BLE001 - raised again below, outside the nursery, which would wrap it
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            try:
                raise failure
            finally:
                del failure

    async def _write(self, operations: Sequence[Operation]) -> None:
        for batch in batches(operations):
            await self._write_batch(batch)

    async def _write_batch(self, operations: Sequence[Operation]) -> None:
        try:
            await self._kv.transaction([], operations)
        except StoreRefusedError:
            half = len(operations) // 2
            if not half:
                raise
            await self._write_batch(operations[:half])
            await self._write_batch(operations[half:])

    async def _write_node(self, node: NodeInfo) -> None:
        if not self._withdrawn:
            await self._write([Put(self._keys.node(node.id), encode(node), self._lease)])

    def _check_registered(self) -> None:
        if not self._lease:
            raise LeaseLostError("this node is not registered")

    @property
    def _keys(self) -> ConnectionKeys:
        return ConnectionKeys(self._prefix)
