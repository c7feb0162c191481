"""What still has to go to one client: whole frames, in order, bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import frozen

from tradegame.controller.backlog import Backlog, Share
from tradegame.controller.websocket.sink import Sink
from tradegame.controller.websocket.wires import ONE_WRITE, Wire, joined, pieces, rest, size_of
from tradegame.utils.sleeper import Sleeper

_FRAME_OVERHEAD = 48  # bytes that CPython keeps for a queued frame besides its content: a flood of tiny ones counts too
_ONE_RECORD = 16_384  # and to a stream: what a TLS record holds, and what an overflow must let pass


@frozen
class OutboxStatistics:
    """A snapshot. ``queued_bytes`` and ``queued_frames`` wait; ``frames_out`` and ``bytes_out`` have gone, ever."""

    queued_bytes: int
    queued_frames: int
    frames_out: int
    bytes_out: int
    overflowed: bool
    broken: bool


class Outbox:
    """The frames on their way to one client.

    ``put``, ``offer`` and ``flush`` are for a hub that serves a thousand outboxes in a row: they never wait and never
    raise. What the socket does not take at once is left to ``run_writer``, which sleeps while nothing is left.

    ``show`` is what both come to for an idle follower, nearly always: one write, and no queue. It took a quarter off a
    frame's way to a thousand followers, and is why ``offer`` and ``_sent`` look at the plain case first.

    **Bound and policy.** One frame is in hand: the one that the peer has a part of, or else the first in line. It may
    be of any size, so that whoever reads gets it. When what waits besides it passes ``limit`` (a small charge a frame
    counts too), and the socket takes no more, the outbox *overflows*: everything that waits is dropped, except the
    rest of a frame that the peer has half of, and ``on_overflow`` is called, once, from within ``put``. Only what
    ``finish`` is given can follow. No frame is ever torn, nor dropped without that. What waits counts in ``backlog``,
    too, the budget of all clients together, for which it may overflow from within any outbox's ``flush``.

    **Resource handling.** It owns neither the sink nor a task: someone runs ``run_writer`` for as long as the
    connection is meant to live, and closes the outbox before the stream.

    **Error handling.** A socket that fails makes the outbox *broken*: from then on ``put`` and ``flush`` do nothing,
    and ``run_writer`` raises trio.BrokenResourceError.
    """

    __slots__ = (
        "_backlog",
        "_bytes_out",
        "_direct",
        "_frames_out",
        "_hand",
        "_hand_frames",
        "_hand_sent",
        "_limit",
        "_noted",
        "_on_overflow",
        "_open",
        "_queue",
        "_queued",
        "_share",
        "_sink",
        "_try_write",
        "_writer",
        "_writer_owns",
        "broken",
        "finishing",
        "overflowed",
    )

    def __init__(self, sink: Sink, limit: int, on_overflow: Callable[[], None], backlog: Backlog | None = None) -> None:
        """``limit`` in bytes."""
        self._sink = sink
        self._direct, self._try_write = sink.direct, sink.try_write
        self._limit = limit
        self._on_overflow = on_overflow
        self._backlog = backlog or Backlog()
        self._share = Share(self._backlog, self._overflow)
        self._open = True  # takes frames
        self._queue: list[Wire] = []  # whole frames
        self._queued = 0  # their bytes
        self._noted = 0  # so many of them count in the backlog
        self._hand: Wire = b""  # what the peer has the beginning of
        self._hand_sent = 0  # how much of it
        self._hand_frames = 0  # and how many frames it is
        self._writer_owns = False  # the socket was full, or is the writer's alone: a flush need not try
        self._writer = Sleeper()
        self._frames_out = self._bytes_out = 0
        self.finishing = False
        """Nothing more is taken; the writer ends when it has sent what waits."""
        self.overflowed = False
        """The client read too slowly, and frames were dropped."""
        self.broken = False
        """The socket failed."""

    @property
    def empty(self) -> bool:
        """Whether everything that was put has gone to the socket."""
        return not self._queue and not self._hand

    @property
    def stuck_s(self) -> float:
        """For how long something has waited of which the client took nothing; in s."""
        return trio.current_time() - self._share.taken_at if self._share.held else 0.0

    def put(self, frame: Wire) -> None:
        """Queue one whole, encoded frame. Nothing moves before ``flush``, or the bound. Silent after the end."""
        if not self._take(frame, self._limit):
            self._overflow()

    def show(self, frame: bytes) -> bool:
        """Queue a frame and flush it, if nothing waits. Returns False if something does: then nothing was done."""
        if self._queue or self._hand or self._writer_owns or not self._direct or not self._open:
            return False
        try:
            sent = self._try_write(frame)
        except OSError:
            self._break()
            return True
        if sent == len(frame):
            self._frames_out += 1
            self._bytes_out += sent
            return True
        self._queue.append(frame)
        self._queued = len(frame)
        self._sent(sent)
        self._leave_to_writer()
        return True

    def offer(self, frame: Wire) -> bool:
        """Like ``put``; but it may fill half of the bound alone. Beyond, it leaves the frame to the caller: False."""
        return self._take(frame, self._limit // 2)

    def _take(self, frame: Wire, limit: int) -> bool:
        if not self._open:
            return True
        size = len(frame) if isinstance(frame, bytes) else size_of(frame)
        besides = self._queued + size + _FRAME_OVERHEAD * (len(self._queue) + 1)
        if besides > limit and not self._fits(size, limit):
            self.flush()
            if not self._fits(size, limit):
                return not self._open  # the budget of all clients may have closed it just now
        self._queue.append(frame)
        self._queued += size
        return True

    def _fits(self, size: int, limit: int) -> bool:
        besides = self._queued + size + _FRAME_OVERHEAD * (len(self._queue) + 1)
        if besides <= limit or self.empty:
            return True
        return not self._hand and besides - size_of(self._queue[0]) <= limit

    def flush(self) -> None:
        """Write what waits, now, as far as the socket takes it; the writer does the rest. Never raises."""
        if not self._queue:
            return
        if self._direct and not (self._writer_owns or self._hand):
            self._write()
            if self.empty:
                return
        self._leave_to_writer()

    def finish(self, last: bytes = b"") -> None:
        """Take nothing more, but for one ``last`` frame (or none), and let ``run_writer`` return when all has gone."""
        if self.finishing or self.broken:
            return
        self._open, self.finishing = False, True
        if last:
            self._queue.append(last)
            self._queued += len(last)
        self.flush()
        self._writer.wake()

    def close(self) -> None:
        """Drop everything, for good. Idempotent."""
        self._open, self.finishing = False, True
        self._drop_queue()
        self._hand, self._hand_sent = b"", 0
        # Nobody calls them any more, and they hold the connection, which holds this outbox.
        self._on_overflow = self._share.evict = _nothing
        self._writer.wake()

    async def run_writer(self) -> None:
        """Send what ``flush`` had to leave. Returns after ``finish``, when all has gone, and after ``close``.

        Raises trio.BrokenResourceError when the socket fails, trio.ClosedResourceError when it was closed under it.
        Cancelled, it may leave half a frame: the connection is then only good for closing.
        """
        while True:
            if self.broken:
                raise trio.BrokenResourceError("the client's socket failed")
            if self.empty:
                self._writer_owns = False
                if self.finishing:
                    return
                await self._writer.sleep()
            elif self._direct:
                self._writer_owns = True
                await self._sink.wait_writable()
                if not self.empty:  # an overflow or a close may have emptied it meanwhile
                    self._write()
            else:
                await self._send_record()

    def statistics(self) -> OutboxStatistics:
        """What it holds and has done."""
        return OutboxStatistics(
            queued_bytes=self._queued + size_of(self._hand) - self._hand_sent,
            queued_frames=len(self._queue) + (self._hand_frames if self._hand else 0),
            frames_out=self._frames_out,
            bytes_out=self._bytes_out,
            overflowed=self.overflowed,
            broken=self.broken,
        )

    def _overflow(self) -> None:
        self._open = False
        self.overflowed = True
        self._drop_queue()
        self._on_overflow()

    def _drop_queue(self) -> None:
        """The rest of the frame in hand stays, and counts no more: it is gone within the second that a close takes."""
        self._queue.clear()
        self._queued = self._noted = 0
        self._share.clear()

    def _leave_to_writer(self) -> None:
        if not self._writer_owns:
            self._writer_owns = self._direct
            self._writer.wake()
        self._note()
        self._backlog.relieve()

    def _note(self) -> None:
        """What waits now counts in the backlog."""
        for frame in self._queue[self._noted :]:
            self._share.hold(pieces(frame))
        self._noted = len(self._queue)

    # To a socket

    def _write(self) -> None:
        """One write of the rest of a frame, or of many whole ones."""
        try:
            if self._hand:
                self._sent_in_hand(self._sink.try_write_all_of(rest(self._hand, self._hand_sent)))
                return
            first = self._queue[0]
            if not isinstance(first, bytes):
                sent = self._sink.try_write_all_of(rest(first, 0))
            elif len(self._queue) == 1:  # by far the most frequent: one frame to an idle socket
                sent = self._try_write(first)
            else:
                sent = self._try_write(joined(self._queue, ONE_WRITE)[0])
        except OSError:
            self._break()
        else:
            self._sent(sent)

    def _sent(self, sent: int) -> None:
        """Take ``sent`` bytes off the queue; a frame of which the peer has a part is in hand from now on."""
        self._bytes_out += sent
        if sent == self._queued and not self._noted:
            self._frames_out += len(self._queue)
            self._queue.clear()
            self._queued = 0
            return
        done = 0
        for frame in self._queue:
            if sent == 0:
                break
            done += 1
            size = size_of(frame)
            self._queued -= size
            if sent < size:
                self._hand, self._hand_sent, self._hand_frames = frame, sent, 1
                if done > self._noted:
                    self._share.hold(pieces(frame))
                break
            sent -= size
            self._frames_out += 1
            if done <= self._noted:
                self._share.release(pieces(frame))
        del self._queue[:done]
        self._noted = max(0, self._noted - done)
        if self._share.held:
            self._share.took()

    def _sent_in_hand(self, sent: int) -> None:
        self._bytes_out += sent
        self._hand_sent += sent
        if sent:
            self._share.took()
        if self._hand_sent == size_of(self._hand):
            self._frames_out += self._hand_frames
            self._share.release(pieces(self._hand))
            self._hand, self._hand_sent = b"", 0

    # Through a stream

    async def _send_record(self) -> None:
        """What was given to ``send_all`` is out of our hands, and counts as begun: no more than a record at a time."""
        self._writer_owns = True
        self._note()
        if not self._hand:
            self._take_in_hand()
        record = b"".join(rest(self._hand, self._hand_sent, _ONE_RECORD))
        try:
            await self._sink.send_all(record)
        except trio.BrokenResourceError:
            self._break()
            raise
        if self._hand:  # else it was closed meanwhile
            self._sent_in_hand(len(record))

    def _take_in_hand(self) -> None:
        """The first frame, or as many small ones as a record holds."""
        first = self._queue[0]
        if isinstance(first, bytes) and len(first) < _ONE_RECORD:
            self._hand, count = joined(self._queue, _ONE_RECORD)
        else:
            self._hand, count = first, 1
        self._hand_sent, self._hand_frames = 0, count
        taken, self._queue = self._queue[:count], self._queue[count:]
        self._queued -= size_of(self._hand)
        self._noted -= count
        if not self.overflowed:
            self._share.hold(pieces(self._hand))
        for frame in taken:
            self._share.release(pieces(frame))

    def _break(self) -> None:
        self.broken = True
        self.close()


def _nothing() -> None:
    pass
