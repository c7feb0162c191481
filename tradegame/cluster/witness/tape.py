"""One sequence of frames, merged from spectators who each saw a part of it, on one node or on several.

No I/O and no clock. The first spectator to see a frame provides it; every other must see exactly the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from attrs import define, field

from tradegame.client.vocabulary import PublicEvent
from tradegame.cluster.witness.ledger import Ledger

DIGESTS_KEPT = 8_192
RESUMABLE = 1_000
"""The protocol promises that a client that missed at most so many frames can resume."""

Show = Callable[[int, Sequence[PublicEvent]], None]


@define(eq=False)
class Tape:
    """Passes every frame once, in order, to the ``ledger`` and to ``show``. A missing or different one is a finding."""

    ledger: Ledger
    show: Show
    frames: int = field(default=0, init=False)
    compared: int = field(default=0, init=False)
    head: int = field(default=-1, init=False)
    """The last frame that was passed on."""
    _epoch: str = field(default="", init=False)
    _digests: OrderedDict[int, int] = field(factory=OrderedDict, init=False)
    _last: dict[str, int] = field(factory=dict, init=False)

    def begin(self, spectator: str, epoch: str, seq: int) -> None:
        """A spectator joined: its next frame is the one after ``seq``."""
        if self.head < 0:
            self.head, self._epoch = seq, epoch
            self.ledger.begin_at(seq)
        self._last[spectator] = seq

    def take(self, spectator: str, seq: int, events: Sequence[PublicEvent]) -> None:
        """A spectator saw a whole frame."""
        last = self._last[spectator]
        if seq <= last:
            self._differs(f"{spectator} was shown frame {seq} after {last}")
            return
        if seq > last + 1:
            self._missed(spectator, last, seq - 1)
        self._last[spectator] = seq
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
                self._differs(f"frame {seq} differs for {spectator} from what others saw")

    def reset(self, spectator: str, epoch: str, seq: int) -> None:
        """A spectator got a whole state at ``seq`` instead of the frames it had missed."""
        last = self._last[spectator]
        if epoch != self._epoch:
            self._differs(f"{spectator} was shown the epoch {epoch} of the game instead of {self._epoch}")
            self._epoch = epoch
        elif seq < last:
            self._differs(f"{spectator} was taken back from frame {last} to {seq}")
        elif seq - last <= RESUMABLE:
            self._missed(spectator, last, seq)
        self._last[spectator] = seq

    def jump(self, spectator: str, seq: int) -> None:
        """A spectator read too slowly, and continues after frame ``seq``. That is not a fault of any node."""
        self._last[spectator] = max(seq, self._last[spectator])

    def _missed(self, spectator: str, last: int, until: int) -> None:
        count = until - last
        if count <= 0:
            return
        self.ledger.find("lost", f"{count} frames after {last}, which {spectator} was never shown")

    def _differs(self, what: str) -> None:
        self.ledger.find("doubled", what)
