"""Waiting for a change that anybody may make."""

from __future__ import annotations

from collections.abc import Callable

import trio


class Changes:
    """Wakes everybody who waits for something to change. Costs next to nothing while nobody waits."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: trio.Event | None = None

    def made(self) -> None:
        """Something changed."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def wait(self) -> None:
        """Wait for the next change."""
        if self._next is None:
            self._next = trio.Event()
        await self._next.wait()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until it is reached, which is looked at after each change. The caller bounds the wait."""
        while not reached():
            await self.wait()
