"""One sequence of frames, from several followers who each saw a part of it: from one node, or from one after another.

No I/O and no clock. The first to bring a frame brings it for all; every other must bring the very same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from attrs import define, field

from tradegame.client.events import PublicEvent
from tradegame.cluster.ledger import Ledger

DIGESTS_KEPT = 8_192
RESUMABLE = 1_000
"""Frames that a client may have missed and still get, as the protocol promises."""

Show = Callable[[int, Sequence[PublicEvent]], None]


@define(eq=False)
class Tape:
    """Gives every frame once, in order, to the ``ledger`` and to ``show``. What is missing or differs is a finding.

    ``missing`` counts the frames that a follower should have seen and did not, ``different`` those that were not the
    same for all.
    """

    ledger: Ledger
    show: Show
    frames: int = field(default=0, init=False)
    compared: int = field(default=0, init=False)
    missing: int = field(default=0, init=False)
    different: int = field(default=0, init=False)
    head: int = field(default=-1, init=False)
    """The last frame that was given on."""
    _epoch: str = field(default="", init=False)
    _digests: OrderedDict[int, int] = field(factory=OrderedDict, init=False)
    _last: dict[str, int] = field(factory=dict, init=False)

    def begin(self, follower: str, epoch: str, seq: int) -> None:
        """A follower joined: its next frame is the one after ``seq``."""
        if self.head < 0:
            self.head, self._epoch = seq, epoch
            self.ledger.begin_at(seq)
        self._last[follower] = seq

    def take(self, follower: str, seq: int, events: Sequence[PublicEvent]) -> None:
        """A follower saw a whole frame."""
        last = self._last[follower]
        if seq <= last:
            self._differs(f"{follower} was shown frame {seq} after {last}")
            return
        if seq > last + 1:
            self._missed(follower, last, seq - 1)
        self._last[follower] = seq
        digest = hash(msgspec.json.encode(events))
        if seq > self.head:
            self.head = seq
            self.frames += 1
            self._digests[seq] = digest
            if len(self._digests) > DIGESTS_KEPT:
                self._digests.popitem(last=False)
            self.ledger.frame(seq, events)
            self.show(seq, events)
        elif (known := self._digests.get(seq)) is not None:
            self.compared += 1
            if known != digest:
                self._differs(f"frame {seq} is another one for {follower} than it was for others")

    def reset(self, follower: str, epoch: str, seq: int) -> None:
        """A follower was given a whole state, at ``seq``, in place of what it had missed."""
        last = self._last[follower]
        if epoch != self._epoch:
            self._differs(f"{follower} was shown another life of the game, {epoch} in place of {self._epoch}")
            self._epoch = epoch
        elif seq < last:
            self._differs(f"{follower} was taken back from frame {last} to {seq}")
        elif seq - last <= RESUMABLE:
            self._missed(follower, last, seq)
        self._last[follower] = seq

    def jump(self, follower: str, seq: int) -> None:
        """A follower could not keep up here, and reads on from the frame after ``seq``: no fault of any node's."""
        self._last[follower] = max(seq, self._last[follower])

    def _missed(self, follower: str, last: int, until: int) -> None:
        count = until - last
        if count <= 0:
            return
        self.missing += count
        self.ledger.find_lost(f"{count} frames after {last}, which {follower} was never shown")

    def _differs(self, what: str) -> None:
        self.different += 1
        self.ledger.find_doubled(what)
