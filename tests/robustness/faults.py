"""The faults: which processes there are, and what kills them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import trio
from attrs import define, field

from tests.support.process import ServerProcess


@define(eq=False)
class Cluster:
    """The nodes that serve one store, as clients find them: those that live, in any order."""

    nodes: Sequence[ServerProcess]
    random: Random
    serving: dict[str, ServerProcess] = field(factory=dict)
    kills: int = 0
    start_s: list[float] = field(factory=list)
    _changed: trio.Event = field(factory=trio.Event)

    async def address(self) -> str:
        """The WebSocket of a node that serves, as soon as one does."""
        while not self.serving:
            await self._changed.wait()
        return self.random.choice(list(self.serving))

    def http(self) -> str | None:
        """The HTTP address of a node that serves; None: there is none."""
        return self.random.choice(list(self.serving.values())).http if self.serving else None

    async def start(self, node: ServerProcess) -> None:
        """Start it, and let clients know once it serves."""
        begun = trio.current_time()
        await trio.to_thread.run_sync(node.start)
        self.start_s.append(trio.current_time() - begun)
        self.serving[node.url] = node
        self._changed.set()
        self._changed = trio.Event()

    async def kill(self, node: ServerProcess) -> None:
        """SIGKILL, at once; clients find out by themselves."""
        self.serving.pop(node.url, None)
        self.kills += 1
        await trio.to_thread.run_sync(node.kill)

    async def kill_while_starting(self, node: ServerProcess) -> None:
        """Start it, and kill it before it serves, or just when it does."""
        node.launch()
        usual_s = sorted(self.start_s)[len(self.start_s) // 2]
        await trio.sleep(self.random.uniform(0.3, 1.0) * usual_s)
        await self.kill(node)

    def close(self) -> None:
        for node in self.nodes:
            node.close()
