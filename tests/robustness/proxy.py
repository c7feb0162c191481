"""A proxy before etcd that can lose answers: what was asked happens, and nobody is told."""

from __future__ import annotations

import trio
from attrs import define, field

from tests.support.process import quiet_port


@define(eq=False)
class Proxy:
    """``url`` is for the nodes; ``target`` is etcd's ``host:port``. ``run`` relays until cancelled."""

    target: str
    port: int = field(factory=quiet_port)
    _deaf: bool = False
    _connections: dict[trio.CancelScope, None] = field(factory=dict)

    @property
    def url(self) -> str:
        return f"etcd://127.0.0.1:{self.port}"

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._relay, listeners)
            task_status.started()

    async def lose_answers(self, seconds: float) -> None:
        """Relay what is asked and drop what is answered, for a while; then cut every connection."""
        self._deaf = True
        await trio.sleep(seconds)
        for scope in self._connections:
            scope.cancel()
        self._deaf = False

    async def _relay(self, client: trio.SocketStream) -> None:
        host, _, port = self.target.rpartition(":")
        try:
            store = await trio.open_tcp_stream(host, int(port))
        except OSError:
            return  # etcd is down: the node sees the connection end
        with trio.CancelScope() as scope:
            self._connections[scope] = None
            try:
                async with store, trio.open_nursery() as nursery:

                    async def ask() -> None:
                        await self._pump(client, store, answers=False)
                        scope.cancel()

                    nursery.start_soon(ask)
                    await self._pump(store, client, answers=True)
                    scope.cancel()
            finally:
                del self._connections[scope]

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream, *, answers: bool) -> None:
        """Until either side ends, in whatever way."""
        try:
            while data := await source.receive_some(65_536):
                if not (answers and self._deaf):
                    await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
