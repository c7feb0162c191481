"""What a request may bring in is bounded before it is looked into, and paid as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from tests.controller.wire import hello_app, raw, serving, until, upgrade
from tradegame.controller.head import MAX_COMMAS, MAX_HEADERS
from tradegame.controller.http.guard import BODY_PIECES

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Bill:
    """Who pays without a limit, and how many reads."""

    def __init__(self) -> None:
        self.reads = 0.0

    def charge(self, connection: str, payer: str, reads: float) -> float:
        self.reads += reads
        return 0.0


async def test_a_body_of_as_many_chunks_as_there_may_be_is_paid_chunk_by_chunk() -> None:
    bill = Bill()
    async with serving(reads=bill.charge) as served, raw(served.port) as peer:
        await peer.send(CHUNKED + b"1\r\nx\r\n" * (BODY_PIECES - 1) + b"0\r\n\r\n")
        status, _, body = await peer.response()
        assert (status, body) == (b"HTTP/1.1 200 ", b"x" * (BODY_PIECES - 1))
        assert bill.reads >= BODY_PIECES - 1
        await peer.send(GET + b"\r\n")  # the connection is kept
        assert (await peer.response())[2] == b"/healthz"


async def test_a_body_of_more_chunks_is_413_and_its_rest_is_dropped_unread() -> None:
    bill = Bill()
    async with serving(reads=bill.charge) as served, raw(served.port) as peer:
        await peer.send(CHUNKED + b"1\r\nx\r\n" * 20 * BODY_PIECES + b"0\r\n\r\n")
        status, headers, body = await peer.response()
        assert status.split()[1] == b"413"
        assert json.loads(body)["error"]["code"] == "too_large"
        assert headers["connection"] == "close"
        await peer.read_to_end()
        await until(lambda: served.door.inside == 0)
    assert BODY_PIECES <= bill.reads < 1.2 * BODY_PIECES


@pytest.mark.parametrize("framing", [b"Content-Length: 60000", b"Transfer-Encoding: chunked"])
async def test_who_has_no_right_to_a_body_is_refused_before_it_is_read(framing: bytes) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(app=refuse) as served, raw(served.port) as peer:
        await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")
        with trio.fail_after(5):  # the body has ten
            status, headers, _ = await peer.response()
        assert status.split()[1] == b"401"
        assert headers["connection"] == "close"
        await peer.read_to_end()


async def test_a_body_that_broke_off_is_not_acted_upon() -> None:
    acted, ended = [], trio.Event()

    async def act(scope: Any, receive: Any, send: Any) -> None:
        try:
            acted.append((await receive())["body"])
        finally:
            ended.set()

    async with serving(app=act) as served, raw(served.port) as peer:
        await peer.send(CHUNKED + b"2\r\n{}\r\n")
        await trio.testing.wait_all_tasks_blocked(0.05)
        await peer.stream.aclose()
        await ended.wait()
    assert acted == []


def _lines(end: bytes) -> Callable[[int], bytes]:
    return lambda count: b"".join(b"a%d:" % number + end for number in range(count))


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CR LF", "LF"])
@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
async def test_a_request_has_at_most_so_many_headers(end: bytes, later: bool) -> None:
    headers = _lines(end)
    async with serving() as served:
        for count, status in ((MAX_HEADERS - 1, b"200"), (MAX_HEADERS, b"431"), (4_000, b"431"), (14_000, b"431")):
            async with raw(served.port) as peer:
                if later:
                    await peer.send(GET + b"\r\n")
                    await peer.response()
                request = GET + headers(count) + b"\r\n"
                if end == b"\n" and not later:  # taken for one header by whoever looks at it first
                    request = GET + b"b: " + headers(count - 1) + b"c:\r\n\r\n"
                await peer.send(request)
                line, _, body = await peer.response()
                assert line.split()[1] == status, count
                if status == b"431":
                    assert json.loads(body)["error"]["code"] == "too_large"
                    assert await peer.read_to_end() == b""
        assert served.door.access.refused["too_large"] == 3


async def test_an_upgrade_has_at_most_so_many_headers() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(upgrade()[:-2] + _lines(b"\r\n")(MAX_HEADERS) + b"\r\n")
        assert (await peer.response())[0].split()[1] == b"431"


async def test_a_body_has_at_most_so_many_trailers() -> None:
    acted = []

    async def act(scope: Any, receive: Any, send: Any) -> None:
        acted.append((await receive())["body"])
        await hello_app(scope, receive, send)

    async with serving(app=act) as served, raw(served.port) as peer:
        await peer.send(CHUNKED + b"2\r\n{}\r\n0\r\n" + _lines(b"\r\n")(MAX_HEADERS + 2) + b"\r\n")
        assert (await peer.response())[0].split()[1] == b"431"
        await peer.read_to_end()
        await until(lambda: served.door.inside == 0)
    assert acted == []


@pytest.mark.parametrize("name", [b"If-None-Match", b"Connection", b"Accept-Encoding", b"Sec-WebSocket-Protocol"])
async def test_lists_in_headers_are_bounded_together(name: bytes) -> None:
    async with serving() as served:
        for count, status in ((MAX_COMMAS, b"200"), (MAX_COMMAS + 1, b"431"), (15_000, b"431")):
            async with raw(served.port) as peer:
                await peer.send(GET + name + b": a" + b"," * count + b"\r\n\r\n")
                assert (await peer.response())[0].split()[1] == status
