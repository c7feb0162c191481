"""A TCP connection between a client and a node, in memory: bytes in order, late, held up, or broken off."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import trio
from attrs import Factory, define

from tests.simulation.network import Network

ROOM_BYTES = 2_048
"""What the buffers between a node and a client hold."""


@define(eq=False)
class _Way:
    """One direction. ``waiting``: bytes that were taken and not yet read, wherever they are."""

    arrived: deque[bytes] = Factory(deque)
    waiting: int = 0
    last_at: float = 0.0
    closed: bool = False
    news: trio.Event = Factory(trio.Event)
    room: trio.Event = Factory(trio.Event)

    async def read(self) -> bytes:
        """What arrived; empty at the end."""
        while not self.arrived:
            if self.closed:
                await trio.lowlevel.checkpoint()
                return b""
            self.news = trio.Event()
            await self.news.wait()
        data = b"".join(self.arrived)
        self.arrived.clear()
        self.waiting -= len(data)
        self.room.set()
        return data


@define(eq=False)
class Link:
    """``node`` is whom it leads to. What is sent while it is held (until ``held_until``, in s) arrives after that."""

    node: str
    network: Network
    chance: random.Random
    delay_s: float
    held_until: float = 0.0
    broken: bool = False
    up: _Way = Factory(_Way)
    down: _Way = Factory(_Way)

    # The client's end

    def send(self, data: bytes) -> None:
        self._send(self.up, data)

    async def receive(self) -> bytes:
        return await self.down.read()

    def close(self) -> None:
        """The client is gone; the node hears of it after all that was sent."""
        self._end(self.up)
        self.down.closed = True
        self.broken = True
        self.down.room.set()

    # The node's end, a `Sink` for its outbox and a stream to close

    direct = True

    def try_write(self, data: bytes | memoryview) -> int:
        if self.broken:
            raise BrokenPipeError
        size = min(len(data), ROOM_BYTES - self.down.waiting)
        if size > 0:
            self._send(self.down, bytes(data[:size]))
        return max(size, 0)

    def try_write_all_of(self, pieces: Sequence[bytes | memoryview]) -> int:
        return self.try_write(b"".join(pieces))

    async def wait_writable(self) -> None:
        while self.down.waiting >= ROOM_BYTES and not self.broken:
            self.down.room = trio.Event()
            await self.down.room.wait()
        await trio.lowlevel.checkpoint()

    async def send_all(self, data: bytes | memoryview) -> None:
        raise AssertionError("the outbox writes directly")

    async def read(self) -> bytes:
        return await self.up.read()

    async def aclose(self) -> None:
        self._end(self.down)
        self.up.closed = True
        self.up.news.set()
        await trio.lowlevel.checkpoint()

    # Both

    def cut(self) -> None:
        """Broken off: what was under way is lost, both ends hear of it."""
        self.broken = True
        for way in (self.up, self.down):
            way.arrived.clear()
            way.closed = True
            way.news.set()
            way.room.set()

    def _send(self, way: _Way, data: bytes) -> None:
        if not (self.broken or way.closed):
            way.waiting += len(data)
            self._at(way, partial(self._arrive, way, data))

    def _end(self, way: _Way) -> None:
        if not way.closed:
            self._at(way, partial(self._close, way))

    def _at(self, way: _Way, call: Callable[[], None]) -> None:
        now = trio.current_time()
        way.last_at = max(way.last_at, self.held_until, now + self.chance.uniform(0.3, 1.0) * self.delay_s)
        self.network.at(way.last_at, call)

    def _arrive(self, way: _Way, data: bytes) -> None:
        if way.closed:
            return
        way.arrived.append(data)
        way.news.set()

    def _close(self, way: _Way) -> None:
        way.closed = True
        way.news.set()
        way.room.set()
