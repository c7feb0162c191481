"""The frames to each follower, in order and without a gap: at once, or at the pace at which it reads."""

from __future__ import annotations

import trio
from attrs import define, field

from tradegame.controller.websocket import protocol
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.members import VISITS, Following, Slice
from tradegame.core.use_cases.broadcast_game_state import PublishedFrame
from tradegame.core.use_cases.game_host import GameHost
from tradegame.protocol.closing import TOO_SLOW

PIECE_BYTES = 65_536
PAUSE_S = 0.005
SHARE = 0.25
"""A client that has missed much gets it in pieces of this size, the next when the last one has gone.

To see whether it has, with a crowd of which nobody reads, takes at most this share of the time.
"""
STUCK_S = 10.0
"""A client that has frames to catch up with and takes nothing for so long does not read: it is closed."""


@define(eq=False)
class CatchUp:
    """Knows who lags behind. Only ``run`` waits."""

    _lagging: dict[Following, None] = field(factory=dict, init=False)
    _anyone: trio.Event = field(factory=trio.Event, init=False)

    def feed(self, following: Following) -> None:
        """Queue the frames that a live follower has not been given. The caller flushes."""
        host, now = following.host, following.host.game.state.seq
        while following.seq < now and not (following.lagging or following.over):
            frame = host.history.frame(following.seq + 1)
            if frame is None:
                self._lose(following)
            elif following.member.outbox.offer(_wire(host, frame)):
                following.seq += 1
            else:
                self._lag(following)

    def begin(self, following: Following, *, flush: bool) -> None:
        """Queue the next piece of what is missing, if the one before has gone; at the end of it the client is live."""
        host, outbox, size = following.host, following.member.outbox, 0
        now = host.game.state.seq
        if following.seq < now and outbox.empty:
            while following.seq < now and size < PIECE_BYTES:
                frame = host.history.frame(following.seq + 1)
                if frame is None:
                    self._lose(following)
                    return
                wire = _wire(host, frame)
                if not outbox.offer(wire):
                    break
                following.seq, size = following.seq + 1, size + len(wire)
            if flush:
                outbox.flush()
        elif following.seq < now and outbox.stuck_s >= STUCK_S:
            following.member.end(TOO_SLOW, "reads too slowly")
        if following.seq == now:
            following.lagging = False
            self._lagging.pop(following, None)
        else:
            self._lag(following)

    def forget(self, following: Following) -> None:
        """It follows no more."""
        self._lagging.pop(following, None)

    async def run(self) -> None:
        """Feed those who have missed much, at the pace at which they read."""
        took_s = 0.0
        while True:
            if not self._lagging:
                self._anyone = trio.Event()
                await self._anyone.wait()
            await trio.sleep(max(PAUSE_S, took_s / SHARE))
            took_s = 0.0
            waiting = list(self._lagging)
            while waiting:
                begun, piece = trio.current_time(), Slice()
                while waiting and not piece.over:
                    for following in waiting[-VISITS:]:
                        if following in self._lagging:
                            self.begin(following, flush=True)
                    del waiting[-VISITS:]
                took_s += trio.current_time() - begun
                await trio.lowlevel.checkpoint()

    def _lag(self, following: Following) -> None:
        following.lagging = True
        self._lagging[following] = None
        self._anyone.set()

    def _lose(self, following: Following) -> None:
        """The next frame it needs is not kept any more."""
        following.over = True
        self.forget(following)
        following.member.end(TOO_SLOW, "fell too far behind")


def _wire(host: GameHost, frame: PublishedFrame) -> bytes:
    """What goes over the wire; from then on, the frame itself is not kept."""
    if frame.wire is None:
        assert frame.frame is not None
        frame.wire = text_frame(protocol.encode_frame(host.id, host.meta.epoch, frame.frame))
        frame.frame = None
    return frame.wire
