"""What clients say, and what they keep of what they hear."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import define, field

from tests.guarantees.history import Command, FrameSeen


@define
class FramePool:
    """Each distinct frame is parsed and kept once, however many clients see it."""

    _frames: dict[bytes, FrameSeen] = field(factory=dict)

    def get(self, text: bytes) -> FrameSeen | None:
        return self._frames.get(text)

    def put(self, text: bytes, frame: FrameSeen) -> FrameSeen:
        self._frames[text] = frame
        return frame


def any_command(key: str, choose: Random, orders: list[str]) -> Command:
    """Something to do. ``orders``: the client's resting ones; one that is cancelled is taken from it."""
    op = choose.choices(("buy", "sell", "order", "cancel", "say"), (4, 4, 6, 3, 3))[0]
    good = choose.choice(("grain", "wood"))
    match op:
        case "buy" | "sell":
            fields: dict[str, Any] = {"good": good, "qty": choose.randint(1, 3)}
            if choose.random() < 0.5:
                fields["limit"] = choose.randint(15, 30)
        case "order":
            fields = {"good": good, "side": choose.choice(("bid", "ask"))}
            fields |= {"qty": choose.randint(1, 4), "price": choose.randint(15, 30)}
        case "cancel":
            order = orders.pop(choose.randrange(len(orders))) if orders else "o1"
            fields = {"order": order}
        case _:
            fields = {"text": f"this is {key}"}
            if choose.random() < 0.3:
                return Command(None, {"op": op, **fields})
    return Command(key, {"op": op, **fields})
