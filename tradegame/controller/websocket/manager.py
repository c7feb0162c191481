"""The connection manager: lets WebSockets in, within the limits, and sends them away at the end."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.controller.backlog import Backlog
from tradegame.controller.head import Head, Refusal
from tradegame.controller.websocket.connection import Connection
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.handshake import accept
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.poller import Poller
from tradegame.controller.websocket.timers import Timers
from tradegame.controller.websocket.transport import WebSocket
from tradegame.core.admission.budgets import Budgets, payer_of
from tradegame.core.use_cases.clients import Client
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.protocol.closing import COUNTED, FULL, GOING_AWAY
from tradegame.protocol.errors import RateLimitedError
from tradegame.utils.changes import Changes
from tradegame.utils.ids import opaque_id


@define(eq=False)
class ConnectionManager:
    """Every WebSocket of this node. The limits are those of config.toml's ``[limits]``. ``timers`` and ``poller`` must
    run for as long as it serves.
    """

    dispatcher: Dispatcher
    hub: Hub
    now_ms: Callable[[], int]
    heartbeat_s: float
    budgets: Budgets
    frame_bytes: int
    outbox_bytes: int
    backlog: Backlog
    max_connections: int
    connections_per_address: int
    timers: Timers
    poller: Poller | None
    opened: int = field(default=0, init=False)
    closed: dict[str, int] = field(factory=dict, init=False)
    """By close code, whoever closed; `other` is every code that means nothing here."""
    _addresses: dict[str, int] = field(factory=dict, init=False)
    _open: int = field(default=0, init=False)
    _closing: bool = field(default=False, init=False)
    _left: Changes = field(factory=Changes, init=False)

    def __len__(self) -> int:
        return self._open

    async def serve(self, stream: trio.abc.Stream, head: Head, address: str) -> None:
        """One connection from its upgrade request to its end. Raises Refusal, but nothing else that a client causes."""
        address = payer_of(address)
        try:
            self.budgets.connect(address)
        except RateLimitedError as error:
            raise _too_fast(error) from None
        self._open += 1
        self._addresses[address] = self._addresses.get(address, 0) + 1
        try:
            await self._serve(stream, head, address)
        finally:
            self._open -= 1
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
            self._left.made()

    async def close_all(self) -> None:
        """Send everyone away, to come back at once to any node, and wait until they are gone. The caller bounds it."""
        self._closing = True
        self.send_away("the server is going away")
        await self._left.until(lambda: not self._open)

    def send_away(self, reason: str) -> None:
        """Close every connection, to be opened again at once on any node. Never waits."""
        self.hub.roster.end_all(GOING_AWAY, reason)

    async def _serve(self, stream: trio.abc.Stream, head: Head, address: str) -> None:
        client = Client(opaque_id(12), address, self.budgets, self.now_ms())
        async with trio.open_nursery() as nursery:
            try:
                websocket = await accept(
                    nursery,
                    stream,
                    head,
                    frame_bytes=self.frame_bytes,
                    outbox_bytes=self.outbox_bytes,
                    pay=client.frames,
                    backlog=self.backlog,
                    poller=self.poller,
                )
            except Disconnected:
                nursery.cancel_scope.cancel()
                return
            if self._closing:
                await self._turn_away(websocket, GOING_AWAY, "the server is going away")
            elif self._open > self.max_connections:
                await self._turn_away(websocket, FULL, "the server is full")
            elif self._addresses[address] > self.connections_per_address:
                await self._turn_away(websocket, FULL, "too many connections from this address")
            else:
                self.opened += 1
                connection = Connection(websocket, client, self.dispatcher, self.hub, self.heartbeat_s, self.timers)
                try:
                    await connection.run()
                finally:
                    self._count(connection.closed_with)
            nursery.cancel_scope.cancel()

    async def _turn_away(self, websocket: WebSocket, code: int, reason: str) -> None:
        self._count(code)
        await websocket.close(code, reason)

    def _count(self, code: int) -> None:
        name = str(code) if code in COUNTED else "other"
        self.closed[name] = self.closed.get(name, 0) + 1


def _too_fast(error: RateLimitedError) -> Refusal:
    seconds = -(-(error.retry_after_ms or 0) // 1000)
    return Refusal(error, [("Retry-After", str(seconds))], cause="too_fast")
