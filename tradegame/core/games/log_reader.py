"""Reads a game from the store, then follows its log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

from tradegame.core.games.freshness import REREAD_S
from tradegame.core.games.replica import Replica
from tradegame.core.games.settings import HostCounters
from tradegame.core.repositories import (
    Appended,
    CompactedError,
    GameDeleted,
    GameMeta,
    GameStateRepository,
    LogEntry,
    MetaChanged,
    StoreUnavailableError,
)
from tradegame.utils.trouble import Trouble

BUSY_S = 0.005
"""Entries that arrive together are applied for so long, in s, before other tasks may run."""


@define(eq=False)
class LogReader:
    """``rebuild``, then ``follow``. ``show`` applies an entry; ``restarted`` says that frames are lost for good.
    ``trouble``: with reading.

    Both methods wait for the store as long as it takes. Both raise GameGoneError, DivergedError and CorruptStoreError.
    """

    repository: GameStateRepository
    replica: Replica
    counters: HostCounters
    show: Callable[[LogEntry], None]
    meta_changed: Callable[[GameMeta], Awaitable[None]]
    restarted: Callable[[], None]
    trouble: Trouble
    _watching: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _watch_trouble: Trouble = field(init=False)
    _following: bool = field(default=False, init=False)
    """Whether all that the watch has brought is applied, and it is waited for more."""

    def __attrs_post_init__(self) -> None:
        self._watch_trouble = Trouble("watch_broken", "watch_whole_again", {"game": self.replica.meta.game})

    async def rebuild(self) -> None:
        """Read the whole game."""
        while True:
            try:
                await self.replica.rebuild(self.show, self.restarted)
            except (CompactedError, StoreUnavailableError) as error:
                self.trouble.happened(error=str(error))
                await trio.sleep(REREAD_S)
            else:
                self.trouble.over()
                return

    async def follow(self) -> None:
        """Show every further entry. Returns when the game is deleted."""
        while True:
            with trio.CancelScope() as self._watching:
                try:
                    if await self._watch():
                        return
                except (CompactedError, StoreUnavailableError) as error:
                    self._watch_trouble.happened(error=str(error))
            self.counters.rebuilds += 1
            await self.rebuild()

    def appended(self, appended: Appended) -> None:
        """This node appended: show the entry at once if it is the log's next one, else when the watch brings it.

        So an answer need not wait for the watch: a lone buy through etcd is answered 5 % sooner.
        """
        self.replica.saw(appended.meta)
        entry = appended.entry
        if entry is not None and self._following and self.replica.is_next(entry, appended.after):
            self.show(entry)

    def give_up_watch(self) -> None:
        """It is mute: read the game anew, and watch from there."""
        self.counters.mute_watches += 1
        self._watching.cancel()

    async def _watch(self) -> bool:
        """One watch, until it breaks, or (True) the game is deleted."""
        async with self.repository.watch(self.replica.meta, self.replica.revision) as watch:
            while True:
                self._following = True
                try:
                    items = await watch.receive()
                finally:
                    self._following = False
                since = trio.current_time()
                for item in items:
                    if trio.current_time() - since > BUSY_S:
                        await trio.lowlevel.checkpoint()
                        since = trio.current_time()
                    if isinstance(item, LogEntry):
                        if item.revision > self.replica.revision:
                            self.show(item)
                    elif isinstance(item, MetaChanged):
                        await self.meta_changed(item.meta)
                        since = trio.current_time()
                    elif isinstance(item, GameDeleted):
                        return True
                self._watch_trouble.over()
