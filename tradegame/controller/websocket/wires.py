"""Encoded frames as they wait for clients: whole, or in pieces that several clients share; and cut up for a write."""

from __future__ import annotations

from collections.abc import Sequence

from tradegame.controller.websocket.sink import PIECES_A_WRITE

Wire = bytes | tuple[bytes, ...]
"""A whole, encoded frame; a large one in pieces, of which other clients may wait for the same."""

ONE_WRITE = 65_536
"""Bytes joined for one write to a socket: as much as its buffer takes."""


def size_of(frame: Wire) -> int:
    """Its bytes."""
    return len(frame) if isinstance(frame, bytes) else sum(map(len, frame))


def pieces(frame: Wire) -> tuple[bytes, ...]:
    """It in pieces, none of which is copied."""
    return (frame,) if isinstance(frame, bytes) else frame


def rest(frame: Wire, sent: int, most: int = 4 * ONE_WRITE) -> list[bytes | memoryview]:
    """The pieces of a frame after its first ``sent`` bytes, for one write: at most ``most`` bytes of them."""
    left: list[bytes | memoryview] = []
    for piece in pieces(frame):
        if sent >= len(piece):
            sent -= len(piece)
            continue
        part = memoryview(piece)[sent : sent + most] if sent or len(piece) > most else piece
        left.append(part)
        sent, most = 0, most - len(part)
        if most <= 0 or len(left) == PIECES_A_WRITE:
            break
    return left


def joined(frames: Sequence[Wire], most: int) -> tuple[bytes, int]:
    """The first frames in one piece, at most so many bytes, but one frame at least; and how many they are.

    Stops before a frame in pieces.
    """
    some: list[bytes] = []
    total = 0
    for frame in frames:
        if not isinstance(frame, bytes) or (some and total + len(frame) > most):
            break
        some.append(frame)
        total += len(frame)
    return b"".join(some), len(some)
