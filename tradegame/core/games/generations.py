"""Cuts a game's log into generations, and saves the state at each boundary: see `GameStateRepository`."""

from __future__ import annotations

import trio
from attrs import define, field

from tradegame.core.games.replica import Boundary, Replica
from tradegame.core.games.settings import HostCounters, HostSettings
from tradegame.core.repositories import GameMeta, GameStateRepository, StoreUnavailableError
from tradegame.utils.trouble import Trouble


@define(eq=False)
class Generations:
    """Raises the generation when this node's entry made it long enough; the node that raised it saves the snapshot.

    ``turning``: the state of a boundary is being written, and no entry is applied meanwhile.
    """

    repository: GameStateRepository
    replica: Replica
    settings: HostSettings
    counters: HostCounters
    turning: bool = field(default=False, init=False)
    _boundary: Boundary | None = field(default=None, init=False)
    _work: trio.Event = field(factory=trio.Event, init=False)
    _trouble: Trouble = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._trouble = Trouble("snapshot_delayed", "snapshots_saved_again", {"game": self.replica.meta.game})

    def look(self) -> None:
        """This node's entry was applied: if the generation is long enough now, raise it."""
        if self._full():
            self._work.set()

    async def meta_changed(self, meta: GameMeta) -> None:
        """A new meta, in its place in the log. Apply nothing before it returns. Raises DivergedError."""
        self.turning = True
        try:
            boundary = await self.replica.meta_changed(meta)
        finally:
            self.turning = False
        if boundary is not None:
            self._boundary = boundary
            self._work.set()

    async def run(self) -> None:
        """Raise and save until cancelled."""
        mine = 0
        while True:
            await self._work.wait()
            self._work = trio.Event()
            try:
                if self._boundary is not None:
                    boundary, self._boundary = self._boundary, None
                    if boundary.generation == mine:
                        await self._save(boundary)
                elif self._full():
                    raised = await self.repository.raise_generation(self.replica.meta)
                    if raised is not None:
                        mine = raised.generation
                        if self._boundary is not None:  # the watch was faster
                            self._work.set()
            except StoreUnavailableError as error:
                self._trouble.happened(error=str(error))
            else:
                self._trouble.over()

    def _full(self) -> bool:
        return self.replica.generation_full(self.settings.snapshot_every, self.settings.generation_frames)

    async def _save(self, boundary: Boundary) -> None:
        saved = await self.repository.save_snapshot(
            self.replica.meta, boundary.generation, boundary.digest, boundary.seq, boundary.state
        )
        self.counters.snapshots += saved is not None
