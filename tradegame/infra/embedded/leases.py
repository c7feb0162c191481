"""When leases end. Memory is authoritative while the process lives; the database stores enough for the next process."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable

from attrs import define, field


@define
class _Deadline:
    ttl_ms: int
    monotonic_s: float
    stored_ms: int


@define
class LeaseDeadlines:
    """The deadlines of all leases, on the monotonic clock, so that setting the wall clock ends none.

    The database holds wall-clock times (ms since the Unix epoch). They are rewritten only when they are a tenth of the
    lease's life behind, so that renewing a lease usually costs no write. A lease read after a restart therefore gets
    that tenth on top: it may end late, never early.
    """

    _monotonic: Callable[[], float] = time.monotonic
    _wall: Callable[[], float] = time.time
    _deadlines: dict[int, _Deadline] = field(factory=dict)
    _queue: list[tuple[float, int]] = field(factory=list)

    def restore(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """Add ``(id, ttl_ms, expires_at_ms)`` from the database; known leases keep their deadlines."""
        now_ms = self._wall_ms()
        for lease, ttl_ms, expires_at_ms in rows:
            if lease not in self._deadlines:
                left_ms = min(max(expires_at_ms - now_ms, 0), ttl_ms) + ttl_ms // 10
                self._set(lease, ttl_ms, left_ms, expires_at_ms)

    def add(self, lease: int, ttl_ms: int) -> None:
        self._set(lease, ttl_ms, ttl_ms, self.expiry_ms(ttl_ms))

    def renew(self, lease: int) -> int | None:
        """Renew the lease. Returns the wall-clock time to store, or None if the stored one will do."""
        known = self._deadlines[lease]
        expires_at_ms = self.expiry_ms(known.ttl_ms)
        stale = abs(expires_at_ms - known.stored_ms) > known.ttl_ms // 10
        # The queue still has the old deadline: `due` notices and queues the new one.
        known.monotonic_s = self._monotonic() + known.ttl_ms / 1000
        if stale:
            known.stored_ms = expires_at_ms
        return expires_at_ms if stale else None

    def remove(self, lease: int) -> None:
        self._deadlines.pop(lease, None)

    def expiry_ms(self, ttl_ms: int) -> int:
        return self._wall_ms() + ttl_ms

    def any_due(self) -> bool:
        """Whether asking `due` may return anything. Thread-safe."""
        try:
            first = self._queue[0]
        except IndexError:
            return False
        return first[0] <= self._monotonic()

    def is_due(self, lease: int) -> bool:
        """Whether it ended, and was not renewed since."""
        known = self._deadlines.get(lease)
        return known is not None and known.monotonic_s <= self._monotonic()

    def due(self, limit: int) -> list[int]:
        """Leases that have ended, at most ``limit``. They stay due until they are removed or renewed."""
        now = self._monotonic()
        due: list[int] = []
        while self._queue and self._queue[0][0] <= now and len(due) < limit:
            _, lease = heapq.heappop(self._queue)
            known = self._deadlines.get(lease)
            if known is None:
                continue
            if known.monotonic_s <= now:
                due.append(lease)
            else:
                heapq.heappush(self._queue, (known.monotonic_s, lease))
        for lease in due:
            # If the deletion fails, it is due again a little later.
            heapq.heappush(self._queue, (now + 1, lease))
        return due

    def _set(self, lease: int, ttl_ms: int, left_ms: int, stored_ms: int) -> None:
        deadline = self._monotonic() + left_ms / 1000
        self._deadlines[lease] = _Deadline(ttl_ms, deadline, stored_ms)
        heapq.heappush(self._queue, (deadline, lease))

    def _wall_ms(self) -> int:
        return int(self._wall() * 1000)
