"""Who gives no sign of life is closed in time: at two heartbeats, and at once where there is no room for one more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.controller.test_connection_end import Socket
from tradegame.controller.websocket.connection import Connection
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.subscriptions import Subscriber
from tradegame.controller.websocket.timers import Timers
from tradegame.core.admission.budgets import Budgets
from tradegame.core.membership.presence import Presence
from tradegame.core.repositories import PlayerRecord
from tradegame.core.use_cases.clients import Client
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.errors import OverloadedError

HEARTBEAT_S = 20
ANN = SignedIn(PlayerRecord("p-ann", "ann", 0), "session", "token")


class Register:
    def put(self, connection: Any) -> None: ...

    def drop(self, connection: str) -> None: ...


class Peer(Socket):
    """A client that answers pings until it is dead, and says when its last sign of life was."""

    def __init__(self, alive: bool = True) -> None:
        super().__init__([])
        self.alive = alive
        self.pings: list[float] = []
        self.gone = trio.Event()

    async def close(self, code: int, reason: str) -> None:
        await super().close(code, reason)
        self.gone.set()

    def ping(self) -> None:
        self.pings.append(trio.current_time())
        if self.alive:
            self.last_received = trio.current_time()


class _Deaf:
    def look(self) -> None: ...


@asynccontextmanager
async def connected(*peers: Peer, most: int = 8) -> AsyncIterator[Hub]:
    """A hub that allows a player ``most`` connections, and Ann on a running connection for each of ``peers``."""
    hub = Hub(Presence(), Register(), "east", most)  # type: ignore[arg-type]
    timers = Timers()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        for number, peer in enumerate(peers):
            client = Client(f"c{number}", "::1", Budgets(20, 40), 0)
            connection = Connection(peer, client, _Deaf(), hub, HEARTBEAT_S, timers)  # type: ignore[arg-type]
            nursery.start_soon(connection.run)
            await wait_all_tasks_blocked()
            hub.welcome(client, ANN)
        yield hub
        nursery.cancel_scope.cancel()


async def one_more(hub: Hub) -> Client:
    """Another connection of Ann's, which wants room."""
    client = Client("more", "::1", Budgets(20, 40), 0)
    hub.enter(Subscriber(client, None, lambda code, reason: None))  # type: ignore[arg-type]
    await hub.make_room("p-ann")
    return client


@pytest.mark.parametrize("dies_at", [0.3, 5, 19.9, 20.1, 33, 39.9, 50.5])
async def test_a_silent_connection_is_closed_at_two_heartbeats(autojump_clock: MockClock, dies_at: float) -> None:
    peer = Peer()
    async with connected(peer):
        await trio.sleep(dies_at)
        peer.alive = False
        last = peer.last_received = trio.current_time()
        with trio.fail_after(1_000):
            await peer.gone.wait()
        assert 2 * HEARTBEAT_S <= trio.current_time() - last <= 2 * HEARTBEAT_S + 1
        assert peer.closed[0][0] == 4002


async def test_a_live_one_is_asked_once_a_heartbeat_and_costs_no_more(autojump_clock: MockClock) -> None:
    peer = Peer()
    async with connected(peer):
        await trio.sleep(HEARTBEAT_S * 50 + 1)
        assert len(peer.pings) == 51
        assert not peer.closed


async def test_what_is_left_of_a_heartbeat_may_be_too_little_for_the_clock(autojump_clock: MockClock) -> None:
    """So little that now and a sleep of it are still now: that must not be waited for again and again."""
    autojump_clock.jump(1_000_000)
    peer = Peer()
    async with connected(peer):
        await trio.sleep(1)
        assert not peer.closed
        asked = 0

        def silent_s() -> float:
            nonlocal asked
            asked += 1
            assert asked < 100
            return 2 * HEARTBEAT_S - 1e-12

        peer.silent_s = silent_s  # type: ignore[method-assign]
        await trio.sleep(HEARTBEAT_S + 1)
        assert peer.closed == [(4002, "no heartbeat")]


async def test_where_there_is_no_room_those_go_that_do_not_answer(autojump_clock: MockClock) -> None:
    peers = [Peer(alive=number < 3) for number in range(8)]
    async with connected(*peers) as hub:
        await trio.sleep(1)
        begun = trio.current_time()
        client = await one_more(hub)
        assert 1.9 <= trio.current_time() - begun <= 2.2
        hub.welcome(client, ANN)
        await trio.sleep(0.1)
        assert [bool(peer.closed) for peer in peers] == [False] * 3 + [True] * 5
        assert {peer.closed[0][0] for peer in peers[3:]} == {4002}


async def test_where_all_live_there_is_no_room(autojump_clock: MockClock) -> None:
    peers = [Peer(), Peer()]
    async with connected(*peers, most=2) as hub:
        await trio.sleep(1)
        client = await one_more(hub)
        with pytest.raises(OverloadedError):
            hub.welcome(client, ANN)
        assert not any(peer.closed for peer in peers)
