"""What a key stood for and what it came to, as one short text: a player has 256 of them, and a game 10 000 players.

Texts are neither looked at by the garbage collector nor taken apart for a snapshot.
"""

from __future__ import annotations

from tradegame.core.domain.events import Rejected, Result
from tradegame.protocol.replies import Bought, Cancelled, Ordered, Released, Sent, Sold


def remember(at_s: int, digest: str, result: Result) -> str:
    """When, in s since the Unix epoch; the payload's digest; a letter for the kind of result, and its fields; between
    them a space.
    """
    head = f"{at_s} {digest}"
    match result:
        case Bought():
            return f"{head} B {result.filled} {result.cost} {result.fee} {result.cash} {result.seq}"
        case Sold():
            return f"{head} S {result.filled} {result.proceeds} {result.fee} {result.cash} {result.seq}"
        case Ordered():
            return f"{head} P {result.order} {result.filled} {result.resting} {result.cash} {result.seq}"
        case Cancelled():
            return f"{head} C {result.order} {result.released.cash} {result.released.qty} {result.seq}"
        case Sent():
            return f"{head} A {result.seq}"
        case _:
            return f"{head} R {result.code} {result.message}"


def remembered_at_s(kept: str) -> int:
    """When a text of ``remember`` was written, in s since the Unix epoch."""
    return int(kept[: kept.index(" ")])


def recall(kept: str) -> tuple[str, Result]:
    """The digest and the result that ``remember`` wrote down."""
    _, digest, kind, rest = kept.split(" ", 3)
    if kind == "R":
        code, message = rest.split(" ", 1)
        return digest, Rejected(code, message)
    first, *others = rest.split(" ")
    numbers = [int(each) for each in others]
    match kind:
        case "B" | "S":
            cost, fee, cash, seq = numbers
            return digest, (Bought if kind == "B" else Sold)(int(first), cost, fee, cash, seq)
        case "P":
            filled, resting, cash, seq = numbers
            return digest, Ordered(first, filled, resting, cash, seq)
        case "C":
            cash, qty, seq = numbers
            return digest, Cancelled(first, Released(cash, qty), seq)
        case _:
            return digest, Sent(int(first))
