"""The tests' own network: a TCP proxy between a node and etcd that can be cut, one-way, slow, resetting, or forgetful.

One proxy is one node's way to one member of etcd; a `Network` is one node's ways to all of them, and has one weather.
While a way is cut its packets are not lost but late, as TCP's are: what was sent arrives once the cut is over, however
much later, unless the connections are reset first.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

import trio
from attrs import define, field

from tradegame.cluster.processes.ports import quiet_ports

_CHUNK = 65_536
_CHUNKS_UNDER_WAY = 256
_Chunks = trio.MemorySendChannel[tuple[float, bytes]]
_Arrivals = trio.MemoryReceiveChannel[tuple[float, bytes]]


@define(eq=False)
class Way:
    """One direction. ``delay_s``: how long what is sent from now on takes. ``lossy``: it never arrives."""

    delay_s: float = 0.0
    lossy: bool = False
    _cut: bool = False
    _mended: trio.Event = field(factory=trio.Event)

    def cut(self) -> None:
        """Nothing passes, and no end of a connection does either, until ``mend``."""
        self._cut = True
        self._mended = trio.Event()

    def mend(self) -> None:
        self._cut = False
        self._mended.set()

    async def passable(self) -> None:
        """Until it is not cut."""
        while self._cut:
            await self._mended.wait()


@define(eq=False)
class Weather:
    """What befalls the connections that are under it. ``to_store`` and ``from_store`` are the two directions."""

    to_store: Way = field(factory=Way)
    from_store: Way = field(factory=Way)
    connections: dict[trio.CancelScope, None] = field(factory=dict)

    def clear(self) -> None:
        """As it should be; what was held back arrives now."""
        for way in (self.to_store, self.from_store):
            way.delay_s, way.lossy = 0.0, False
            way.mend()

    def reset(self) -> None:
        """Every connection ends, with a RST to both sides; what was under way is lost."""
        for scope in list(self.connections):
            scope.cancel()


@define(eq=False)
class Proxy:
    """``url`` is for the nodes; ``target`` is etcd's ``host:port``. ``run`` relays until cancelled."""

    target: str
    weather: Weather = field(factory=Weather)
    port: int = field(factory=lambda: quiet_ports(1)[0])

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"etcd://{self.endpoint}"

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._relay, listeners)
            task_status.started()

    async def lose_answers(self, seconds: float) -> None:
        """Relay what is asked and drop what is answered, for a while; then cut every connection."""
        self.weather.from_store.lossy = True
        await trio.sleep(seconds)
        self.weather.reset()
        self.weather.from_store.lossy = False

    async def _relay(self, client: trio.SocketStream) -> None:
        weather = self.weather
        host, _, port = self.target.rpartition(":")
        ends = [client]
        with trio.CancelScope() as scope:
            weather.connections[scope] = None
            try:
                # A handshake needs both directions.
                await weather.to_store.passable()
                await weather.from_store.passable()
                store = await trio.open_tcp_stream(host, int(port))
                ends.append(store)
                async with trio.open_nursery() as nursery:
                    for source, sink, way in ((client, store, weather.to_store), (store, client, weather.from_store)):
                        chunks, arrivals = trio.open_memory_channel[tuple[float, bytes]](_CHUNKS_UNDER_WAY)
                        nursery.start_soon(_take, source, chunks, way)
                        nursery.start_soon(_deliver, arrivals, sink, way, scope)
            except OSError:
                pass  # etcd is down: the node sees the connection end
            finally:
                del weather.connections[scope]
                for end in ends:
                    _reset(end)


@define(eq=False)
class Network:
    """One node's ways to all members, under one weather of its own."""

    proxies: Sequence[Proxy]
    weather: Weather

    @classmethod
    def to(cls, endpoints: Sequence[str]) -> Network:
        weather = Weather()
        return cls([Proxy(endpoint, weather) for endpoint in endpoints], weather)

    @property
    def url(self) -> str:
        """For the node's ``store.url``."""
        return "etcd://" + ",".join(proxy.endpoint for proxy in self.proxies)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            for proxy in self.proxies:
                await nursery.start(proxy.run)
            task_status.started()


async def _take(source: trio.SocketStream, chunks: _Chunks, way: Way) -> None:
    """Take what one side sends, with the time at which it is to arrive; b"" is its end."""
    data = b"more"
    while data:
        try:
            data = await source.receive_some(_CHUNK)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if not (way.lossy and data):
            await chunks.send((trio.current_time() + way.delay_s, data))


async def _deliver(arrivals: _Arrivals, sink: trio.SocketStream, way: Way, connection: trio.CancelScope) -> None:
    """Deliver it in order; the end of one side is the end of the connection."""
    async for due, data in arrivals:
        if due > trio.current_time():
            await trio.sleep_until(due)
        await way.passable()
        if not data:
            break
        try:
            await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            break
    connection.cancel()


def _reset(stream: trio.SocketStream) -> None:
    if stream.socket.fileno() != -1:
        # Linger for no time: close sends a RST. socket(7)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.socket.close()
