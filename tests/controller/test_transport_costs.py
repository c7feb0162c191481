"""What a client sends besides messages is paid by the frame, and who has nothing left is not read for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define
from trio.testing import MockClock, memory_stream_pair

from tests.controller.wire import CLOSE, PING, PONG, TEXT, Client, client, frame, serving, split_frames, upgrade
from tradegame.controller.head import parse_head
from tradegame.controller.websocket.handshake import accept
from tradegame.controller.websocket.incoming import FRAGMENTS, Pay
from tradegame.controller.websocket.transport import WebSocket
from tradegame.core.admission.budgets import FRAMES_BURST, FRAMES_PER_S, Budgets

pytestmark = pytest.mark.usefixtures("either_way")

PER_S, BURST = 20, 40


@define
class Bill:
    """Who pays without a limit, and what."""

    frames: float = 0.0

    def pay(self, frames: float) -> float:
        self.frames += frames
        return 0.0


@asynccontextmanager
async def talking(pay: Pay) -> AsyncIterator[tuple[WebSocket, Client]]:
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        websocket = await accept(nursery, ours, parse_head(upgrade()), pay=pay)
        peer = Client(theirs)
        await peer.response()
        yield websocket, peer
        nursery.cancel_scope.cancel()


def of_a_player() -> Pay:
    budgets = Budgets(PER_S, BURST)
    return lambda frames: budgets.frames("p-1", "10.0.0.1", frames)


async def receive_all(websocket: WebSocket, into: list[str | bytes | None]) -> None:
    while True:
        into.append(await websocket.receive())


async def test_a_message_comes_in_64_fragments_and_not_in_more() -> None:
    rest = FRAGMENTS - 2
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"a", fin=False) + frame(0, b"", fin=False) * rest + frame(0, b"b"))
        assert await peer.read_frame() == (TEXT, b"ab")
        await peer.send(frame(TEXT, b"a", fin=False) + frame(0, b"", fin=False) * (rest + 1) + frame(0, b"b"))
        code, reason = await peer.read_close()
        assert (code, reason) == (1009, "a message has at most 64 fragments")


@pytest.mark.parametrize(
    ("what", "data", "least"),
    [
        ("pings", frame(PING, b"p") * 500, 500),
        ("pongs", frame(PONG, b"p") * 500, 500),
        ("fragments", (frame(TEXT, b"", fin=False) + frame(0, b"x")) * 200, 400),
        ("bytes", frame(TEXT, b"x" * 16_000) * 10, 39),
    ],
)
async def test_everything_is_paid(autojump_clock: MockClock, what: str, data: bytes, least: float) -> None:
    bill, texts = Bill(), list[str | bytes | None]()
    async with talking(bill.pay) as (websocket, peer), trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, websocket, texts)
        await peer.stream.send_all(data)
        await trio.testing.wait_all_tasks_blocked()
        assert bill.frames >= least - 1, "what is left is paid with what comes next"
        nursery.cancel_scope.cancel()


async def test_a_message_in_tiny_segments_costs_one_a_segment(autojump_clock: MockClock) -> None:
    bill, texts = Bill(), list[str | bytes | None]()
    async with talking(bill.pay) as (websocket, peer), trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, websocket, texts)
        for byte in frame(TEXT, b"x" * 200):
            await peer.stream.send_all(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()
        assert texts == ["x" * 200]
        assert bill.frames >= 200
        nursery.cancel_scope.cancel()


async def test_a_plain_message_costs_next_to_nothing_here(autojump_clock: MockClock) -> None:
    bill, texts = Bill(), list[str | bytes | None]()
    async with talking(bill.pay) as (websocket, peer), trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, websocket, texts)
        for _ in range(100):
            await peer.stream.send_all(frame(TEXT, b"x" * 100))
            await trio.testing.wait_all_tasks_blocked()
        assert len(texts) == 100
        assert bill.frames < 4
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("data", [frame(PING, b"p"), frame(PONG), frame(TEXT, b"", fin=False) + frame(0, b"")])
async def test_a_flood_is_read_at_the_pace_that_is_paid(autojump_clock: MockClock, data: bytes) -> None:
    """For a minute as much as the sockets take: what is read is what the budget has, whatever it is."""
    taken = 0
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        websocket = await accept(nursery, ours, parse_head(upgrade()), pay=of_a_player())
        await Client(theirs).response()
        nursery.start_soon(receive_all, websocket, [])
        begun = trio.current_time()
        while trio.current_time() - begun < 60:
            if not ours.receive_stream._incoming._data:  # type: ignore[attr-defined] - all is read: more
                await theirs.send_all(data * 100)
                taken += len(data) * 100
            await trio.sleep(0.01)
        frames_of_data = 2 if len(data) > 10 else 1
        taken -= len(websocket._buffer)
        assert taken / len(data) * frames_of_data <= FRAMES_BURST + PER_S + 61 * (FRAMES_PER_S + PER_S) + 8_192
        nursery.cancel_scope.cancel()


async def test_who_was_told_to_go_and_goes_on_sending_pays_for_it(autojump_clock: MockClock) -> None:
    bill = Bill()
    async with talking(bill.pay) as (websocket, peer):
        await peer.stream.send_all(frame(PING, b"p") * 3_000)
        await websocket.close(4500, "go")
    assert bill.frames >= 1_000


async def test_while_it_waits_it_is_not_taken_for_silent(autojump_clock: MockClock) -> None:
    async with talking(lambda frames: 3.0) as (websocket, peer), trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, websocket, [])
        await peer.stream.send_all(frame(PING, b"p") * 10)
        for _ in range(25):
            await trio.sleep(1)
            assert websocket.silent_s() <= 3.0
        nursery.cancel_scope.cancel()


async def test_a_ping_is_answered_with_what_it_bears_between_the_fragments_of_a_message() -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"a", fin=False) + frame(PING, b"between") + frame(0, b"b") + frame(PING))
        frames = [await peer.read_frame() for _ in range(3)]
        assert frames == [(PONG, b"between"), (TEXT, b"ab"), (PONG, b"")]
        await peer.send(frame(CLOSE, b"\x03\xe8"))
        rest, left = split_frames(await peer.read_to_end())
        assert [opcode for opcode, _ in rest] == [CLOSE]
        assert left == b""
