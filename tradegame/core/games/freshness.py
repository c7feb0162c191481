"""Is what this node shows of a game up to date? Asks the store how far its log goes."""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio
from attrs import define, field

from tradegame.core.games.replica import Replica
from tradegame.core.repositories import GameStateRepository, StoreUnavailableError
from tradegame.utils.changes import Changes
from tradegame.utils.trouble import Trouble

LOOK_AGAIN_S = 0.1
"""While somebody waits to catch up, the store is asked at least this often."""
REREAD_S = 0.5
VERIFY_SELDOM = 6
"""If nobody follows the game, only one in so many checks for a mute watch is made."""


class Progress(Changes):
    """Of a game. ``over``: there will be none any more."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        super().__init__()
        self.over = False

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until it is reached, or all is over."""
        await super().until(lambda: self.over or reached())


@define(eq=False)
class Freshness:
    """``followed``: whether somebody follows the game. ``busy``: the watch's events are not processed now, for a good
    reason. ``give_up`` ends a mute watch, so that a new one is made.
    """

    repository: GameStateRepository
    replica: Replica
    progress: Progress
    followed: Callable[[], bool]
    busy: Callable[[], bool]
    give_up: Callable[[], None]
    trouble: Trouble
    verify_s: float
    _proving: trio.Lock = field(factory=trio.Lock, init=False)
    _proofs: int = field(default=0, init=False)
    _proofs_begun: int = field(default=0, init=False)
    _doubted_since: int | None = field(default=None, init=False)
    _doubts: trio.Event = field(factory=trio.Event, init=False)

    @property
    def doubted(self) -> bool:
        """Whether this replica may be behind: it must catch up before it is shown as the present."""
        return self._doubted_since is not None

    def doubt(self) -> None:
        """This node stalled or was cut off: compare with the store before showing anything as the present."""
        self._doubted_since = self._proofs_begun
        self._doubts.set()

    async def catch_up(self) -> None:
        """Wait until everything is applied that the store's log had when this was called. The caller bounds the wait.

        Raises StoreUnavailableError. Concurrent callers share one question.
        """
        arrived = self._proofs_begun
        async with self._proving:
            if self._proofs > arrived:
                return  # somebody asked after us, and all that was found then is applied
            self._proofs_begun += 1
            number = self._proofs_begun
            wanted = None
            while not self.progress.over:
                newest = await self._newest_after(self.replica.revision)
                # The first answer counts. Waiting for later entries too would never end in a busy game.
                wanted = newest if wanted is None else wanted
                if newest is None or wanted is None or await self._reached(wanted, LOOK_AGAIN_S):
                    break
            self._proofs = number

    async def settle_doubts(self) -> None:
        """Run until cancelled: a doubted replica catches up with the store, however long that takes, and is trusted
        again.
        """
        while True:
            await self._doubts.wait()
            self._doubts = trio.Event()
            while self._doubted_since is not None:
                since = self._doubted_since
                try:
                    await self.catch_up()
                except StoreUnavailableError as error:
                    self.trouble.happened(error=str(error))
                    await trio.sleep(REREAD_S)
                else:
                    self.trouble.over()
                    if self._doubted_since == since and self._proofs > since:
                        self._doubted_since = None

    async def verify_watch(self) -> None:
        """Run until cancelled: a watch may be mute and look alive. If the store has more and nothing arrives, it is
        given up.

        Checked less often if nobody follows the game and nobody waits to catch up.
        """
        looks = asked = 0
        while True:
            await trio.sleep(self.verify_s)
            looks += 1
            wanted = self.followed() or self._proving.locked() or self._proofs_begun != asked
            asked = self._proofs_begun
            if not wanted and looks % VERIFY_SELDOM:
                continue
            game, revision = self.replica.meta.game, self.replica.revision
            try:
                newest = await self._newest_after(revision)
            except StoreUnavailableError as error:
                structlog.get_logger().debug("watch_not_verified", game=game, error=str(error))
                continue
            if newest is None or await self._reached(newest, self.verify_s):
                continue
            if self.replica.revision == revision and not self.busy():
                structlog.get_logger().warning("watch_mute", game=game, revision=revision, newest=newest)
                self.give_up()

    async def _newest_after(self, revision: int) -> int | None:
        return await self.repository.newest_after(self.replica.meta.game, revision)

    async def _reached(self, revision: int, within_s: float) -> bool:
        """Wait until everything up to ``revision`` is applied. Returns False if it takes too long."""
        replica = self.replica
        with trio.move_on_after(within_s):
            await self.progress.until(lambda: replica.revision >= revision and not replica.fills)
        return replica.revision >= revision and not replica.fills
