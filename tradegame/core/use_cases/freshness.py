"""Is what this node shows of a game the present? The store is asked how far its log goes."""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio
from attrs import define, field

from tradegame.core.repositories import GameStateRepository, StoreUnavailableError
from tradegame.core.use_cases.replica import Replica
from tradegame.utils.trouble import Trouble

LOOK_AGAIN_S = 0.1
"""How often, at least, one who waits for the present asks the store again whether it is reached."""
REREAD_S = 0.5
VERIFY_SELDOM = 6
"""Of so many looks whether a watch is mute, one is taken where nobody follows the game."""


@define(eq=False)
class Progress:
    """Wakes whoever waits for something to have happened in a game. ``over``: nothing will any more."""

    over: bool = False
    _event: trio.Event = field(factory=trio.Event, init=False)

    def made(self) -> None:
        self._event.set()
        self._event = trio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Until it is reached, or all is over."""
        while not (self.over or reached()):
            await self._event.wait()


@define(eq=False)
class Freshness:
    """``followed``: whether somebody follows the game. ``busy``: what the watch tells is not heard now, for a reason.

    ``give_up`` ends a watch that is mute: another one is made.
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
        """Whether what is here may be the past: nobody may be shown it as the present before it has caught up."""
        return self._doubted_since is not None

    def doubt(self) -> None:
        """This node stood still, or was cut off: compare with the store before anything is shown as the present."""
        self._doubted_since = self._proofs_begun
        self._doubts.set()

    async def catch_up(self) -> None:
        """Until everything is applied here that the store's log held when this was called.

        The caller bounds the wait. Raises StoreUnavailableError. Those who wait at the same time share one question.
        """
        arrived = self._proofs_begun
        async with self._proving:
            if self._proofs > arrived:
                return  # somebody asked after we came, and all that was found then is applied
            self._proofs_begun += 1
            number = self._proofs_begun
            wanted = None
            while not self.progress.over:
                newest = await self._newest_after(self.replica.revision)
                # The first answer counts: what comes later is not waited for, or a busy game would never be caught up.
                wanted = newest if wanted is None else wanted
                if newest is None or wanted is None or await self._reached(wanted, LOOK_AGAIN_S):
                    break
            self._proofs = number

    async def settle_doubts(self) -> None:
        """For ever: what is doubted catches up with the store, however long it takes; then it is the present again."""
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
        """For ever: a watch may fall silent and seem alive. Where the store has more and nothing comes, it is given up.

        Looked into more seldom where nobody follows the game, and nobody waits for the present.
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
        """Wait until everything up to ``revision`` is applied here; False if it is not in time."""
        with trio.move_on_after(within_s):
            await self.progress.until(lambda: self.replica.revision >= revision)
        return self.replica.revision >= revision
