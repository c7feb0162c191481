"""The WebSocket over real sockets, against clients that follow the protocol and clients that do not."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock, memory_stream_pair
from websockets.sync.client import ClientConnection, connect

from tests.controller.wire import (
    BINARY,
    CLOSE,
    HANGS_S,
    PING,
    PONG,
    TEXT,
    Client,
    client,
    echo,
    frame,
    serving,
    split_frames,
    until,
    upgrade,
)
from tradegame.controller.head import parse_head
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.handshake import accept
from tradegame.controller.websocket.transport import WebSocket

pytestmark = pytest.mark.usefixtures("either_way")

LIMIT = 16_384
UNICODE = "Grüße, 市場 🌾"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 4095, 8192, LIMIT])
async def test_a_text_of_any_allowed_size_comes_through(size: int) -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"x" * size))
        assert await peer.read_frame() == (TEXT, b"x" * size)


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04", b"\x00\x00\x00\x80"])
async def test_any_masking_key_is_undone(key: bytes) -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, UNICODE.encode(), key=key))
        assert await peer.read_frame() == (TEXT, UNICODE.encode())


async def test_frames_chopped_into_single_bytes_are_put_together() -> None:
    data = (
        frame(TEXT, UNICODE.encode())
        + frame(TEXT, b"to", fin=False)
        + frame(PING, b"mid")
        + frame(0, b"gether")
        + frame(TEXT, b"y" * 130)
    )
    async with serving() as served, client(served.port) as peer:
        for i in range(len(data)):
            await peer.send(data[i : i + 1])
            await trio.lowlevel.checkpoint()
        assert [await peer.read_frame() for _ in range(4)] == [
            (TEXT, UNICODE.encode()),
            (PONG, b"mid"),
            (TEXT, b"together"),
            (TEXT, b"y" * 130),
        ]


async def test_many_frames_of_every_kind_in_one_segment_are_answered_in_order() -> None:
    data = b"".join(
        frame(TEXT, b"a%d" % i)
        + frame(PING, b"p%d" % i)
        + frame(TEXT, b"b%d" % i, fin=False)
        + frame(0, b"", fin=False)
        + frame(0, b"-end")
        + frame(PONG, b"unasked")
        for i in range(40)
    )
    async with serving() as served, client(served.port) as peer:
        await peer.send(data)
        for i in range(40):
            assert await peer.read_frame() == (TEXT, b"a%d" % i)
            assert await peer.read_frame() == (PONG, b"p%d" % i)
            assert await peer.read_frame() == (TEXT, b"b%d-end" % i)


async def test_a_frame_that_came_with_the_handshake_is_not_lost() -> None:
    async with serving() as served, await trio.open_tcp_stream("127.0.0.1", served.port) as stream:
        peer = Client(stream)
        await peer.send(upgrade() + frame(TEXT, b"early") + frame(TEXT, b"bird")[:5])
        await peer.response()
        assert await peer.read_frame() == (TEXT, b"early")
        await peer.send(frame(TEXT, b"bird")[5:])
        assert await peer.read_frame() == (TEXT, b"bird")


async def test_a_character_split_between_two_fragments_is_put_together() -> None:
    text = "市".encode()
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, text[:1], fin=False) + frame(0, text[1:]))
        assert await peer.read_frame() == (TEXT, text)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("not masked", frame(TEXT, b"hi", key=None), 1002),
        ("not masked, long", frame(TEXT, b"x" * 300, key=None), 1002),
        ("reserved bit", frame(TEXT, b"hi", rsv=4), 1002),
        ("unknown opcode", frame(3, b"hi"), 1002),
        ("unknown control opcode", frame(11), 1002),
        ("fragmented ping", frame(PING, b"hi", fin=False), 1002),
        ("ping of 126 bytes", frame(PING, b"x" * 126), 1002),
        ("continuation of nothing", frame(0, b"hi"), 1002),
        ("message within a message", frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        ("length not in its shortest form", b"\x81\xfe\x00\x02\0\0\0\0hi", 1002),
        ("64-bit length not in its shortest form", b"\x81\xff" + bytes(7) + b"\x02\0\0\0\0hi", 1002),
        ("close with one byte", frame(CLOSE, b"\x03"), 1002),
        ("close with a code nobody may send", frame(CLOSE, b"\x03\xee"), 1002),
        ("invalid UTF-8", frame(TEXT, b"ok \xff\xfe"), 1007),
        ("invalid UTF-8 in a fragment", frame(TEXT, b"ok", fin=False) + frame(0, b"\xff"), 1007),
        ("a surrogate", frame(TEXT, b"\xed\xa0\x80"), 1007),
        ("a character cut off", frame(TEXT, "市".encode()[:2]), 1007),
        ("one byte too many", frame(TEXT, b"x" * (LIMIT + 1)), 1009),
        ("fragments too long together", frame(TEXT, b"x" * LIMIT, fin=False) + frame(0, b"x"), 1009),
        ("too many bytes in few characters", frame(TEXT, "市".encode() * 6000), 1009),
        ("the head of a gigabyte", b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0", 1009),
        ("a binary message", frame(BINARY, b"\x00\x01"), 1003),
        ("a fragmented binary message", frame(BINARY, b"\x00", fin=False) + frame(0, b"\x01"), 1003),
    ],
)
async def test_what_breaks_the_protocol_is_closed_with_its_code(name: str, data: bytes, code: int) -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"before"))
        await peer.send(data)
        assert await peer.read_frame() == (TEXT, b"before")
        closed, reason = await peer.read_close()
        assert closed == code
        assert reason
        await until(lambda: served.door.inside == 0)


async def test_an_endless_message_of_empty_fragments_is_closed() -> None:
    async with serving(frame_bytes=1000) as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 1001)
        assert (await peer.read_close())[0] == 1009


async def test_an_oversized_message_is_not_kept_in_memory_while_it_comes() -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 200_000)
        assert (await peer.read_frame())[0] == CLOSE
        assert len(served.sockets[0]._buffer) < 20_000


async def test_the_clients_close_is_answered_with_its_code_and_told() -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"last") + frame(CLOSE, b"\x03\xe9done for today"))
        assert await peer.read_frame() == (TEXT, b"last")
        assert await peer.read_frame() == (CLOSE, b"\x03\xe9done for today")
        assert await peer.read_to_end() == b""
        await until(lambda: bool(served.ends))
        end = served.ends[0]
        assert (end.code, end.reason, end.by_us) == (1001, "done for today", False)


@pytest.mark.parametrize(
    "payload", [b"", b"\x03\xe8", b"\x03\xe9bye", b"\x03\xef", b"\x0b\xb8", b"\x13\x87\xe2\x82\xac"]
)
@pytest.mark.parametrize("judged", [False, True])
async def test_a_close_is_answered_with_what_it_says(payload: bytes, judged: bool) -> None:
    """By us or by trio-websocket, which is called for what is not plain, and stays."""
    async with serving() as served, client(served.port) as peer:
        if judged:
            await peer.send(frame(TEXT, b"a", fin=False) + frame(0, b"b"))
            assert await peer.read_frame() == (TEXT, b"ab")
        await peer.send(frame(CLOSE, payload))
        assert await peer.read_frame() == (CLOSE, payload)
        assert await peer.read_to_end() == b""
        await until(lambda: bool(served.ends))
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        assert (served.ends[0].code, served.ends[0].reason) == (code, payload[2:].decode())


@pytest.mark.parametrize("payload", [b"\x03\xe8\xff", b"\x0b\xb8\xe2\x82", b"\x13\x88", b"\x03\xec", b"\x00\x00"])
async def test_a_close_that_breaks_the_protocol_is_told_so(payload: bytes) -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(CLOSE, payload))
        assert (await peer.read_close())[0] in (1002, 1007)


async def test_trio_websocket_is_there_only_for_the_handshake_and_what_is_not_plain() -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"a") + frame(PING, b"?"))
        assert [await peer.read_frame() for _ in range(2)] == [(TEXT, b"a"), (PONG, b"?")]
        assert not served.sockets[0]._judge.called
        await peer.send(frame(TEXT, b"b", fin=False) + frame(0, b"c"))
        assert await peer.read_frame() == (TEXT, b"bc")
        assert served.sockets[0]._judge.called


async def test_a_close_without_a_code_is_1005() -> None:
    async with serving() as served, client(served.port) as peer:
        await peer.send(frame(CLOSE))
        assert await peer.read_frame() == (CLOSE, b"")
        await until(lambda: bool(served.ends))
        assert served.ends[0].code == 1005


async def test_a_connection_that_breaks_is_1006() -> None:
    async with serving() as served:
        async with client(served.port):
            pass
        await until(lambda: bool(served.ends))
        assert (served.ends[0].code, served.ends[0].by_us) == (1006, False)
        await until(lambda: served.door.inside == 0)


async def test_every_receive_after_the_end_says_the_same() -> None:
    seen: list[int] = []

    async def twice(websocket: WebSocket) -> None:
        for _ in range(2):
            with pytest.raises(Disconnected) as raised:
                await websocket.receive()
            seen.append(raised.value.code)

    async with serving(twice) as served, client(served.port) as peer:
        await peer.send(frame(CLOSE, b"\x0f\xa0"))
        await until(lambda: len(seen) == 2)
    assert seen == [4000, 4000]


async def close_at_once(websocket: WebSocket, code: int = 4500, reason: str = "stop") -> None:
    await websocket.close(code, reason)


async def test_the_servers_close_says_code_and_reason_and_may_be_said_twice() -> None:
    async with serving(close_at_once) as served, client(served.port) as peer:
        assert await peer.read_close() == (4500, "stop")


async def test_a_long_reason_is_cut_between_characters() -> None:
    async with serving(partial(close_at_once, reason="市" * 100)) as served, client(served.port) as peer:
        assert await peer.read_close() == (4500, "市" * 41)


async def test_what_was_sent_before_a_close_arrives_before_it() -> None:
    async def talk(websocket: WebSocket) -> None:
        for i in range(100):
            websocket.outbox.put(text_frame(b"%d" % i * 300))
        await websocket.close(1001, "going away")

    async with serving(talk) as served, client(served.port) as peer:
        for i in range(100):
            assert await peer.read_frame() == (TEXT, b"%d" % i * 300)
        assert await peer.read_close() == (1001, "going away")


async def test_what_the_client_sends_after_our_close_is_dropped_until_its_own() -> None:
    async with serving(close_at_once) as served, client(served.port) as peer:
        assert (await peer.read_frame())[0] == CLOSE
        late = frame(TEXT, b"x" * 10_000) + frame(PING, b"?") + frame(TEXT, b"y", fin=False) + frame(CLOSE, b"\x11\x94")
        await peer.send(late[:7000])
        await peer.send(late[7000:])
        assert await peer.read_to_end() == b""


async def test_closing_while_another_task_receives_ends_that_with_our_code() -> None:
    ends: list[Disconnected] = []

    async def talk(websocket: WebSocket) -> None:
        async def receive() -> None:
            try:
                await websocket.receive()
            except Disconnected as end:
                ends.append(end)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await websocket.close(4501, "kicked")

    async with serving(talk) as served, client(served.port) as peer:
        assert await peer.read_close() == (4501, "kicked")
        await until(lambda: bool(ends))
        assert (ends[0].code, ends[0].by_us) == (4501, True)


async def test_a_close_takes_no_longer_than_it_may_with_a_peer_that_does_not_answer() -> None:
    took: list[float] = []

    async def talk(websocket: WebSocket) -> None:
        began = trio.current_time()
        await websocket.close(4002, "no heartbeat", within_s=0.1)
        took.append(trio.current_time() - began)

    async with serving(talk) as served, client(served.port) as peer:
        await until(lambda: bool(took))
        assert took[0] < HANGS_S / 2
        assert await peer.read_to_end() == b"\x88\x0e\x0f\xa2no heartbeat"


async def test_a_close_takes_no_longer_than_it_may_with_a_peer_that_never_reads() -> None:
    took: list[float] = []

    async def talk(websocket: WebSocket) -> None:
        while websocket.outbox.empty:
            websocket.send(text_frame(b"x" * 10_000))
        began = trio.current_time()
        await websocket.close(1001, "going away", within_s=0.1)
        took.append(trio.current_time() - began)

    async with serving(talk) as served, client(served.port):
        await until(lambda: bool(took))
        assert took[0] < HANGS_S / 2
        await until(lambda: served.door.inside == 0)


async def test_a_close_is_not_cut_short_by_cancellation() -> None:
    async def talk(websocket: WebSocket) -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await websocket.close(4000, "cancelled")

    async with serving(talk) as served, client(served.port) as peer:
        assert await peer.read_close() == (4000, "cancelled")


async def test_a_client_that_never_reads_is_closed_with_4001_and_the_others_go_on() -> None:
    async def talk(websocket: WebSocket) -> None:
        await echo(websocket)

    async with serving(talk) as served, client(served.port) as slow, client(served.port) as quick:
        await until(lambda: len(served.sockets) == 2)
        news = [text_frame(b"%05d" % i + b"n" * 2000) for i in range(400)]
        seen = []
        for wire in news:
            for websocket in served.sockets:
                websocket.outbox.put(wire)
            for websocket in served.sockets:
                websocket.outbox.flush()
            seen.append(await quick.read_frame())
        assert [text_frame(payload) for _, payload in seen] == news
        stuck = served.sockets[0]
        assert stuck.outbox.overflowed
        await until(lambda: bool(served.ends))  # the slow one's own second runs out
        assert (served.ends[0].code, served.ends[0].by_us) == (4001, True)
        await quick.send(frame(TEXT, b"still here"))
        assert await quick.read_frame() == (TEXT, b"still here")
        received, _ = split_frames(await slow.read_to_end())
        texts = [text_frame(payload) for opcode, payload in received if opcode == TEXT]
        assert texts == news[: len(texts)]


async def test_a_slow_client_that_reads_in_time_sees_whole_frames_and_then_4001() -> None:
    async with serving() as served, client(served.port) as slow:
        await until(lambda: len(served.sockets) == 1)
        websocket = served.sockets[0]
        count = 0
        while not websocket.outbox.overflowed:
            websocket.send(text_frame(b"%06d" % count + b"n" * 1500))
            count += 1
        received, torn = split_frames(await slow.read_to_end())
        assert torn == b""
        assert received.pop() == (CLOSE, b"\x0f\xa1reads too slowly")
        assert [int(payload[:6]) for _, payload in received] == list(range(len(received)))
        assert 0 < len(received) < count
        # What it had was its own half of the bound, and the kernel's.
        assert websocket.outbox.statistics().queued_bytes == 0


async def test_a_flood_of_pings_that_nobody_reads_the_answers_to_ends_at_the_bound() -> None:
    async with serving(outbox_bytes=20_000) as served, client(served.port) as peer:
        flood = frame(PING, b"x" * 125) * 100
        with contextlib.suppress(trio.BrokenResourceError):  # the server closes the socket
            while True:
                await peer.send(flood)
        assert (await _only(served.ends)).code == 4001


async def test_an_overflow_in_the_midst_of_a_read_ends_the_receive_there(autojump_clock: MockClock) -> None:
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        websocket = await accept(nursery, ours, parse_head(upgrade()), outbox_bytes=5000)
        await Client(theirs).response()
        ours.send_stream.send_all_hook = trio.sleep_forever
        await theirs.send_all(frame(PING, b"x" * 125) * 60)  # their answers pass the bound; then silence
        with trio.fail_after(0.5), pytest.raises(Disconnected) as raised:
            await websocket.receive()
        assert (raised.value.code, raised.value.by_us) == (4001, True)
        await websocket.close(1000, "", within_s=0.1)
        nursery.cancel_scope.cancel()  # this send does not even end when its stream is closed


async def _only(ends: list[Disconnected]) -> Disconnected:
    await until(lambda: bool(ends))
    return ends[0]


async def test_any_frame_is_a_sign_of_life_and_a_ping_is_answered() -> None:
    async with serving() as served, client(served.port) as peer:
        await until(lambda: len(served.sockets) == 1)
        websocket = served.sockets[0]
        websocket.ping()
        assert await peer.read_frame() == (PING, b"")
        await until(lambda: websocket.silent_s() > 0.1)
        await peer.send(frame(PONG))
        await until(lambda: websocket.silent_s() < 0.1)


async def test_a_receive_that_is_cancelled_loses_nothing() -> None:
    async def talk(websocket: WebSocket) -> None:
        with trio.move_on_after(0.05):
            await websocket.receive()
        websocket.send(text_frame(b"patience"))
        await echo(websocket)

    async with serving(talk) as served, client(served.port) as peer:
        await peer.send(frame(TEXT, b"half a frame")[:6])
        assert await peer.read_frame() == (TEXT, b"patience")
        await peer.send(frame(TEXT, b"half a frame")[6:])
        assert await peer.read_frame() == (TEXT, b"half a frame")


async def test_who_is_cancelled_says_goodbye_if_the_socket_takes_it_at_once() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    theirs = await trio.testing.open_stream_to_socket_listener(listeners[0])
    ours, peer = await listeners[0].accept(), Client(theirs)
    async with listeners[0], trio.open_nursery() as nursery:
        await accept(nursery, ours, parse_head(upgrade()))
        await peer.response()
        nursery.cancel_scope.cancel()
    assert await peer.read_close() == (1001, "the server is going away")
    await theirs.aclose()


async def test_cancelling_the_nursery_closes_the_socket() -> None:
    ours, theirs = memory_stream_pair()
    peer = Client(theirs)
    async with trio.open_nursery() as nursery:
        await accept(nursery, ours, parse_head(upgrade()))
        await peer.response()
        nursery.cancel_scope.cancel()
    assert await peer.read_to_end() == b""
    with pytest.raises(trio.ClosedResourceError):
        await ours.send_all(b"x")


async def test_it_works_on_a_stream_that_is_no_socket() -> None:
    ours, theirs = memory_stream_pair()
    peer = Client(theirs)
    async with trio.open_nursery() as nursery:
        websocket = await accept(nursery, ours, parse_head(upgrade()))
        await peer.response()
        await peer.send(frame(TEXT, b"hello") + frame(PING, b"?"))
        assert await websocket.receive() == "hello"
        websocket.send(text_frame(b"world"))
        assert await peer.read_frame() == (TEXT, b"world")
        nursery.start_soon(websocket.close, 1001, "going away")
        assert await peer.read_close() == (1001, "going away")
        with pytest.raises(Disconnected):
            await websocket.receive()


async def test_a_client_that_takes_no_answer_to_its_handshake_is_given_up() -> None:
    ours, _theirs = memory_stream_pair()

    async def never(data: object) -> None:
        await trio.sleep_forever()

    ours.send_all = never  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        websocket = await accept(nursery, ours, parse_head(upgrade()), within_s=0.1)
        with trio.fail_after(HANGS_S):
            await websocket.close(1000, "", within_s=0.1)
        nursery.cancel_scope.cancel()


def talk_like_a_library(port: int) -> list[str]:
    """A session with the websockets library, in a thread."""
    peer: ClientConnection
    with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=["tradegame.v1"], compression=None) as peer:  # type: ignore[list-item]
        assert peer.subprotocol == "tradegame.v1"
        peer.send(UNICODE)
        heard = [str(peer.recv(timeout=HANGS_S))]
        peer.send(iter(["in ", "three ", "pieces"]))
        assert peer.ping().wait(HANGS_S)
        heard.append(str(peer.recv(timeout=HANGS_S)))
    assert peer.close_code == 1000
    return heard


async def test_the_websockets_library_gets_along_with_it() -> None:
    async with serving() as served:
        with trio.fail_after(HANGS_S):
            heard = await trio.to_thread.run_sync(talk_like_a_library, served.port)
        assert heard == [UNICODE, "in three pieces"]
        await until(lambda: bool(served.ends))
        assert served.ends[0].code == 1000
