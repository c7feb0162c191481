"""What clients have not read yet, of the whole node: one budget of bytes, in which what they share counts once."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

import trio
from attrs import define, field

BACKLOG_BYTES = 268_435_456
"""The default of ``limits.outboxes_bytes``: a thousand clients that hold a full outbox each, and share nothing."""
Buffer = bytes | bytearray | memoryview
_RELIEVED = 0.9
"""So much of the budget may be left in use by those who were closed for it: else the next frame would close again."""
_CLOSED_AT_ONCE = 100
"""The most that are closed in one go: a closed connection takes some 20 µs of the loop."""


@define(eq=False)
class Backlog:
    """Counts the bytes that wait for clients. Over ``limit``, those are closed that hold most and read least.

    Bytes objects are told apart by identity: a piece that a thousand clients wait for counts once. Nothing here waits.
    """

    limit: int = BACKLOG_BYTES
    total: int = field(default=0, init=False)
    """Bytes that wait now."""
    closed: int = field(default=0, init=False)
    """Clients that were closed for it, ever."""
    _pieces: dict[int, _Piece] = field(factory=dict, init=False)
    _waiting: dict[Share, None] = field(factory=dict, init=False)
    _relieving: bool = field(default=False, init=False)

    def relieve(self) -> None:
        """If too much waits, close who holds most, alone, and has taken nothing for longest; until it is enough."""
        if self.total <= self.limit or self._relieving:
            return
        self._relieving = True
        now = trio.current_time()
        first = heapq.nlargest(
            _CLOSED_AT_ONCE,
            self._waiting,
            key=lambda share: (share.alone * (now - share.taken_at), share.held * (now - share.taken_at)),
        )
        for share in first:
            self.closed += 1
            share.clear()
            share.evict()
            if self.total <= self.limit * _RELIEVED:
                break
        self._relieving = False


@define
class _Piece:
    """``owner``: who alone holds it; None: more than one do, or did."""

    size: int
    holders: int
    owner: Share | None


@define(eq=False)
class Share:
    """What waits for one client. ``evict`` closes it: it is called at most once, and must neither wait nor raise."""

    backlog: Backlog
    evict: Callable[[], None]
    held: int = field(default=0, init=False)
    """Bytes that wait for this client, shared ones too."""
    alone: int = field(default=0, init=False)
    """Bytes that wait for no other."""
    taken_at: float = field(default=0.0, init=False)
    """When the client took something last, or something began to wait, on trio's clock."""
    _holds: dict[int, int] = field(factory=dict, init=False)
    _over: bool = field(default=False, init=False)

    def hold(self, pieces: Iterable[Buffer]) -> None:
        """These wait from now on. The caller keeps them alive until it gives them to ``release``."""
        if self._over:
            return
        if not self._holds:
            self.taken_at = trio.current_time()
            self.backlog._waiting[self] = None
        known = self.backlog._pieces
        for piece in pieces:
            key, size = id(piece), len(piece)
            times = self._holds.get(key, 0)
            self._holds[key] = times + 1
            if times:
                continue
            self.held += size
            found = known.get(key)
            if found is None:
                known[key] = _Piece(size, 1, self)
                self.backlog.total += size
                self.alone += size
            else:
                found.holders += 1
                if found.owner is not None:
                    found.owner.alone -= size
                    found.owner = None

    def release(self, pieces: Iterable[Buffer]) -> None:
        """These have gone."""
        for piece in pieces:
            times = self._holds.get(id(piece), 0)
            if times > 1:
                self._holds[id(piece)] = times - 1
            elif times:
                self._forget(id(piece))
        if not self._holds:
            self.backlog._waiting.pop(self, None)

    def clear(self) -> None:
        """Nothing waits here any more, nor will."""
        self._over = True
        for key in list(self._holds):
            self._forget(key)
        self.backlog._waiting.pop(self, None)

    def took(self) -> None:
        """The client has taken some."""
        self.taken_at = trio.current_time()

    def _forget(self, key: int) -> None:
        del self._holds[key]
        piece = self.backlog._pieces[key]
        self.held -= piece.size
        piece.holders -= 1
        if piece.owner is self:
            self.alone -= piece.size
            piece.owner = None
        if not piece.holders:
            del self.backlog._pieces[key]
            self.backlog.total -= piece.size
