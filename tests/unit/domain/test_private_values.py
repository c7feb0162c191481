"""Private values: who has which, what a unit is redeemed at, and what a round's trade was worth."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import views
from tests.support.domain import BEGIN, Table, define_game, events
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.debrief import Schedules
from tradegame.core.domain.definition import (
    GoodDefinition,
    HouseDefinition,
    PrivateValuesDefinition,
    RoundsDefinition,
    from_json,
    to_json,
)
from tradegame.core.domain.definition_checks import problems
from tradegame.protocol.commands import Reveal
from tradegame.protocol.pushes import RoundChanged

WHEAT = {"wheat": GoodDefinition()}


def private(**fields: Any) -> PrivateValuesDefinition:
    return PrivateValuesDefinition(
        **{"good": "wheat", "values": ((90, 100), (80,)), "costs": ((30, 20), (60,)), **fields}
    )


def table(*players: str, **fields: Any) -> Table:
    """ann and cid buy, bob and dee sell."""
    return Table.of(*players, **{"goods": WHEAT, "private_values": private(), **fields})


def account(at: Table, player: str) -> dict[str, Any]:
    return views.account(at.game.state, player)


def last_round(at: Table) -> dict[str, Any]:
    result: dict[str, Any] = views.debrief(at.game.state, host=True)["rounds"][-1]
    return result


def test_players_are_buyer_and_seller_in_turn_each_with_the_next_schedule_of_his_side() -> None:
    at = table("ann", "bob", "cid", "dee", "eve")
    told = {player: account(at, player) for player in ("ann", "bob", "cid", "dee", "eve")}
    assert [told[p]["role"] for p in told] == ["buyer", "seller", "buyer", "seller", "buyer"]
    assert [told[p]["values"]["wheat"] for p in told] == [[100, 90], [30, 20], [80], [60], [100, 90]]
    assert [told[p]["goods"]["wheat"] for p in told] == [0, 2, 0, 1, 0]
    assert [told[p]["worth"] for p in told] == [1_000, 1_050, 1_000, 1_060, 1_000]
    assert all(told[p]["worth"] == told[p]["start"] for p in told)


def test_drawn_values_are_in_their_range_descend_and_differ_by_player() -> None:
    at = table("ann", "bob", "cid", "dee", private_values=private(values=(), costs=(), units=5, low=10, high=300))
    drawn = [at.game.state.players[player].values for player in ("ann", "bob", "cid", "dee")]
    assert all(len(values) == 5 and list(values) == sorted(values, reverse=True) for values in drawn)
    assert all(10 <= value <= 300 for values in drawn for value in values)
    assert len(set(drawn)) == 4


@pytest.mark.parametrize("redraw", [True, False])
def test_values_are_drawn_anew_only_where_the_definition_says_so(redraw: bool) -> None:
    at = table("ann", "bob", private_values=private(values=(), costs=(), redraw=redraw))
    before = account(at, "ann")["values"]
    at.phase("closed")
    at.phase("open")
    at.arrive("ann", "bob")
    assert (account(at, "ann")["values"] != before) is redraw
    assert account(at, "ann")["role"] == "buyer"


def test_at_the_close_each_unit_is_redeemed_at_its_holders_marginal_value() -> None:
    at = table("ann", "bob", "cid", "dee")
    at.ask("bob", 1, 50, good="wheat")
    at.buy("ann", 1, good="wheat")
    assert account(at, "ann")["worth"] == 950 + 100
    assert account(at, "bob")["worth"] == 1_050 + 30  # sold the unit that cost 20
    at.ask("bob", 1, 70, good="wheat")
    at.phase("closed")
    assert [at.cash(player) for player in ("ann", "bob", "cid", "dee")] == [
        (1_050, 0),
        (1_080, 0),
        (1_000, 0),
        (1_060, 0),
    ]
    assert [at.goods(player, "wheat") for player in ("ann", "bob", "cid", "dee")] == [(0, 0)] * 4
    assert audit(at.game.state) == []


def test_what_is_held_past_the_last_value_is_worth_nothing() -> None:
    at = table("ann", "bob", "cid", "dee")
    at.ask("bob", 2, 50, good="wheat")
    at.buy("cid", 2, good="wheat")
    at.phase("closed")
    assert at.cash("cid") == (1_000 - 100 + 80, 0)


def test_the_result_of_a_round_tells_the_gains_the_equilibrium_and_the_efficiency() -> None:
    at = table("ann", "bob", "cid", "dee")
    at.at += 1_000
    at.ask("bob", 2, 50, good="wheat")
    at.buy("ann", 1, good="wheat")
    at.buy("cid", 1, good="wheat")
    at.wait(5_000)
    at.phase("closed")
    result = last_round(at)
    assert (result["round"], result["opened_at"], result["closed_at"]) == (1, BEGIN, BEGIN + 6_000)
    # 100 and 90, 80 wanted; 20, 30, 60 offered: all three trade between 60 and 80. Two did: 100 - 20 and 80 - 30.
    assert (result["surplus"], result["max_surplus"]) == (80 + 50, 80 + 60 + 20)
    assert result["efficiency_bps"] == 130 * 10_000 // 160
    assert result["goods"]["wheat"] == {
        "trades": 2,
        "volume": 2,
        "notional": 100,
        "open": 50,
        "high": 50,
        "low": 50,
        "close": 50,
        "settled": None,
        "mark": None,
        "mark_source": None,
        "equilibrium": {"low": 60, "high": 80, "qty": 3, "surplus": 160},
        "demand": [100, 90, 80],
        "supply": [20, 30, 60],
        "tape": [[BEGIN + 1_000, 50, 1], [BEGIN + 1_000, 50, 1]],
    }
    assert [(row["player"], row["role"], row["start"], row["worth"], row["gain"]) for row in result["players"]] == [
        ("ann", "buyer", 1_000, 1_050, 50),
        ("bob", "seller", 1_050, 1_100, 50),
        ("cid", "buyer", 1_000, 1_030, 30),
        ("dee", "seller", 1_060, 1_060, 0),
    ]
    assert result["players"][0]["name"] == "Ann"


DRAWN: dict[str, Any] = {"values": (), "costs": ()}


@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        (DRAWN, True),
        ({**DRAWN, "redraw": True}, False),
        ({"redraw": True}, True),  # whoever has a schedule that was given has it again
    ],
)
@pytest.mark.parametrize("rounds", [None, RoundsDefinition(open_s=60, closed_s=60)])
def test_results_are_a_secret_where_somebody_has_the_same_values_again(
    fields: dict[str, Any], secret: bool, rounds: RoundsDefinition | None
) -> None:
    at = table("ann", "bob", private_values=private(**fields), rounds=rounds)
    at.phase("closed")
    (told,) = views.debrief(at.game.state)["rounds"]
    assert told.get("secret", False) is secret
    assert (told == last_round(at)) is not secret


def test_without_buyers_there_is_nothing_to_gain_and_no_equilibrium() -> None:
    at = table()
    at.phase("closed")
    result = last_round(at)
    assert (result["surplus"], result["max_surplus"], result["efficiency_bps"]) == (0, 0, None)
    assert result["goods"]["wheat"]["equilibrium"] is None
    assert result["goods"]["wheat"]["tape"] == []


def test_gains_of_closed_rounds_add_up_to_the_score_by_which_standings_rank() -> None:
    at = table("ann", "bob", rounds=RoundsDefinition(open_s=10, closed_s=5, repeat=0))
    at.ask("bob", 1, 40, good="wheat")
    at.buy("ann", 1, good="wheat")
    at.do(Reveal())
    rows = views.standings(at.game.state, 10)
    assert [(row["player"], row["worth"], row["score"]) for row in rows] == [("ann", 0, 0), ("bob", 0, 0)]
    at.wait(15_000)
    at.ask("bob", 1, 40, good="wheat")
    at.buy("ann", 1, good="wheat")
    at.do(Reveal())
    rows = views.standings(at.game.state, 10)
    assert [(row["player"], row["worth"], row["score"]) for row in rows] == [("ann", 60, 60), ("bob", 20, 20)]
    at.wait(10_000)
    assert account(at, "ann")["score"] == 120
    assert [each["round"] for each in views.debrief(at.game.state)["rounds"]] == [1, 2]


def test_the_results_of_the_last_ten_rounds_are_kept() -> None:
    at = table("ann", rounds=RoundsDefinition(open_s=60, closed_s=0, repeat=0))
    for _ in range(12):
        at.wait(60_000)
    assert [each["round"] for each in views.debrief(at.game.state)["rounds"]] == list(range(3, 13))


def test_a_round_that_the_host_ends_without_closing_it_has_a_result_too() -> None:
    at = table("ann", "bob")
    at.ask("bob", 1, 40, good="wheat")
    at.buy("ann", 1, good="wheat")
    at.phase("lobby")
    assert last_round(at)["players"][0]["gain"] == 60
    assert (account(at, "ann")["worth"], account(at, "ann")["start"]) == (0, None)
    at.phase("closed")  # nothing was open
    assert len(views.debrief(at.game.state)["rounds"]) == 1


def test_everybodys_account_is_told_at_the_close() -> None:
    at = table("ann", "bob", rounds=RoundsDefinition(open_s=10, closed_s=5, repeat=0))
    assert at.wait(10_000).accounts == ("ann", "bob")


def test_a_snapshot_brings_everything_back() -> None:
    at = table("ann", "bob", "cid")
    at.ask("bob", 1, 40, good="wheat")
    at.buy("ann", 1, good="wheat")
    at.news("rain", "wheat")
    at.phase("closed")
    at.phase("open")
    at.ask("bob", 1, 45, good="wheat")
    at.buy("cid", 1, good="wheat")
    loaded = snapshot.load(snapshot.dump(at.game))
    assert snapshot.dump(loaded) == snapshot.dump(at.game)
    assert views.public_state(loaded.state)["news"] == [{"text": "rain", "good": "wheat", "at": BEGIN}]
    at.phase("closed")
    again = Table(loaded, at.at)
    again.phase("closed")
    assert snapshot.dump(loaded) == snapshot.dump(at.game)


def test_a_definition_comes_back_from_json() -> None:
    definition = define_game(goods=WHEAT, private_values=private(), about="Trade.")
    assert from_json(json.loads(json.dumps(to_json(definition)))) == definition


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"private_values": private(good="rye")}, "private_values.good"),
        ({"private_values": private(), "goods": {"wheat": GoodDefinition(endowment=1)}}, "private_values.good"),
        (
            {"private_values": private(), "goods": {"wheat": GoodDefinition(house=HouseDefinition(anchor=1))}},
            "private_values.good",
        ),
        ({"private_values": private(units=0)}, "private_values.units"),
        ({"private_values": private(units=21)}, "private_values.units"),
        ({"private_values": private(low=-1)}, "private_values.low"),
        ({"private_values": private(low=9, high=8)}, "private_values.high"),
        ({"private_values": private(values=((),))}, "private_values.values[0]"),
        ({"private_values": private(costs=((1,), (1, -1)))}, "private_values.costs[1][1]"),
        ({"private_values": private(costs=((1,),) * 1_001)}, "private_values.costs"),
        ({"about": "x" * 2_001}, "about"),
        ({"about": "\ud800"}, "about"),
    ],
)
def test_what_is_out_of_range_is_named(fields: dict[str, Any], path: str) -> None:
    definition = define_game(**{"goods": WHEAT, **fields})
    assert [found for found, _ in problems(definition)] == [path]


@given(st.lists(st.integers(0, 30), max_size=8), st.lists(st.integers(0, 30), max_size=8))
def test_the_equilibrium_is_where_as_many_are_wanted_as_offered(values: list[int], costs: list[int]) -> None:
    schedules = Schedules(tuple(sorted(values, reverse=True)), tuple(sorted(costs)))
    best = max(
        sum(schedules.demand[:qty]) - sum(schedules.supply[:qty]) for qty in range(min(len(values), len(costs)) + 1)
    )
    assert schedules.surplus == best
    found = schedules.equilibrium()
    if found is None:
        assert best == 0
        return
    low, high, qty = found["low"], found["high"], found["qty"]
    assert low <= high
    assert found["surplus"] == best
    for price in (low, high):
        assert sum(value > price for value in values) <= qty <= sum(value >= price for value in values)
        assert sum(cost < price for cost in costs) <= qty <= sum(cost <= price for cost in costs)


def test_nothing_is_told_of_private_values_in_other_games() -> None:
    told = account(Table.of("ann"), "ann")
    assert "role" not in told
    assert "values" not in told
    assert "hints" not in told


def test_the_opening_tells_when_it_was() -> None:
    at = table("ann")
    at.phase("closed")
    at.at += 7_000
    opened = events(at.entry(*[]), RoundChanged)
    assert opened == []
    at.phase("open")
    assert views.public_state(at.game.state)["opened_at"] == BEGIN + 7_000
