"""One game on one node: a replica that follows the log, and the appender that puts commands into it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog
import trio
from attrs import define, field, frozen

from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.commands import Command, Entry, encode_command, join_entry
from tradegame.core.domain.definition import from_json
from tradegame.core.domain.errors import (
    CommandTimeoutError,
    InternalError,
    OverloadedError,
    TradeGameError,
    UnavailableError,
    UnknownGameError,
)
from tradegame.core.domain.events import Applied, Outcome
from tradegame.core.domain.game import Game
from tradegame.core.repositories import (
    CompactedError,
    GameDeleted,
    GameGoneError,
    GameMeta,
    GameStateRepository,
    LogEntry,
    MetaChanged,
    StoreError,
    StoreUnavailableError,
)
from tradegame.core.use_cases.broadcast_game_state import FrameHistory, PublishedFrame
from tradegame.utils.errors import log_fault
from tradegame.utils.metrics import Histogram

REPLAY_SLICE = 1_000
"""Commands that are replayed in one go, before other tasks may run."""

GATHER_FROM_S = 0.001
GATHER_COMMANDS = 4
GATHER_FACTOR = 2
GATHER_MOST_S = 0.05
"""An entry of several commands that took longer than this to show is followed by a pause in proportion, in s, in
which more gather. One command alone waits for nothing."""

Answer = Callable[[Outcome | TradeGameError], None]
"""How a command's submitter learns what came of it: called once, from the trio thread; must not raise."""


@frozen
class HostSettings:
    """``command_timeout_s``: after it a command is answered ``timeout``. ``queue``: commands that may wait here.

    ``entry_commands`` and ``entry_bytes`` bound one entry. After ``snapshot_every`` commands and entries and
    ``generation_frames`` frames the generation is raised and the state saved; a generation before the present one is
    always kept, so that so many frames can be had again. ``tick_jitter_s``: the most that a node waits so
    that another may be first to append what is due. The invariants are audited every ``audit_s``.
    """

    command_timeout_s: float = 5.0
    queue: int = 20_000
    entry_commands: int = 512
    entry_bytes: int = 512 * 1024
    snapshot_every: int = 20_000
    generation_frames: int = 1_000
    tick_jitter_s: float = 0.05
    audit_s: float = 30.0


class GameObserver(Protocol):
    """Who shows what happens in a game. Called from the trio thread; must not raise."""

    def applied(self, host: GameHost, applied: Applied, frame: PublishedFrame | None) -> None:
        """An entry was applied. The answers to its commands follow."""
        ...

    def settled(self, host: GameHost) -> None:
        """The answers are given: what was gathered may go out."""
        ...

    def restarted(self, host: GameHost) -> None:
        """Frames are missing that cannot be had any more: followers need a whole new state."""
        ...

    def ended(self, host: GameHost) -> None:
        """The game is deleted, or this node stopped serving it."""
        ...


@define(eq=False)
class _Submission:
    command: Command
    answer: Answer | None
    deadline: float

    def settle(self, outcome: Outcome | TradeGameError) -> None:
        answer, self.answer = self.answer, None
        if answer is not None:
            answer(outcome)


@define(eq=False)
class _InFlight:
    """An entry of this node's that has not come back yet. ``appended_at`` on trio's clock, in s."""

    entry: Entry
    value: bytes
    submissions: list[_Submission]
    appended_at: float


@define
class HostCounters:
    """Since the host began, but ``violations``: what the last audit found."""

    commands: int = 0
    entries: int = 0
    timeouts: int = 0
    unavailable: int = 0
    snapshots: int = 0
    rebuilds: int = 0
    violations: int = 0


@define(eq=False)
class GameHost:
    """Follows one game's log, appends to it, and answers.

    ``run`` is the host's life; ``submit`` may be called while ``running``. The replica (``game``) changes between
    two checkpoints only, so whoever reads it without awaiting reads one state.
    """

    repository: GameStateRepository
    meta: GameMeta
    node: str
    observer: GameObserver
    now_ms: Callable[[], int]
    settings: HostSettings = field(factory=HostSettings)
    game: Game = field(init=False)
    history: FrameHistory = field(factory=FrameHistory)
    counters: HostCounters = field(factory=HostCounters)
    append_seconds: Histogram = field(factory=Histogram)
    running: bool = field(default=False, init=False)
    failure: str | None = field(default=None, init=False)
    _revision: int = field(default=0, init=False)
    _generation: int = field(default=1, init=False)
    _since_boundary: int = field(default=0, init=False)
    _boundary_seq: int = field(default=0, init=False)
    _boundaries: dict[int, tuple[str, int]] = field(factory=dict, init=False)
    _queue: deque[_Submission] = field(factory=deque, init=False)
    _in_flight: dict[str, _InFlight] = field(factory=dict, init=False)
    _waiting: deque[_Submission] = field(factory=deque, init=False)
    _entries: int = field(default=0, init=False)
    _tick: bool = field(default=False, init=False)
    _shown_s: float = field(default=0.0, init=False)
    _followers: int = field(default=0, init=False)
    _work: trio.Event = field(factory=trio.Event, init=False)
    _progress: trio.Event = field(factory=trio.Event, init=False)
    _raise_due: trio.Event = field(factory=trio.Event, init=False)
    _to_save: tuple[int, bytes, str, int] | None = field(default=None, init=False)

    @property
    def id(self) -> str:
        return self.meta.game

    @property
    def waiting(self) -> int:
        """Commands that are not yet in an entry."""
        return len(self._queue)

    def submit(self, command: Command, answer: Answer) -> None:
        """Queue a command for the next entry; ``answer`` hears of it within the command timeout.

        Raises OverloadedError when too many wait, InternalError after a fault, UnknownGameError after the end.
        """
        if not self.running:
            raise self._gone()
        if len(self._queue) >= self.settings.queue:
            raise OverloadedError("too many commands wait for the store", retry_after_ms=1000)
        submission = _Submission(command, answer, trio.current_time() + self.settings.command_timeout_s)
        self._queue.append(submission)
        self._waiting.append(submission)
        self._work.set()

    def follow(self, followers: int) -> None:
        """Somebody began (+1) or stopped (-1) to follow. Only a game that is followed ticks by itself."""
        self._followers += followers
        self._wake_followers()

    async def drain(self) -> None:
        """Until everything that was submitted is answered. The caller bounds the wait."""
        while self.running and any(submission.answer is not None for submission in self._waiting):
            await self._progress.wait()

    async def wait_for(self, seq: int) -> None:
        """Until frame ``seq`` was applied here. The caller bounds the wait."""
        while self.running and self.game.state.seq < seq:
            await self._progress.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Rebuild the game and serve it until it is deleted or fails.

        No exception comes out of it but cancellation: a fault is logged, shown in ``failure``, and ends this game on
        this node alone.
        """
        started = False
        try:
            async with trio.open_nursery() as nursery:
                while not self.running:
                    await self._rebuild_first()
                task_status.started()
                started = True
                for task in (self._append_entries, self._tick_when_due, self._expire, self._snapshot, self._audit):
                    nursery.start_soon(task)
                await self._follow_log()
                nursery.cancel_scope.cancel()
        except* GameGoneError:
            pass
        except* Exception as faults:  # noqa: BLE001 - fail-stop: this game ends here, and no other
            self.failure = log_fault(structlog.get_logger(), "game_stopped", faults, game=self.id)
        finally:
            self.running = False
            self._abandon()
            self._wake_followers()
            if not started:
                task_status.started()
            self.observer.ended(self)

    # Following the log

    async def _rebuild_first(self) -> None:
        try:
            await self._rebuild()
        except (CompactedError, StoreUnavailableError) as error:
            structlog.get_logger().warning("game_load_delayed", game=self.id, error=str(error))
            await trio.sleep(0.5)

    async def _follow_log(self) -> None:
        while True:
            try:
                async with self.repository.watch(self.meta, self._revision) as watch:
                    while True:
                        for item in await watch.receive():
                            if isinstance(item, LogEntry):
                                self._apply(item)
                            elif isinstance(item, MetaChanged):
                                self._meta_changed(item.meta)
                            elif isinstance(item, GameDeleted):
                                return
            except CompactedError:
                structlog.get_logger().warning("watch_compacted", game=self.id, revision=self._revision)
            while True:
                try:
                    await self._rebuild()
                    break
                except (CompactedError, StoreUnavailableError) as error:
                    structlog.get_logger().warning("game_reread_delayed", game=self.id, error=str(error))
                    await trio.sleep(0.5)

    async def _rebuild(self) -> None:
        """Read the game from the store: its base, then the log up to the present.

        What was applied before is applied again to the new replica, silently; what is new is shown.
        """
        first = not self.running
        stored = await self.repository.get(self.id)
        if stored.meta.epoch != self.meta.epoch:
            raise GameGoneError(self.id)
        if stored.snapshot is None:
            meta = stored.meta
            game = Game.create(from_json(meta.definition), meta.epoch, meta.created_at, meta.seed)
        else:
            game = await trio.to_thread.run_sync(snapshot.load, stored.snapshot)
        pages = [page async for page in self.repository.entries(stored)]
        log = [entry for page in pages for entry in page]
        if first:
            known: list[LogEntry] = []
            self.game = game
        else:
            self.counters.rebuilds += 1
            known = [entry for entry in log if entry.revision <= self._revision]
            for entry in known:
                game.apply_value(entry.value)
            restarted = game.state.seq != self.game.state.seq
            self.game = game
            log = log[len(known) :]
            if restarted:
                self.history = FrameHistory()
                self.observer.restarted(self)
        self._generation = stored.base_generation if first or not known else known[-1].generation
        self._since_boundary = 0
        self._boundary_seq = self.game.state.seq
        references = {reference.generation: reference.digest for reference in stored.meta.snapshots}
        checked = self.game.state.commands
        for entry in log:
            while entry.generation > self._generation:
                self._enter_generation(references)
            self._apply(entry, replaying=first)
            if self.game.state.commands - checked >= REPLAY_SLICE:
                checked = self.game.state.commands
                await trio.lowlevel.checkpoint()
        while stored.meta.generation > self._generation:
            self._enter_generation(references)
        self._revision = max(self._revision, stored.revision)
        self.meta = stored.meta
        self.running = True

    def _apply(self, entry: LogEntry, *, replaying: bool = False) -> None:
        in_flight = self._in_flight.pop(entry.id, None)
        own = None if in_flight is None or in_flight.value != entry.value else in_flight.entry
        applied = self.game.apply_value(entry.value, own)
        self._revision = entry.revision
        self._since_boundary += 1 + len(applied.outcomes)
        frame = None if applied.frame is None else self.history.append(applied.frame)
        if replaying:
            return
        self.counters.entries += 1
        self.counters.commands += len(applied.outcomes)
        begun = trio.current_time()
        self.observer.applied(self, applied, frame)
        if in_flight is not None:
            self.append_seconds.observe(begun - in_flight.appended_at)
            for submission, outcome in zip(in_flight.submissions, applied.outcomes, strict=True):
                submission.settle(outcome)
            if self._generation_full():
                self._raise_due.set()
        self.observer.settled(self)
        self._shown_s = trio.current_time() - begun
        self._wake_followers()

    def _meta_changed(self, meta: GameMeta) -> None:
        if meta.revision > self.meta.revision:
            self.meta = meta
        if meta.generation > self._generation:
            self._generation = meta.generation
            self._since_boundary = 0
            self._boundary_seq = self.game.state.seq
            state = snapshot.dump(self.game)
            digest = snapshot.digest(state)
            self._boundaries = {**dict(list(self._boundaries.items())[-3:]), meta.generation: (digest, 0)}
            self._to_save = (meta.generation, state, digest, self.game.state.seq)
            self._raise_due.set()
        for reference in meta.snapshots:
            ours = self._boundaries.get(reference.generation)
            if ours is not None and ours[0] != reference.digest:
                raise DivergedError(self.id, reference.generation, ours[0], reference.digest)

    def _enter_generation(self, references: dict[int, str]) -> None:
        """At the beginning of a generation, while rebuilding: is this the state that was saved there?"""
        self._generation += 1
        self._since_boundary = 0
        self._boundary_seq = self.game.state.seq
        expected = references.get(self._generation)
        if expected is not None and (ours := snapshot.state_hash(self.game)) != expected:
            raise DivergedError(self.id, self._generation, ours, expected)

    def _generation_full(self) -> bool:
        return (
            self._since_boundary >= self.settings.snapshot_every
            and self.game.state.seq - self._boundary_seq >= self.settings.generation_frames
        )

    async def _audit(self) -> None:
        """Check every invariant from scratch, now and then: what must read 0 does so because somebody looked."""
        audited = -1
        while True:
            await trio.sleep(self.settings.audit_s)
            if self.game.state.entries == audited:
                continue
            audited = self.game.state.entries
            violations = audit(self.game.state)
            self.counters.violations = len(violations)
            for violation in violations:
                structlog.get_logger().error("audit_violation", game=self.id, violation=violation)

    # Appending

    async def _append_entries(self) -> None:
        """One append at a time; what comes in meanwhile goes into the next entry."""
        gathered = 0
        while True:
            while not (self._queue or self._tick):
                self._work = trio.Event()
                await self._work.wait()
            if self._shown_s > GATHER_FROM_S and gathered >= GATHER_COMMANDS:
                # Showing an entry to a crowd costs the same for one trade as for a hundred: let more gather.
                await trio.sleep(min(self._shown_s * GATHER_FACTOR, GATHER_MOST_S))
            self._tick = False
            submissions, commands = self._take()
            gathered = len(commands)
            at = self.now_ms()
            entry = Entry(at, tuple(submission.command for submission in submissions))
            value = join_entry(at, commands)
            self._entries += 1
            entry_id = f"{self.node}-{self._entries}"
            self._in_flight[entry_id] = _InFlight(entry, value, submissions, trio.current_time())
            try:
                meta = await self.repository.update(self.meta, entry_id, value)
            except StoreUnavailableError as error:
                self._not_appended(entry_id, submissions, error)
            else:
                if meta.revision > self.meta.revision:
                    self.meta = meta

    def _take(self) -> tuple[list[_Submission], list[str]]:
        submissions: list[_Submission] = []
        commands: list[str] = []
        size = 0
        while self._queue and len(commands) < self.settings.entry_commands and size < self.settings.entry_bytes:
            submission = self._queue.popleft()
            if submission.answer is None:
                continue  # answered `timeout` before it was sent: then it must not happen any more
            text = encode_command(submission.command)
            size += len(text)
            submissions.append(submission)
            commands.append(text)
        return submissions, commands

    def _not_appended(self, entry_id: str, submissions: list[_Submission], error: StoreError) -> None:
        """Nobody knows whether the entry landed. If it did, it is applied like any other; its answers are given now."""
        if self._in_flight.pop(entry_id, None) is None:
            return
        self.counters.unavailable += len(submissions)
        structlog.get_logger().warning(
            "append_failed", game=self.id, entry=entry_id, commands=len(submissions), error=str(error)
        )
        for submission in submissions:
            submission.settle(UnavailableError("the store did not answer in time", retry_after_ms=500))
        self.observer.settled(self)

    async def _expire(self) -> None:
        """Answer ``timeout`` to what waited too long. All wait equally long, so the oldest is always in front."""
        while True:
            await trio.sleep(0.1)
            now = trio.current_time()
            expired = 0
            while self._waiting and (self._waiting[0].answer is None or self._waiting[0].deadline <= now):
                submission = self._waiting.popleft()
                if submission.answer is not None:
                    expired += 1
                    submission.settle(CommandTimeoutError("the command took too long", retry_after_ms=500))
            if expired:
                self.counters.timeouts += expired
                self.observer.settled(self)

    async def _tick_when_due(self) -> None:
        """Append an empty entry when something is due, somebody follows, and nothing comes in."""
        while True:
            due = self.game.due_at()
            if due is None or not self._followers:
                await self._progress.wait()
                continue
            wait_s = max(0.0, (due - self.now_ms()) / 1000) + random.uniform(0, self.settings.tick_jitter_s)
            with trio.move_on_after(wait_s):
                while self.game.due_at() == due:
                    await self._progress.wait()
            if self.game.due_at() == due and self.now_ms() >= due:
                self._tick = True
                self._work.set()
                with trio.move_on_after(self.settings.command_timeout_s):
                    while self.game.due_at() == due:
                        await self._progress.wait()

    async def _snapshot(self) -> None:
        """Raise the generation when this node's entry was the one too many; save the state at the boundary."""
        mine = 0
        while True:
            await self._raise_due.wait()
            self._raise_due = trio.Event()
            try:
                if self._to_save is not None:
                    (generation, state, digest, seq), self._to_save = self._to_save, None
                    if generation == mine:
                        saved = await self.repository.save_snapshot(self.meta, generation, digest, seq, state)
                        self.counters.snapshots += saved is not None
                elif self._generation_full():
                    raised = await self.repository.raise_generation(self.meta)
                    if raised is not None:
                        mine = raised.generation
                        if self._to_save is not None and self._to_save[0] == mine:
                            self._raise_due.set()
            except StoreUnavailableError as error:
                structlog.get_logger().warning("snapshot_delayed", game=self.id, error=str(error))

    # Ending

    def _gone(self) -> TradeGameError:
        if self.failure is not None:
            return InternalError(f"this node stopped serving {self.id!r}, reference {self.failure}")
        return UnknownGameError(f"no game {self.id!r}")

    def _abandon(self) -> None:
        """Answer everyone who still waits. What was sent may have happened."""
        queued = {id(submission) for submission in self._queue}
        for submission in self._waiting:
            if id(submission) in queued:
                submission.settle(self._gone())
            else:
                submission.settle(UnavailableError("the game ended before the command was answered"))
        self._waiting.clear()
        self._queue.clear()
        self._in_flight.clear()

    def _wake_followers(self) -> None:
        self._progress.set()
        self._progress = trio.Event()


class DivergedError(Exception):
    """This replica's state is not the one that another node saved for the same place in the log."""

    def __init__(self, game: str, generation: int, ours: str, theirs: str) -> None:
        super().__init__(f"{game} at the beginning of generation {generation}: {ours} here, {theirs} saved")
