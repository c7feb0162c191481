"""Waiting commands: for their entry, and for their answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from heapq import heappop, heappush
from typing import Any

import trio
from attrs import define, field, frozen

from tradegame.core.domain.events import Outcome
from tradegame.protocol.commands import Command, Entry, encode_command, join_entry
from tradegame.protocol.errors import BadRequestError, CommandTimeoutError, OverloadedError, TradeGameError

Answer = Callable[[Outcome | TradeGameError], None]
"""Called once with the result of a command, from the trio thread; must not raise."""

FRAMING_BYTES = 64
"""An entry's framing around its commands is smaller than this."""
ANSWERED_AT_ONCE = 100
"""So many are answered in one go before other tasks may run."""


@frozen
class EntryBounds:
    """What one entry may cost everybody who applies it, broadcasts it and receives it.

    ``commands``, and ``bytes`` of the stored entry with its framing, are never exceeded. ``weight``, in the unit of the
    domain's ``weight``, is exceeded only by a single command.
    """

    commands: int
    bytes: int
    weight: int


@define(eq=False)
class Submission:
    """A command on its way through the log. ``deadline`` on trio's clock, in s.

    ``text`` is the command as the log has it, ``size`` its bytes there. ``outcome`` is None until the command is
    answered. To get it, set ``answer`` before the next checkpoint, or await the submission, which raises an error that
    came instead. ``weight``: the domain's, from when it goes into an entry.
    """

    command: Command
    text: bytes
    size: int
    deadline: float
    answer: Answer | None = None
    outcome: Outcome | TradeGameError | None = None
    weight: int = 1

    def settle(self, outcome: Outcome | TradeGameError) -> None:
        """Answer, unless that was done."""
        if self.outcome is None:
            self.outcome = outcome
            answer, self.answer = self.answer, None
            if answer is not None:
                answer(outcome)

    def __await__(self) -> Generator[Any, None, Outcome]:
        return self._settled().__await__()

    async def _settled(self) -> Outcome:
        settled = trio.Event()
        self.answer = lambda outcome: settled.set()
        if self.outcome is None:
            await settled.wait()
        if isinstance(self.outcome, TradeGameError):
            raise self.outcome.with_traceback(None)  # others may be told the same
        assert self.outcome is not None
        return self.outcome


@define(eq=False)
class InFlight:
    """An entry of this node that has not come back yet. ``appended_at`` on trio's clock, in s."""

    entry: Entry
    value: bytes
    submissions: Sequence[Submission]
    appended_at: float

    @classmethod
    def of(cls, at: int, submissions: Sequence[Submission], slept_at: int | None = None) -> InFlight:
        """``at``: this node's clock, and since when it slept before, in ms."""
        entry = Entry(at, tuple(submission.command for submission in submissions), slept_at)
        value = join_entry(at, [submission.text for submission in submissions], slept_at)
        return cls(entry, value, submissions, trio.current_time())


@define(eq=False)
class Submissions:
    """Each player's commands in their order, and players by turns. ``timeout_s`` applies to every command; ``most``
    commands of ``most_bytes`` in total may wait for their entry.

    A player's turn comes later the more weight they had while others waited: start-time fair queueing (Goyal, Vin and
    Cheng, SIGCOMM 1996). Whoever sends little is next, however much the others send.
    """

    timeout_s: float
    most: int
    most_bytes: int
    bounds: EntryBounds
    _bytes: int = field(default=0, init=False)
    _waiting: int = field(default=0, init=False)
    _queues: dict[str, deque[Submission]] = field(factory=dict, init=False)
    """By player, none of them empty."""
    _turns: list[tuple[int, bool, int, str]] = field(factory=list, init=False)
    """A heap: when the turn of each of these players begins, in weight; of equal turns first who had nothing to send
    when theirs might have begun, then who came first; and who it is.
    """
    _begun: int = field(default=0, init=False)
    """When the turn began that was the last."""
    _ends: dict[str, int] = field(factory=dict, init=False)
    """By player, the end of their last turn. Forgotten when nobody waits."""
    _added: int = field(default=0, init=False)
    _unanswered: deque[Submission] = field(factory=deque, init=False)

    def __len__(self) -> int:
        """Commands that are not in an entry yet."""
        return self._waiting

    def add(self, command: Command) -> Submission:
        """Queue a command.

        Raises OverloadedError if too many wait, BadRequestError for a command that fits into no entry.
        """
        if self._waiting >= self.most or self._bytes >= self.most_bytes:
            raise OverloadedError("too many commands wait for the store")
        try:
            text = encode_command(command)
        except UnicodeEncodeError:
            raise BadRequestError("expected text that UTF-8 can encode") from None
        size = len(text)
        if FRAMING_BYTES + size > self.bounds.bytes:
            raise BadRequestError(f"the command is too large: {size} bytes in the log")
        submission = Submission(command, text, size, trio.current_time() + self.timeout_s)
        queue = self._queues.get(command.player)
        if queue is None:
            self._queues[command.player] = deque((submission,))
            self._line_up(command.player)
        else:
            queue.append(submission)
        self._unanswered.append(submission)
        self._waiting += 1
        self._bytes += size
        return submission

    def take(self, weight: Callable[[Command], int]) -> list[Submission]:
        """The next commands for an entry, as many as its limits allow.

        Skips commands that were answered `timeout` before they were sent: they must not happen any more. Also skips
        commands whose deadline has passed: after a stall this can run before ``expire``.
        """
        taken: list[Submission] = []
        now = trio.current_time()
        size, heavy = FRAMING_BYTES, 0
        while self._turns and len(taken) < self.bounds.commands:
            begin, _, _, player = self._turns[0]
            queue = self._queues[player]
            first = queue[0]
            if first.outcome is None and first.deadline > now:
                first.weight = weight(first.command)
                size += first.size + len(",")
                heavy += first.weight
                if taken and (size > self.bounds.bytes or heavy > self.bounds.weight):
                    return taken
                taken.append(first)
                self._begun, self._ends[player] = begin, begin + first.weight
            heappop(self._turns)
            queue.popleft()
            self._waiting -= 1
            self._bytes -= first.size
            if queue:
                self._line_up(player)
            else:
                del self._queues[player]
        if not self._turns:
            self._begun = 0
            self._ends.clear()
        return taken

    def _line_up(self, player: str) -> None:
        self._added += 1
        end = self._ends.get(player, -1)
        heappush(self._turns, (max(self._begun, end), end >= self._begun, self._added, player))

    def expire(self) -> int:
        """Answer ``timeout`` to what waited too long, the oldest first. Returns how many, at most
        ``ANSWERED_AT_ONCE``.
        """
        expired, now = 0, trio.current_time()
        while self._unanswered and (self._unanswered[0].outcome is not None or self._unanswered[0].deadline <= now):
            if expired == ANSWERED_AT_ONCE:
                break
            submission = self._unanswered.popleft()
            if submission.outcome is None:
                expired += 1
                submission.settle(CommandTimeoutError("the command took too long"))
        return expired

    def all_answered(self) -> bool:
        while self._unanswered and self._unanswered[0].outcome is not None:
            self._unanswered.popleft()
        return not self._unanswered

    async def abandon(self, queued: TradeGameError, sent: TradeGameError) -> None:
        """Answer everyone who still waits: ``queued`` for what was never sent, ``sent`` for what may have happened."""
        never_sent = {id(submission) for queue in self._queues.values() for submission in queue}
        self._queues.clear()
        self._turns.clear()
        self._waiting = self._bytes = 0
        answered = 0
        while self._unanswered:
            submission = self._unanswered.popleft()
            submission.settle(queued if id(submission) in never_sent else sent)
            answered += 1
            if answered % ANSWERED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
