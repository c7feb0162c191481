"""The head of an HTTP/1.1 request, read off a stream: enough of it to know whose request this is, and no more.

Whoever gets the request parses its head again, strictly: Hypercorn and wsproto, both with h11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import trio
from attrs import define, field

from tradegame.protocol.errors import BadRequestError, TooLargeError, TradeGameError

MAX_HEAD = 16_384
"""The most bytes that a request's line and headers may have together."""
MAX_HEADERS = 100
"""The most headers. Each costs 3 µs, and 16 KiB hold 4 000 of them. The trailers of a body have the same bound."""
MAX_COMMAS = 1_000
"""The most commas in all headers together: lists are split at them, some of them several times."""

Pay: TypeAlias = Callable[[float], float]
"""Charges whoever pays for a connection for so many reads. Returns for how long to read nothing then, in s."""

_END = b"\r\n\r\n"
_REASONS = {
    308: "Permanent Redirect",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    421: "Misdirected Request",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}


def free(reads: float) -> float:
    """The `Pay` of who pays nothing."""
    return 0.0


class Refusal(Exception):  # noqa: N818 - not a fault of anyone's: an answer
    """An answer instead of what was asked for: an HTTP status, and the protocol's error body.

    ``status``: where it is not the code's own.
    ``cause``: under what it is counted, one of a few words; empty: it is not. ``setting``: what the host may have to
    change.
    """

    def __init__(
        self,
        error: TradeGameError,
        headers: Iterable[tuple[str, str]] = (),
        *,
        status: int | None = None,
        cause: str = "malformed",
        setting: str | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status or error.status
        self.headers = tuple(headers)
        self.cause = cause
        self.setting = setting
        self.head: Head | None = None
        """Of the request that it answers, where that is known."""

    def body(self) -> bytes:
        """The response's body."""
        return self.error.body()

    def fields(self, body: bytes) -> tuple[tuple[str, str], ...]:
        """The response's headers. It ends the connection."""
        return (
            *self.headers,
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        )

    def response(self) -> bytes:
        """The whole HTTP/1.1 response."""
        body = self.body()
        fields = (f"{name}: {value}" for name, value in self.fields(body))
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}", *fields]
        return "\r\n".join(lines).encode("latin-1") + _END + body


@define
class Head:
    """The request line and the headers (lower-case name, value, in order), and the bytes they came in.

    ``raw`` ends with the empty line; ``rest`` came behind it in the same read.
    """

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes = field(repr=False)
    rest: bytes = field(default=b"", repr=False)

    def get(self, name: str) -> str | None:
        """The value of this header; of several, joined by commas (RFC 9110, section 5.3). None if it is not there."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    def tokens(self, name: str) -> tuple[str, ...]:
        """The comma-separated items of this header, as written."""
        return tuple(item for item in map(str.strip, (self.get(name) or "").split(",")) if item)

    def forget(self) -> None:
        """Drop the headers and the bytes: whoever serves a connection for hours may hold on to its head as long."""
        self.headers, self.raw, self.rest = (), b"", b""

    @property
    def wants_websocket(self) -> bool:
        """Whether it asks for an upgrade to WebSocket (RFC 6455, section 4.2.1)."""
        return "websocket" in (item.lower() for item in self.tokens("upgrade"))

    @property
    def for_websocket(self) -> bool:
        """Whether a WebSocket client sent it, though a proxy may have dropped ``Upgrade``."""
        return self.wants_websocket or self.get("sec-websocket-key") is not None


def parse_head(raw: bytes, rest: bytes = b"") -> Head:
    """Raises Refusal: 400 or 505 for what is no head of an HTTP/1 request, 431 for one with too many headers."""
    check_size(raw.removesuffix(_END).split(b"\n"))  # some parsers take a line that ends with LF alone
    line, *fields = raw.removesuffix(_END).decode("latin-1").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or not all(words):
        raise Refusal(BadRequestError("this is not an HTTP request"))
    method, target, version = words
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise Refusal(BadRequestError("only HTTP/1.1 is spoken here"), status=505, cause="version")
    headers = []
    for text in fields:
        name, colon, value = text.partition(":")
        if not colon or not name or name.strip() != name:
            raise Refusal(BadRequestError("a header is malformed"))
        headers.append((name.lower(), value.strip()))
    return Head(method, target, version, tuple(headers), raw, rest)


def check_size(lines: Sequence[bytes | bytearray]) -> None:
    """Raises Refusal, 431, if the lines of a head, without their ends, are too much to look into."""
    if sum(map(len, lines)) + len(lines) > MAX_HEAD:
        raise too_large()
    if len(lines) > MAX_HEADERS + 1:
        raise too_large(f"a request has at most {MAX_HEADERS} headers")
    if sum(line.count(b",") for line in lines) > MAX_COMMAS:
        raise too_large(f"the headers of a request have at most {MAX_COMMAS} commas")


async def read_head(stream: trio.abc.ReceiveStream, pay: Pay = free) -> Head | None:
    """The head of the first request; None if the peer left before it was whole.

    ``pay`` is charged for each read that does not end it.
    Raises Refusal for what is too long or no HTTP. Has no deadline of its own.
    """
    data = b""
    while (end := data.find(_END)) < 0:
        if len(data) > MAX_HEAD:
            raise too_large()
        chunk = await stream.receive_some(4096)
        if not chunk:
            return None
        data += chunk
        if data[:1] == b"\r":  # RFC 9112, section 2.2
            data = data.removeprefix(b"\r\n")
        if _END not in data and (pause_s := pay(1)):
            await trio.sleep(pause_s)
    end += len(_END)
    if end > MAX_HEAD:
        raise too_large()
    return parse_head(data[:end], data[end:])


def too_large(message: str = f"the head of a request has at most {MAX_HEAD} bytes") -> Refusal:
    """The refusal of a head."""
    return Refusal(TooLargeError(message), status=431, cause="too_large")


async def refuse(stream: trio.abc.Stream, refusal: Refusal, pay: Pay = free, *, within_s: float = 1.0) -> None:
    """Answer with ``refusal`` and close the stream, within ``within_s``, however slow the peer.

    What the peer still sends is read and dropped meanwhile, and each read charged: a socket closed with unread bytes
    resets the connection, and the peer might never see the answer.
    """
    with trio.move_on_after(within_s, shield=True):
        try:
            await stream.send_all(refusal.response())
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()
            while await stream.receive_some(4096):
                if pause_s := pay(1):
                    await trio.sleep(pause_s)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it has gone, and does not need an answer
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(stream)
