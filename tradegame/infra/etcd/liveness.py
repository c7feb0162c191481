"""Whether the store is alive: it answers, and no watch is silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

FRESH_S = 5.0
"""An older answer proves nothing."""


@define(eq=False)
class Pulse:
    """When a watch last heard from etcd. ``busy``: etcd is waiting for the watch's reader."""

    heard_at: float = field(factory=trio.current_time)
    busy: bool = False

    def heard(self) -> None:
        self.heard_at = trio.current_time()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While the reader works: the watch is not silent then."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False
            self.heard()

    def silent_s(self) -> float:
        return 0.0 if self.busy else trio.current_time() - self.heard_at


@define(eq=False)
class Liveness:
    """When etcd last answered. ``watches``: the open ones."""

    watches: set[Pulse] = field(factory=set)
    _answered_at: float = field(default=-float("inf"))
    _failure: str = field(default="etcd has not answered yet")

    def answered(self) -> None:
        self._answered_at = trio.current_time()

    def failed(self, reason: str) -> None:
        """A call failed for good. That alone does not make the node unready; silence does."""
        self._failure = reason

    def refused(self, reason: str) -> None:
        """etcd answers, but refuses us: not ready at once."""
        self._answered_at = -float("inf")
        self._failure = reason

    def silent_s(self) -> float:
        """Since the last answer, in s."""
        return trio.current_time() - self._answered_at

    def ready(self) -> str | None:
        if self.silent_s() >= FRESH_S:
            return self._failure
        silent = sum(watch.silent_s() >= FRESH_S for watch in self.watches)
        if silent:
            return f"{silent} of {len(self.watches)} etcd watches are silent"
        return None
