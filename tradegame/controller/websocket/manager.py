"""The connection manager: lets WebSockets in, within the limits, and sends them away at the end."""

from __future__ import annotations

from collections.abc import Callable, Collection

import trio
from attrs import define, field

from tradegame.controller.head import Head, Refusal
from tradegame.controller.websocket.connection import Connection
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.transport import Disconnected, accept
from tradegame.core.use_cases.clients import ClientSession, TokenBucket
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.core.use_cases.sessions import opaque_id

FULL = 4003
GOING_AWAY = 1001
SIGN_UPS_PER_S = 1
ADDRESSES_KEPT = 10_000


@define(eq=False)
class ConnectionManager:
    """Every WebSocket of this node. The limits are those of config.toml's ``[limits]``."""

    dispatcher: Dispatcher
    hub: Hub
    now_ms: Callable[[], int]
    heartbeat_s: float
    origins: Collection[str]
    commands_per_s: int
    burst: int
    frame_bytes: int
    outbox_bytes: int
    max_connections: int
    connections_per_address: int
    opened: int = field(default=0, init=False)
    _addresses: dict[str, int] = field(factory=dict, init=False)
    _sign_ups: dict[str, TokenBucket] = field(factory=dict, init=False)
    _open: int = field(default=0, init=False)
    _closing: bool = field(default=False, init=False)
    _emptied: trio.Event = field(factory=trio.Event, init=False)

    def __len__(self) -> int:
        return self._open

    async def serve(self, stream: trio.abc.Stream, head: Head, address: str) -> None:
        """One connection from its upgrade request to its end. Raises nothing that a client can bring about."""
        self._open += 1
        self._addresses[address] = self._addresses.get(address, 0) + 1
        try:
            await self._serve(stream, head, address)
        finally:
            self._open -= 1
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
            self._emptied.set()
            self._emptied = trio.Event()

    def _sign_ups_of(self, address: str) -> TokenBucket:
        """Players last for ever: an address makes as many at once as it may have connections, then one a second."""
        bucket = self._sign_ups.pop(address, None)
        if bucket is None:
            bucket = TokenBucket(SIGN_UPS_PER_S, self.connections_per_address, "new players from an address")
            while len(self._sign_ups) >= ADDRESSES_KEPT:
                del self._sign_ups[next(iter(self._sign_ups))]
        self._sign_ups[address] = bucket
        return bucket

    async def close_all(self) -> None:
        """Send everyone away, to come back at once to any node, and wait until they are gone. The caller bounds it."""
        self._closing = True
        for member in list(self.hub.members.values()):
            member.end(GOING_AWAY, "the server is going away")
        while self._open:
            await self._emptied.wait()

    async def _serve(self, stream: trio.abc.Stream, head: Head, address: str) -> None:
        async with trio.open_nursery() as nursery:
            try:
                websocket = await accept(
                    nursery,
                    stream,
                    head,
                    origins=self.origins,
                    frame_bytes=self.frame_bytes,
                    outbox_bytes=self.outbox_bytes,
                )
            except (Refusal, Disconnected):
                return
            if self._closing:
                await websocket.close(GOING_AWAY, "the server is going away")
            elif self._open > self.max_connections:
                await websocket.close(FULL, "the server is full")
            elif self._addresses[address] > self.connections_per_address:
                await websocket.close(FULL, "too many connections from this address")
            else:
                self.opened += 1
                client = ClientSession(
                    connection=opaque_id(12),
                    address=address,
                    bucket=TokenBucket(self.commands_per_s, self.burst),
                    sign_ups=self._sign_ups_of(address),
                    since=self.now_ms(),
                )
                await Connection(websocket, client, self.dispatcher, self.hub, self.heartbeat_s).run()
            nursery.cancel_scope.cancel()
