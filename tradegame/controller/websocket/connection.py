"""One connection: reader, writer (inside the transport) and heartbeat under one nursery. When one ends, all end."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import structlog
import trio
from attrs import define, field

from tradegame.controller.websocket import codec
from tradegame.controller.websocket.errors import DecodeError, Disconnected, RequestId
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.subscriptions import Subscriber
from tradegame.controller.websocket.timers import Timers
from tradegame.controller.websocket.transport import WebSocket
from tradegame.core.admission.budgets import ANSWER_BYTES, REFUSED
from tradegame.core.use_cases.clients import Client
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.protocol.closing import ABUSE, BINARY, GOING_AWAY, HEARTBEAT_LOST, INTERNAL, NO_HELLO
from tradegame.protocol.errors import BadRequestError, RateLimitedError
from tradegame.utils.errors import log_fault

HELLO_S = 10.0
"""How long after the handshake the first ``hello`` may take."""
MOMENT_S = 0.001
"""A heartbeat that is due in less is due now: the rest may be less than the clock can move by."""
BAD_REQUESTS_IN_A_ROW = 20
IN_FLIGHT = 64
"""Commands of one connection that may be unanswered; after that its frames wait in its socket."""


@define(eq=False)
class Connection:
    """Serves one WebSocket until either side ends it.

    ``frames_in`` counts its messages; ``closed_with`` is the close code it ended with, whoever's, once it has.
    """

    websocket: WebSocket
    client: Client
    dispatcher: Dispatcher
    hub: Hub
    heartbeat_s: float
    timers: Timers
    frames_in: int = field(default=0, init=False)
    closed_with: int = field(default=GOING_AWAY, init=False)
    _subscriber: Subscriber = field(init=False)
    _nursery: trio.Nursery | None = field(default=None, init=False)
    _ending: tuple[int, str] | None = field(default=None, init=False)
    _bad: int = field(default=0, init=False)
    _pause_s: float = field(default=0.0, init=False)
    _waiting: Awaitable[None] | None = field(default=None, init=False)
    _room: trio.Event | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        socket = self.websocket
        self._subscriber = Subscriber(self.client, socket.outbox, self.end, socket.ping, socket.silent_s)

    def end(self, code: int, reason: str) -> None:
        """Close the connection with this code; the first one to say so is heard. Never waits."""
        if self._ending is None:
            self._ending = code, reason
            self.websocket.begin_close(code, reason)  # from here on the client is shown nothing more
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def run(self) -> None:
        """Serve until the end, then close. Raises nothing that a client can bring about."""
        self.hub.enter(self._subscriber)
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._heartbeat, name="heartbeat")
                try:
                    await self._read()
                except Disconnected as end:  # here: in the nursery's group it would be part of a circle
                    self._ending = self._ending or (end.code, end.reason)
                self._nursery.cancel_scope.cancel()
        except* Exception as faults:  # noqa: BLE001 - the connection's edge: it ends, and nothing else does
            log_fault(structlog.get_logger(), "connection_failed", faults, connection=self.client.connection)
            self._ending = INTERNAL, "internal error"
        finally:
            self.hub.leave(self._subscriber)
            self._nursery = None
            code, reason = self._ending or (GOING_AWAY, "the server is going away")
            self.closed_with = int(code)
            await self.websocket.close(code, reason)
            self._log(code, reason)
            self._subscriber.forget()

    async def _read(self) -> None:
        """One message after another. Many never come here: they are handled while this waits in ``receive``."""
        try:
            await self._read_on()
        finally:
            if self._waiting is not None:  # this was cancelled before it got there
                waiting, self._waiting = self._waiting, None
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await waiting

    async def _read_on(self) -> None:
        websocket = self.websocket
        while True:
            message = await websocket.receive(self._handle)
            if message is not None and self._handle(message):
                continue
            if self._ending is not None:  # it was ended while this frame waited, which is not handled any more
                await trio.lowlevel.checkpoint()
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                await waiting
            while self.client.in_flight >= IN_FLIGHT:
                self._room = trio.Event()
                await self._room.wait()
            if self._pause_s:
                pause_s, self._pause_s = self._pause_s, 0.0
                await trio.sleep(pause_s)

    def _handle(self, message: str | bytes) -> bool:
        """Handle a message. Returns False if something must be waited for before the next one."""
        self.frames_in += 1
        self.dispatcher.look()
        if self._ending is not None:
            return False
        if type(message) is not str:
            self.end(BINARY, "text frames only")
            return False
        try:
            request = codec.decode(message)
        except DecodeError as refused:
            self._refuse(refused)
            return not self._pause_s and self._ending is None
        self._bad = 0
        self._waiting = self.dispatcher.dispatch(self.client, request, self._reply)
        return self._waiting is None and self.client.in_flight < IN_FLIGHT and not self._pause_s

    def _refuse(self, refused: DecodeError) -> None:
        self._pause_s = self.client.frames(REFUSED)
        self.dispatcher.count(refused.error)
        self._reply(refused.id, refused.error)
        if isinstance(refused.error, BadRequestError):
            self._bad += 1
            if self._bad >= BAD_REQUESTS_IN_A_ROW:
                self.end(ABUSE, f"{self._bad} bad requests in a row")

    def _reply(self, request_id: RequestId, payload: Any) -> None:
        """Exactly one reply to a request that has an id; to one that has none, only what went wrong."""
        if self._room is not None and self.client.in_flight < IN_FLIGHT:
            self._room.set()
            self._room = None
        if isinstance(payload, RateLimitedError):
            # A refusal costs as much as an answer: a client that ignores the limit must not slow everybody down.
            self._pause_s = self.client.frames(REFUSED)
        if self.client.closed:
            return
        encoded = codec.encode_reply(request_id, payload)
        size = len(encoded) if isinstance(encoded, bytes) else sum(len(piece) for piece in encoded)
        if size >= ANSWER_BYTES:
            self.client.charge(size / ANSWER_BYTES)
        if request_id is not None or (isinstance(encoded, bytes) and encoded.startswith(b'{"id":null,"error"')):
            self.hub.post(self._subscriber, text_frame(encoded))

    async def _heartbeat(self) -> None:
        """Close a connection that says no hello in time, or gives no sign of life."""
        opened = trio.current_time()
        while self.client.signed_in is None:
            await self.timers.sleep(min(0.5, self.heartbeat_s))
            if self.client.signed_in is None and trio.current_time() - opened >= HELLO_S:
                self.end(NO_HELLO, "no hello in time")
        ping_at = trio.current_time()
        while True:
            left_s = 2 * self.heartbeat_s - self.websocket.silent_s()
            if left_s < MOMENT_S:
                self.end(HEARTBEAT_LOST, "no heartbeat")
            now = trio.current_time()
            if now >= ping_at - MOMENT_S:
                self.websocket.ping()
                ping_at = now + self.heartbeat_s
            await self.timers.sleep(
                max(min(ping_at - now, left_s), 0)
            )  # who has answered is looked at once a heartbeat

    def _log(self, code: int, reason: str) -> None:
        statistics = self.websocket.outbox.statistics()
        signed_in = self.client.signed_in
        structlog.get_logger().info(
            "connection_closed",
            connection=self.client.connection,
            address=self.client.address,
            player=None if signed_in is None else signed_in.player.id,
            code=int(code),
            reason=reason,
            frames_in=self.frames_in,
            frames_out=statistics.frames_out,
            bytes_out=statistics.bytes_out,
        )
