"""One task reads for all: in turns, until there is something to wait for, and a fault is the connection's alone."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.controller.wire import BINARY, CLOSE, HANGS_S, PING, PONG, TEXT, client, frame, serving, until
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.incoming import Incoming
from tradegame.controller.websocket.poller import Poller
from tradegame.controller.websocket.transport import WebSocket

pytestmark = pytest.mark.skipif(not hasattr(os, "eventfd"), reason="epoll is Linux's")


@asynccontextmanager
async def polling() -> AsyncIterator[Poller]:
    poller = Poller()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(poller.run)
        with trio.fail_after(HANGS_S):
            yield poller
        nursery.cancel_scope.cancel()


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


async def test_each_has_its_turn_however_much_another_sends() -> None:
    turns: list[str] = []
    with pair() as (loud, its_peer), pair() as (quiet, other_peer):

        def loud_turn() -> bool:  # reads less than there is
            turns.append("loud")
            loud.recv(1)
            return len(turns) < 100

        def quiet_turn() -> bool:
            turns.append("quiet")
            quiet.recv(1)
            return False

        async with polling() as poller, trio.open_nursery() as nursery:
            nursery.start_soon(poller.watch, loud.fileno(), loud_turn)
            nursery.start_soon(poller.watch, quiet.fileno(), quiet_turn)
            await wait_all_tasks_blocked()
            its_peer.send(b"x" * 1000)
            other_peer.send(b"x")
    assert turns.index("quiet") <= 2
    assert turns.count("loud") >= 99


async def test_what_a_turn_raises_is_raised_where_it_is_watched_and_nowhere_else() -> None:
    def fails() -> bool:
        raise ValueError("of this one")

    def once() -> bool:
        other.recv(10)
        return False

    with pair() as (one, its_peer), pair() as (other, other_peer):
        async with polling() as poller, trio.open_nursery() as nursery:
            nursery.start_soon(poller.watch, other.fileno(), once)
            its_peer.send(b"x")
            with pytest.raises(ValueError, match="of this one"):
                await poller.watch(one.fileno(), fails)
            other_peer.send(b"x")


async def test_who_is_cancelled_or_woken_is_not_watched_any_more_and_may_be_again() -> None:
    turns = 0

    def turn() -> bool:
        nonlocal turns
        turns += 1
        return False

    with pair() as (ours, theirs):
        async with polling() as poller:
            with trio.move_on_after(0):
                await poller.watch(ours.fileno(), turn)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(poller.watch, ours.fileno(), turn)
                await wait_all_tasks_blocked()
                poller.wake(ours.fileno())
                poller.wake(ours.fileno())  # nobody
            theirs.send(b"x")
            await wait_all_tasks_blocked()
            assert turns == 0
            await poller.watch(ours.fileno(), turn)
            assert turns == 1


async def test_a_turn_in_which_its_own_task_is_cancelled_is_the_last() -> None:
    scope = trio.CancelScope()
    with pair() as (ours, theirs):

        def turn() -> bool:
            scope.cancel()
            return True

        async with trio.open_nursery() as nursery, polling() as poller:
            with scope:
                theirs.send(b"x")
                await poller.watch(ours.fileno(), turn)
            assert not poller._watched
            nursery.cancel_scope.cancel()


async def test_plain_messages_do_not_wake_the_connections_own_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do the answers to pings. Everything else does, and afterwards it sleeps again."""
    taken_over = 0
    own = Incoming._take

    async def take(self: Incoming) -> str | bytes | None:
        nonlocal taken_over
        taken_over += 1
        return await own(self)

    monkeypatch.setattr(Incoming, "_take", take)
    async with serving() as served, client(served.port) as peer:
        await until(lambda: bool(served.sockets) and served.sockets[0]._handle is not None)
        for data, answer in (
            (frame(TEXT, b"one") + frame(TEXT, b"two"), [(TEXT, b"one"), (TEXT, b"two")]),
            (frame(TEXT, b"and") + frame(PONG), [(TEXT, b"and")]),
            (frame(TEXT, b"three") + frame(PING, b"?"), [(TEXT, b"three"), (PONG, b"?")]),
        ):
            await peer.send(data)
            assert [await peer.read_frame() for _ in answer] == answer
        assert taken_over == 0
        await peer.send(frame(TEXT, b"fo", fin=False) + frame(0, b"ur"))
        assert await peer.read_frame() == (TEXT, b"four")
        assert taken_over > 0
        await until(lambda: served.sockets[0]._handle is not None)
        taken_over = 0
        await peer.send(frame(TEXT, b"five"))
        assert await peer.read_frame() == (TEXT, b"five")
        assert taken_over == 0
        await peer.send(frame(BINARY, b"six"))
        assert (await peer.read_frame())[0] == CLOSE


async def test_what_it_must_wait_for_is_waited_for_before_the_next_message() -> None:
    heard: list[str] = []

    async def talk(websocket: WebSocket) -> None:
        def handle(text: str) -> bool:
            heard.append(text)
            return not text.startswith("wait")

        while True:
            message = await websocket.receive(handle)
            if message is None or not handle(str(message)):
                await trio.sleep(0.05)
                heard.append("waited")

    async with serving(talk) as served, client(served.port) as peer:
        await until(lambda: bool(served.sockets) and served.sockets[0]._handle is not None)
        await peer.send(frame(TEXT, b"a") + frame(TEXT, b"wait 1") + frame(TEXT, b"wait 2") + frame(TEXT, b"b"))
        await until(lambda: len(heard) == 6)
    assert heard == ["a", "wait 1", "waited", "wait 2", "waited", "b"]


async def test_a_handler_that_fails_ends_its_own_connection() -> None:
    failed: list[Exception] = []

    async def talk(websocket: WebSocket) -> None:
        def handle(text: str) -> bool:
            raise ValueError(text)

        try:
            await websocket.receive(handle)
        except ValueError as error:
            failed.append(error)
            await websocket.close(1011, "internal error")

    async with serving(talk) as served, client(served.port) as peer:
        await until(lambda: bool(served.sockets) and served.sockets[0]._handle is not None)
        await peer.send(frame(TEXT, b"boom"))
        assert (await peer.read_close())[0] == 1011
    assert str(failed[0]) == "boom"


async def test_a_socket_that_fails_to_be_written_to_ends_the_connection_that_sleeps() -> None:
    async with serving() as served, client(served.port) as peer:
        await until(lambda: bool(served.sockets) and served.sockets[0]._handle is not None)
        websocket = served.sockets[0]
        websocket.outbox._break()
        websocket.outbox._writer.wake()
        await until(lambda: bool(served.ends))
        assert served.ends[0].code == 1006
        await until(lambda: served.door.inside == 0)
        await peer.read_to_end()


async def test_a_close_while_it_sleeps_ends_the_sleep_with_our_code() -> None:
    async with serving() as served, client(served.port) as peer, trio.open_nursery() as nursery:
        await until(lambda: bool(served.sockets) and served.sockets[0]._handle is not None)
        nursery.start_soon(served.sockets[0].close, 4501, "kicked")
        assert await peer.read_close() == (4501, "kicked")
        await until(lambda: bool(served.ends))
        assert (served.ends[0].code, served.ends[0].by_us) == (4501, True)


async def test_one_clients_full_buffer_does_not_hold_up_another() -> None:
    """Between two answers to a flood, others are answered."""
    order: list[str] = []

    async def talk(websocket: WebSocket) -> None:
        def handle(text: str) -> bool:
            order.append(text)
            return True

        while True:
            message = await websocket.receive(handle)
            if isinstance(message, str):
                handle(message)

    async with serving(talk) as served, client(served.port) as loud, client(served.port) as quiet:
        await until(lambda: sum(each._handle is not None for each in served.sockets) == 2)
        await loud.send(frame(TEXT, b"l") * 900)
        await quiet.send(frame(TEXT, b"q"))
        await until(lambda: len(order) == 901)
    assert order.index("q") <= 100


async def test_a_disconnect_is_told_to_the_task_that_sleeps() -> None:
    ends: list[Disconnected] = []

    async def talk(websocket: WebSocket) -> None:
        try:
            await websocket.receive(lambda text: True)
        except Disconnected as end:
            ends.append(end)

    async with serving(talk) as served:
        async with client(served.port):
            await until(lambda: bool(served.sockets) and served.sockets[0]._handle is not None)
        await until(lambda: bool(ends))
    assert ends[0].code == 1006
