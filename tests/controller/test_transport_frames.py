"""Frames as bytes, and the transport under everything that a client could send."""

from __future__ import annotations

import contextlib

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair

from tests.controller.wire import CLOSE, TEXT, Client, frame, split_frames, upgrade
from tradegame.controller.head import parse_head
from tradegame.controller.websocket import frames
from tradegame.controller.websocket.errors import Disconnected
from tradegame.controller.websocket.frames import read_header, take_texts, text_frame, unmask
from tradegame.controller.websocket.handshake import accept

LIMIT = 400
keys = st.binary(min_size=4, max_size=4)
texts = st.text(max_size=150)


@given(st.binary(max_size=300), keys)
def test_unmasking_is_a_xor_with_the_repeated_key(payload: bytes, key: bytes) -> None:
    assert unmask(payload, key) == bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_text_frame_has_the_shortest_length(size: int) -> None:
    made = text_frame(b"x" * size)
    assert split_frames(made) == ([(TEXT, b"x" * size)], b"")
    assert len(made) - size == (2 if size < 126 else 4 if size < 65536 else 10)


@given(st.lists(st.tuples(texts, keys)), st.binary(max_size=40))
def test_plain_texts_are_taken_whole_and_nothing_behind_them(messages: list[tuple[str, bytes]], rest: bytes) -> None:
    plain = b"".join(frame(TEXT, text.encode(), key=key) for text, key in messages)
    into: list[str] = []
    taken = take_texts(plain + b"\x00" + rest, 1000, into)
    assert into == [text for text, _ in messages]
    assert taken == len(plain)


@given(texts, keys)
def test_no_part_of_a_text_is_taken_for_the_whole(text: str, key: bytes) -> None:
    whole = frame(TEXT, text.encode(), key=key)
    for size in range(len(whole)):
        into: list[str] = []
        assert (take_texts(whole[:size], 1000, into), into) == (0, [])


@given(st.integers(0, 2**63 - 1), keys)
def test_a_header_says_how_much_comes(size: int, key: bytes) -> None:
    extended = b"" if size < 126 else size.to_bytes(2 if size < 65536 else 8, "big")
    first = size if size < 126 else 126 if size < 65536 else 127
    data = bytes([0x81, 0x80 | first]) + extended + key
    header = read_header(b"??" + data, 2)
    assert header is not None
    assert (header.legal, header.size, header.head_size) == (True, size, len(data))
    assert all(read_header(data[:cut]) is None for cut in range(len(data)))


plain = st.builds(lambda text, key: frame(TEXT, text.encode(), key=key), texts, keys)
anything = st.builds(
    lambda opcode, payload, fin, rsv, key: frame(opcode, payload, fin=fin, rsv=rsv, key=key),
    st.sampled_from([0, 0, 1, 1, 2, 3, 8, 9, 9, 10, 11]),
    st.binary(max_size=LIMIT + 10),
    st.sampled_from([True, True, False]),
    st.sampled_from([0, 0, 0, 0, 0, 4]),
    st.one_of(keys, keys, keys, st.none()),
)
noise = st.binary(min_size=1, max_size=30)


@settings(max_examples=150)
@given(st.lists(st.one_of(plain, plain, anything, noise), max_size=12), st.lists(st.integers(1, 200), min_size=1))
def test_whatever_a_client_sends_it_gets_whole_frames_and_a_bounded_end(parts: list[bytes], cuts: list[int]) -> None:
    async def play() -> None:
        ours, theirs = memory_stream_pair()
        peer = Client(theirs)
        received: list[str | bytes] = []
        async with trio.open_nursery() as nursery:
            websocket = await accept(nursery, ours, parse_head(upgrade()), frame_bytes=LIMIT)

            async def receive() -> None:
                with contextlib.suppress(Disconnected):
                    while True:
                        received.append(await websocket.receive())
                await websocket.close(1000, "")

            nursery.start_soon(receive)
            await peer.response()
            data, at, turn = b"".join(parts), 0, 0
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while at < len(data):
                    await theirs.send_all(data[at : at + cuts[turn % len(cuts)]])
                    at, turn = at + cuts[turn % len(cuts)], turn + 1
                await theirs.send_eof()
            sent, torn = split_frames(await peer.read_to_end())
        assert torn == b""
        assert all(opcode != CLOSE for opcode, _ in sent[:-1]), "nothing follows a close"
        assert all(len(message if isinstance(message, bytes) else message.encode()) <= LIMIT for message in received)
        # What comes out is what went in, as far as it was plain from the beginning.
        expected: list[str] = []
        take_texts(b"".join(parts), LIMIT, expected)
        assert received[: len(expected)] == expected

    trio.run(play, clock=MockClock(autojump_threshold=0))


def test_a_close_frame_is_known_from_all_others() -> None:
    assert frames.is_close(frames.close_frame(1000, ""))
    assert not frames.is_close(frames.ping_frame())
    assert not frames.is_close(text_frame(b"\x88"))
