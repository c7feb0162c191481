"""Waiting commands: for their entry, and for their answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

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
    """A command and who waits for it. ``answer`` is None once it was called. ``deadline`` on trio's clock, in s.

    ``text`` is the command as the log has it, ``size`` its bytes there.
    """

    command: Command
    text: bytes
    size: int
    answer: Answer | None
    deadline: float

    def settle(self, outcome: Outcome | TradeGameError) -> None:
        """Answer, unless that was done."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer(outcome)


@define(eq=False)
class InFlight:
    """An entry of this node that has not come back yet. ``appended_at`` on trio's clock, in s."""

    entry: Entry
    value: bytes
    submissions: Sequence[Submission]
    appended_at: float

    @classmethod
    def of(cls, at: int, submissions: Sequence[Submission]) -> InFlight:
        """``at``: this node's clock, in ms."""
        entry = Entry(at, tuple(submission.command for submission in submissions))
        value = join_entry(at, [submission.text for submission in submissions])
        return cls(entry, value, submissions, trio.current_time())


@define(eq=False)
class Submissions:
    """First come, first served. ``timeout_s`` applies to every command; ``most`` commands of ``most_bytes`` in total
    may wait for their entry.
    """

    timeout_s: float
    most: int
    most_bytes: int
    bounds: EntryBounds
    _bytes: int = field(default=0, init=False)
    _queue: deque[Submission] = field(factory=deque, init=False)
    _unanswered: deque[Submission] = field(factory=deque, init=False)

    def __len__(self) -> int:
        """Commands that are not in an entry yet."""
        return len(self._queue)

    def add(self, command: Command, answer: Answer) -> None:
        """Raises OverloadedError if too many wait, BadRequestError for a command that fits into no entry."""
        if len(self._queue) >= self.most or self._bytes >= self.most_bytes:
            raise OverloadedError("too many commands wait for the store")
        try:
            text = encode_command(command)
        except UnicodeEncodeError:
            raise BadRequestError("expected text that UTF-8 can encode") from None
        size = len(text)
        if FRAMING_BYTES + size > self.bounds.bytes:
            raise BadRequestError(f"the command is too large: {size} bytes in the log")
        submission = Submission(command, text, size, answer, trio.current_time() + self.timeout_s)
        self._queue.append(submission)
        self._unanswered.append(submission)
        self._bytes += size

    def take(self, weight: Callable[[Command], int]) -> list[Submission]:
        """The next commands for an entry, as many as its limits allow.

        Skips commands that were answered `timeout` before they were sent: they must not happen any more. Also skips
        commands whose deadline has passed: after a stall this can run before ``expire``.
        """
        taken: list[Submission] = []
        now = trio.current_time()
        size, heavy = FRAMING_BYTES, 0
        while self._queue and len(taken) < self.bounds.commands:
            first = self._queue[0]
            if first.answer is not None and first.deadline > now:
                size += first.size + len(",")
                heavy += weight(first.command)
                if taken and (size > self.bounds.bytes or heavy > self.bounds.weight):
                    break
                taken.append(first)
            self._queue.popleft()
            self._bytes -= first.size
        return taken

    def expire(self) -> int:
        """Answer ``timeout`` to what waited too long, the oldest first. Returns how many, at most
        ``ANSWERED_AT_ONCE``.
        """
        expired, now = 0, trio.current_time()
        while self._unanswered and (self._unanswered[0].answer is None or self._unanswered[0].deadline <= now):
            if expired == ANSWERED_AT_ONCE:
                break
            submission = self._unanswered.popleft()
            if submission.answer is not None:
                expired += 1
                submission.settle(CommandTimeoutError("the command took too long"))
        return expired

    def all_answered(self) -> bool:
        while self._unanswered and self._unanswered[0].answer is None:
            self._unanswered.popleft()
        return not self._unanswered

    async def abandon(self, queued: TradeGameError, sent: TradeGameError) -> None:
        """Answer everyone who still waits: ``queued`` for what was never sent, ``sent`` for what may have happened."""
        never_sent = {id(submission) for submission in self._queue}
        self._queue.clear()
        self._bytes = 0
        answered = 0
        while self._unanswered:
            submission = self._unanswered.popleft()
            submission.settle(queued if id(submission) in never_sent else sent)
            answered += 1
            if answered % ANSWERED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
