"""Who is ready, what they answered, and who is refused again and again: for the host to see."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import views
from tests.support.domain import Table, code, define_game
from tradegame.core.domain import host_views, snapshot
from tradegame.core.domain.definition import QuestionDefinition, from_json, to_json
from tradegame.core.domain.definition_checks import problems
from tradegame.core.domain.definition_warnings import warnings
from tradegame.protocol.commands import Join, Remove, SetRobots, SitIn, Staff
from tradegame.protocol.http import RosterRow
from tradegame.protocol.replies import Readied
from tradegame.protocol.requests import BuyGood, PlaceOrder, Ready

QUIZ = (
    QuestionDefinition(text="Who buys?", choices=("buyers", "sellers"), right=0),
    QuestionDefinition(text="What is a unit worth?", choices=("1", "its value", "its price"), right=1),
)


def row(table: Table, player: str) -> RosterRow:
    (found,) = host_views.roster_rows(table.game.state, [player], {}, table.game.refusals)
    return found


def ready(table: Table, player: str, *answers: int, **more: Any) -> Any:
    return table.do(Ready(player=player, answers=answers or None, **more))


def test_who_says_that_they_are_ready_is_until_the_account_is_gone() -> None:
    table = Table.of("ann", "bob")
    assert ready(table, "ann") == Readied((), seq=table.game.state.seq)
    assert (row(table, "ann").ready, row(table, "bob").ready) == (True, False)
    table.phase("closed")
    table.phase("open")
    again = Table(snapshot.load(snapshot.dump(table.game)), table.at)
    for each in (table, again):
        assert (row(each, "ann").ready, row(each, "ann").right) == (True, None)
        assert views.account(each.game.state, "ann")["ready"] is True
        assert "ready" not in views.account(each.game.state, "bob")


def test_a_command_sent_again_gets_the_first_result() -> None:
    table = Table.of("ann", quiz=QUIZ)
    first = table.entry(command := Ready(player="ann", answers=(0, 0), key="k"))
    again = table.entry(command)
    assert [outcome.result for outcome in (*first.outcomes, *again.outcomes)] == 2 * [Readied((True, False), seq=1)]
    assert again.outcomes[0].replayed


def test_of_a_quiz_the_best_attempt_counts_and_what_is_not_answered_is_wrong() -> None:
    table = Table.of("ann", quiz=QUIZ)
    for answers, right, best in (
        ((), (False, False), None),
        ((1,), (False, False), 0),
        ((0, 1, 5), (True, True), 2),
        ((0,), (True, False), 2),
    ):
        assert ready(table, "ann", *answers).right == right
        assert row(table, "ann").right == best
        assert views.account(table.game.state, "ann").get("right") == best


def test_players_are_told_the_questions_and_no_answer() -> None:
    table = Table.of(quiz=QUIZ, quiz_first=True)
    rules = views.public_state(table.game.state)["rules"]
    assert rules["quiz"] == [{"text": each.text, "choices": list(each.choices)} for each in QUIZ]
    assert rules["quiz_first"] is True
    assert "right" not in str(rules)
    assert "quiz" not in views.public_state(Table.of().game.state)["rules"]


@pytest.mark.parametrize("trade", [BuyGood(good="grain", qty=1), PlaceOrder(good="grain", side="bid", qty=1, price=5)])
def test_with_quiz_first_nobody_trades_before_all_is_answered_rightly(trade: Any) -> None:
    table = Table.of("ann", "bob", quiz=QUIZ, quiz_first=True)
    ready(table, "bob", 0, 1)
    table.ask("bob", 5, 5)
    trade.player = "ann"
    assert code(table.do(trade)) == "not_ready"
    ready(table, "ann", 0, 0)
    assert code(table.do(trade)) == "not_ready"
    assert code(table.cancel("ann", "o9")) == "unknown_order"
    ready(table, "ann", 0, 1)
    assert table.do(trade).filled == 1


def test_without_quiz_first_nobody_has_to_answer() -> None:
    assert Table.of("ann", quiz=QUIZ).bid("ann", 1, 5).resting == 1


def test_robots_have_no_quiz() -> None:
    table = Table.of("ann", quiz=QUIZ, quiz_first=True)
    table.do(Join(player="p-bot", name="bot", robot=True))
    table.entry(SetRobots(fill_to=3), Staff(robots=1), SitIn(account="ann"))
    assert table.bid("p-bot", 1, 5).resting == 1
    assert table.bid("robot-2", 1, 5, by_robot=True).resting == 1
    assert table.bid("ann", 1, 5, by_robot=True).resting == 1
    assert code(table.bid("ann", 1, 5)) == "not_ready"


def test_refusals_in_a_row_are_counted_until_something_succeeds() -> None:
    table = Table.of("ann", "bob")
    for number in range(3):
        assert code(table.buy("ann", 1)) == "no_liquidity"
        assert code(table.cancel("ann", "o7")) == "unknown_order"
        assert row(table, "ann").refused == 2 * number + 2
    table.say("ann", "help")
    assert row(table, "ann").refused == 6
    table.bid("ann", 1, 5)
    assert (row(table, "ann").refused, row(table, "bob").refused) == (0, 0)


def test_of_who_is_gone_no_refusal_is_kept() -> None:
    table = Table.of("ann", "bob")
    for player in ("ann", "bob"):
        table.buy(player, 1)
        table.do(Remove(account=player))
    table.join("eve")
    table.buy("eve", 1)
    assert table.game.refusals == {"eve": 1}


def test_what_a_stand_in_is_refused_does_not_count() -> None:
    table = Table.of("ann")
    table.do(SitIn(account="ann"))
    assert code(table.buy("ann", 1, by_robot=True)) == "no_liquidity"
    assert row(table, "ann").refused == 0


def test_the_host_sees_who_has_traded_in_this_round() -> None:
    table = Table.of("ann", "bob", "eve")
    table.ask("bob", 5, 5)
    table.cancel("eve", table.ask("eve", 1, 9).order)
    table.buy("ann", 1)
    assert [row(table, player).traded for player in ("ann", "bob", "eve")] == [True, True, False]
    table.phase("closed")
    assert row(table, "ann").traded
    for phase in ("lobby", "open"):
        table.phase(phase)
        assert not row(table, "ann").traded


def test_a_definition_keeps_its_quiz() -> None:
    definition = define_game(quiz=QUIZ, quiz_first=True)
    assert from_json(to_json(definition)) == definition
    assert problems(definition) == []


def test_the_right_answer_must_be_one_of_the_choices() -> None:
    wrong = QuestionDefinition(text="?", choices=("a", "b"), right=2)
    assert [(path, str(why)) for path, why in problems(define_game(quiz=(*QUIZ, wrong)))] == [
        ("quiz[2].right", "expected one of 2 choices, from 0, found 2")
    ]


def test_a_quiz_that_is_not_there_keeps_nobody_from_trading() -> None:
    assert [path for path, *_ in warnings(define_game(quiz_first=True))] == ["quiz_first"]
    assert Table.of("ann", quiz_first=True).bid("ann", 1, 5).resting == 1
