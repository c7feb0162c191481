"""What still has to go to one client: whole frames, in order, bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from attrs import frozen

from tradegame.controller.websocket.sink import Sink

_FRAME_OVERHEAD = 48  # bytes that CPython keeps for a queued frame besides its content: a flood of tiny ones counts too
_ONE_WRITE = 65_536  # bytes joined for one write to a socket: as much as its buffer takes
_ONE_RECORD = 16_384  # and to a stream: what a TLS record holds, and what an overflow must let pass


@frozen
class OutboxStatistics:
    """A snapshot. ``queued_bytes`` and ``queued_frames`` wait; ``frames_out`` and ``bytes_out`` have gone, ever.

    ``direct_sends``: writes made at once, in the task of who flushed. ``writer_sends``: those that had to wait.
    """

    queued_bytes: int
    queued_frames: int
    frames_out: int
    bytes_out: int
    direct_sends: int
    writer_sends: int
    overflowed: bool
    broken: bool


class Outbox:
    """The frames on their way to one client.

    ``put`` and ``flush`` are for a hub that serves a thousand outboxes in a row: they never wait and never raise.
    What the socket does not take at once is left to ``run_writer``, which sleeps while nothing is left.

    **Bound and policy.** When the waiting bytes pass ``limit`` (a small charge a frame counts too), and the socket
    takes no more, the outbox *overflows*: everything that waits is dropped, except the rest of a frame that the peer
    has half of, and ``on_overflow`` is called, once, from within ``put``. Only what ``finish`` is given can follow.
    No frame is ever torn, nor dropped without that.

    **Resource handling.** It owns neither the sink nor a task: someone runs ``run_writer`` for as long as the
    connection is meant to live, and closes the outbox before the stream.

    **Error handling.** A socket that fails makes the outbox *broken*: from then on ``put`` and ``flush`` do nothing,
    and ``run_writer`` raises trio.BrokenResourceError.
    """

    __slots__ = (
        "_allowance",
        "_bytes_out",
        "_direct_sends",
        "_frames_out",
        "_head",
        "_limit",
        "_on_overflow",
        "_open",
        "_queue",
        "_queued",
        "_sink",
        "_wake",
        "_writer_owns",
        "_writer_sends",
        "broken",
        "finishing",
        "overflowed",
    )

    def __init__(self, sink: Sink, limit: int, on_overflow: Callable[[], None]) -> None:
        """``limit`` in bytes."""
        self._sink = sink
        self._limit = limit
        self._on_overflow = on_overflow
        self._open = True  # takes frames
        self._queue: list[bytes] = []  # whole frames
        self._queued = 0  # their bytes
        self._allowance = 0  # bytes of large frames that were asked for: they are not held against the client
        self._head: memoryview | bytes = b""  # the rest of what the peer has the beginning of
        self._writer_owns = False  # the socket was full, or is the writer's alone: a flush need not try
        self._wake: trio.Event | None = None  # the sleeping writer's
        self._frames_out = self._bytes_out = self._direct_sends = self._writer_sends = 0
        self.finishing = False
        """Nothing more is taken; the writer ends when it has sent what waits."""
        self.overflowed = False
        """The client read too slowly, and frames were dropped."""
        self.broken = False
        """The socket failed."""

    @property
    def empty(self) -> bool:
        """Whether everything that was put has gone to the socket."""
        return not self._queue and not self._head

    def put(self, frame: bytes) -> None:
        """Queue one whole, encoded frame. Nothing moves before ``flush``, or the bound. Silent after the end."""
        if self._allowance and self.empty:
            self._allowance = 0
        self._add(frame)

    def put_asked(self, frame: bytes) -> None:
        """Queue what the client asked for: one such frame may be larger than the bound, which holds for all else."""
        self._allowance = max(0 if self.empty else self._allowance, len(frame))
        self._add(frame)

    def _add(self, frame: bytes) -> None:
        if not self._open:
            return
        self._queue.append(frame)
        self._queued += len(frame)
        if self._over():
            self.flush()
            if self._over():
                self._overflow()

    def flush(self) -> None:
        """Write what waits, now, as far as the socket takes it; the writer does the rest. Never raises."""
        if self._writer_owns or not self._queue:
            return
        if self._sink.direct and not self._head:
            if self._write():
                self._direct_sends += 1
            if not self._queue and not self._head:
                return
            self._writer_owns = True
        if self._wake is not None:
            self._wake.set()

    def finish(self, last: bytes = b"") -> None:
        """Take nothing more, but for one ``last`` frame (or none), and let ``run_writer`` return when all has gone."""
        if self.finishing or self.broken:
            return
        self._open, self.finishing = False, True
        if last:
            self._queue.append(last)
            self._queued += len(last)
        self.flush()
        if self._wake is not None:
            self._wake.set()

    def close(self) -> None:
        """Drop everything, for good. Idempotent."""
        self._open, self.finishing = False, True
        self._queue.clear()
        self._queued = 0
        self._head = b""
        if self._wake is not None:
            self._wake.set()

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
                self._wake = trio.Event()
                await self._wake.wait()
                self._wake = None
            elif self._sink.direct:
                self._writer_owns = True
                await self._sink.wait_writable()
                if not self.empty:  # an overflow or a close may have emptied it meanwhile
                    self._writer_sends += self._write()
            else:
                await self._send_record()

    def statistics(self) -> OutboxStatistics:
        """What it holds and has done."""
        return OutboxStatistics(
            queued_bytes=self._queued + len(self._head),
            queued_frames=len(self._queue) + bool(self._head),
            frames_out=self._frames_out,
            bytes_out=self._bytes_out,
            direct_sends=self._direct_sends,
            writer_sends=self._writer_sends,
            overflowed=self.overflowed,
            broken=self.broken,
        )

    def _over(self) -> bool:
        waiting = self._queued + len(self._head) + _FRAME_OVERHEAD * len(self._queue)
        return waiting > self._limit + self._allowance

    def _overflow(self) -> None:
        self._open = False
        self.overflowed = True
        self._queue.clear()
        self._queued = 0
        self._on_overflow()

    def _write(self) -> bool:
        """One write of the rest of a frame, or of many whole ones; whether anything went."""
        try:
            if self._head:
                sent = self._sink.try_write(self._head)
                self._bytes_out += sent
                self._head = self._head[sent:] or b""  # not an empty view: it would keep its whole frame
                self._frames_out += not self._head
                return sent > 0
            if len(self._queue) == 1:  # by far the most frequent: one frame to an idle socket
                frame = self._queue[0]
                sent = self._sink.try_write(frame)
            else:
                sent = self._sink.try_write(b"".join(self._queue[: _count(self._queue, _ONE_WRITE)]))
        except OSError:
            self._break()
            return False
        self._sent(sent)
        return sent > 0

    def _sent(self, sent: int) -> None:
        """Take ``sent`` bytes off the queue; half a frame becomes the head."""
        self._bytes_out += sent
        done = 0
        for frame in self._queue:
            if sent == 0:
                break
            done += 1
            self._queued -= len(frame)
            if sent < len(frame):
                self._head = memoryview(frame)[sent:]
                break
            sent -= len(frame)
            self._frames_out += 1
        del self._queue[:done]

    async def _send_record(self) -> None:
        """Through a stream: what was given to ``send_all`` is out of our hands, and counts as begun."""
        count = _count(self._queue, _ONE_RECORD)
        frames, self._queue = self._queue[:count], self._queue[count:]
        self._head = frames[0] if count == 1 else b"".join(frames)
        self._queued -= len(self._head)
        self._writer_owns = True
        try:
            await self._sink.send_all(self._head)
        except trio.BrokenResourceError:
            self._break()
            raise
        self._frames_out += count
        self._bytes_out += len(self._head)
        self._writer_sends += 1
        self._head = b""

    def _break(self) -> None:
        self.broken = True
        self.close()


def _count(frames: Sequence[bytes], most: int) -> int:
    """How many of the frames make up at most that many bytes: at least one."""
    total = 0
    for count, frame in enumerate(frames):
        total += len(frame)
        if total > most:
            return max(count, 1)
    return len(frames)
