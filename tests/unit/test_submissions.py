"""What waits for its entry too long is not sent any more."""

from __future__ import annotations

import trio.testing

from tradegame.core.domain.commands import Say
from tradegame.core.domain.errors import CommandTimeoutError, TradeGameError
from tradegame.core.domain.events import Outcome
from tradegame.core.use_cases.submissions import Submissions


async def test_what_is_past_its_time_is_not_sent_though_not_answered_yet(
    mock_clock: trio.testing.MockClock,
) -> None:
    """After a process stood still, who sends may run before who answers."""
    answers: list[Outcome | TradeGameError] = []
    submissions = Submissions(5.0, 10)
    submissions.add(Say(player="p-ann", text="old"), answers.append)
    mock_clock.jump(4)
    submissions.add(Say(player="p-ann", text="new"), answers.append)
    mock_clock.jump(2)
    taken, _ = submissions.take(10, 10_000)
    assert [submission.command for submission in taken] == [Say(player="p-ann", text="new")]
    assert answers == []
    assert submissions.expire() == 1
    assert isinstance(answers[0], CommandTimeoutError)
