"""One game on one node: follows the log, appends to it, answers, and makes what is due happen."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog
import trio
from attrs import define, frozen

from tradegame.core.domain.events import Applied, Outcome
from tradegame.core.domain.game import Game
from tradegame.core.domain.state import OPEN
from tradegame.core.domain.weight import weight
from tradegame.core.repositories import (
    CompactedError,
    CorruptStoreError,
    GameDeleted,
    GameGoneError,
    GameMeta,
    GameStateRepository,
    LogEntry,
    MetaChanged,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.core.use_cases.broadcast_game_state import FrameHistory, PublishedFrame
from tradegame.core.use_cases.faults import FULL_WAIT_MS, store_fault
from tradegame.core.use_cases.freshness import REREAD_S, Freshness, Progress
from tradegame.core.use_cases.node_clock import GameTime
from tradegame.core.use_cases.public_state import PublicState
from tradegame.core.use_cases.replica import Boundary, Replica
from tradegame.core.use_cases.results import Results
from tradegame.core.use_cases.standings import Standings
from tradegame.core.use_cases.submissions import Answer, EntryBounds, InFlight, Submission, Submissions
from tradegame.protocol.commands import Command, SetClock
from tradegame.protocol.errors import (
    InternalError,
    OverloadedError,
    TradeGameError,
    UnavailableError,
    UnknownGameError,
)
from tradegame.utils.errors import innermost, log_fault, reference
from tradegame.utils.metrics import Histogram
from tradegame.utils.trouble import Trouble

GATHER_FROM_S = 0.001
GATHER_COMMANDS = 4
GATHER_FACTOR = 2
GATHER_MOST_S = 0.05
"""After a slow broadcast of several commands (longer than this, in s), wait in proportion so that the next entry
batches more. A single command never waits.
"""
EXPIRE_S = 0.1
ENTRY = EntryBounds(commands=256, bytes=64 << 10, weight=512)
"""Every node applies and broadcasts an entry in one go, to every follower: so all of it stays under some 5 ms and 128
KiB. It can hold a client's largest frame many times over.
"""
BUSY_S = 0.005
"""Entries that arrive together are applied for so long, in s, before other tasks may run."""


@frozen
class HostSettings:
    """``command_timeout_s``: after this a command is answered ``timeout``. ``queue``: how many commands may wait here,
    ``queue_bytes``: of how many bytes. ``entry`` limits one entry.

    After ``snapshot_every`` commands and entries and ``generation_frames`` frames the generation is raised and the
    state saved; the previous generation is always kept, so that this many frames can be resumed from.
    ``tick_jitter_s``: the most that a node waits so that another may append first what is due. The invariants are
    audited every ``audit_s``. The watch of a followed game is compared with the store every ``verify_s`` (a sixth as
    often if nobody follows), and given up if it then stays silent as long again.
    """

    command_timeout_s: float = 5.0
    queue: int = 20_000
    queue_bytes: int = 16 << 20
    entry: EntryBounds = ENTRY
    snapshot_every: int = 20_000
    generation_frames: int = 1_000
    tick_jitter_s: float = 0.05
    audit_s: float = 30.0
    verify_s: float = 5.0


class GameObserver(Protocol):
    """Shows what happens in a game. Called from the trio thread; must not raise."""

    def applied(self, host: GameHost, applied: Applied, frame: PublishedFrame | None) -> None:
        """An entry was applied. The answers to its commands follow."""
        ...

    def settled(self, host: GameHost) -> None:
        """The answers are given: buffered output may be sent."""
        ...

    def restarted(self, host: GameHost) -> None:
        """Frames are lost for good: followers need a whole new state."""
        ...

    def ended(self, host: GameHost) -> None:
        """The game was deleted, or this node stopped serving it."""
        ...


@define
class HostCounters:
    """Since the host began, except ``violations``: what the last audit found."""

    commands: int = 0
    entries: int = 0
    timeouts: int = 0
    unavailable: int = 0
    snapshots: int = 0
    rebuilds: int = 0
    mute_watches: int = 0
    violations: int = 0


class GameHost:
    """Follows one game's log, appends to it, and answers.

    ``run`` is the host's life; ``submit`` may be called while ``running``. The replica (``game``) changes only between
    two checkpoints, so whoever reads it without awaiting reads one state. ``failure`` is the reference of the fault
    that ended it, if any, and ``why`` says what it was.
    """

    def __init__(
        self,
        repository: GameStateRepository,
        meta: GameMeta,
        node: str,
        observer: GameObserver,
        now_ms: Callable[[], int],
        settings: HostSettings | None = None,
        must_not_append: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.settings = settings or HostSettings()
        self.counters = HostCounters()
        self.append_seconds = Histogram()
        self.shown = PublicState()
        self.results = Results()
        self.standings = Standings(lambda: self.game.state)
        self.running = False
        self.failure: str | None = None
        self.why = ""
        self._repository = repository
        self._node = node
        self._observer = observer
        self._time = GameTime(now_ms)
        self._must_not_append = must_not_append
        self._replica = Replica(repository, meta)
        self._submissions = Submissions(
            self.settings.command_timeout_s, self.settings.queue, self.settings.queue_bytes, self.settings.entry
        )
        self._in_flight: dict[str, InFlight] = {}
        self._appended = 0
        self._tick = False
        self._shown_s = 0.0
        self.crowd_s = 0.0
        """How long a broadcast to all followers takes, in s; set by whoever broadcasts."""
        self._followers = 0
        self._turning = False
        self._boundary: Boundary | None = None
        self._work = trio.Event()
        self._progress = Progress()
        self._boundary_work = trio.Event()
        self._watching = trio.CancelScope()
        self._watch_trouble = Trouble("watch_broken", "watch_whole_again", {"game": meta.game})
        self._read_trouble = Trouble("game_read_delayed", "game_read", {"game": meta.game})
        self._snapshot_trouble = Trouble("snapshot_delayed", "snapshots_saved_again", {"game": meta.game})
        self._freshness = Freshness(
            repository,
            self._replica,
            self._progress,
            lambda: self._followers > 0,
            lambda: self._turning,
            self._give_up_watch,
            self._read_trouble,
            self.settings.verify_s,
        )
        self._append_trouble = Trouble("append_failed", "appends_go_through_again", {"game": meta.game})

    @property
    def id(self) -> str:
        return self._replica.meta.game

    @property
    def meta(self) -> GameMeta:
        """The newest meta seen."""
        return self._replica.meta

    @property
    def game(self) -> Game:
        """The replica: read it, but do not keep it over a checkpoint."""
        return self._replica.game

    @property
    def history(self) -> FrameHistory:
        return self._replica.history

    def now_ms(self) -> int:
        """The game's time, in ms since the Unix epoch: see `GameTime`."""
        return self._time.now_ms(self.game.state.clock)

    @property
    def in_timed_round(self) -> bool:
        """Whether a timed round is open."""
        return self.running and self.game.state.phase == OPEN and self.game.state.ends_at is not None

    def node_jumped(self, by_ms: int) -> None:
        """This node's time jumped: the game keeps its own, and its clock is set between rounds."""
        state = self.game.state
        if not self.running or by_ms <= 0 or state.phase == OPEN or state.ends_at is None:
            return
        self._time.node_jumped(by_ms)

        def answered(outcome: Outcome | TradeGameError) -> None:
            if isinstance(outcome, Outcome):
                self._time.follow_node()

        with suppress(TradeGameError):  # it cannot append now: its time is then slewed
            self.submit(SetClock(time=self.now_ms() + by_ms), answered)

    @property
    def waiting(self) -> int:
        """Commands that are not in an entry yet."""
        return len(self._submissions)

    def submit(self, command: Command, answer: Answer) -> None:
        """Queue a command for the next entry; ``answer`` is called within the command timeout.

        Raises OverloadedError if too many wait or this node must not append, BadRequestError for a command that fits
        into no entry, InternalError after a fault, UnknownGameError after the end.
        """
        if not self.running:
            raise self._gone()
        if (reason := self._must_not_append()) is not None:
            raise OverloadedError(f"{reason}: another one may serve you", retry_after_ms=2_000)
        self._submissions.add(command, answer)
        self._work.set()

    def follow(self, followers: int) -> None:
        """A client began (+1) or stopped (-1) to follow. Only a followed game ticks by itself."""
        self._followers += followers
        self._progress.made()

    async def drain(self) -> None:
        """Wait until everything submitted is answered. The caller bounds the wait."""
        await self._progress.until(self._submissions.all_answered)

    async def wait_for(self, seq: int) -> None:
        """Wait until frame ``seq`` was applied here. The caller bounds the wait."""
        await self._progress.until(lambda: self.game.state.seq >= seq)

    async def catch_up(self) -> None:
        """Wait until everything is applied that the store's log had when this was called: see `Freshness`."""
        await self._freshness.catch_up()

    @property
    def doubted(self) -> bool:
        """Whether the replica may be behind, and must not be shown as the present."""
        return self._freshness.doubted

    def doubt(self) -> None:
        """This node stalled or was cut off: compare with the store before showing anything as the present."""
        self._freshness.doubt()

    @property
    def over(self) -> bool:
        """It ended, for whatever reason."""
        return self._progress.over

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Rebuild the game and serve it until it is deleted or fails.

        Raises nothing but cancellation: a fault is logged, shown in ``failure``, and ends this game on this node only.
        """
        started = False
        try:
            async with trio.open_nursery() as nursery:
                await self._rebuild()
                self.running = started = True
                task_status.started()
                for task in (self._append_entries, self._tick_when_due, self._expire, self._turn_generations):
                    nursery.start_soon(task)
                for task in (self._audit, self._freshness.settle_doubts, self._freshness.verify_watch):
                    nursery.start_soon(task)
                await self._follow_log()
                nursery.cancel_scope.cancel()
        except* GameGoneError:
            pass
        except* CorruptStoreError as damage:
            self.failure, self.why = reference(), str(innermost(damage))
            structlog.get_logger().error("game_unreadable", game=self.id, reference=self.failure, reason=self.why)
        except* Exception as faults:  # noqa: BLE001 - fail-stop: this game ends here, and no other
            self.failure = log_fault(structlog.get_logger(), "game_stopped", faults, game=self.id)
            self.why = f"a fault stopped it, reference {self.failure}"
        finally:
            self.running, self._progress.over = False, True
            with trio.CancelScope(shield=True):
                await self._submissions.abandon(self._gone(), UnavailableError("the game ended before it answered"))
            self._in_flight.clear()
            self._progress.made()
            if not started:
                task_status.started()
            self._observer.ended(self)

    # Following the log

    async def _follow_log(self) -> None:
        """Returns when the game is deleted."""
        while True:
            with trio.CancelScope() as self._watching:
                try:
                    async with self._repository.watch(self.meta, self._replica.revision) as watch:
                        while True:
                            items = await watch.receive()
                            since = trio.current_time()
                            for item in items:
                                if trio.current_time() - since > BUSY_S:
                                    await trio.lowlevel.checkpoint()
                                    since = trio.current_time()
                                if isinstance(item, LogEntry):
                                    self._show(item)
                                elif isinstance(item, MetaChanged):
                                    await self._meta_changed(item.meta)
                                    since = trio.current_time()
                                elif isinstance(item, GameDeleted):
                                    return
                            self._watch_trouble.over()
                except (CompactedError, StoreUnavailableError) as error:
                    self._watch_trouble.happened(error=str(error))
            self.counters.rebuilds += 1
            await self._rebuild()

    def _give_up_watch(self) -> None:
        self.counters.mute_watches += 1
        self._watching.cancel()

    async def _rebuild(self) -> None:
        """However long the store takes to let the whole game be read."""
        while True:
            try:
                await self._replica.rebuild(self._show, lambda: self._observer.restarted(self))
            except (CompactedError, StoreUnavailableError) as error:
                self._read_trouble.happened(error=str(error))
                await trio.sleep(REREAD_S)
            else:
                self._read_trouble.over()
                return

    def _show(self, entry: LogEntry) -> None:
        """Apply an entry, broadcast what it did, and answer those whose commands it carried."""
        in_flight = self._in_flight.pop(entry.id, None)
        own = in_flight.entry if in_flight is not None and in_flight.value == entry.value else None
        applied, frame = self._replica.apply(entry, own)
        self.counters.entries += 1
        self.counters.commands += len(applied.outcomes)
        begun = trio.current_time()
        self.standings.touched(applied.accounts)
        self._observer.applied(self, applied, frame)
        if in_flight is not None:
            self.append_seconds.observe(begun - in_flight.appended_at)
            for submission, outcome in zip(in_flight.submissions, applied.outcomes, strict=True):
                submission.settle(outcome)
            if self._generation_full():
                self._boundary_work.set()
        self._observer.settled(self)
        self._shown_s = trio.current_time() - begun
        self._progress.made()

    async def _meta_changed(self, meta: GameMeta) -> None:
        self._turning = True
        try:
            boundary = await self._replica.meta_changed(meta)
        finally:
            self._turning = False
        if boundary is not None:
            self._boundary = boundary
            self._boundary_work.set()

    def _generation_full(self) -> bool:
        return self._replica.generation_full(self.settings.snapshot_every, self.settings.generation_frames)

    # Appending

    async def _append_entries(self) -> None:
        """One append at a time; what arrives meanwhile goes into the next entry."""
        gathered = 0
        while True:
            while not (self._submissions or self._tick):
                self._work = trio.Event()
                await self._work.wait()
            shown_s = max(self._shown_s, self.crowd_s)
            if shown_s > GATHER_FROM_S and gathered >= GATHER_COMMANDS:
                # Broadcasting an entry to a crowd costs the same for one trade as for a hundred: let more commands
                # gather.
                await trio.sleep(min(shown_s * GATHER_FACTOR, GATHER_MOST_S))
            tick, self._tick = self._tick, False
            submissions = self._submissions.take(self._weight)
            gathered = len(submissions)
            if not (submissions or tick):
                await trio.lowlevel.checkpoint()
                continue  # everything that waited was too late
            await self._append(submissions)

    async def _append(self, submissions: Sequence[Submission]) -> None:
        """Append an entry of these commands. If the store refuses it as a whole, append its halves, in the same
        order.
        """
        self._appended += 1
        entry_id = f"{self._node}-{self._appended}"
        in_flight = self._in_flight[entry_id] = InFlight.of(self.now_ms(), submissions)
        try:
            self._replica.saw(await self._repository.update(self.meta, entry_id, in_flight.value))
            self._append_trouble.over()
        except StoreUnavailableError as error:
            # It is unknown whether it landed. If so, it is applied like any other; its answers are given now.
            if self._in_flight.pop(entry_id, None) is None:
                return
            count = len(submissions)
            if isinstance(error, StoreRefusedError) and count > 1:
                self._append_trouble.happened(entry=entry_id, commands=count, error=str(error))
                await self._append(submissions[: count // 2])
                await self._append(submissions[count // 2 :])
                return
            self.counters.unavailable += count
            self._append_trouble.happened(entry=entry_id, commands=count, error=str(error))
            answer = store_fault(error)
            if isinstance(error, StoreRefusedError):  # its form is right: it is the store that has no room for it
                answer = OverloadedError("the store does not take this command", retry_after_ms=FULL_WAIT_MS)
            for submission in submissions:
                submission.settle(answer)
            self._observer.settled(self)
            self._progress.made()

    async def _expire(self) -> None:
        while True:
            await trio.sleep(EXPIRE_S)
            self.game.free_some()
            while expired := self._submissions.expire():
                self.counters.timeouts += expired
                self._observer.settled(self)
                self._progress.made()
                await trio.lowlevel.checkpoint()

    async def _tick_when_due(self) -> None:
        """Append an empty entry if something is due, somebody follows, and nothing else arrives."""
        while True:
            due = self.game.due_at()
            if due is None or not self._followers:
                await self._progress.wait()
                continue
            wait_s = max(0.0, (due - self.now_ms()) / 1000) + random.uniform(0, self.settings.tick_jitter_s)
            with trio.move_on_after(wait_s):
                while self.game.due_at() == due:
                    await self._progress.wait()
            if self._must_not_append() is not None:
                await trio.sleep(REREAD_S)
            elif self.game.due_at() == due and self.now_ms() >= due:
                self._tick = True
                self._work.set()
                with trio.move_on_after(self.settings.command_timeout_s):
                    while self.game.due_at() == due:
                        await self._progress.wait()

    async def _turn_generations(self) -> None:
        """Raise the generation if this node's entry made it long enough; save the state at the boundary."""
        mine = 0
        while True:
            await self._boundary_work.wait()
            self._boundary_work = trio.Event()
            try:
                if self._boundary is not None:
                    boundary, self._boundary = self._boundary, None
                    if boundary.generation == mine:
                        await self._save(boundary)
                elif self._generation_full():
                    raised = await self._repository.raise_generation(self.meta)
                    if raised is not None:
                        mine = raised.generation
                        if self._boundary is not None:  # the watch was faster
                            self._boundary_work.set()
            except StoreUnavailableError as error:
                self._snapshot_trouble.happened(error=str(error))
            else:
                self._snapshot_trouble.over()

    async def _save(self, boundary: Boundary) -> None:
        saved = await self._repository.save_snapshot(
            self.meta, boundary.generation, boundary.digest, boundary.seq, boundary.state
        )
        self.counters.snapshots += saved is not None

    async def _audit(self) -> None:
        """Audit every invariant from scratch, now and then."""
        audited = -1
        while True:
            await trio.sleep(self.settings.audit_s)
            if self.game.state.entries == audited:
                continue
            audited = self.game.state.entries
            violations = await self._replica.audit()
            if violations is None:
                continue
            self.counters.violations = len(violations)
            for violation in violations:
                structlog.get_logger().error("audit_violation", game=self.id, violation=violation)

    def _gone(self) -> TradeGameError:
        if self.failure is not None:
            return InternalError(f"this node stopped serving {self.id!r}, reference {self.failure}")
        return UnknownGameError(f"no game {self.id!r}")

    def _weight(self, command: Command) -> int:
        return weight(self.game.state, command)
