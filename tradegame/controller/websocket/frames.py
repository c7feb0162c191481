"""WebSocket frames (RFC 6455, section 5) as bytes: made for the server's side, read from a client's. No I/O."""

from __future__ import annotations

from typing import overload

from attrs import frozen

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""The opcodes there are (section 5.2)."""

_FIN, _RSV, _OPCODE, _MASKED = 0x80, 0x70, 0x0F, 0x80
_UNMASKING_KEY = b"\0\0\0\0"
_CONTROL_PAYLOAD = 125  # the most a control frame may carry (section 5.5)
NO_CODE = 1005
"""Stands for the code of a close that has none (section 7.1.5)."""
_CLOSE_REASON = 123  # what is left of that after the code


@overload
def text_frame(payload: bytes) -> bytes: ...
@overload
def text_frame(payload: bytes | tuple[bytes, ...]) -> bytes | tuple[bytes, ...]: ...
def text_frame(payload: bytes | tuple[bytes, ...]) -> bytes | tuple[bytes, ...]:
    """One whole, unmasked text message. ``payload`` is UTF-8, of any length; one in pieces stays in these pieces."""
    if isinstance(payload, bytes):
        return _frame(TEXT, payload)
    return (_head(TEXT, sum(len(piece) for piece in payload)) + payload[0], *payload[1:])


def ping_frame(payload: bytes = b"") -> bytes:
    """A ping. ``payload`` is at most 125 bytes, and comes back in the pong."""
    return _frame(PING, payload)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping with this payload."""
    return _frame(PONG, payload)


def close_answer(payload: bytes) -> bytes:
    """The answer to a close with this payload."""
    return _frame(CLOSE, payload)


def close_frame(code: int, reason: str) -> bytes:
    """A close (section 5.5.1). A ``reason`` over 123 bytes of UTF-8 is cut, between two characters."""
    cut = reason.encode()[:_CLOSE_REASON].decode(errors="ignore")
    return _frame(CLOSE, code.to_bytes(2, "big") + cut.encode())


def usual_close(payload: bytes) -> tuple[int, str] | None:
    """The code (1005: none) and the reason of a client's close that no rule objects to; None for any other."""
    if not payload:
        return NO_CODE, ""
    code = int.from_bytes(payload[:2], "big")
    if code not in (1000, 1001) and not 3000 <= code <= 4999:
        return None
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        return None


def is_close(frame: bytes) -> bool:
    """Whether a server's frame is a close."""
    return frame[0] == _FIN | CLOSE


def _frame(opcode: int, payload: bytes) -> bytes:
    return _head(opcode, len(payload)) + payload


def _head(opcode: int, size: int) -> bytes:
    if size < 126:
        return bytes((_FIN | opcode, size))
    if size < 65536:
        return b"%c\x7e%b" % (_FIN | opcode, size.to_bytes(2, "big"))
    return b"%c\x7f%b" % (_FIN | opcode, size.to_bytes(8, "big"))


def unmask(payload: bytes, key: bytes) -> bytes:
    """Each byte of ``payload`` XORed with one of the ``key``'s four (section 5.3).

    As one big integer: half a microsecond for 100 bytes, where a loop takes ten.
    """
    size = len(payload)
    mask = int.from_bytes((key * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ mask).to_bytes(size, "little")


def take_texts(data: bytes, limit: int, into: list[str]) -> int:
    """Takes the plain text messages off the front of ``data`` and returns where the first other thing begins.

    Plain is: whole, in one frame, masked, without reserved bits, at most ``limit`` bytes, and UTF-8. The texts are
    appended to ``into``. What stops it may be the beginning of a plain one, or anything else: nothing is judged here.
    Only for a place where a message may begin, which is not between the fragments of another.
    """
    at, end = 0, len(data)
    while end - at >= 6 and data[at] == _FIN | TEXT:
        size = data[at + 1] - _MASKED
        start = at + 6
        if size == 126:
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            start = at + 8
            if size < 126:  # not the shortest form: an error, and not ours to report
                break
        elif size == 127:
            break
        stop = start + size
        if size < 0 or stop > end or size > limit:
            break
        key = data[start - 4 : start]
        payload = data[start:stop]
        if key != _UNMASKING_KEY:
            payload = unmask(payload, key)
        try:
            into.append(payload.decode())
        except UnicodeDecodeError:
            break
        at = stop
    return at


@frozen
class Header:
    """The head of a client's frame, of ``head_size`` bytes, and how many bytes of payload it announces.

    ``legal``: it breaks no rule that can be seen from a head alone. If not, ``size`` means nothing.
    """

    fin: bool
    opcode: int
    head_size: int
    size: int
    legal: bool

    @property
    def control(self) -> bool:
        """A close, ping or pong: it may stand between the fragments of a message."""
        return self.opcode >= CLOSE

    def payload(self, data: bytes) -> bytes:
        """Of the whole frame that ``data`` begins with."""
        start = self.head_size
        return unmask(data[start : start + self.size], data[start - 4 : start])

    def fills(self, data: bytes) -> bool:
        """Whether ``data``, which begins with it, is one whole legal frame and no more."""
        return self.legal and len(data) == self.head_size + self.size


def read_header(data: bytes, at: int = 0) -> Header | None:
    """The header that begins at ``at``; None while more bytes are needed to tell."""
    if len(data) - at < 2:
        return None
    first, second = data[at], data[at + 1]
    opcode, size = first & _OPCODE, second & 0x7F
    fin = bool(first & _FIN)
    known = opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
    if not known or first & _RSV or not second & _MASKED or (opcode >= CLOSE and (not fin or size > _CONTROL_PAYLOAD)):
        return Header(fin, opcode, min(len(data) - at, 14), 0, legal=False)
    extended = {126: 2, 127: 8}.get(size, 0)
    head_size = 2 + extended + 4
    if len(data) - at < head_size:
        return None
    if extended:
        size = int.from_bytes(data[at + 2 : at + 2 + extended], "big")
        # The shortest form is a must, and the 64-bit one has its top bit clear (section 5.2).
        legal = size >= (126 if extended == 2 else 65536) and size < 1 << 63
        return Header(fin, opcode, head_size, size, legal)
    return Header(fin, opcode, head_size, size, legal=True)
