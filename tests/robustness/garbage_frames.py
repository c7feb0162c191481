"""Garbage below the protocol: bytes, torn handshakes and frames, and whatever RFC 6455 forbids.

Every kind is a function of the server's port and a source of chance. It closes what it opens, and fails if the server
leaves open what it must close.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import ExitStack

from tests.support.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Raw, ask, frame, text, upgrade

Kind = Callable[[int, random.Random], None]

HELLO = ask("hello", name="garbage")
FAREWELL = frame(CLOSE, b"\x03\xe8")


def leave(connection: Raw, chance: random.Random) -> None:
    """By FIN, by RST, or by a half-close that waits for the server's own."""
    way = chance.randrange(3)
    if way == 0:
        connection.close()
    elif way == 1:
        connection.reset()
    else:
        connection.finish_sending()
        connection.until_closed()
        connection.close()


def random_bytes_instead_of_a_handshake(port: int, chance: random.Random) -> None:
    for _ in range(30):
        connection = Raw(port)
        connection.send(chance.randbytes(chance.choice((1, 10, 300, 16_384, 40_000))))
        leave(connection, chance)


def random_bytes_after_the_handshake(port: int, chance: random.Random) -> None:
    for _ in range(30):
        connection = Raw.upgraded(port)
        connection.send(chance.randbytes(chance.choice((1, 2, 5, 100, 20_000))))
        leave(connection, chance)


def random_bytes_behind_the_handshake_in_the_same_packet(port: int, chance: random.Random) -> None:
    for _ in range(30):
        connection = Raw(port)
        connection.send(upgrade() + chance.randbytes(chance.choice((1, 2, 5, 100, 20_000))))
        leave(connection, chance)


def random_payloads_in_proper_frames(port: int, chance: random.Random) -> None:
    for _ in range(30):
        with Raw.upgraded(port) as connection:
            connection.send(HELLO)
            payload = b"\xff" + chance.randbytes(chance.choice((0, 1, 50, 1_000, 16_000)))
            connection.send(frame(TEXT, payload, mask=chance.randbytes(4)))
            assert connection.end()[0] == 1007


def every_torn_handshake(port: int, chance: random.Random) -> None:
    head = upgrade()
    for size in range(len(head)):
        connection = Raw(port)
        connection.send(head[:size])
        leave(connection, chance)


def every_torn_frame(port: int, chance: random.Random) -> None:
    whole = frame(TEXT, json.dumps({"op": "ping", "id": 1, "x": "y" * 120}).encode())
    for size in [*range(16), *sorted(chance.sample(range(16, len(whole)), 20))]:
        connection = Raw.upgraded(port)
        connection.send(whole[:size])
        leave(connection, chance)


FORBIDDEN_FRAMES: dict[str, tuple[bytes, int]] = {
    "unmasked": (frame(TEXT, b'{"op":"ping"}', mask=None), 1002),
    "an unmasked ping": (frame(PING, b"x", mask=None), 1002),
    **{f"reserved bits {bits}": (frame(TEXT, b"x", reserved=bits), 1002) for bits in range(1, 8)},
    **{f"opcode {opcode}": (frame(opcode, b"x"), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a length of 2^63": (frame(TEXT, length=2**63, form=64), 1002),
    "a length of 2^64 - 1": (frame(TEXT, length=2**64 - 1, form=64), 1002),
    "a length of 2^63 - 1": (frame(TEXT, length=2**63 - 1, form=64), 1009),
    "one byte over": (frame(TEXT, length=16_385, form=16), 1009),
    "a 16-bit length that fits in 7": (frame(TEXT, b"x", form=16), 1002),
    "a 64-bit length that fits in 7": (frame(TEXT, b"x", form=64), 1002),
    "a binary frame": (frame(BINARY, b"x"), 1003),
    "a ping in parts": (frame(PING, b"x", fin=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "a pong of 2^62 bytes": (frame(PONG, length=2**62, form=64), 1002),
    "a close in parts": (frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    "a close of one byte": (frame(CLOSE, b"x"), 1002),
    "a close with no code of a client's": (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
    "a close with code 0": (frame(CLOSE, b"\0\0"), 1002),
    "a close whose reason is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff\xfe"), 1007),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a text within a text": (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    "no UTF-8": (frame(TEXT, b"\xc3\x28"), 1007),
    "a surrogate in UTF-8": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "no UTF-8 in parts": (frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\x28"), 1007),
    "too much in parts": (frame(TEXT, b"x" * 16_000, fin=False) + frame(CONTINUATION, b"x" * 385), 1009),
}
"""What RFC 6455 or the protocol forbids, and the code with which the server must close."""


def forbidden_frames(port: int, chance: random.Random) -> None:
    with ExitStack() as stack:
        opened = {name: stack.enter_context(Raw.upgraded(port)) for name in FORBIDDEN_FRAMES}
        for name, (data, _) in FORBIDDEN_FRAMES.items():
            opened[name].send(HELLO * chance.randrange(2) + data)
        for name, (_, code) in FORBIDDEN_FRAMES.items():
            assert opened[name].end()[0] == code, name
            if chance.random() < 0.9:
                opened[name].reset()  # else the server waits a second for the answer to its close
            else:
                opened[name].until_closed()


def a_flood_of_fragments(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port) as connection:
        piece = b"x" * chance.choice((3, 5, 10))
        fragments = frame(CONTINUATION, piece, fin=False) * 6_000
        connection.pour(frame(TEXT, b"x", fin=False) + fragments + FAREWELL, 1)
        connection.until_closed()


def a_flood_of_pings(port: int, chance: random.Random) -> None:
    """Those that it has not paid for are read slowly, and its end behind them: so they are not too many."""
    with Raw.upgraded(port) as connection:
        connection.send(HELLO)
        connection.pour(frame(PING, b"p" * 125) * 3_000, 0.5)
        leave(connection, chance)


def a_flood_of_pongs_and_empty_texts(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port) as connection:
        connection.pour(frame(PONG, b"p" * 125) * 2_000 + text(b"") * 2_000 + FAREWELL, 2)
        assert connection.end()[0] == 4500


def a_flood_of_closes(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port) as connection:
        connection.send(HELLO)
        connection.pour(FAREWELL * 5_000, 1)
        connection.until_closed()


def frames_at_random(port: int, chance: random.Random) -> None:
    for _ in range(20):
        frames = b"".join(
            frame(
                chance.choice((TEXT, TEXT, CONTINUATION, PING, PONG, chance.randrange(16))),
                chance.choice((b"{}", b"", b'{"op":"ping"}', chance.randbytes(chance.randrange(120)))),
                fin=chance.random() < 0.7,
                reserved=chance.choice((0,) * 9 + (chance.randrange(8),)),
                mask=chance.choice((b"\0\0\0\0", chance.randbytes(4))),
            )
            for _ in range(chance.randrange(1, 60))
        )
        connection = Raw.upgraded(port)
        at = 0
        while at < len(frames):
            step = chance.choice((1, 3, 50, 4_000))
            if not connection.send(frames[at : at + step]):
                break
            at += step
        leave(connection, chance)


def half_open_handshakes(port: int, chance: random.Random, count: int = 100) -> None:
    """Opened, and forgotten: some after a few bytes. Whether others are served meanwhile is for the caller to see."""
    opened = [Raw(port) for _ in range(count)]
    for connection in opened:
        connection.send(upgrade()[: chance.choice((0, 0, 1, 30, 100))])
    for connection in opened:
        connection.reset() if chance.random() < 0.5 else connection.close()


def connections_that_say_nothing(port: int, chance: random.Random) -> None:
    opened = [Raw.upgraded(port) for _ in range(50)]
    for connection in opened:
        connection.reset() if chance.random() < 0.5 else connection.close()


def comings_and_goings(port: int, chance: random.Random, count: int = 200) -> None:
    for _ in range(count):
        connection = Raw(port)
        stage = chance.randrange(4)
        if stage:
            connection.send(upgrade())
        if stage == 3:
            connection.send(frame(CLOSE, b"\x03\xe8"))
        connection.reset() if chance.random() < 0.5 else connection.close()


KINDS: tuple[Kind, ...] = (
    random_bytes_instead_of_a_handshake,
    random_bytes_after_the_handshake,
    random_bytes_behind_the_handshake_in_the_same_packet,
    random_payloads_in_proper_frames,
    every_torn_handshake,
    every_torn_frame,
    forbidden_frames,
    a_flood_of_fragments,
    a_flood_of_pings,
    a_flood_of_pongs_and_empty_texts,
    a_flood_of_closes,
    frames_at_random,
    half_open_handshakes,
    connections_that_say_nothing,
    comings_and_goings,
)
