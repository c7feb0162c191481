"""Makes what is due in a game happen, even if nobody sends a command."""

from __future__ import annotations

import random
from collections.abc import Callable

import trio
from attrs import frozen

from tradegame.core.games.appender import Appender
from tradegame.core.games.freshness import REREAD_S, Progress
from tradegame.core.games.replica import Replica
from tradegame.core.games.settings import HostSettings


@frozen
class Ticker:
    """``followed``: whether somebody follows the game; only then it ticks, but for orders of players who have departed.
    ``progress`` is made at each change of that, and of the game.
    """

    replica: Replica
    appender: Appender
    progress: Progress
    settings: HostSettings
    now_ms: Callable[[], int]
    followed: Callable[[], bool]

    async def run(self) -> None:
        """Append an empty entry if something is due and nothing else arrives, until cancelled."""
        while True:
            due = self._due_at()
            if due is None:
                await self.progress.wait()
                continue
            wait_s = max(0.0, (due - self.now_ms()) / 1000) + random.uniform(0, self.settings.tick_jitter_s)
            with trio.move_on_after(wait_s):
                await self._changed(due)
            if self.appender.must_not_append() is not None:
                await trio.sleep(REREAD_S)
            elif self._due_at() == due and self.now_ms() >= due:
                self.appender.tick()
                with trio.move_on_after(self.settings.command_timeout_s):
                    await self._applied()

    async def _applied(self) -> None:
        """Wait for an entry, which may leave some of what is due to the next one: so ``due_at`` may be as before."""
        entries = self.replica.game.state.entries
        await self.progress.until(lambda: self.replica.game.state.entries != entries)

    async def _changed(self, due: int) -> None:
        while self._due_at() == due:
            await self.progress.wait()

    def _due_at(self) -> int | None:
        game = self.replica.game
        return game.due_at() if self.followed() else game.withdrawal_at()
