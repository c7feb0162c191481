"""What clients say, and what they keep of what they hear."""

from __future__ import annotations

from random import Random

from attrs import define, field

from tests.guarantees.history import Command, FrameSeen
from tests.support.drawing import any_command


@define
class FramePool:
    """Each distinct frame is parsed and kept once, however many clients see it."""

    _frames: dict[bytes, FrameSeen] = field(factory=dict)

    def get(self, text: bytes) -> FrameSeen | None:
        return self._frames.get(text)

    def put(self, text: bytes, frame: FrameSeen) -> FrameSeen:
        self._frames[text] = frame
        return frame


def any_command_of(key: str, choose: Random, orders: list[str]) -> Command:
    """Something to do. ``orders``: the client's resting ones; one that is cancelled or amended is taken from it."""
    fields = any_command(choose, ("grain", "wood"), orders, f"this is {key}")
    return Command(None if fields["op"] == "say" and choose.random() < 0.3 else key, fields)
