"""A connection that is ended hears nothing more, however much of it has been read already."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import trio
from trio.testing import MockClock

from tradegame.controller.websocket.connection import Connection
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.outbox import OutboxStatistics
from tradegame.controller.websocket.timers import Timers
from tradegame.core.admission.budgets import Budgets
from tradegame.core.membership.presence import Presence
from tradegame.core.use_cases.clients import Client


class Socket:
    """A WebSocket with frames that came together, and are had without waiting."""

    def __init__(self, frames: list[str]) -> None:
        self.frames = frames
        self.last_received = trio.current_time()
        nothing = OutboxStatistics(0, 0, 0, 0, False, False)
        self.outbox: Any = SimpleNamespace(statistics=lambda: nothing)
        self.goodbye: tuple[int, str] | None = None
        self.closed: list[tuple[int, str]] = []

    def begin_close(self, code: int, reason: str) -> None:
        self.goodbye = self.goodbye or (code, reason)

    async def receive(self, handle: object) -> str:
        if not self.frames:
            await trio.sleep_forever()
        return self.frames.pop(0)

    def ping(self) -> None:
        pass

    def silent_s(self) -> float:
        return trio.current_time() - self.last_received

    async def close(self, code: int, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        self.closed.append((code, reason))


class Dispatcher:
    """Finds at the third frame that the process stood still."""

    def __init__(self, hub: Hub, socket: Socket) -> None:
        self.hub = hub
        self.socket = socket
        self.goodbyes: list[tuple[int, str] | None] = []
        self.looked = 0
        self.heard: list[Any] = []

    def look(self) -> None:
        self.looked += 1
        if self.looked == 3:
            for subscriber in list(self.hub.roster.subscribers.values()):
                subscriber.end(1001, "this node stood still")
            self.goodbyes = [self.socket.goodbye]

    def dispatch(self, client: Client, request: Any, reply: Any) -> None:
        self.heard.append(request)


async def test_frames_that_were_read_before_the_node_found_that_it_stood_still_are_not_heard() -> None:
    socket = Socket(['{"op": "ping"}'] * 10)
    hub = Hub(Presence(), None, "east", 8)  # type: ignore[arg-type]
    dispatcher = Dispatcher(hub, socket)
    client = Client("c1", "::1", Budgets(1, 1), 0)
    with trio.fail_after(60):
        await Connection(socket, client, dispatcher, hub, 20, Timers()).run()  # type: ignore[arg-type]
    assert len(dispatcher.heard) == 2
    assert len(socket.frames) == 7
    assert socket.closed == [(1001, "this node stood still")]
    assert dispatcher.goodbyes == [(1001, "this node stood still")], (
        "nothing can be shown between the end and its close"
    )


class Handled(Socket):
    """Has its one frame handled while its reader waits, as the poller does, and never comes back."""

    async def receive(self, handle: Any) -> str:
        handle(self.frames.pop())
        await trio.sleep_forever()
        raise AssertionError("it slept for ever")


class Waits(Dispatcher):
    """Of every request something must be waited for."""

    begun = 0

    def dispatch(self, client: Client, request: Any, reply: Any) -> Any:
        async def wait() -> None:
            self.begun += 1
            await trio.sleep_forever()

        return wait()


async def test_what_was_to_be_waited_for_when_a_connection_is_cancelled_is_begun_and_cancelled(
    autojump_clock: MockClock,
) -> None:
    """A coroutine that is never awaited is a warning in the log."""
    socket = Handled(['{"op": "ping"}'])
    hub = Hub(Presence(), None, "east", 8)  # type: ignore[arg-type]
    dispatcher = Waits(hub, socket)
    client = Client("c1", "::1", Budgets(1, 1), 0)
    with trio.move_on_after(1):
        await Connection(socket, client, dispatcher, hub, 20, Timers()).run()  # type: ignore[arg-type]
    assert dispatcher.begun == 1
