"""What goes into an entry, how much of it, and what waits too long for one."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from tradegame.core.domain.events import Outcome
from tradegame.core.games.submissions import ANSWERED_AT_ONCE, EntryBounds, InFlight, Submission, Submissions
from tradegame.protocol.commands import Command, encode_entry
from tradegame.protocol.errors import BadRequestError, CommandTimeoutError, OverloadedError, TradeGameError
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import Say

BOUNDS = EntryBounds(commands=1_000, bytes=10_000, weight=1_000)


def by_one(command: Command) -> int:
    return 1


async def test_what_is_past_its_time_is_not_sent_though_not_answered_yet(
    mock_clock: trio.testing.MockClock,
) -> None:
    """After a process stood still, who sends may run before who answers."""
    answers: list[Outcome | TradeGameError] = []
    submissions = Submissions(5.0, 10, 10_000, BOUNDS)
    submissions.add(Say(player="p-ann", text="old")).answer = answers.append
    mock_clock.jump(4)
    submissions.add(Say(player="p-ann", text="new")).answer = answers.append
    mock_clock.jump(2)
    taken = submissions.take(by_one)
    assert [submission.command for submission in taken] == [Say(player="p-ann", text="new")]
    assert answers == []
    assert submissions.expire() == 1
    assert isinstance(answers[0], CommandTimeoutError)


def text_of(characters: int) -> Say:
    return Say(player="p-ann", text="\N{SLIGHTLY SMILING FACE}" * characters)


async def test_an_entry_never_exceeds_its_bytes_whatever_was_said() -> None:
    submissions = Submissions(5.0, 1_000, 10_000_000, BOUNDS)
    said = [text_of(1 + at % 500) for at in range(300)]
    for command in said:
        submissions.add(command)
    sent: list[Command] = []
    while len(submissions):
        entry = InFlight.of(1_764_400_000_000, submissions.take(by_one))
        assert entry.value == encode_entry(entry.entry)
        assert len(entry.value) <= BOUNDS.bytes
        sent += entry.entry.commands
    assert sent == said


async def test_a_command_that_no_entry_can_hold_is_refused_before_it_waits() -> None:
    submissions = Submissions(5.0, 10, 10_000_000, BOUNDS)
    with pytest.raises(BadRequestError, match="too large"):
        submissions.add(text_of(2_500))
    with pytest.raises(BadRequestError, match="UTF-8"):
        submissions.add(Say(player="p-ann", text="\ud800"))
    assert len(submissions) == 0


async def test_what_waits_is_bounded_in_bytes() -> None:
    submissions = Submissions(5.0, 1_000, 10_000, BOUNDS)
    submissions.add(text_of(2_400))
    submissions.add(text_of(2_400))
    with pytest.raises(OverloadedError):
        submissions.add(text_of(1))
    submissions.take(by_one)
    submissions.add(text_of(1))


async def test_what_is_heavy_waits_for_an_entry_of_its_own() -> None:
    submissions = Submissions(5.0, 1_000, 10_000, BOUNDS)
    for text in ("light", "light", "heavy", "light", "heavy", "light"):
        submissions.add(Say(player="p-ann", text=text))

    def weight(command: Command) -> int:
        return 2_000 if command == Say(player="p-ann", text="heavy") else 400

    taken = []
    while len(submissions):
        taken.append([submission.text.count(b"heavy") for submission in submissions.take(weight)])
    assert taken == [[0, 0], [1], [0], [1], [0]]


def said_by(submissions: list[Submission]) -> list[tuple[str, str]]:
    return [(each.command.player, each.command.text) for each in submissions if isinstance(each.command, Say)]


async def test_many_heavy_commands_of_some_do_not_hold_up_the_one_of_another() -> None:
    """First come, first served: ninety accounts with ten heavy commands each were in front of whoever came last."""
    submissions = Submissions(5.0, 10_000, 10_000_000, EntryBounds(commands=256, bytes=10_000, weight=512))
    hostile = [f"p-hostile{number}" for number in range(90)]
    for number in range(10):
        for player in hostile:
            submissions.add(Say(player=player, text=str(number)))
    taken = said_by(submissions.take(lambda command: 101))
    assert taken == [(player, "0") for player in hostile[:5]]
    submissions.add(Say(player="p-ann", text="honest"))
    for _ in range(18):
        taken += said_by(submissions.take(lambda command: 101))
    # one round is eighteen entries: who has not had a turn yet goes first, ann as soon as any of them
    assert taken.index(("p-ann", "honest")) <= len(hostile)
    assert sorted(taken[: len(hostile) + 1]) == sorted([*((player, "0") for player in hostile), ("p-ann", "honest")])
    submissions.add(Say(player="p-ann", text="again"))
    submissions.add(Say(player="p-bob", text="new"))
    taken = said_by(submissions.take(lambda command: 1 if command.player in ("p-ann", "p-bob") else 101))
    assert ("p-bob", "new") in taken


async def test_a_player_s_commands_stay_in_their_order_and_players_take_turns() -> None:
    submissions = Submissions(5.0, 10_000, 10_000_000, EntryBounds(commands=4, bytes=10_000, weight=512))
    for number in range(6):
        submissions.add(Say(player="p-many", text=str(number)))
    for player in ("p-ann", "p-bob"):
        submissions.add(Say(player=player, text="0"))
    assert said_by(submissions.take(by_one)) == [("p-many", "0"), ("p-ann", "0"), ("p-bob", "0"), ("p-many", "1")]
    submissions.add(Say(player="p-ann", text="1"))
    assert said_by(submissions.take(by_one)) == [("p-ann", "1"), *(("p-many", str(number)) for number in (2, 3, 4))]
    assert said_by(submissions.take(by_one)) == [("p-many", "5")]
    assert len(submissions) == 0


async def test_a_crowd_that_waited_too_long_is_answered_in_slices(mock_clock: trio.testing.MockClock) -> None:
    answers: list[Outcome | TradeGameError] = []
    submissions = Submissions(5.0, 20_000, 10_000_000, BOUNDS)
    for _ in range(ANSWERED_AT_ONCE * 3 + 1):
        submissions.add(Say(player="p-ann", text="late")).answer = answers.append
    mock_clock.jump(6)
    assert [submissions.expire() for _ in range(5)] == [ANSWERED_AT_ONCE] * 3 + [1, 0]
    assert len(answers) == ANSWERED_AT_ONCE * 3 + 1
    assert submissions.all_answered()


async def test_a_submission_is_awaited_for_its_outcome_or_raises_the_error(mock_clock: trio.testing.MockClock) -> None:
    submissions = Submissions(5.0, 10, 10_000, BOUNDS)
    first, second = (submissions.add(Say(player="p-ann", text=text)) for text in ("in time", "late"))
    come = Outcome(Sent(seq=1))
    got: list[Outcome] = []

    async def wait() -> None:
        got.append(await first)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        first.settle(come)
    assert got == [come]
    first.settle(CommandTimeoutError("too late"))
    assert await first is come
    mock_clock.jump(6)
    submissions.expire()
    with pytest.raises(CommandTimeoutError):
        await second
