"""Broadcast with resume: the last frames of a game, and what a client that comes back has missed."""

from __future__ import annotations

from collections import deque

from attrs import define, frozen

from tradegame.core.domain.events import Frame

FRAMES_PROMISED = 1_000
FRAMES_KEPT = 2_048
EVENTS_KEPT = 65_536
"""How many frames a node can hand out again: those the protocol promises, and more while their events are few."""


@define
class PublishedFrame:
    """A frame and, once somebody needed it, what goes over the wire: encoded once for every client."""

    frame: Frame
    wire: bytes | None = None


@frozen
class Place:
    """Where a client stands in a game: the last frame it saw."""

    epoch: str
    seq: int


class FrameHistory:
    """The newest frames of one game in their order, without a gap; the oldest fall out."""

    def __init__(self) -> None:
        self._frames: deque[PublishedFrame] = deque()
        self._events = 0

    def append(self, frame: Frame) -> PublishedFrame:
        """Keep the next frame. Raises ValueError if it is not the one that follows."""
        if self._frames and frame.seq != self._frames[-1].frame.seq + 1:
            raise ValueError(f"frame {frame.seq} after {self._frames[-1].frame.seq}")
        published = PublishedFrame(frame)
        self._frames.append(published)
        self._events += len(frame.events)
        while len(self._frames) > FRAMES_KEPT or (self._events > EVENTS_KEPT and len(self._frames) > FRAMES_PROMISED):
            self._events -= len(self._frames.popleft().frame.events)
        return published

    def since(self, seq: int, now: int) -> list[PublishedFrame] | None:
        """The frames after ``seq`` up to ``now``, the game's present one; None when they cannot all be had."""
        if seq > now or seq < 0:
            return None
        missed = now - seq
        if missed > len(self._frames):
            return None
        if not missed:
            return []
        start = len(self._frames) - missed
        return [self._frames[index] for index in range(start, len(self._frames))]
