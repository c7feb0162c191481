"""Broadcast with resume: the last frames of a game, and what a returning client has missed."""

from __future__ import annotations

from collections import deque
from itertools import islice

from attrs import define, field

from tradegame.core.domain.events import Frame
from tradegame.protocol.pushes import BookChanged, News, PublicEvent, Said

FRAMES_KEPT = 2_048
"""Far more than a client misses in a minute; frames of ordinary size take a few MiB."""
HISTORY_BYTES = 33_554_432
"""A game's frames may take so many bytes on a node. A frame has at most some 100 KiB, usually under 1 KiB."""
_FRAME_BYTES, _EVENT_BYTES, _BOOK_BYTES = 200, 250, 1_500
_BYTES_A_CHARACTER = 4
_TEXTS = (Said, News)
_WEIGHT_A_BYTE = 4


@define
class PublishedFrame:
    """A frame and, once it was needed, its encoded form: encoded once for every client.

    ``weight``: about how many bytes it takes here, encoded or not.
    """

    seq: int
    frame: Frame | None
    weight: int
    wire: bytes | None = None

    @property
    def size(self) -> int:
        """Its bytes on the wire; as long as it is not encoded, about."""
        return self.weight // _WEIGHT_A_BYTE if self.wire is None else len(self.wire)


@define(eq=False)
class FrameHistory:
    """The newest frames of one game, in order and without a gap; the oldest are dropped."""

    weight: int = field(default=0, init=False)
    """About how many bytes they take."""
    _frames: deque[PublishedFrame] = field(factory=deque, init=False)

    def append(self, frame: Frame) -> PublishedFrame:
        """Keep the next frame. Raises ValueError if it is not the next."""
        if self._frames and frame.seq != self._frames[-1].seq + 1:
            raise ValueError(f"frame {frame.seq} after {self._frames[-1].seq}")
        published = PublishedFrame(frame.seq, frame, _FRAME_BYTES + sum([_weight(event) for event in frame.events]))
        self._frames.append(published)
        self.weight += published.weight
        while len(self._frames) > FRAMES_KEPT or (self.weight > HISTORY_BYTES and len(self._frames) > 1):
            self.weight -= self._frames.popleft().weight
        return published

    def leads_from(self, seq: int, now: int) -> bool:
        """Whether every frame from after ``seq`` to ``now``, the game's newest, is still kept."""
        return 0 <= seq <= now and now - seq <= len(self._frames)

    def bytes_after(self, seq: int) -> int:
        """How many bytes the frames after ``seq`` take on the wire, of those that are kept; about, until encoded."""
        newest = self._frames[-1].seq if self._frames else seq
        return sum([each.size for each in islice(reversed(self._frames), max(0, newest - seq))])

    def frame(self, seq: int) -> PublishedFrame | None:
        """Frame ``seq``; None if it is no longer kept, or does not exist yet."""
        at = len(self._frames) - 1 - (self._frames[-1].seq - seq) if self._frames else -1
        return self._frames[at] if 0 <= at < len(self._frames) else None


def _weight(event: PublicEvent) -> int:
    if isinstance(event, BookChanged):
        return _BOOK_BYTES
    if isinstance(event, _TEXTS):
        return _EVENT_BYTES + _BYTES_A_CHARACTER * len(event.text)
    return _EVENT_BYTES
