"""The outbox over a sink that takes as much as it is told to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from tests.controller.wire import split_frames
from tradegame.controller.backlog import Backlog
from tradegame.controller.websocket.frames import close_frame, text_frame
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.sink import SocketSink, StreamSink


@define
class Valve:
    """A sink that takes ``room`` bytes, and then no more until there is more room."""

    direct: bool = True
    room: int = 1 << 30
    writes: list[bytes] = field(factory=list)
    error: OSError | None = None
    opened: trio.Event = field(factory=trio.Event)

    def try_write(self, data: bytes | memoryview) -> int:
        if self.error is not None:
            raise self.error
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        if taken:
            self.writes.append(taken)
        return len(taken)

    def try_write_all_of(self, pieces: Sequence[bytes | memoryview]) -> int:
        return self.try_write(b"".join(pieces))

    async def wait_writable(self) -> None:
        while not self.room and self.error is None:
            await self.opened.wait()

    def let(self, room: int) -> None:
        self.room += room
        self.opened.set()
        self.opened = trio.Event()

    async def send_all(self, data: bytes | memoryview) -> None:
        while data:
            await self.wait_writable()
            data = data[self.try_write(data) :]

    async def read(self) -> bytes:
        raise NotImplementedError

    @property
    def out(self) -> bytes:
        return b"".join(self.writes)


def outbox_of(
    sink: Valve, limit: int = 100_000, on_overflow: Callable[[], None] = lambda: None, backlog: Backlog | None = None
) -> Outbox:
    return Outbox(sink, limit, on_overflow, backlog)


def test_put_alone_moves_nothing_and_flush_sends_all_in_one_write() -> None:
    sink = Valve()
    outbox = outbox_of(sink)
    for payload in (b"one", b"two", b"three"):
        outbox.put(text_frame(payload))
    assert sink.writes == []
    outbox.flush()
    assert sink.writes == [text_frame(b"one") + text_frame(b"two") + text_frame(b"three")]
    assert outbox.statistics().frames_out == 3
    assert outbox.empty


def test_a_frame_is_shown_at_once_only_where_nothing_waits() -> None:
    sink = Valve()
    outbox = outbox_of(sink)
    assert outbox.show(text_frame(b"one"))
    outbox.put(text_frame(b"two"))
    assert not outbox.show(text_frame(b"three"))
    assert sink.writes == [text_frame(b"one")]
    outbox.flush()
    assert outbox.show(text_frame(b"three"))
    assert [payload for _, payload in split_frames(sink.out)[0]] == [b"one", b"two", b"three"]
    statistics = outbox.statistics()
    assert (statistics.frames_out, statistics.bytes_out) == (3, len(sink.out))
    outbox.close()
    assert not outbox.show(text_frame(b"late"))


@pytest.mark.parametrize("room", [0, 4])
async def test_what_is_left_of_a_frame_that_was_shown_is_the_writers_and_counts(room: int) -> None:
    backlog = Backlog()
    sink = Valve(room=room)
    outbox = outbox_of(sink, backlog=backlog)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run_writer)
        await wait_all_tasks_blocked()
        assert outbox.show(text_frame(b"first"))
        assert backlog.total == len(text_frame(b"first"))
        assert not outbox.show(text_frame(b"second"))
        outbox.put(text_frame(b"second"))
        outbox.flush()
        sink.let(100)
        outbox.finish()
    assert split_frames(sink.out) == ([(1, b"first"), (1, b"second")], b"")
    assert backlog.total == 0


def test_a_socket_that_breaks_while_a_frame_is_shown_is_the_writers_to_report() -> None:
    outbox = outbox_of(Valve(error=BrokenPipeError()))
    assert outbox.show(text_frame(b"lost"))
    assert outbox.broken


async def test_what_the_socket_does_not_take_is_sent_by_the_writer_in_order() -> None:
    sink = Valve(room=4)
    outbox = outbox_of(sink)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run_writer)
        for payload in (b"first", b"second", b"third"):
            outbox.put(text_frame(payload))
            outbox.flush()
        await wait_all_tasks_blocked()
        assert sink.out == text_frame(b"first")[:4]
        sink.let(9)
        await wait_all_tasks_blocked()
        sink.let(100)
        outbox.finish()
    assert split_frames(sink.out) == ([(1, b"first"), (1, b"second"), (1, b"third")], b"")


async def test_a_full_socket_is_not_tried_again_before_the_writer_has_seen_it_writable() -> None:
    sink = Valve(room=3)
    outbox = outbox_of(sink)
    outbox.put(text_frame(b"abcdef"))
    outbox.flush()
    sink.room = 100
    outbox.put(text_frame(b"later"))
    outbox.flush()
    assert sink.out == text_frame(b"abcdef")[:3]
    assert outbox.statistics().queued_frames == 2


async def test_an_overflow_drops_all_but_the_half_sent_frame_and_the_last_word_follows_that() -> None:
    calls: list[int] = []
    sink = Valve(room=10)
    outbox = outbox_of(sink, 1000, lambda: calls.append(1))
    half = text_frame(b"h" * 50)
    outbox.put(half)
    outbox.flush()
    for _ in range(40):
        outbox.put(text_frame(b"x" * 40))
        outbox.flush()
    assert calls == [1]
    assert outbox.overflowed
    outbox.finish(close_frame(4001, "slow"))
    outbox.put(text_frame(b"too late"))
    sink.let(10_000)
    with trio.fail_after(60):
        await outbox.run_writer()
    assert sink.out == half + close_frame(4001, "slow")


def test_the_bound_is_not_passed_while_the_socket_takes_what_waits() -> None:
    sink = Valve()
    outbox = outbox_of(sink, 1000)
    for _ in range(100):
        outbox.put(text_frame(b"x" * 100))
    assert not outbox.overflowed


async def test_empty_frames_do_not_escape_the_bound() -> None:
    outbox = outbox_of(Valve(room=0), 10_000)
    for _ in range(1000):
        outbox.put(text_frame(b""))
    assert outbox.overflowed


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), ConnectionResetError(), OSError(9, "Bad file descriptor"), TimeoutError()]
)
async def test_a_socket_error_never_reaches_who_flushes_and_always_the_writer(error: OSError) -> None:
    outbox = outbox_of(Valve(error=error))
    outbox.put(text_frame(b"lost"))
    outbox.flush()
    assert outbox.broken
    outbox.put(text_frame(b"more"))
    outbox.flush()
    assert outbox.statistics().queued_bytes == 0
    with pytest.raises(trio.BrokenResourceError):
        await outbox.run_writer()


async def test_the_sleeping_writer_learns_of_a_socket_that_broke_in_a_flush() -> None:
    sink = Valve()
    outbox = outbox_of(sink)
    with pytest.RaisesGroup(trio.BrokenResourceError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.run_writer)
            await wait_all_tasks_blocked()
            sink.error = BrokenPipeError()
            outbox.put(text_frame(b"lost"))
            outbox.flush()
            await trio.sleep_forever()


async def test_after_close_nothing_goes_and_nothing_is_kept() -> None:
    sink = Valve(room=0)
    outbox = outbox_of(sink)
    outbox.put(text_frame(b"waits"))
    outbox.close()
    outbox.put(text_frame(b"late"))
    outbox.flush()
    outbox.finish(close_frame(1000, ""))
    assert outbox.empty
    with trio.fail_after(60):
        await outbox.run_writer()
    assert sink.writes == []


@given(
    st.lists(st.binary(max_size=300), max_size=30),
    st.lists(st.integers(1, 400), min_size=1, max_size=60),
    st.integers(50, 4000),
)
def test_however_the_socket_takes_it_the_client_sees_whole_frames_in_order(
    payloads: list[bytes], rooms: list[int], limit: int
) -> None:
    async def play() -> None:
        sink = Valve(room=0)
        outbox = outbox_of(sink, limit)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.run_writer)
            for i, payload in enumerate(payloads):
                outbox.put(text_frame(payload))
                if i % 2:
                    outbox.flush()
                if i % 3 == 0:
                    sink.let(rooms[i % len(rooms)])
                    await trio.lowlevel.checkpoint()
            outbox.finish(close_frame(1000, "end"))
            for room in rooms:
                sink.let(room)
                await trio.lowlevel.checkpoint()
            sink.let(1 << 20)
        seen, torn = split_frames(sink.out)
        assert torn == b""
        assert seen.pop()[0] == 8
        expected = [(1, payload) for payload in payloads]
        assert seen == (expected[: len(seen)] if outbox.overflowed else expected)

    trio.run(play)


async def test_a_stream_without_a_descriptor_gets_everything_through_the_writer() -> None:
    ours, theirs = memory_stream_pair()
    outbox = Outbox(StreamSink(ours), 100_000, lambda: None)
    payloads = [b"%d" % i * 700 for i in range(30)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run_writer)
        for payload in payloads:
            outbox.put(text_frame(payload))
        outbox.flush()
        outbox.finish()
    await ours.send_eof()
    data = b""
    while chunk := await theirs.receive_some():
        data += chunk
    assert split_frames(data) == ([(1, payload) for payload in payloads], b"")


async def test_a_closed_stream_is_never_written_to_through_a_number_that_another_has_got() -> None:
    left, right = socket.socketpair()
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(left))
    outbox = Outbox(SocketSink(stream), 1000, lambda: None)
    number = stream.socket.fileno()
    await stream.aclose()
    other, peer = socket.socketpair()
    with right, other, peer:
        assert number in (other.fileno(), peer.fileno()), "the number is in use again"
        outbox.put(text_frame(b"misdirected"))
        outbox.flush()
        assert outbox.broken
        for end in (other, peer):
            end.setblocking(False)
            with pytest.raises(BlockingIOError):
                end.recv(1)


# The frame in hand


@pytest.mark.parametrize("direct", [True, False])
async def test_a_frame_larger_than_the_bound_reaches_a_client_that_reads(direct: bool) -> None:
    sink = Valve(direct=direct, room=1_000)
    outbox = outbox_of(sink, 10_000)
    frames = [text_frame(b"%d" % number * 60_000) for number in range(5)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.run_writer)
        for frame in frames:
            outbox.put(frame)
            outbox.flush()
            while not outbox.empty:  # the client reads, slowly
                await wait_all_tasks_blocked()
                sink.let(7_000)
        outbox.finish()
    assert sink.out == b"".join(frames)
    assert not outbox.overflowed


async def test_besides_the_frame_in_hand_the_bound_holds() -> None:
    outbox = outbox_of(Valve(room=0), 10_000)
    outbox.put(text_frame(b"x" * 100_000))
    outbox.put(text_frame(b"y" * 9_000))
    assert not outbox.overflowed
    assert not outbox.offer(text_frame(b"z" * 9_000))
    assert not outbox.overflowed
    outbox.put(text_frame(b"z" * 9_000))
    assert outbox.overflowed


async def test_a_frame_through_a_stream_goes_in_records() -> None:
    sink = Valve(direct=False)
    outbox = outbox_of(sink, 10_000)
    outbox.put((b"a" * 40_000, b"b" * 10, b"c" * 30_000))
    outbox.finish()
    await outbox.run_writer()
    assert [len(record) for record in sink.writes] == [16_384] * 4 + [70_010 - 4 * 16_384]
    assert outbox.statistics().frames_out == 1


async def test_a_frame_in_pieces_is_not_torn_by_an_overflow() -> None:
    sink = Valve(room=7)
    outbox = outbox_of(sink, 1_000)
    pieces = (text_frame(b"x" * 100)[:2], b"x" * 60, b"x" * 40)
    outbox.put(pieces)
    outbox.flush()
    outbox.put(b"y" * 1_100)
    assert outbox.overflowed
    outbox.finish(close_frame(4001, "slow"))
    sink.let(10_000)
    await outbox.run_writer()
    assert sink.out == b"".join(pieces) + close_frame(4001, "slow")


@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), max_size=20),
    st.lists(st.integers(1, 400), min_size=1, max_size=60),
    st.booleans(),
)
def test_frames_in_pieces_arrive_whole_and_in_order(parts: list[list[bytes]], rooms: list[int], direct: bool) -> None:
    wires = [text_frame(tuple(pieces)) if len(pieces) > 1 else text_frame(pieces[0]) for pieces in parts]

    async def play() -> None:
        sink, backlog = Valve(direct=direct, room=0), Backlog()
        outbox = outbox_of(sink, 1_000_000, backlog=backlog)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.run_writer)
            for i, wire in enumerate(wires):
                outbox.put(wire)
                outbox.flush()
                sink.let(rooms[i % len(rooms)])
                await trio.lowlevel.checkpoint()
            outbox.finish()
            sink.let(1 << 20)
        assert split_frames(sink.out) == ([(1, b"".join(pieces)) for pieces in parts], b"")
        assert outbox.statistics().frames_out == len(wires)
        assert backlog.total == 0

    trio.run(play)


# The budget of all clients


async def test_what_clients_share_counts_once_and_what_has_gone_not_at_all() -> None:
    backlog = Backlog()
    state = b"s" * 10_000
    sinks = [Valve(room=100) for _ in range(50)]
    outboxes = [outbox_of(sink, backlog=backlog) for sink in sinks]
    for number, outbox in enumerate(outboxes):
        outbox.put((b"%04d" % number, state))
        outbox.flush()
    assert backlog.total == 10_000 + 50 * 4
    for sink, outbox in zip(sinks, outboxes, strict=True):
        outbox.finish()
        sink.let(20_000)
        await outbox.run_writer()
    assert backlog.total == 0


async def test_who_reads_at_once_costs_the_budget_nothing() -> None:
    backlog = Backlog(limit=10)
    outbox = outbox_of(Valve(), backlog=backlog)
    for _ in range(100):
        outbox.put(b"x" * 1_000)
        outbox.flush()
    assert not outbox.overflowed


async def test_over_the_budget_who_holds_most_and_has_not_read_for_longest_is_closed(
    autojump_clock: MockClock,
) -> None:
    backlog, closed = Backlog(limit=100_000), list[str]()

    def client(name: str, held: int) -> tuple[Valve, Outbox]:
        sink = Valve(room=1)
        outbox = outbox_of(sink, 1 << 20, lambda: closed.append(name), backlog)
        outbox.put(name.encode() * held)
        outbox.flush()
        return sink, outbox

    reading, reader = client("r", 40_000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.run_writer)
        client("s", 2_000)
        client("h", 30_000)
        client("o", 20_000)
        for _ in range(10):
            await trio.sleep(1)
            reading.let(10)
        await wait_all_tasks_blocked()
        client("n", 15_000)
        assert closed == ["h"]
        assert backlog.closed == 1
        assert backlog.total <= 90_000
        reading.let(1 << 20)
        reader.finish()
