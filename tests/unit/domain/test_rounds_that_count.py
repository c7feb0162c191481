"""Which rounds have a number, and which count: by hand and untraded, for practice, after a sleep; and the last one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import views
from tests.support.domain import BEGIN, Table, events
from tests.unit.domain.shadows import Follower
from tests.unit.domain.test_pauses import opened
from tests.unit.domain.test_private_values import WHEAT, private
from tradegame.core.domain import snapshot
from tradegame.core.domain import views as domain_views
from tradegame.core.domain.audit import audit
from tradegame.core.domain.debrief import counted_results
from tradegame.core.domain.definition import GoodDefinition, RoundsDefinition, TreatmentDefinition
from tradegame.core.domain.worth import leaders
from tradegame.protocol.commands import Entry, Join, Pause, Remove, Reveal, SetPhase
from tradegame.protocol.pushes import ClockChanged, Revealed, RoundChanged

SECOND = 1_000
ROUNDS = RoundsDefinition(lobby_s=10, open_s=60, closed_s=20, repeat=2)


def trade(table: Table, price: int = 10) -> None:
    """ann buys a unit of bob."""
    table.ask("bob", 1, price)
    table.buy("ann", 1)


def here(table: Table) -> Table:
    table.arrive(*table.game.state.players)
    return table


def now(table: Table) -> tuple[str, int]:
    return table.game.state.phase, table.game.state.round


def debriefed(table: Table) -> list[int]:
    return [result["round"] for result in views.debrief(table.game.state, host=True)["rounds"]]


# No trade, no number


def test_a_round_by_hand_costs_a_number_once_somebody_traded_in_it() -> None:
    table = Table.of("ann", "bob")
    for phase in ("closed", "open", "lobby", "closed", "lobby", "open"):
        table.phase(phase)
        assert now(table) == (phase, 1)
    trade(here(table))
    table.phase("closed")
    assert (now(table), debriefed(table)) == (("closed", 1), [1])
    table.phase("open")
    assert now(table) == ("open", 2)
    assert audit(table.game.state) == []


def test_the_result_of_a_round_without_a_trade_goes_as_the_next_begins() -> None:
    table = Table.of("ann", "bob")
    table.phase("closed")
    assert debriefed(table) == [1]
    table.phase("lobby")
    assert debriefed(table) == []
    table.phase("open")
    trade(here(table))
    table.phase("lobby")
    table.phase("open")
    table.phase("closed")
    assert debriefed(table) == [1, 2]
    loaded = Table(snapshot.load(snapshot.dump(table.game)), table.at)
    for each in (table, loaded):
        each.phase("open")
        assert (debriefed(each), now(each)) == ([1], ("open", 2))


def test_what_stays_of_the_results_is_without_the_one_that_costs_no_number() -> None:
    table = Table.of("ann", "bob")
    trade(table)
    table.phase("closed")
    assert [each["round"] for each in counted_results(table.game.state)] == [1]
    table.phase("open")
    table.phase("closed")
    assert (debriefed(table), [each["round"] for each in counted_results(table.game.state)]) == ([1, 2], [1])


def test_ten_results_are_kept_also_while_one_more_does_not_count() -> None:
    table = Table.of("ann", "bob")
    for _ in range(12):
        trade(here(table))
        table.phase("closed")
        table.phase("open")
    table.phase("closed")
    assert debriefed(table) == list(range(4, 14))
    table.phase("open")
    assert debriefed(table) == list(range(3, 13))


def test_of_the_clocks_rounds_each_has_its_number_and_none_is_lost_to_a_lobby_by_hand() -> None:
    table = Table.of("ann", "bob", rounds=ROUNDS)
    table.phase("open")
    table.phase("closed")
    assert now(table) == ("closed", 1)
    assert not table.game.state.over
    table.wait(20 * SECOND)
    assert now(table) == ("lobby", 1)
    table.wait(70 * SECOND)
    assert now(table) == ("closed", 1), "the clock opened it: it has had its turn"
    table.wait(20 * SECOND)
    assert now(table) == ("lobby", 2)
    table.phase("closed")
    table.wait(100 * SECOND)
    assert (now(table), table.game.state.over) == (("closed", 2), True)


def test_a_last_round_by_hand_without_a_trade_is_not_the_last() -> None:
    table = Table.of("ann", "bob", rounds=RoundsDefinition(open_s=60, lobby_s=10, closed_s=5, repeat=1))
    table.phase("open")
    table.wait(60 * SECOND)
    assert not table.game.state.over
    table.wait(15 * SECOND)
    trade(here(table))
    table.wait(60 * SECOND)
    assert (now(table), table.game.state.over) == (("closed", 1), True)


# Practice


def practice(**fields: Any) -> Table:
    return Table.of("ann", "bob", practice=True, **{"rounds": ROUNDS, **fields})


def test_a_practice_round_has_the_number_0_and_counts_in_no_score() -> None:
    table = practice(goods={"grain": GoodDefinition(endowment=9, mark="last")})
    assert now(table) == ("lobby", 0)
    assert views.public_state(table.game.state)["rules"]["practice"] is True
    table.wait(10 * SECOND)
    table.ask("bob", 1, 10)
    table.buy("ann", 1)
    table.ask("bob", 1, 90)
    table.buy("ann", 1)
    table.wait(60 * SECOND)
    (result,) = views.debrief(table.game.state)["rounds"]
    assert (result["round"], result["practice"], result["players"][0]["gain"]) == (0, True, 80)
    assert [views.account(table.game.state, player)["score"] for player in ("ann", "bob")] == [0, 0]
    table.wait(20 * SECOND)
    assert now(table) == ("lobby", 1)
    table.wait(10 * SECOND)
    table.ask("bob", 1, 10)
    table.buy("ann", 1)
    table.ask("bob", 1, 90)
    table.buy("ann", 1)
    table.wait(60 * SECOND)
    assert views.account(here(table).game.state, "ann")["score"] == 80
    assert "practice" not in views.debrief(table.game.state)["rounds"][1]
    table.wait(90 * SECOND)
    assert (now(table), table.game.state.over) == (("closed", 2), True)
    assert table.game.state.winners == ["ann"]


def test_practice_by_hand_is_practised_until_somebody_trades() -> None:
    table = practice(rounds=None, wait_for_host=True, treatments=(TreatmentDefinition(from_round=1, fee_bps=100),))
    table.phase("open")
    table.phase("closed")
    table.phase("open")
    assert now(table) == ("open", 0)
    assert table.game.state.terms.fee_bps == 0
    trade(here(table))
    table.phase("closed")
    table.phase("open")
    assert (now(table), table.game.state.terms.fee_bps) == (("open", 1), 100)


def test_rounds_that_nobody_saw_are_counted_after_practice_too() -> None:
    table = practice()
    table.wait(90 * SECOND * 100)
    assert (now(table), table.game.state.over) == (("closed", 2), True)


# The sum of all rounds


def test_by_total_are_those_who_take_part_or_gained_or_lost_before_equals_share_a_rank() -> None:
    table = Table.of("ann", "bob", "cid", "dee", goods={"grain": GoodDefinition(endowment=9, mark="last")})
    for price in (10, 50):
        trade(table, price)
    table.phase("closed")
    table.phase("open")
    table.arrive("cid")
    rows = domain_views.totals(table.game.state, 9)
    assert [(row.rank, row.player, row.worth, row.score) for row in rows] == [
        (1, "ann", 0, 40),
        (2, "cid", 1_450, 0),
        (3, "bob", 0, -40),
    ]
    assert domain_views.totals(table.game.state, 1) == rows[:1]
    table.entry(Remove(account="cid"))
    assert [row.player for row in domain_views.ranked(table.game.state, [(-9, 0, "cid", 0), (-9, 1, "ann", 0)])] == [
        "ann"
    ]
    table = Table.of("ann", "bob", goods=WHEAT, private_values=private())
    assert domain_views.totals(table.game.state, 9) == []


# The end


@pytest.mark.parametrize("scores", [(5, 9, 5, -1), (0, 9, 0, 0), (-1, 0, 0, -1)])
def test_people_win_before_robots(scores: tuple[int, ...]) -> None:
    table = Table.of("ann")
    for name in ("robot-1", "bob", "cid"):
        table.do(Join(player=name, name=name, robot=name == "robot-1"))
    state = table.game.state
    for name, score in zip(("ann", "robot-1", "bob", "cid"), scores, strict=True):
        state.players[name].score = score
    assert leaders(state) == {5: ["ann", "bob"], 0: ["robot-1"], -1: []}[scores[0]]


def test_when_the_last_round_closes_the_game_is_over_and_it_is_told_who_won() -> None:
    rounds = RoundsDefinition(open_s=60, closed_s=5, repeat=2)
    table = Table.of("ann", "bob", "cid", rounds=rounds, goods={"grain": GoodDefinition(endowment=9, mark="last")})
    follower = Follower(table.game)
    trade(table, 10)
    trade(table, 50)
    follower = Follower(table.game)
    (closed,) = events(table.wait(60 * SECOND))
    assert (closed.over, closed.winners, table.game.state.winners) == (False, (), [])
    table.wait(5 * SECOND)
    here(table)
    follower = Follower(table.game)
    applied = table.wait(60 * SECOND)
    follower.follow(applied)
    assert events(applied) == [RoundChanged("closed", 2, None, over=True, winners=("ann",))]
    state = views.public_state(table.game.state)
    assert (state["over"], state["winners"]) == (True, ["ann"])
    assert follower.shown() == state
    follower.follow(table.entry(Remove(account="ann")))
    assert "winners" not in views.public_state(table.game.state)
    assert follower.shown() == views.public_state(table.game.state)
    table.phase("open")
    assert "over" not in views.public_state(table.game.state)


def test_who_gained_nothing_has_not_won_and_equals_win_together() -> None:
    rounds = RoundsDefinition(open_s=60, repeat=1)
    table = Table.of("ann", "bob", rounds=rounds)
    assert events(table.wait(60 * SECOND)) == [RoundChanged("closed", 1, None, over=True)]
    table = Table.of("ann", "bob", "cid", "dee", rounds=rounds, goods=WHEAT, private_values=private(redraw=True))
    for player in ("ann", "dee"):
        table.game.state.players[player].score = 7
    (closed,) = events(table.wait(60 * SECOND))
    assert closed.winners == (), "lists that were given last: it is the host's"
    (revealed,) = events(table.entry(Reveal()))
    assert revealed == Revealed(1, ("ann", "dee"))
    assert views.public_state(table.game.state)["winners"] == ["ann", "dee"]


# Sleep


def test_a_node_that_slept_alone_comes_back_paused_as_of_then_and_nothing_is_lost() -> None:
    table = opened("ann")
    slept_at = table.at + 5 * SECOND
    table.at += 3_600 * SECOND
    applied = table.game.apply(Entry(table.at, (), slept_at))
    assert events(applied) == [ClockChanged(BEGIN + 60 * SECOND, slept_at)]
    assert (table.game.state.phase, table.game.due_at()) == ("open", None)
    assert events(table.entry(Pause(paused=False))) == [ClockChanged(table.at + 45 * SECOND)]
    table.wait(45 * SECOND)
    assert table.game.state.phase == "closed"
    assert audit(table.game.state) == []


@pytest.mark.parametrize("late", [1, 5_000])
def test_what_was_due_before_it_slept_has_happened_before(late: int) -> None:
    table = opened("ann")
    ended = BEGIN + 60 * SECOND
    table.at = ended + 100_000
    applied = table.game.apply(Entry(table.at, (), ended + late))
    assert [type(event) for event in events(applied, RoundChanged | ClockChanged)] == [RoundChanged, ClockChanged]  # type: ignore[arg-type]
    assert table.game.state.paused_at == ended + late


def test_where_somebody_played_meanwhile_or_nothing_runs_there_is_no_pause() -> None:
    table = opened("ann")
    table.wait(2 * SECOND)
    table.game.apply(Entry(table.at + 1, (), table.at - 1))
    assert table.game.state.paused_at is None
    table.game.apply(Entry(table.at + 1, (), table.at + 2))
    assert table.game.state.paused_at is None, "of a time that has not come"
    table = Table.of("ann", wait_for_host=True)
    table.game.apply(Entry(table.at + SECOND, (), table.at))
    assert table.game.state.paused_at is None
    table = opened("ann")
    table.do(Pause(paused=True))
    paused = table.game.state.paused_at
    table.game.apply(Entry(table.at + 2 * SECOND, (), table.at + SECOND))
    assert table.game.state.paused_at == paused


@pytest.mark.parametrize("rounds", [None, RoundsDefinition(open_s=60, closed_s=5, repeat=0)])
@pytest.mark.parametrize("before", ["open", "closed"])
def test_the_host_ends_a_game_that_has_no_end_of_its_own(rounds: RoundsDefinition | None, before: str) -> None:
    table = Table.of("ann", "bob", rounds=rounds, goods={"grain": GoodDefinition(endowment=9, mark="last")})
    trade(table, 10)
    trade(table, 50)
    if before == "closed":
        table.phase("closed")
    standings = views.standings(table.game.state, 9)
    follower = Follower(table.game)
    applied = table.entry(SetPhase(phase="closed", last=True))
    follower.follow(applied)
    assert events(applied) == [RoundChanged("closed", 1, None, over=True, winners=("ann",))]
    again = Table(snapshot.load(snapshot.dump(table.game)), table.at)
    for each in (table, again):
        state = views.public_state(each.game.state)
        assert (state["over"], state["winners"]) == (True, ["ann"])
        assert [row["player"] for row in views.standings(each.game.state, 9)] == [row["player"] for row in standings]
        assert events(each.entry(SetPhase(phase="closed", last=True))) == []
        each.wait(3_600 * SECOND)
        assert now(each) == ("closed", 1)
    assert follower.shown() == views.public_state(table.game.state)
    assert audit(table.game.state) == []
    table.phase("open")
    assert now(table) == ("open", 2)
    assert "over" not in views.public_state(table.game.state)
    table.phase("closed")
    assert not table.game.state.over


def test_a_game_that_ends_in_its_lobby_is_over() -> None:
    table = Table.of("ann", wait_for_host=True)
    table.do(SetPhase(phase="closed", last=True))
    assert (now(table), table.game.state.over) == (("closed", 1), True)


def test_only_a_closed_round_is_the_last_one() -> None:
    with pytest.raises(ValueError, match="closed"):
        SetPhase(phase="open", last=True)
