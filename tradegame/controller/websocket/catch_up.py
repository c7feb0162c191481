"""The frames to each follower, in order and without a gap: at once, or at the pace at which it reads."""

from __future__ import annotations

from collections.abc import Iterable

import trio
from attrs import define, field

from tradegame.controller.websocket import codec
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.slices import VISITS, Slice
from tradegame.controller.websocket.subscriptions import Subscription
from tradegame.core.domain import views
from tradegame.core.games.history import PublishedFrame
from tradegame.core.games.host import GameHost
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

    _lagging: dict[Subscription, None] = field(factory=dict, init=False)
    _anyone: trio.Event = field(factory=trio.Event, init=False)

    def feed(self, subscription: Subscription) -> None:
        """Queue the frames that a live follower has not been given. The caller flushes."""
        host, now = subscription.host, subscription.host.game.state.seq
        while subscription.seq < now and not (subscription.lagging or subscription.over):
            frame = host.history.frame(subscription.seq + 1)
            if frame is None:
                self._lose(subscription)
            elif subscription.subscriber.outbox.offer(_wire(host, frame)):
                subscription.seq += 1
            else:
                self._lag(subscription)

    def show(self, host: GameHost, followers: Iterable[Subscription]) -> None:
        """Bring some followers of a game up to its last frame, and flush.

        Nearly all have the frame before, and nothing waits for them: they are written to at once, one after the other,
        with the frame in hand. So a delivery costs little more than its system call.
        """
        now = host.game.state.seq
        frame = host.history.frame(now)
        newest = b"" if frame is None else _wire(host, frame)
        for each in followers:
            if each.seq >= now or each.over:
                continue
            outbox = each.subscriber.outbox
            if each.seq == now - 1 and not each.lagging and newest and outbox.show(newest):
                each.seq = now
            else:
                self.feed(each)
                outbox.flush()

    def begin(self, subscription: Subscription, *, flush: bool) -> None:
        """Queue the next piece of what is missing, if the one before has gone; at the end of it the client is live."""
        host, outbox, size = subscription.host, subscription.subscriber.outbox, 0
        now = host.game.state.seq
        behind = subscription.seq < now or subscription.owes_account
        if behind and outbox.empty:
            while subscription.seq < now and size < PIECE_BYTES:
                frame = host.history.frame(subscription.seq + 1)
                if frame is None:
                    self._lose(subscription)
                    return
                wire = _wire(host, frame)
                if not outbox.offer(wire):
                    break
                subscription.seq, size = subscription.seq + 1, size + len(wire)
            if subscription.owes_account:
                wire = account_frame(host, subscription.subscriber.client.player)
                subscription.owes_account = wire != b"" and not outbox.offer(wire)
            if flush:
                outbox.flush()
        elif behind and outbox.stuck_s >= STUCK_S:
            subscription.subscriber.end(TOO_SLOW, "reads too slowly")
        if subscription.seq == now and not subscription.owes_account:
            subscription.lagging = False
            self._lagging.pop(subscription, None)
        else:
            self._lag(subscription)

    def push_account(self, subscription: Subscription, frame: bytes) -> None:
        """Queue the player's account as it is now. Only the newest counts: without room, whichever it is then follows.

        The caller flushes.
        """
        if not subscription.subscriber.outbox.offer(frame):
            subscription.owes_account = True
            self._lag(subscription)

    def forget(self, subscription: Subscription) -> None:
        """It no longer follows."""
        self._lagging.pop(subscription, None)

    async def run(self) -> None:
        """Feed those who have missed much, at the pace at which they read."""
        took_s = 0.0
        while True:
            if not self._lagging:
                self._anyone = trio.Event()
                await self._anyone.wait()
            await trio.sleep(max(PAUSE_S, took_s / SHARE))
            took_s = await self._feed_all()  # on its own: what it has at hand must not outlive it, while nobody lags

    async def _feed_all(self) -> float:
        """One piece to each of them; how long it took, in s, without its pauses."""
        took_s = 0.0
        waiting = list(self._lagging)
        while waiting:
            begun, piece = trio.current_time(), Slice()
            while waiting and not piece.over:
                for subscription in waiting[-VISITS:]:
                    if subscription in self._lagging:
                        self.begin(subscription, flush=True)
                del waiting[-VISITS:]
            took_s += trio.current_time() - begun
            await trio.lowlevel.checkpoint()
        return took_s

    def _lag(self, subscription: Subscription) -> None:
        subscription.lagging = True
        self._lagging[subscription] = None
        self._anyone.set()

    def _lose(self, subscription: Subscription) -> None:
        """The next frame it needs is not kept any more."""
        subscription.over = True
        self.forget(subscription)
        subscription.subscriber.end(TOO_SLOW, "fell too far behind")


def account_frame(host: GameHost, player: str) -> bytes:
    """The player's account as it is now, for the wire; of a player who was removed, nothing."""
    state = host.game.state
    if player not in state.players:
        return b""
    return text_frame(codec.encode_account(host.id, state.seq, views.account(state, player)))


def _wire(host: GameHost, frame: PublishedFrame) -> bytes:
    """What goes over the wire; from then on, the frame itself is not kept."""
    if frame.wire is None:
        assert frame.frame is not None
        frame.wire = text_frame(codec.encode_frame(host.id, host.meta.epoch, frame.frame))
        frame.frame = None
    return frame.wire
