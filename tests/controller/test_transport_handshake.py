"""Who may open a WebSocket, and what the others are told."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from tests.controller.wire import TEXT, Client, frame, raw, serving, until, upgrade
from tradegame.controller.access import Access
from tradegame.controller.head import Refusal, parse_head
from tradegame.controller.websocket.transport import Disconnected, accept


@pytest.mark.parametrize("offer", ["tradegame.v1", "tradegame.v2, tradegame.v1", "x,tradegame.v1 ,y"])
async def test_the_subprotocol_is_selected_when_it_is_offered(offer: str) -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(upgrade(Sec_WebSocket_Protocol=offer))
        status, headers, _ = await peer.response()
        assert status.startswith(b"HTTP/1.1 101 ")
        assert headers["sec-websocket-protocol"] == "tradegame.v1"


async def test_without_an_offer_it_is_spoken_and_not_named() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(upgrade())
        status, headers, _ = await peer.response()
        assert status.startswith(b"HTTP/1.1 101 ")
        assert "sec-websocket-protocol" not in headers
        await peer.send(frame(TEXT, b"hi"))
        assert await peer.read_frame() == (TEXT, b"hi")


async def test_only_unknown_subprotocols_are_refused_with_the_reason() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(upgrade(Sec_WebSocket_Protocol="chat, tradegame.v9"))
        status, headers, body = await peer.response()
        assert status == b"HTTP/1.1 400 Bad Request"
        assert headers["content-type"] == "application/json"
        error = json.loads(body)["error"]
        assert (error["code"], error["definite"]) == ("bad_request", True)
        assert "tradegame.v1" in error["message"]
        assert await peer.read_to_end() == b""
        await peer.stream.aclose()
        await until(lambda: [refusal.status for refusal in served.refusals] == [400])


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://localhost:8765", "localhost:8765", True),
        ("https://play.example", "play.example", True),
        ("https://play.example:443", "play.example", True),
        ("http://play.example", "play.example:80", True),
        ("HTTP://Play.Example", "play.example", True),
        ("http://[::1]:8765", "[::1]:8765", True),
        ("http://localhost:8766", "localhost:8765", False),
        ("http://evil.example", "play.example", False),
        ("http://play.example.evil", "play.example", False),
        ("http://play.example@evil.example", "evil.example", False),
        ("https://play.example", "play.example:80", False),
        ("null", "play.example", False),
        ("http://", "", False),
        ("http://play.example:port", "play.example:port", False),
        ("", "play.example", False),
    ],
)
def test_a_page_may_connect_to_its_own_server_only(origin: str, host: str, allowed: bool) -> None:
    if allowed:
        Access().check_origin(origin, host)
    else:
        with pytest.raises(Refusal) as raised:
            Access().check_origin(origin, host)
        assert (raised.value.status, raised.value.error.code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        (["https://friend.example"], True),
        (["https://Friend.example/"], True),
        (["*"], True),
        (["https://friend.example:8443"], False),
        (["http://friend.example"], False),
        (["friend.example"], False),
    ],
)
def test_other_pages_may_connect_when_they_are_listed(origins: list[str], allowed: bool) -> None:
    access = Access(origins=origins)
    if allowed:
        access.check_origin("https://friend.example", "localhost")
    else:
        with pytest.raises(Refusal):
            access.check_origin("https://friend.example", "localhost")


async def test_a_page_from_elsewhere_is_told_403() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(upgrade(Origin="http://evil.example"))
        status, _, body = await peer.response()
        assert status == b"HTTP/1.1 403 Forbidden"
        assert "evil.example" in json.loads(body)["error"]["message"]


def replaced(old: bytes, new: bytes) -> bytes:
    request = upgrade()
    assert old in request
    return request.replace(old, new)


@pytest.mark.parametrize(
    ("request_", "status", "header"),
    [
        (upgrade(without=["Upgrade"]), 426, ("upgrade", "websocket")),
        (upgrade(Upgrade="h2c"), 426, ("upgrade", "websocket")),
        (upgrade(Sec_WebSocket_Version="8"), 426, ("sec-websocket-version", "13")),
        (upgrade(without=["Sec-WebSocket-Version"]), 426, ("sec-websocket-version", "13")),
        (replaced(b"GET ", b"POST "), 405, ("allow", "GET")),
        (upgrade(without=["Connection"]), 400, None),
        (upgrade(without=["Sec-WebSocket-Key"]), 400, None),
        (upgrade(Sec_WebSocket_Key="c2hvcnQ="), 400, None),
        (upgrade(Sec_WebSocket_Key="!!!not base64!!!"), 400, None),
        (upgrade(without=["Host"]), 400, None),
        (replaced(b"HTTP/1.1", b"HTTP/1.0"), 400, None),
    ],
)
async def test_what_is_no_handshake_is_told_why(request_: bytes, status: int, header: tuple[str, str] | None) -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(request_)
        line, headers, body = await peer.response()
        assert line.startswith(b"HTTP/1.1 %d " % status)
        assert json.loads(body)["error"]["code"] == "bad_request"
        if header is not None:
            assert headers[header[0]] == header[1]
        assert await peer.read_to_end() == b""


@pytest.mark.parametrize(
    "request_",
    [
        upgrade(X_Bad="a\x00b"),
        upgrade().replace(b"GET /ws ", b"GET /ws?\xff "),
        upgrade().replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    ],
    ids=["control character", "target not ascii", "two connections"],
)
async def test_what_only_the_library_refuses_is_told_too_and_harms_nobody(request_: bytes) -> None:
    async with serving() as served:
        async with raw(served.port) as peer:
            await peer.send(request_)
            line, _, body = await peer.response()
            assert line.startswith(b"HTTP/1.1 400 ")
            assert json.loads(body)["error"]["code"] == "bad_request"
        async with raw(served.port) as peer:
            await peer.send(upgrade())
            assert b" 101 " in (await peer.response())[0]


async def test_a_client_that_leaves_in_the_handshake_is_a_disconnect() -> None:
    ours, theirs = memory_stream_pair()
    await theirs.aclose()
    async with trio.open_nursery() as nursery:
        # The answer is lost; the end of the stream is seen at the first receive, at the latest.
        websocket = await accept(nursery, ours, parse_head(upgrade()))
        with pytest.raises(Disconnected) as raised:
            await websocket.receive()
        assert raised.value.code == 1006
        nursery.cancel_scope.cancel()


async def test_a_refused_client_that_does_not_close_is_closed(autojump_clock: MockClock) -> None:
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        with pytest.raises(Refusal), trio.fail_after(2):
            await accept(nursery, ours, parse_head(upgrade(Sec_WebSocket_Version="8")))
    assert b" 426 " in (await Client(theirs).response())[0]


async def test_nothing_of_a_handshake_stays_behind() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(upgrade(Origin="null"))
        await peer.read_to_end()
        await peer.stream.aclose()
        await until(lambda: served.door.inside == 0)
        assert served.sockets == []
