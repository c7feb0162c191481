"""One game as this node knows it: rebuilt from the store, then kept current entry by entry.

A replica decides nothing and waits for nothing but the store. It notices if it diverges: at the beginning of each
generation of the log, its hash is compared with the one that was saved there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO

import trio
from attrs import define, field, frozen

from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import Audit
from tradegame.core.domain.definition import from_json
from tradegame.core.domain.events import Applied
from tradegame.core.domain.game import Game
from tradegame.core.games.history import FrameHistory, PublishedFrame
from tradegame.core.repositories import GameGoneError, GameMeta, GameStateRepository, LogEntry, StoredGame
from tradegame.protocol.commands import Entry

REPLAY_SLICE = 100
"""How many commands and entries are replayed in one go, about 2 ms, before other tasks may run."""
BOUNDARIES_KEPT = 4


class DivergedError(Exception):
    """This replica's state differs from the one that another node saved for the same place in the log."""

    def __init__(self, game: str, generation: int, ours: str, theirs: str) -> None:
        super().__init__(f"{game} at the beginning of generation {generation}: {ours} here, {theirs} saved")


@frozen
class Boundary:
    """The state as it was when ``generation`` began: its bytes, their hash, and the last frame before it."""

    generation: int
    state: bytes
    digest: str
    seq: int


@define(eq=False)
class Replica:
    """``meta`` is the newest seen. ``game`` changes only in ``rebuild`` and ``apply``. Before the first ``rebuild`` the
    game is at its very beginning.
    """

    repository: GameStateRepository
    meta: GameMeta
    game: Game = field(init=False)
    history: FrameHistory = field(factory=FrameHistory, init=False)
    revision: int = field(default=0, init=False)
    fills: bool = field(default=False, init=False)
    """Frames were lost, and the history is filled anew: fewer can be resumed than there will be in a moment."""
    _built: bool = field(default=False, init=False)
    _generation: int = field(default=1, init=False)
    _cost: int = field(default=0, init=False)
    _first_seq: int = field(default=0, init=False)
    _digests: dict[int, str] = field(factory=dict, init=False)
    _audit: Audit | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.game = _genesis(self.meta)

    def apply(self, entry: LogEntry, own: Entry | None = None) -> tuple[Applied, PublishedFrame | None]:
        """Apply the next entry of the log; ``own``: the same entry before this node encoded it, if it is this
        node's.
        """
        applied = self.game.apply_value(entry.value, own)
        self.revision = entry.revision
        self._cost += 1 + len(applied.outcomes)
        if self._audit is not None:
            self._audit.saw(applied.accounts)
        return applied, None if applied.frame is None else self.history.append(applied.frame)

    def is_next(self, entry: LogEntry, after: int) -> bool:
        """Whether the entry may be applied now: all that the log has up to ``after`` was, and so was the beginning of
        the entry's generation.
        """
        return after <= self.revision < entry.revision and entry.generation == self._generation

    def saw(self, meta: GameMeta) -> None:
        """An append or a snapshot of somebody returned a newer meta."""
        if meta.revision > self.meta.revision:
            self.meta = meta

    async def audit(self) -> list[str] | None:
        """Look for violations of the invariants while entries are applied. None: the game was rebuilt meanwhile."""
        self._audit = current = Audit(self.game.state)
        for _ in current.steps():
            await trio.lowlevel.checkpoint()
            if self._audit is not current:
                return None
        self._audit = None
        return list(current.found)

    async def meta_changed(self, meta: GameMeta) -> Boundary | None:
        """A new meta, in its place in the log; a boundary, if a generation begins here. Apply nothing before it
        returns: writing a large state takes a while, with pauses.

        Raises DivergedError.
        """
        self.saw(meta)
        boundary = None
        if meta.generation > self._generation:
            self._begin(meta.generation)
            boundary = await _boundary(meta.generation, self.game)
            self._digests[meta.generation] = boundary.digest
            for old in list(self._digests)[:-BOUNDARIES_KEPT]:
                del self._digests[old]
        for reference in meta.snapshots:
            self._compare(reference.generation, self._digests.get(reference.generation), reference.digest)
        return boundary

    def generation_full(self, cost: int, frames: int) -> bool:
        """Whether enough commands, entries and frames have come since the generation began.

        Not while this node is behind: then the next one has begun already, and its length is not known here.
        """
        if self.meta.generation > self._generation:
            return False
        return self._cost >= cost and self.game.state.seq - self._first_seq >= frames

    async def rebuild(self, show: Callable[[LogEntry], None], restarted: Callable[[], None]) -> None:
        """Read the game from the store: its base, then the log up to the present.

        The first time everything is applied silently. Later, what was already applied is replayed silently, and each
        entry after it is passed to ``show``, which must ``apply`` it. If the base lies beyond what was seen, frames are
        lost for good: ``restarted`` is called before anything else. Raises CompactedError (retry), GameGoneError,
        DivergedError and StoreUnavailableError.
        """
        stored = await self.repository.get(self.meta.game)
        if stored.meta.epoch != self.meta.epoch:
            raise GameGoneError(self.meta.game)
        game = await _base(stored)
        log = [entry async for page in self.repository.entries(stored) for entry in page]
        if not self._built:
            show = self._apply_silently
        known = [entry for entry in log if entry.revision <= self.revision]
        pace = _Pace(game)
        for entry in known:
            game.apply_value(entry.value)
            await pace.keep()
        begins_anew = self._built and game.state.seq != self.game.state.seq
        self.game, self._audit = game, None
        self._begin(known[-1].generation if known else stored.base_generation)
        if begins_anew:
            self.history, self.fills = FrameHistory(), True
            restarted()
        try:
            await self._replay(stored, log[len(known) :], show)
        finally:
            self.fills = False
        self.revision = max(self.revision, stored.revision)
        self.meta = stored.meta
        self._built = True

    async def _replay(self, stored: StoredGame, log: list[LogEntry], show: Callable[[LogEntry], None]) -> None:
        saved = {reference.generation: reference.digest for reference in stored.meta.snapshots}
        pace = _Pace(self.game)
        for entry in log:
            await self._pass_boundaries(entry.generation, saved)
            show(entry)
            await pace.keep()
        await self._pass_boundaries(stored.meta.generation, saved)

    async def _pass_boundaries(self, generation: int, saved: dict[int, str]) -> None:
        while self._generation < generation:
            self._begin(self._generation + 1)
            if (expected := saved.get(self._generation)) is not None:
                boundary = await _boundary(self._generation, self.game)
                self._compare(self._generation, boundary.digest, expected)

    def _begin(self, generation: int) -> None:
        self._generation = generation
        self._cost = 0
        self._first_seq = self.game.state.seq

    def _compare(self, generation: int, ours: str | None, theirs: str) -> None:
        if ours is not None and ours != theirs:
            raise DivergedError(self.meta.game, generation, ours, theirs)

    def _apply_silently(self, entry: LogEntry) -> None:
        self.apply(entry)


@define
class _Pace:
    """Lets other tasks run now and then during a replay."""

    game: Game
    _paused_at: int = 0

    async def keep(self) -> None:
        done = self.game.state.commands + self.game.state.entries
        if done - self._paused_at >= REPLAY_SLICE:
            self._paused_at = done
            await trio.lowlevel.checkpoint()


def _genesis(meta: GameMeta) -> Game:
    return Game.create(from_json(meta.definition), meta.epoch, meta.created_at, meta.seed)


async def _base(stored: StoredGame) -> Game:
    if stored.snapshot is None:
        return _genesis(stored.meta)
    loading = snapshot.loading(BytesIO(stored.snapshot))
    while True:
        try:
            next(loading)
        except StopIteration as end:
            game: Game = end.value
            return game
        await trio.lowlevel.checkpoint()


async def _boundary(generation: int, game: Game) -> Boundary:
    written, hashed = BytesIO(), hashlib.sha256()
    for line in snapshot.lines(game):
        written.write(line)
        hashed.update(line)
        await trio.lowlevel.checkpoint()
    return Boundary(generation, written.getvalue(), hashed.hexdigest(), game.state.seq)
