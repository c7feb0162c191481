"""Appends this node's commands to a game's log, one entry at a time. What arrives meanwhile goes into the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from tradegame.core.domain.orders import open_order
from tradegame.core.domain.weight import EntryWeight
from tradegame.core.faults import store_fault
from tradegame.core.games.replica import Replica
from tradegame.core.games.settings import HostCounters, HostSettings
from tradegame.core.games.submissions import InFlight, Submission, Submissions
from tradegame.core.repositories import Appended, GameStateRepository, StoreRefusedError, StoreUnavailableError
from tradegame.protocol.commands import Command
from tradegame.protocol.errors import OverloadedError, TradeGameError, UnavailableError
from tradegame.protocol.requests import AmendOrder, PlaceOrder
from tradegame.utils.trouble import Trouble

GATHER_FROM_S = 0.001
GATHER_COMMANDS = 4
GATHER_MOST_S = 0.05
"""After a slow broadcast of several commands (longer than this, in s), wait as long, so that the next entry batches
more. To wait twice as long cost more, since an idle core forgets: a buy of 64 clients 90 instead of 77 us. A single
command never waits, and neither do as many as an entry holds.
"""

PLACED_KEPT = 1_000
"""Of more players it is looked through who may have an order on the way."""


@define(eq=False)
class Appender:
    """Queues commands, appends them, and answers those that do not come back. ``run`` it for as long as the game is
    served, and call ``expire`` now and then.

    ``must_not_append`` returns why not, or None, and calls ``wake`` if this node slept. ``broadcast_s``: how long the
    last entry took to broadcast. ``appended`` is called with what became of an append, ``answered`` after commands were
    answered here.
    """

    repository: GameStateRepository
    replica: Replica
    node: str
    settings: HostSettings
    counters: HostCounters
    now_ms: Callable[[], int]
    must_not_append: Callable[[], str | None]
    broadcast_s: Callable[[], float]
    appended: Callable[[Appended], None]
    answered: Callable[[], None]
    _submissions: Submissions = field(init=False)
    _in_flight: dict[str, InFlight] = field(factory=dict, init=False)
    _appended: int = field(default=0, init=False)
    _placed: dict[str, int] = field(factory=dict, init=False)
    """By player, the last entry of this node that may place an order of theirs."""
    _tick: bool = field(default=False, init=False)
    _slept_at: int | None = field(default=None, init=False)
    """Since when this node slept, in ms, as the next entry has to say."""
    _work: trio.Event = field(factory=trio.Event, init=False)
    _trouble: Trouble = field(init=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self._submissions = Submissions(
            settings.command_timeout_s, settings.queue, settings.queue_bytes, settings.entry
        )
        self._trouble = Trouble("append_failed", "appends_go_through_again", {"game": self.replica.meta.game})

    def __len__(self) -> int:
        """Commands that are not in an entry yet."""
        return len(self._submissions)

    def execute(self, command: Command) -> Submission:
        """Queue a command for the next entry. It is answered within the command timeout.

        Raises OverloadedError if too many wait or this node must not append, and BadRequestError for a command that
        fits into no entry.
        """
        if (reason := self.must_not_append()) is not None:
            raise OverloadedError(f"{reason}: another one may serve you", retry_after_ms=2_000)
        submission = self._submissions.add(command)
        self._work.set()
        return submission

    def tick(self) -> None:
        """Append an entry even if no command waits: something is due."""
        self._tick = True
        self._work.set()

    def wake(self, slept_at: int) -> None:
        """This node, which served the game alone, slept from then on, in ms: the next entry says so, and comes now."""
        self._slept_at = slept_at
        self.tick()

    def landed(self, entry_id: str) -> InFlight | None:
        """An entry came back through the log. Returns what waits for it, if this node appended it."""
        return self._in_flight.pop(entry_id, None)

    def all_answered(self) -> bool:
        return self._submissions.all_answered()

    async def abandon(self, why: TradeGameError) -> None:
        """The game is over here: answer everyone, with ``why`` if the command was never sent."""
        await self._submissions.abandon(why, UnavailableError("the game ended before it answered"))
        self._in_flight.clear()

    async def run(self) -> None:
        """Append until cancelled."""
        gathered = 0
        while True:
            while not (self._submissions or self._tick):
                self._work = trio.Event()
                await self._work.wait()
            broadcast_s = self.broadcast_s()
            full = len(self._submissions) >= self.settings.entry.commands
            if broadcast_s > GATHER_FROM_S and gathered >= GATHER_COMMANDS and not full:
                # Broadcasting an entry to a crowd costs the same for one trade as for a hundred: let more commands
                # gather.
                await trio.sleep(min(broadcast_s, GATHER_MOST_S))
            self.must_not_append()  # which finds out whether this node slept: before an entry of now
            tick, self._tick = self._tick, False
            if len(self._placed) > PLACED_KEPT:
                self._placed = {player: number for player, number in self._placed.items() if self._is_to_land(number)}
            submissions = self._submissions.take(self._weigher())
            gathered = len(submissions)
            if not (submissions or tick):
                await trio.lowlevel.checkpoint()
                continue  # everything that waited was too late
            await self._append(submissions)

    async def expire(self) -> None:
        """Answer ``timeout`` to what waited too long."""
        while expired := self._submissions.expire():
            self.counters.timeouts += expired
            self.answered()
            await trio.lowlevel.checkpoint()

    async def _append(self, submissions: Sequence[Submission]) -> None:
        """Append an entry of these commands. If the store refuses it as a whole, append its halves, in the same
        order.
        """
        self._appended += 1
        entry_id = self._entry_id(self._appended)
        slept_at = self._slept_at
        in_flight = self._in_flight[entry_id] = InFlight.of(self.now_ms(), submissions, slept_at)
        try:
            appended = await self.repository.update(self.replica.meta, entry_id, in_flight.value)
        except StoreUnavailableError as error:
            # It is unknown whether it landed. If so, it is applied like any other; its answers are given now.
            if self.landed(entry_id) is None:
                return
            count = len(submissions)
            self._trouble.happened(entry=entry_id, commands=count, error=str(error))
            if isinstance(error, StoreRefusedError) and count > 1:
                await self._append(submissions[: count // 2])
                await self._append(submissions[count // 2 :])
                return
            self.counters.unavailable += count
            answer = store_fault(error)
            for submission in submissions:
                submission.settle(answer)
            self.answered()
        else:
            self._trouble.over()
            if self._slept_at == slept_at:
                self._slept_at = None
            if self._submissions:  # the next entry is stored while the watch brings this one
                self.replica.saw(appended.meta)
            else:
                self.appended(appended)

    def _weigher(self) -> Callable[[Command], int]:
        """What the commands of the next entry weigh, one after the other; the last may go into the entry after it."""
        game = self.replica.game
        state, due = game.state, game.due_at()
        entry = EntryWeight(state, unsettled=due is not None and due <= self.now_ms())

        def weigh(command: Command) -> int:
            player = command.player
            places = player in self._placed and self._is_to_land(self._placed[player])
            if isinstance(command, PlaceOrder) or (
                isinstance(command, AmendOrder) and (places or open_order(state, player, command.order) is not None)
            ):
                self._placed[player] = self._appended + 1
            return entry.add(command, places=places)

        return weigh

    def _is_to_land(self, number: int) -> bool:
        """Whether an entry has not come back yet, or is the next."""
        return number > self._appended or self._entry_id(number) in self._in_flight

    def _entry_id(self, number: int) -> str:
        return f"{self.node}-{number}"
