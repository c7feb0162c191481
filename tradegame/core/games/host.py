"""One game on one node: follows the log, appends to it, answers, and makes what is due happen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog
import trio

from tradegame.core.domain.events import Applied, Outcome
from tradegame.core.domain.game import Game
from tradegame.core.domain.state import OPEN
from tradegame.core.games.appender import Appender
from tradegame.core.games.arrivals import Arrivals
from tradegame.core.games.clock import GameTime
from tradegame.core.games.departures import Departures
from tradegame.core.games.freshness import Freshness, Progress
from tradegame.core.games.generations import Generations
from tradegame.core.games.history import FrameHistory, PublishedFrame
from tradegame.core.games.log_reader import LogReader
from tradegame.core.games.public_state import PublicState
from tradegame.core.games.replica import Replica
from tradegame.core.games.results import Results
from tradegame.core.games.settings import HostCounters, HostSettings
from tradegame.core.games.standings import Standings
from tradegame.core.games.submissions import Submission
from tradegame.core.games.ticker import Ticker
from tradegame.core.repositories import CorruptStoreError, GameGoneError, GameMeta, GameStateRepository, LogEntry
from tradegame.protocol.commands import Command, SetClock
from tradegame.protocol.errors import InternalError, TradeGameError, UnknownGameError
from tradegame.utils.changes import Changes
from tradegame.utils.errors import innermost, log_fault, reference
from tradegame.utils.metrics import Histogram
from tradegame.utils.trouble import Trouble

NOTICED_MS = 1_000
"""A node that fell asleep had looked at the clock so little before, or less."""
TIDY_S = 0.1
"""How often commands that waited too long are looked for, while any wait."""


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


class GameHost:
    """Follows one game's log, appends to it, and answers.

    ``run`` is the host's life; ``execute`` may be called while ``running``. The replica (``game``) changes only between
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
        absent: Callable[[str, str], bool] = lambda player, game: False,
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
        self._observer = observer
        self._time = GameTime(now_ms)
        self._replica = replica = Replica(repository, meta)
        self._progress = progress = Progress()
        self._untidy = Changes()
        self._followers = 0
        self._broadcast_s = 0.0
        self.crowd_s = 0.0
        """How long a broadcast to all followers takes, in s; set by whoever broadcasts."""
        settings, counters, about = self.settings, self.counters, {"game": meta.game}
        self._appender = Appender(
            repository,
            replica,
            node,
            settings,
            counters,
            self.now_ms,
            must_not_append,
            lambda: max(self._broadcast_s, self.crowd_s),
            lambda appended: self._reader.appended(appended),
            self._answered,
        )
        self._generations = Generations(repository, replica, settings, counters)
        reading = Trouble("game_read_delayed", "game_read", about)
        self._reader = LogReader(
            repository,
            replica,
            counters,
            self._show,
            self._generations.meta_changed,
            lambda: observer.restarted(self),
            reading,
        )
        self._freshness = Freshness(
            repository,
            replica,
            progress,
            self._followed,
            lambda: self._generations.turning,
            self._reader.give_up_watch,
            reading,
            settings.verify_s,
        )
        self.arrivals = Arrivals(replica, self.execute)
        self._departures = Departures(
            replica, self.execute, self.arrivals, lambda player: absent(player, self.id), lambda: self.doubted
        )
        self._ticker = Ticker(replica, self._appender, progress, settings, self.now_ms, self._followed)

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
            self.execute(SetClock(time=self.now_ms() + by_ms)).answer = answered

    def slept(self, by_ms: int) -> None:
        """This node, the only one, did not run for so many ms: a game that goes by the clock is paused as of then."""
        if not self.running or not self._followed() or self.game.due_at() is None:
            return
        slept_at, clock = self.now_ms() - by_ms, self.game.state.clock
        if clock - slept_at <= NOTICED_MS:  # else another node went on with it
            structlog.get_logger().info("game_paused_after_sleep", game=self.id, seconds=by_ms // 1000)
            self._appender.wake(max(slept_at, clock))

    @property
    def waiting(self) -> int:
        """Commands that are not in an entry yet."""
        return len(self._appender)

    def execute(self, command: Command) -> Submission:
        """Send a command through the log, in the next entry. Await it for its outcome, or set its ``answer``: that is
        called within the command timeout.

        Raises OverloadedError if too many wait or this node must not append, BadRequestError for a command that fits
        into no entry, InternalError after a fault, UnknownGameError after the end. Awaited, it also raises
        CommandTimeoutError and UnavailableError.
        """
        if not self.running:
            raise self._gone()
        self._untidy.made()
        return self._appender.execute(command)

    def follow(self, followers: int) -> None:
        """A client began (+1) or stopped (-1) to follow. Only a followed game ticks by itself."""
        self._followers += followers
        self._progress.made()

    async def drain(self) -> None:
        """Wait until everything submitted is answered. The caller bounds the wait."""
        await self._progress.until(self._appender.all_answered)

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
                await self._reader.rebuild()
                self.running = started = True
                task_status.started()
                for task in (
                    self._appender.run,
                    self._ticker.run,
                    self.arrivals.run,
                    self._departures.run,
                    self._generations.run,
                    self._freshness.settle_doubts,
                    self._freshness.verify_watch,
                    self._tidy,
                    self._audit,
                ):
                    nursery.start_soon(task)
                await self._reader.follow()
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
                await self._appender.abandon(self._gone())
            self._progress.made()
            if not started:
                task_status.started()
            self._observer.ended(self)

    def _show(self, entry: LogEntry) -> None:
        """Apply an entry, broadcast what it did, and answer those whose commands it carried."""
        in_flight = self._appender.landed(entry.id)
        own = in_flight.entry if in_flight is not None and in_flight.value == entry.value else None
        applied, frame = self._replica.apply(entry, own)
        self.counters.entries += 1
        self.counters.commands += len(applied.outcomes)
        begun = trio.current_time()
        self.standings.touched(applied.accounts)
        self.arrivals.look()
        self._observer.applied(self, applied, frame)
        if in_flight is not None:
            self.append_seconds.observe(begun - in_flight.appended_at)
            for submission, outcome in zip(in_flight.submissions, applied.outcomes, strict=True):
                submission.settle(outcome)
            self._generations.look()
        self._observer.settled(self)
        if self.game.has_dropped():
            self._untidy.made()
        self._broadcast_s = trio.current_time() - begun
        self._progress.made()

    def _answered(self) -> None:
        self._observer.settled(self)
        self._progress.made()

    def _followed(self) -> bool:
        return self._followers > 0

    async def _tidy(self) -> None:
        """Answer what waited too long, and free what a close dropped, until cancelled."""
        while True:
            await trio.sleep(TIDY_S)
            self.game.free_some()
            await self._appender.expire()
            if self._appender.all_answered() and not self.game.has_dropped():
                await self._untidy.wait()

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
