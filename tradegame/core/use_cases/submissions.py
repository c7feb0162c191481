"""The commands that wait: for their entry, and for their answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.core.domain.commands import Command, Entry, encode_command
from tradegame.core.domain.errors import CommandTimeoutError, OverloadedError, TradeGameError
from tradegame.core.domain.events import Outcome

Answer = Callable[[Outcome | TradeGameError], None]
"""How a command's submitter learns what came of it: called once, from the trio thread; must not raise."""


@define(eq=False)
class Submission:
    """A command and who waits for it. ``answer`` is None once it was given. ``deadline`` on trio's clock, in s."""

    command: Command
    answer: Answer | None
    deadline: float

    def settle(self, outcome: Outcome | TradeGameError) -> None:
        """Answer, unless that was done."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer(outcome)


@define(eq=False)
class InFlight:
    """An entry of this node's that has not come back yet. ``appended_at`` on trio's clock, in s."""

    entry: Entry
    value: bytes
    submissions: list[Submission]
    appended_at: float


@define(eq=False)
class Submissions:
    """First come, first served. ``timeout_s`` holds for every command; ``most`` may wait for their entry."""

    timeout_s: float
    most: int
    _queue: deque[Submission] = field(factory=deque, init=False)
    _unanswered: deque[Submission] = field(factory=deque, init=False)

    def __len__(self) -> int:
        """Commands that are not yet in an entry."""
        return len(self._queue)

    def add(self, command: Command, answer: Answer) -> None:
        """Raises OverloadedError when too many wait."""
        if len(self._queue) >= self.most:
            raise OverloadedError("too many commands wait for the store", retry_after_ms=1000)
        submission = Submission(command, answer, trio.current_time() + self.timeout_s)
        self._queue.append(submission)
        self._unanswered.append(submission)

    def take(self, commands: int, size: int) -> tuple[list[Submission], list[str]]:
        """The next ones for an entry, with their encodings: at most so many, and about so many characters.

        What was answered `timeout` before it was sent must not happen any more, and is left out; so is what is
        to be: after a process stood still, this may run before ``expire``.
        """
        taken: list[Submission] = []
        texts: list[str] = []
        now = trio.current_time()
        while self._queue and len(taken) < commands and size > 0:
            submission = self._queue.popleft()
            if submission.answer is None or submission.deadline <= now:
                continue
            text = encode_command(submission.command)
            size -= len(text)
            taken.append(submission)
            texts.append(text)
        return taken, texts

    def expire(self) -> int:
        """Answer ``timeout`` to what waited too long; how many that were. The oldest is always in front."""
        expired, now = 0, trio.current_time()
        while self._unanswered and (self._unanswered[0].answer is None or self._unanswered[0].deadline <= now):
            submission = self._unanswered.popleft()
            if submission.answer is not None:
                expired += 1
                submission.settle(CommandTimeoutError("the command took too long", retry_after_ms=500))
        return expired

    def all_answered(self) -> bool:
        return all(submission.answer is None for submission in self._unanswered)

    def abandon(self, queued: TradeGameError, sent: TradeGameError) -> None:
        """Answer everyone who still waits: ``queued`` to what was never sent, ``sent`` to what may have happened."""
        never_sent = {id(submission) for submission in self._queue}
        for submission in self._unanswered:
            submission.settle(queued if id(submission) in never_sent else sent)
        self._unanswered.clear()
        self._queue.clear()
