"""A node: all of the real one between the store's port and the socket, as a process that can be killed and frozen."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar, cast

import trio

from tests.simulation.link import Link
from tests.simulation.runtime import NODE
from tests.simulation.sockets import no_head
from tests.simulation.store import MemoryStore
from tradegame.app import Node
from tradegame.app.lifetimes import wind_down
from tradegame.core.repositories import NodeInfo, StoreUnavailableError

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")

BACKLOG = 64


class Process:
    """One life of a node. ``alive`` until it ends; ``offset_ms``: how far its clock is off."""

    def __init__(self, world: World, name: str, store: MemoryStore, offset_ms: int) -> None:
        self.world = world
        self.name = name
        self.store = store
        self.offset_ms = offset_ms
        self.alive = True
        self.stopping = False
        self.killed = False
        self.wrong_since = trio.current_time()
        self.links: dict[Link, None] = {}
        self.node: Node | None = None
        self.ended = trio.Event()
        self._scope = trio.CancelScope()
        self._backlog, self._accepted = trio.open_memory_channel[Link](BACKLOG)

    def now_ms(self) -> int:
        return self.world.now_ms() + self.offset_ms

    @property
    def frozen(self) -> bool:
        return self.world.freezer.frozen(self.name)

    @property
    def listening(self) -> bool:
        return self.alive and self.node is not None and self.node.serving

    @property
    def well(self) -> bool:
        """Whether it works, its clock is right, and nothing is between it and the store."""
        wire = self.store.wire
        troubled = wire.silent or wire.watches_stalled or bool(wire.fates) or any(w.mute for w in self.store.watches)
        return self.listening and not self.frozen and not self.offset_ms and not troubled

    def connect(self, link: Link) -> None:
        """A client's connection, in the backlog until the process takes it. Raises ConnectionRefusedError."""
        try:
            self._backlog.send_nowait(link)
        except trio.WouldBlock:
            raise ConnectionRefusedError from None
        self.links = {known: None for known in self.links if not known.broken}
        self.links[link] = None

    def in_its_context(self, ask: Callable[[], T]) -> T:
        """Call something of the node's as one of its own tasks would."""
        context = copy_context()
        context.run(NODE.set, self.name)
        return context.run(ask)

    async def run(self) -> None:
        """From its start to its end, whichever that is."""
        NODE.set(self.name)
        try:
            with self._scope:
                await self._serve()
        except* StoreUnavailableError:
            self.world.story.tell(self.name, "could not start: no store")
        finally:
            self._dead()
            self.ended.set()

    async def _serve(self) -> None:
        info = NodeInfo(self.name, f"ws://{self.name}/ws", "1", self.now_ms())
        node = Node(self.world.settings, self.store, "sim", info, self.now_ms, self.world.host_settings)
        async with trio.open_nursery() as background:
            await node.start(background)
            self.node = node
            node.serving = True
            self.world.story.tell(self.name, "serves")
            async with trio.open_nursery() as connections:
                async for link in self._accepted:
                    if self.stopping:
                        break
                    connections.start_soon(node.manager.serve, cast("trio.abc.Stream", link), no_head(), "10.0.0.1")
                node.serving = False
                await wind_down(node)
                connections.cancel_scope.cancel()
            background.cancel_scope.cancel()

    def stop(self) -> None:
        """SIGTERM."""
        self.stopping = True
        self._backlog.close()

    def kill(self) -> None:
        """kill -9: nothing that it still does reaches anybody."""
        self.killed = True
        self._dead()
        self.world.freezer.thaw(self.name)
        self._scope.cancel()

    def _dead(self) -> None:
        self.alive = False
        self.store.wire.dead = True
        self.world.story.mute[self.name] = None
        for link in self.links:
            link.cut()
        self.links.clear()
