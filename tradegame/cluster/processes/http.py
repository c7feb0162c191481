"""Just enough HTTP to ask a process on this machine for its status."""

from __future__ import annotations

import trio

ANSWER_BYTES = 4 * 2**20


class NoAnswer(Exception):  # noqa: N818 - it names what happened
    """Nobody answered in time, or the answer is not HTTP."""


async def ask(port: int, path: str, *, deadline_s: float, body: bytes | None = None) -> tuple[int, bytes]:
    """GET, or POST with a ``body``, on 127.0.0.1: the status and the whole body. Raises NoAnswer."""
    method = "GET" if body is None else "POST"
    # With HTTP/1.0 the answer comes in one piece, and the connection closes after it.
    head = f"{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    answer = bytearray()
    try:
        with trio.fail_after(deadline_s):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            try:
                await stream.send_all(f"{head}\r\n".encode() + (body or b""))
                async for data in stream:
                    answer += data
                    if len(answer) > ANSWER_BYTES:
                        raise NoAnswer(f"port {port}: an answer of more than {ANSWER_BYTES} bytes")
            finally:
                await trio.aclose_forcefully(stream)
    except trio.TooSlowError:
        raise NoAnswer(f"port {port}: no answer within {deadline_s:g} s") from None
    except (OSError, trio.BrokenResourceError) as error:
        raise NoAnswer(f"port {port}: {error}") from error
    return _parse(port, bytes(answer))


def _parse(port: int, answer: bytes) -> tuple[int, bytes]:
    head, separator, content = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split()
    if not separator or len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise NoAnswer(f"port {port}: not an HTTP answer: {answer[:60]!r}")
    return int(words[1]), content
