"""Garbage for the HTTP side, on the same port: torn and smuggled requests, heads without end, late bodies."""

from __future__ import annotations

import json
import random
import re
import time
from contextlib import ExitStack

from tests.robustness.garbage_frames import Kind, leave
from tests.support.raw import Raw, frame, upgrade
from tests.support.server import ADMIN_TOKEN

END = "\r\n\r\n"
GET = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = f"POST /v1/games HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n"

REFUSED: dict[str, bytes] = {
    name: request.encode("latin-1")
    for name, request in {
        "an empty line": END,
        "nothing but spaces": "   " + END,
        "one word": "GET" + END,
        "no version": "GET /" + END,
        "an unknown version": "GET / HTTP/9.9" + END,
        "HTTP/2 with prior knowledge": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "another protocol": "SSH-2.0-OpenSSH_9.2" + END,
        "a header without a colon": GET + "nonsense" + END,
        "a header without a name": GET + ": x" + END,
        "a space before the colon": GET + "Content-Length : 5" + END,
        "a folded first header": "GET / HTTP/1.1\r\n Host: x" + END,
        "a NUL in a header": GET + "A: b\0c" + END,
        "a NUL in the path": "GET /\0 HTTP/1.1\r\nHost: x" + END,
        "raw UTF-8 in the path": "GET /\xc3\xa4 HTTP/1.1\r\nHost: x" + END,
        "a method of no token": "G(E)T / HTTP/1.1\r\nHost: x" + END,
        "no host": "GET / HTTP/1.1" + END,
        "two hosts": GET + "Host: y" + END,
        "a negative length": POST + "Content-Length: -1" + END,
        "a length with a plus": POST + "Content-Length: +5" + END,
        "a length in hex": POST + "Content-Length: 0x10" + END,
        "a length of 5 000 digits": POST + "Content-Length: " + "9" * 5_000 + END,
        "two lengths": POST + "Content-Length: 5\r\nContent-Length: 6" + END + "{}",
        "a list of lengths": POST + "Content-Length: 5, 6" + END + "{}",
        "an unknown coding": POST + "Transfer-Encoding: gzip, chunked" + END,
        "chunked twice": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + END + "0" + END,
        "a chunk of no number": POST + "Transfer-Encoding: chunked" + END + "zz\r\n",
        "a chunk of 2^80": POST + "Transfer-Encoding: chunked" + END + "f" * 20 + "1\r\n",
        "a chunk that is longer than it says": POST + "Transfer-Encoding: chunked" + END + "1\r\nxxxx\r\n0" + END,
        "a header of 16 KiB": GET + "A: " + "b" * 16_384 + END,
        "a path of 16 KiB": "GET /" + "p" * 16_384 + " HTTP/1.1\r\nHost: x" + END,
        "4 000 headers": GET + "A:b\r\n" * 4_000 + END,
        "a head without an end": "GET / HTTP/1.1\r\n" + "A: b\r\n" * 4_000,
        "a body that is too large": POST + "Content-Length: 70000" + END,
        "a body as large as can be": POST + f"Content-Length: {10**19}" + END,
        "too many chunks": POST + "Transfer-Encoding: chunked" + END + "400\r\n" + ("x" * 1_024 + "\r\n400\r\n") * 70,
        "WebSocket by POST": upgrade().decode().replace("GET", "POST", 1),
        "WebSocket elsewhere": upgrade("/elsewhere").decode(),
        "WebSocket without a key": upgrade().decode().replace("Sec-WebSocket-Key", "X"),
        "WebSocket with an odd key": upgrade().decode().replace("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: !"),
        "WebSocket of version 8": upgrade().decode().replace("Version: 13", "Version: 8"),
        "WebSocket of HTTP/1.0": upgrade().decode().replace("HTTP/1.1", "HTTP/1.0"),
        "WebSocket of a foreign page": upgrade("/ws", "Origin: http://evil.example").decode(),
        "WebSocket of an odd origin": upgrade("/ws", "Origin: http://[::1").decode(),
        "WebSocket of a port too high": upgrade("/ws", "Origin: http://127.0.0.1:99999").decode(),
        "WebSocket with a strange protocol": upgrade("/ws", "Sec-WebSocket-Protocol: \xff\xfe").decode(),
        "the path of the WebSocket, no upgrade": "GET /ws HTTP/1.1\r\nHost: x" + END,
    }.items()
}
"""Requests that get no 2xx answer, or none at all, and after which the server closes or has said why not."""

PATHS = (
    *("/%00", "/v1/games/%00", "/v1/games/%ff%fe", "/v1/games/%ED%A0%80", "/v1/games/..%2f..%2fetc", "/v1/games//log"),
    *(
        "/v1/games/bazaar%2Flog",
        "/v1/games/BAZAAR",
        "/v1/games/" + "x" * 10_000,
        "//",
        "/..",
        "/%",
        "/%zz",
        "/?" + "a=b&" * 3_000,
    ),
    *(
        "/v1/games/bazaar/standings?limit=%EF%BC%91",
        "/v1/games/bazaar/standings?limit=" + "9" * 5_000,
        "*",
        "/v1/players/x",
    ),
    *(
        "/v1/games/bazaar/standings?limit=1&limit=x",
        "/v1/games/bazaar/standings?%00=%00",
        "/;/",
        "/v1/games/bazaar\\log",
    ),
)


def statuses(answer: bytes) -> list[int]:
    """Of every response in these bytes."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def requests_that_must_be_refused(port: int, chance: random.Random) -> None:
    with ExitStack() as stack:
        opened = {name: stack.enter_context(Raw(port)) for name in chance.sample(list(REFUSED), len(REFUSED))}
        for name, connection in opened.items():
            connection.send(REFUSED[name])
            connection.finish_sending()
        for name, connection in opened.items():
            found = statuses(connection.until_closed())
            assert all(400 <= status < 500 or status in (501, 505) for status in found), (name, found)
            assert len(found) <= 1, (name, found)


def strange_methods_and_paths(port: int, chance: random.Random) -> None:
    for path in PATHS:
        method = chance.choice(("GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE", "BREW", "get"))
        with Raw(port) as connection:
            connection.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close{END}".encode())
            found = statuses(connection.until_closed())
            assert found, path
            assert found[0] < 500, (method, path, found)


def smuggled_requests(port: int, chance: random.Random) -> None:
    """Two lengths for one body: where two readers would disagree, the second request must not be seen by anyone."""
    hidden = f"GET /v1/games/smuggled HTTP/1.1\r\nHost: x{END}"
    for head in (
        f"Content-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding : chunked\r\nContent-Length: 5",
        "Transfer-Encoding: xchunked\r\nContent-Length: 5",
        "Transfer-Encoding:\tchunked, identity\r\nContent-Length: 5",
        "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5",
    ):
        with Raw(port) as connection:
            connection.send(f"POST /healthz HTTP/1.1\r\nHost: x\r\n{head}{END}0{END}{hidden}".encode())
            connection.finish_sending()
            found = statuses(connection.until_closed())
            assert 200 not in found, head
            assert 404 not in found[:1], head


def pipelined_requests(port: int, chance: random.Random) -> None:
    with Raw(port) as connection:
        connection.send((GET + END[2:]).encode() * 100 + f"{GET}Connection: close{END}".encode())
        assert statuses(connection.until_closed()) == [200] * 101


def pipelined_requests_of_someone_who_does_not_read(port: int, chance: random.Random) -> None:
    connection = Raw(port, receive_buffer=4_096)
    connection.pour(f"GET /v1/games/bazaar HTTP/1.1\r\nHost: x{END}".encode() * 300, 1)
    leave(connection, chance) if chance.random() < 0.5 else connection.reset()


def pipelined_requests_of_those_who_leave(port: int, chance: random.Random) -> None:
    """While the server waits to send them an answer, with more of their requests to come."""
    with ExitStack() as stack:
        opened = [stack.enter_context(Raw(port)) for _ in range(20)]
        for connection in opened:
            connection.pour(f"GET /metrics HTTP/1.1\r\nHost: x{END}".encode() * 1_600, 0.5)
        time.sleep(0.3)
        for connection in opened:
            connection.reset() if chance.random() < 0.5 else connection.close()


def kept_alive_and_then_something_else(port: int, chance: random.Random) -> None:
    """An upgrade may come later on a connection; nothing else that is no HTTP may."""
    others = {
        "WebSocket": upgrade(),
        "WebSocket with a frame behind it": upgrade() + frame(1, b'{"op":"ping"}'),
        "WebSocket with rubbish behind it": upgrade() + chance.randbytes(5_000),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + chance.randbytes(200),
        "frames": frame(1, b'{"op":"ping"}') * 10,
        "random bytes": chance.randbytes(20_000),
        "h2c": f"{GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk{END}".encode()
        + chance.randbytes(100),
        "h2c with torn settings": f"{GET}Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: !!!{END}".encode(),
        "h2c without settings": f"{GET}Connection: Upgrade\r\nUpgrade: h2c{END}".encode(),
    }
    for kept_alive in (True, False):
        for name, data in others.items():
            with Raw(port) as connection:
                if kept_alive:
                    connection.send((GET + END[2:]).encode())
                    assert connection.receive(13) == b"HTTP/1.1 200 ", name
                connection.send(data)
                connection.finish_sending()
                answer = connection.until_closed()
                assert b" 101 " not in answer or "WebSocket" in name, (name, answer)


def bodies_that_never_come(port: int, chance: random.Random) -> None:
    for head in ("Content-Length: 100", "Transfer-Encoding: chunked", "Expect: 100-continue\r\nContent-Length: 9"):
        connection = Raw(port)
        connection.send(f"{POST}{head}{END}".encode())
        connection.send(chance.choice((b"", b"{", b"5\r\n{")))
        leave(connection, chance)


def torn_requests(port: int, chance: random.Random) -> None:
    body = json.dumps({"id": "torn", "goods": {"oil": {}}})
    whole = f"{POST}Content-Type: application/json\r\nContent-Length: {len(body)}{END}{body}".encode()
    for size in chance.sample(range(len(whole) - 1), 60):
        connection = Raw(port)
        connection.send(whole[:size])
        leave(connection, chance)


def random_requests(port: int, chance: random.Random) -> None:
    """A proper request with a few bytes of it changed."""
    whole = f'{POST}Content-Type: application/json\r\nTransfer-Encoding: chunked{END}5\r\n{{"a":\r\n0{END}'.encode()
    for _ in range(60):
        changed = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(len(changed))] = chance.choice((0, 10, 13, 32, 58, 255, chance.randrange(256)))
        connection = Raw(port)
        connection.send(bytes(changed))
        leave(connection, chance)


KINDS: tuple[Kind, ...] = (
    requests_that_must_be_refused,
    strange_methods_and_paths,
    smuggled_requests,
    pipelined_requests,
    pipelined_requests_of_someone_who_does_not_read,
    pipelined_requests_of_those_who_leave,
    kept_alive_and_then_something_else,
    bodies_that_never_come,
    torn_requests,
    random_requests,
)
