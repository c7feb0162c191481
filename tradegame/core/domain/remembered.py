"""What a key stood for and what it came to, as one short text: a player has 256 of them, and a game 10 000 players.

Texts are neither looked at by the garbage collector nor taken apart for a snapshot.
"""

from __future__ import annotations

from tradegame.core.domain.events import (
    Accepted,
    Bought,
    OrderCancelled,
    OrderPlaced,
    Rejected,
    Result,
    Sold,
)


def remember(digest: str, result: Result) -> str:
    """The payload's digest, a letter for the kind of result, and its fields; between them a space."""
    match result:
        case Bought():
            return f"{digest} B {result.filled} {result.cost} {result.fee} {result.cash} {result.seq}"
        case Sold():
            return f"{digest} S {result.filled} {result.proceeds} {result.fee} {result.cash} {result.seq}"
        case OrderPlaced():
            return f"{digest} P {result.order} {result.filled} {result.resting} {result.cash} {result.seq}"
        case OrderCancelled():
            return f"{digest} C {result.order} {result.cash} {result.qty} {result.seq}"
        case Accepted():
            return f"{digest} A {result.seq}"
        case _:
            return f"{digest} R {result.code} {result.message}"


def recall(kept: str) -> tuple[str, Result]:
    """The digest and the result that ``remember`` wrote down."""
    digest, kind, rest = kept.split(" ", 2)
    if kind == "R":
        code, message = rest.split(" ", 1)
        return digest, Rejected(code, message)
    first, *others = rest.split(" ")
    numbers = map(int, others)
    match kind:
        case "B":
            return digest, Bought(int(first), *numbers)
        case "S":
            return digest, Sold(int(first), *numbers)
        case "P":
            return digest, OrderPlaced(first, *numbers)
        case "C":
            return digest, OrderCancelled(first, *numbers)
        case _:
            return digest, Accepted(int(first))
