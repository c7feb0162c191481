"""One task that sleeps until it is woken: a trio.Event without a set of waiters, for what each connection has."""

from __future__ import annotations

import trio


class Sleeper:
    """One task at a time may ``sleep``. A ``wake`` while nobody sleeps is forgotten."""

    __slots__ = ("_task",)

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None

    async def sleep(self) -> None:
        """Until the next ``wake``."""
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def wake(self) -> None:
        """Let it go on."""
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
