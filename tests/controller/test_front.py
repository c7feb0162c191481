"""The door: one port for HTTP and WebSocket, whoever knocks."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import trio
import trio.lowlevel
import trustme
from cryptography import x509
from structlog.testing import capture_logs
from websockets.sync.client import connect

from tests.controller.wire import HANGS_S, TEXT, Client, client, echo, frame, raw, serving, until, upgrade
from tests.support.certificate import certified
from tradegame.controller import tls
from tradegame.controller.front import SEND_BUFFER_BYTES, Door, open_listeners, peer_address
from tradegame.controller.head import MAX_HEAD
from tradegame.controller.http.guard import BODY_BYTES, Guard
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.transport import WebSocket
from tradegame.core.repositories import StoreUnavailableError
from tradegame.protocol.errors import UnavailableError

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def _fresh_structlog() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


async def test_http_with_keep_alive_and_websocket_share_the_port() -> None:
    async with serving() as served, client(served.port) as player, raw(served.port) as visitor:
        for i in range(3):
            await visitor.send(b"GET /page%d HTTP/1.1\r\nHost: x\r\n\r\n" % i)
            status, headers, body = await visitor.response()
            assert (status, body) == (b"HTTP/1.1 200 ", b"/page%d" % i)
            assert "server" not in headers
            await player.send(frame(TEXT, b"move"))
            assert await player.read_frame() == (TEXT, b"move")


async def test_a_visitor_that_leaves_is_gone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradegame.controller.http.server.KEEP_ALIVE_S", 10 * HANGS_S)
    async with serving() as served:
        async with raw(served.port) as peer:
            await peer.send(GET)
            await peer.response()
        await until(lambda: served.door.inside == 0)


async def test_requests_sent_ahead_are_all_answered() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(GET * 3)
        for _ in range(3):
            assert (await peer.response())[2] == b"/healthz"


async def test_a_head_in_many_packets_is_put_together() -> None:
    async with serving() as served:
        for request in (GET, upgrade()):
            async with raw(served.port) as peer:
                for i in range(len(request)):
                    await peer.send(request[i : i + 1])
                    await trio.lowlevel.checkpoint()
                assert (await peer.response())[0].split()[1] in (b"200", b"101")


@pytest.mark.parametrize("head", [b"HTTP/1.1\r\nHost:\r\n\r\n", b"HTTP/1.0\r\n\r\n"])
async def test_a_request_may_call_the_server_nothing(head: bytes) -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(b"GET /healthz " + head)
        assert (await peer.response())[2] == b"/healthz"


async def test_a_body_that_came_with_the_head_is_not_lost() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello")
        await peer.send(b" world")
        assert (await peer.response())[2] == b"hello world"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (upgrade("/other"), 404, "not_found"),
        (upgrade("/ws/"), 404, "not_found"),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426, "bad_request"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n", 431, "too_large"),
        (b"x" * (MAX_HEAD + 2), 431, "too_large"),
        (b"\x16\x03\x01 a TLS hello, perhaps\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nName : value\r\n\r\n", 400, "bad_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "bad_request"),
    ],
)
async def test_what_has_no_place_here_is_told_why(request_: bytes, status: int, code: str) -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(request_)
        line, headers, body = await peer.response()
        assert line.startswith(b"HTTP/1.1 %d " % status)
        assert headers["connection"] == "close"
        error = json.loads(body)["error"]
        assert (error["code"], error["definite"]) == (code, True)


async def test_a_head_that_does_not_come_in_time_is_408_even_if_it_drips() -> None:
    async with serving(head_s=0.3) as served, raw(served.port) as peer:
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                for byte in GET[:-1]:
                    await peer.stream.send_all(bytes([byte]))
                    await trio.sleep(0.02)

            nursery.start_soon(drip)
            assert (await peer.response())[0] == b"HTTP/1.1 408 Request Timeout"
            nursery.cancel_scope.cancel()
        await until(lambda: served.door.inside == 0)


async def test_a_thousand_half_open_connections_do_not_hold_up_the_others() -> None:
    async with serving(head_s=120) as served:
        idlers = []
        try:
            for i in range(1000):
                idler = await trio.open_tcp_stream("127.0.0.1", served.port)
                idlers.append(idler)
                await idler.send_all(upgrade()[: i % 100])
            await until(lambda: served.door.inside == 1000)
            async with client(served.port) as player:
                await player.send(frame(TEXT, b"move"))
                assert await player.read_frame() == (TEXT, b"move")
        finally:
            for idler in idlers:
                await trio.aclose_forcefully(idler)
        await until(lambda: served.door.inside == 0)


async def test_one_more_than_the_door_lets_in_is_closed_at_once_until_somebody_leaves() -> None:
    async with serving(most=2) as served, raw(served.port) as first:
        await first.send(GET)
        await first.response()
        async with raw(served.port) as second:
            await second.send(GET)
            await second.response()
            async with raw(served.port) as third:
                assert await third.read_to_end() == b""
            assert served.door.turned_away == 1
        await until(lambda: served.door.inside == 1)
        async with raw(served.port) as fourth:
            await fourth.send(GET)
            assert (await fourth.response())[2] == b"/healthz"


async def test_one_address_has_its_own_limit() -> None:
    async with serving(most_per_address=1) as served, client(served.port):
        async with raw(served.port) as second:
            assert await second.read_to_end() == b""
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", served.port, local_address="127.0.0.2")
        except OSError:
            pytest.skip("this machine has one loopback address only")
        async with stream:
            assert (await Client(stream).open()) is not None


class SomethingForeseenByNobody(Exception):  # noqa: N818 - a test's
    pass


async def fail_plainly(websocket: WebSocket) -> None:
    await websocket.receive()
    raise SomethingForeseenByNobody


async def fail_in_a_nursery(websocket: WebSocket) -> None:
    await websocket.receive()
    async with trio.open_nursery() as nursery, trio.open_nursery() as inner:
        inner.start_soon(trio.sleep_forever)
        nursery.start_soon(fail_plainly, websocket)
        raise ExceptionGroup("both", [SomethingForeseenByNobody(), KeyError("x")])


async def fail_by_the_socket(websocket: WebSocket) -> None:
    await websocket.receive()
    raise ConnectionResetError


@pytest.mark.parametrize("talk", [fail_plainly, fail_in_a_nursery, fail_by_the_socket])
async def test_whatever_a_connection_raises_ends_that_connection_alone(talk: Any) -> None:
    choose = {"first": talk}

    async def either(websocket: WebSocket) -> None:
        await choose.pop("first", echo)(websocket)

    with capture_logs() as logs:
        async with serving(either) as served, client(served.port) as victim:
            await until(lambda: not choose)
            async with client(served.port) as other:
                await victim.send(frame(TEXT, b"now"))
                await victim.read_close()
                await other.send(frame(TEXT, b"still here"))
                assert await other.read_frame() == (TEXT, b"still here")
            async with client(served.port) as later:
                await later.send(frame(TEXT, b"and new"))
                assert await later.read_frame() == (TEXT, b"and new")
            await until(lambda: served.door.inside == 0)
    failures = [entry for entry in logs if entry["event"] == "connection_failed"]
    assert len(failures) == (talk is not fail_by_the_socket)
    assert all(entry["exc_info"] for entry in failures)


async def test_a_fault_while_everything_is_cancelled_stays_inside() -> None:
    async def fail_at_the_end(websocket: WebSocket) -> None:
        try:
            await websocket.receive()
        finally:
            raise SomethingForeseenByNobody

    with capture_logs() as logs:
        async with serving(fail_at_the_end) as served, client(served.port):
            await until(lambda: len(served.sockets) == 1)
            # leaving cancels: only the cancellation may come out of the door, and it is caught where it belongs
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["connection_failed"]


async def test_connections_outlive_the_listeners_when_they_have_their_own_nursery() -> None:
    async def http(*_: object) -> None:
        raise AssertionError

    async def talk(stream: trio.abc.Stream, *_: object) -> None:
        await stream.send_all(b"before")
        await cancelled.wait()
        await stream.send_all(b" after")

    cancelled = trio.Event()
    door = Door(talk, http, 10, 10)
    listeners = await open_listeners("127.0.0.1", 0)
    listener = listeners[0]
    assert isinstance(listener, trio.SocketListener)
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as connections:
        async with trio.open_nursery() as accepting:
            await accepting.start(partial(door.serve, listeners, handler_nursery=connections))
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            await stream.send_all(upgrade())
            assert await stream.receive_some(6) == b"before"
            accepting.cancel_scope.cancel()
        with pytest.raises(OSError, match="all attempts to connect"):
            await trio.open_tcp_stream("127.0.0.1", port)
        cancelled.set()
        assert await stream.receive_some(6) == b" after"
        await stream.aclose()


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + 1) + b"x" * (BODY_BYTES + 1),
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 5
        + b"0\r\n\r\n",
    ],
    ids=["announced", "chunked"],
)
async def test_a_body_that_is_too_large_is_413_whichever_way_it_comes(request_: bytes) -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(request_)
        status, _, body = await peer.response()
        assert status.split()[1] == b"413"
        assert json.loads(body)["error"]["code"] == "too_large"


async def test_the_largest_body_is_taken_and_the_connection_kept() -> None:
    async with serving() as served, raw(served.port) as peer:
        await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES + b"x" * BODY_BYTES)
        assert (await peer.response())[2] == b"x" * BODY_BYTES
        await peer.send(GET)
        assert (await peer.response())[2] == b"/healthz"


async def test_a_body_that_does_not_come_is_408() -> None:
    async def never() -> dict[str, Any]:
        await trio.sleep_forever()
        raise AssertionError

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"5")]}
    await Guard(reads, body_s=0.01)(scope, never, send)
    assert sent[0]["status"] == 408


async def test_a_fault_of_the_app_is_500_with_a_reference_to_the_log() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise SomethingForeseenByNobody

    with capture_logs() as logs:
        async with serving(app=broken) as served, raw(served.port) as peer:
            await peer.send(GET)
            status, _, body = await peer.response()
            assert status.split()[1] == b"500"
            error = json.loads(body)["error"]
            assert (error["code"], error["definite"]) == ("internal", False)
            failed = next(entry for entry in logs if entry["event"] == "http_request_failed")
            assert failed["reference"] in error["message"]
            async with client(served.port) as player:
                await player.send(frame(TEXT, b"unharmed"))
                assert await player.read_frame() == (TEXT, b"unharmed")


@pytest.mark.parametrize(
    "error", [UnavailableError("away"), trio.TooSlowError(), StoreUnavailableError("away", definite=True)]
)
async def test_an_answer_that_cannot_be_finished_is_cut_off_and_the_log_says_why(error: Exception) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some of it", "more_body": True})
        raise error

    with capture_logs() as logs:
        async with serving(app=broken) as served, raw(served.port) as peer:
            await peer.send(GET)
            assert (await peer.read_to_end()).endswith(b"\r\n\r\na\r\nsome of it\r\n"), "its end must not come"
    (told,) = [entry for entry in logs if entry["event"] == "http_response_broken_off"]
    assert (told["path"], told["reason"]) == ("/healthz", repr(error))


@pytest.mark.parametrize("apart", [True, False], ids=["one by one", "sent ahead"])
async def test_an_upgrade_on_a_kept_connection_is_taken(apart: bool) -> None:
    async with serving() as served, raw(served.port) as peer:
        requests = [GET, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", GET]
        behind = upgrade() + frame(TEXT, b"at once")
        if not apart:
            await peer.send(b"".join(requests) + behind)
        for request in requests:
            if apart:
                await peer.send(request)
            assert (await peer.response())[0].startswith(b"HTTP/1.1 200 ")
        if apart:
            await peer.send(behind)
        assert b" 101 " in (await peer.response())[0]
        assert await peer.read_frame() == (TEXT, b"at once")
        await peer.send(frame(TEXT, b"move"))
        assert await peer.read_frame() == (TEXT, b"move")


async def test_a_later_request_that_is_refused_is_told_why_after_those_before_it() -> None:
    with capture_logs() as logs:
        async with serving() as served, raw(served.port) as peer:
            await peer.send(GET + GET + upgrade("/elsewhere"))
            for _ in range(2):
                assert (await peer.response())[2] == b"/healthz"
            line, _, body = await peer.response()
            assert line.startswith(b"HTTP/1.1 404 ")
            assert json.loads(body)["error"]["code"] == "not_found"
            assert await peer.read_to_end() == b""
            assert served.door.access.refused == {"path": 1}
    assert [entry["cause"] for entry in logs if entry["event"] == "request_had_no_place"] == ["path"]


async def test_finish_lets_a_request_end_and_closes_idle_connections() -> None:
    asked, go = trio.Event(), trio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            asked.set()
            await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with serving(app=slow) as served, raw(served.port) as idle, raw(served.port) as busy:
        await idle.send(GET)
        await idle.response()
        await busy.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        finished = False

        async def finish() -> None:
            nonlocal finished
            await served.http.finish()
            finished = True

        async with trio.open_nursery() as nursery:
            nursery.start_soon(finish)
            assert await idle.read_to_end() == b""
            assert not finished, "somebody waits for an answer"
            go.set()
            assert (await busy.response())[2] == b"ok"
            assert await busy.read_to_end() == b""
        await until(lambda: served.door.inside == 0)


async def test_a_visitor_that_reads_nothing_does_not_hold_up_the_end() -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})

    with trio.fail_after(HANGS_S):
        async with serving(app=endless) as served, raw(served.port) as peer:
            await peer.send(GET)
            await peer.response()
            await trio.sleep(0.2)  # by then it is stuck in a send


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, ssl.SSLContext]:
    """A server's certificate and key, in files, and a context that trusts it."""
    flags, context = certified(tmp_path_factory.mktemp("tls"))
    return flags["server.tls_cert"], flags["server.tls_key"], context


async def test_tls_carries_websocket_and_http_on_one_port(certificate: tuple[str, str, ssl.SSLContext]) -> None:
    chain, key, context = certificate

    def play(port: int) -> list[str]:
        with connect(f"wss://localhost:{port}/ws", ssl=context, compression=None) as peer:
            heard = []
            for size in (1, 200, 16_000):
                peer.send("x" * size)
                heard.append(str(peer.recv(timeout=HANGS_S)))
            assert peer.ping().wait(HANGS_S)
        assert peer.close_code == 1000
        return heard

    async with serving(tls=(chain, key)) as served:
        with trio.fail_after(HANGS_S):
            assert await trio.to_thread.run_sync(play, served.port) == ["x", "x" * 200, "x" * 16_000]
            async with httpx.AsyncClient(verify=context) as visitor:
                for path in ("/one", "/two"):
                    answer = await visitor.get(f"https://localhost:{served.port}{path}")
                    assert (answer.status_code, answer.text) == (200, path)
        await until(lambda: served.door.inside == 0)


async def test_a_slow_reader_over_tls_sees_whole_frames_and_then_4001(
    certificate: tuple[str, str, ssl.SSLContext],
) -> None:
    chain, key, context = certificate
    async with serving(tls=(chain, key)) as served:
        stream = await trio.open_ssl_over_tcp_stream(
            "127.0.0.1", served.port, ssl_context=context, https_compatible=True
        )
        slow = await Client(stream).open()
        await until(lambda: len(served.sockets) == 1)
        websocket = served.sockets[0]
        count = 0
        while not websocket.outbox.overflowed:
            websocket.send(text_frame(b"%06d" % count + b"n" * 1500))
            count += 1
            await trio.lowlevel.checkpoint()
        seen = []
        while (next_ := await slow.read_frame())[0] == TEXT:
            seen.append(int(next_[1][:6]))
        assert next_ == (8, b"\x0f\xa1reads too slowly")
        assert seen == list(range(len(seen)))
        assert 0 < len(seen) < count
        await trio.aclose_forcefully(stream)


async def test_plain_http_to_a_tls_port_is_told_and_harms_nobody(certificate: tuple[str, str, ssl.SSLContext]) -> None:
    chain, key, context = certificate
    with capture_logs() as logs:
        async with serving(tls=(chain, key), head_s=0.3) as served, raw(served.port) as silent:
            assert await silent.read_to_end() == b""
        async with serving(tls=(chain, key)) as served:
            async with raw(served.port) as confused:
                await confused.send(GET)
                line, _, body = await confused.response()
                assert line == b"HTTP/1.1 400 Bad Request"
                assert "use https://" in json.loads(body)["error"]["message"]
            async with httpx.AsyncClient(verify=context) as visitor:
                assert (await visitor.get(f"https://localhost:{served.port}/ok")).status_code == 200
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_a_certificate_that_cannot_be_read_leaves_no_port_bound(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"missing\.pem cannot be used: No such file"):
        await open_listeners("127.0.0.1", 0, tls_cert=str(tmp_path / "missing.pem"))


def issued(authority: trustme.CA, chain: Path, key: Path) -> int:
    """A new certificate in these files; its serial number."""
    made = authority.issue_cert("localhost", "127.0.0.1")
    chain.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    made.private_key_pem.write_to_path(str(key))
    return int(x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes()).serial_number)


async def test_a_certificate_is_read_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "CHECK_S", 0.0)
    authority, chain, key = trustme.CA(), tmp_path / "chain.pem", tmp_path / "key.pem"
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async def shown(port: int) -> int:
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=context, https_compatible=True)
        async with stream:
            await Client(stream).open()
            return int(x509.load_der_x509_certificate(stream.getpeercert(True)).serial_number)

    first = issued(authority, chain, key)
    with capture_logs() as logs:
        async with serving(tls=(str(chain), str(key))) as served:
            assert await shown(served.port) == first
            old = await trio.open_ssl_over_tcp_stream(
                "127.0.0.1", served.port, ssl_context=context, https_compatible=True
            )
            kept = await Client(old).open()
            second = issued(authority, chain, key)
            assert await shown(served.port) == second
            key.write_text("half a file")
            for _ in range(3):
                assert await shown(served.port) == second
            await kept.send(frame(TEXT, b"still here"))
            assert await kept.read_frame() == (TEXT, b"still here")
            await trio.aclose_forcefully(old)
            third = issued(authority, chain, key)
            assert await shown(served.port) == third
    events = [entry["event"] for entry in logs if entry["event"].startswith("tls_")]
    assert events == ["tls_certificate_renewed", "tls_certificate_kept", "tls_certificate_renewed"]


@pytest.mark.parametrize("host", ["::", ""])
async def test_all_networks_are_those_of_ipv4_and_ipv6(host: str) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    [listener] = await open_listeners(host, 0)
    assert isinstance(listener, trio.SocketListener)
    port = listener.socket.getsockname()[1]
    for address in ("127.0.0.1", "::1"):
        async with await trio.open_tcp_stream(address, port):
            stream = await listener.accept()
            assert peer_address(stream) == address, "IPv4 in IPv6 is IPv4"
            await stream.aclose()
    await listener.aclose()


@pytest.mark.parametrize("request_", [GET, b"GET http://x/healthz HTTP/1.1\r\nHost: y\r\n\r\n"])
async def test_an_empty_line_before_a_request_is_nothing_and_a_whole_url_is_its_path(request_: bytes) -> None:
    """RFC 9112, sections 2.2 and 3.2.2."""
    post = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\r\n"
    async with serving() as served, raw(served.port) as peer:
        await peer.send(b"\r\n" + request_ + b"\r\n" + request_ + post + b"\r")
        await peer.send(b"\n" + request_ + b"\r\n" + upgrade("http://localhost/ws"))
        for expected in (b"/healthz", b"/healthz", b"hi", b"/healthz"):
            assert (await peer.response())[2] == expected
        assert b" 101 " in (await peer.response())[0]
    async with serving() as served, raw(served.port) as peer:
        await peer.send(b"\r\n" + upgrade("http://localhost/ws") + frame(TEXT, b"hi"))
        assert b" 101 " in (await peer.response())[0]
        assert await peer.read_frame() == (TEXT, b"hi")


async def test_an_upgrade_on_a_kept_connection_is_taken_over_tls_too(
    certificate: tuple[str, str, ssl.SSLContext],
) -> None:
    chain, key, context = certificate
    async with serving(tls=(chain, key)) as served:
        stream = await trio.open_ssl_over_tcp_stream(
            "127.0.0.1", served.port, ssl_context=context, https_compatible=True
        )
        peer = Client(stream)
        await peer.send(GET + GET + upgrade() + frame(TEXT, b"at once"))
        for _ in range(2):
            assert (await peer.response())[2] == b"/healthz"
        assert b" 101 " in (await peer.response())[0]
        assert await peer.read_frame() == (TEXT, b"at once")
        await trio.aclose_forcefully(stream)
        await until(lambda: served.door.inside == 0)


async def test_what_the_kernel_holds_of_an_answer_is_bounded_for_every_connection() -> None:
    [listener] = await open_listeners("127.0.0.1", 0)
    assert isinstance(listener, trio.SocketListener)
    async with (
        await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1]),
        await listener.accept() as one,
    ):
        assert one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER_BYTES
    await listener.aclose()
