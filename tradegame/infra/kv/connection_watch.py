"""Follows every node's connections: what is there, then what changes, and everything again if history is gone."""

from __future__ import annotations

from typing import TypeVar

import structlog
import trio
from attrs import define

from tradegame.core.repositories.connections import (
    ConnectionsChanged,
    LiveConnection,
    NodeInfo,
    NodesChanged,
)
from tradegame.core.repositories.errors import CompactedError, CorruptStoreError, StoreUnavailableError
from tradegame.infra.kv.codec import decode
from tradegame.infra.kv.keys import ConnectionKeys
from tradegame.infra.kv.port import KeyRange, KeyValueStore, Watch
from tradegame.utils.trouble import Trouble

log = structlog.get_logger(__name__)

T = TypeVar("T")
ChangeSender = trio.MemorySendChannel[ConnectionsChanged | NodesChanged]

_PAGE = 1000
CHANGES_AT_ONCE = 500
"""A node's death ends all its connections in one revision: so many are told of in one step, in 1 to 2 ms."""
_PAUSE_S = 0.5


@define(eq=False)
class KvConnectionWatch:
    """See `ConnectionWatch`."""

    _changes: trio.MemoryReceiveChannel[ConnectionsChanged | NodesChanged]

    async def receive(self) -> ConnectionsChanged | NodesChanged:
        return await self._changes.receive()


async def follow(kv: KeyValueStore, keys: ConnectionKeys, changes: ChangeSender) -> None:
    """Send every change, until cancelled. If the store's history is gone or a read fails, a reset comes first."""
    trouble = Trouble("connections_unavailable", "connections_followed_again")
    while True:
        try:
            await _follow_from_now(kv, keys, changes, trouble)
        except* CompactedError:
            log.info("connections_read_anew")
        except* (StoreUnavailableError, CorruptStoreError) as unavailable:
            trouble.happened(reason=str(unavailable.exceptions[0]))
            await trio.sleep(_PAUSE_S)


async def _follow_from_now(kv: KeyValueStore, keys: ConnectionKeys, changes: ChangeSender, trouble: Trouble) -> None:
    connections_at, connections = await _read(kv, keys.connections, LiveConnection)
    nodes_at, nodes = await _read(kv, keys.nodes, NodeInfo)
    trouble.over()
    await changes.send(ConnectionsChanged(saved=tuple(connections.values()), reset=True))
    await changes.send(_nodes(nodes))
    async with (
        kv.watch(keys.connections, connections_at) as connection_watch,
        kv.watch(keys.nodes, nodes_at) as node_watch,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(_follow_connections, connection_watch, changes)
        nursery.start_soon(_follow_nodes, node_watch, nodes, changes)


async def _follow_connections(watch: Watch, changes: ChangeSender) -> None:
    while True:
        events = (await watch.receive()).events
        for first in range(0, len(events), CHANGES_AT_ONCE):
            # The last write to a key counts: a connection saved and removed at once is removed.
            saved: dict[str, LiveConnection] = {}
            removed: dict[str, None] = {}
            for event in events[first : first + CHANGES_AT_ONCE]:
                saved.pop(event.key, None)
                removed.pop(event.key, None)
                if event.value is None:
                    removed[event.key] = None
                elif (connection := _readable(event.key, event.value, LiveConnection)) is not None:
                    saved[event.key] = connection
            if saved or removed:
                gone = tuple(key.rsplit("/", 1)[1] for key in removed)
                await changes.send(ConnectionsChanged(saved=tuple(saved.values()), removed=gone))


async def _follow_nodes(watch: Watch, nodes: dict[str, NodeInfo], changes: ChangeSender) -> None:
    while True:
        batch = await watch.receive()
        for event in batch.events:
            nodes.pop(event.key, None)
            if event.value is not None and (node := _readable(event.key, event.value, NodeInfo)) is not None:
                nodes[event.key] = node
        if batch.events:
            await changes.send(_nodes(nodes))


async def _read(kv: KeyValueStore, keys: KeyRange, kind: type[T]) -> tuple[int, dict[str, T]]:
    """What is there, by key, and a revision to watch from. That is the first page's: a later page may show more, which
    the watch then repeats.
    """
    found: dict[str, T] = {}
    revision = 0
    rest, more = keys, True
    while more:
        page = await kv.range(rest, limit=_PAGE, tolerant=True)
        revision = revision or page.revision
        for key in page.unreadable:
            log.warning("connection_unreadable", key=key, reason="its place in the store is damaged")
        for pair in page.pairs:
            if (record := _readable(pair.key, pair.value, kind)) is not None:
                found[pair.key] = record
        more = page.more
        if more:
            rest = KeyRange(max([*(pair.key for pair in page.pairs[-1:]), *page.unreadable[-1:]]) + "\0", keys.end)
    return revision, found


def _readable(key: str, value: bytes, kind: type[T]) -> T | None:
    try:
        return decode(key, value, kind)
    except CorruptStoreError as error:
        # Another node's record, perhaps of a newer version. Ours are served all the same.
        log.warning("connection_unreadable", key=key, reason=str(error))
        return None


def _nodes(nodes: dict[str, NodeInfo]) -> NodesChanged:
    return NodesChanged(tuple(nodes[key] for key in sorted(nodes)))
