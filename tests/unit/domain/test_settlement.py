"""Goods that settle: a hidden value, hints of what it is not, and what every unit is paid at the close."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import views
from tests.support.domain import BEGIN, Table, define_game, events, house
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import (
    GoodDefinition,
    RoundsDefinition,
    SettlementDefinition,
    from_json,
    to_json,
)
from tradegame.core.domain.definition_checks import problems
from tradegame.core.domain.events import Applied
from tradegame.protocol.pushes import RoundChanged

VALUES = (40, 80, 120, 160, 200)


def oil(**fields: Any) -> GoodDefinition:
    return GoodDefinition(
        **{"endowment": 10, "settlement": SettlementDefinition(values=VALUES, hints_at_s=(60, 0, 120)), **fields}
    )


def table(*players: str, **fields: Any) -> Table:
    return Table.of(*players, **{"goods": {"oil": oil(), "salt": GoodDefinition()}, **fields})


def hidden(at: Table) -> int:
    settlement = at.market("oil").settlement
    assert settlement is not None
    return settlement.value


def hints(at: Table, player: str) -> list[int]:
    return [hint["not"] for hint in views.account(at.game.state, player)["hints"]]


def whispers(applied: Applied) -> list[tuple[str, str]]:
    assert all(whisper.player == "house" for whisper in applied.whispers)
    return [(whisper.to, whisper.text) for whisper in applied.whispers]


def test_every_value_is_drawn_now_and_then() -> None:
    assert {hidden(table(seed=seed)) for seed in range(60)} == set(VALUES)


def test_each_player_is_told_in_private_of_values_that_it_is_not() -> None:
    at = table("ann", "bob")
    told: dict[str, list[int]] = {}
    for wait_ms in (0, 60_000, 60_000):
        applied = at.wait(wait_ms)
        for player in ("ann", "bob"):
            told[player] = hints(at, player)
        if wait_ms:
            assert [to for to, _ in whispers(applied)] == ["ann", "bob"]
            assert whispers(applied)[0][1] == f"oil will not settle at {told['ann'][-1]}"
            assert set(applied.accounts) == {"ann", "bob"}
    assert [len(each) for each in told.values()] == [3, 3]
    assert all(len(set(each)) == 3 and hidden(at) not in each for each in told.values())
    assert at.game.due_at() is None


def test_who_comes_late_is_told_what_he_would_have_been() -> None:
    at = table("ann")
    at.wait(60_000)
    assert len(hints(at, "ann")) == 2
    at.join("bob")
    assert len(hints(at, "bob")) == 2


def test_who_comes_in_the_lobby_is_told_when_it_opens() -> None:
    at = table("ann", rounds=RoundsDefinition(lobby_s=10, open_s=30, closed_s=5, repeat=0))
    assert hints(at, "ann") == []
    assert at.game.due_at() == BEGIN + 10_000
    at.wait(10_000)
    at.arrive("ann")
    assert len(hints(at, "ann")) == 1


def test_at_the_close_every_unit_is_paid_whoever_holds_it() -> None:
    goods = {"oil": oil(house=house(anchor=100, cash=10_000))}
    at = table("ann", "bob", goods=goods)
    at.entry()
    assert at.buy("bob", 2, good="oil").filled == 2
    at.ask("ann", 4, 300, good="oil")
    value, held = hidden(at), at.goods("house", "oil")
    cash, houses = at.cash("bob")[0], sum(at.cash("house"))
    at.phase("closed")
    assert at.cash("ann") == (1_000 + 10 * value, 0)
    assert at.cash("bob") == (cash + 12 * value, 0)
    assert at.cash("house") == (houses + sum(held) * value, 0)
    assert at.goods("ann", "oil") == at.goods("house", "oil") == (0, 0)
    assert audit(at.game.state) == []
    state = views.public_state(at.game.state)
    assert state["settled"] == {"oil": value}
    assert state["rules"]["goods"]["oil"]["settlement"] == list(VALUES)


def test_the_close_tells_the_value_and_the_next_opening_draws_another_in_secret() -> None:
    at = table("ann", rounds=RoundsDefinition(open_s=100, closed_s=5, repeat=0))
    value = hidden(at)
    assert events(at.wait(100_000)) == [RoundChanged("closed", 1, BEGIN + 105_000, None, {"oil": value})]
    assert at.game.due_at() == BEGIN + 105_000
    assert views.account(at.game.state, "ann")["start"] == 1_000 + 10 * value
    at.wait(5_000)
    assert views.public_state(at.game.state)["settled"] == {}
    at.arrive("ann")
    assert len(hints(at, "ann")) == 1


def test_the_result_tells_the_value_and_gains_over_what_was_given_at_that_value() -> None:
    at = table("ann", "bob")
    value = hidden(at)
    at.ask("ann", 2, 100, good="oil")
    at.buy("bob", 2, good="oil")
    at.phase("closed")
    (result,) = views.debrief(at.game.state)["rounds"]
    assert result["goods"]["oil"]["settled"] == value
    assert {row["player"]: row["gain"] for row in result["players"]} == {
        "ann": 200 - 2 * value,
        "bob": 2 * value - 200,
    }
    assert (result["efficiency_bps"], result["surplus"], result["max_surplus"]) == (None, None, None)
    gains = [row["gain"] for row in result["players"]]
    assert gains == sorted(gains, reverse=True)


def test_a_hint_that_is_due_when_the_round_closes_is_not_given() -> None:
    at = table("ann", rounds=RoundsDefinition(open_s=60, closed_s=5, repeat=0))
    at.wait(60_000)
    assert len(hints(at, "ann")) == 1


def test_the_earliest_hint_of_several_goods_comes_first() -> None:
    later = SettlementDefinition(values=VALUES, hints_at_s=(90, 30))
    at = table("ann", goods={"oil": oil(), "tin": GoodDefinition(settlement=later)})
    at.wait(200_000)
    told = views.account(at.game.state, "ann")["hints"]
    assert [hint["good"] for hint in told] == ["oil", "tin", "oil", "tin", "oil"]


def test_a_good_that_has_not_opened_yet_pays_nothing() -> None:
    at = table("ann", rounds=RoundsDefinition(lobby_s=10, open_s=30, closed_s=5, repeat=0))
    at.join("bob")
    at.phase("closed")
    assert views.public_state(at.game.state)["settled"] == {}
    assert audit(at.game.state) == []


def test_a_snapshot_brings_everything_back() -> None:
    at = table("ann", "bob")
    at.wait(60_000)
    loaded = snapshot.load(snapshot.dump(at.game))
    assert snapshot.dump(loaded) == snapshot.dump(at.game)
    again = Table(loaded, at.at)
    for each in (at, again):
        each.wait(60_000)
        each.phase("closed")
    assert snapshot.dump(loaded) == snapshot.dump(at.game)


def test_a_definition_comes_back_from_json() -> None:
    definition = define_game(goods={"oil": oil()})
    assert from_json(json.loads(json.dumps(to_json(definition)))) == definition


@pytest.mark.parametrize(
    ("settlement", "path"),
    [
        (SettlementDefinition(values=(1,)), "goods.oil.settlement.values"),
        (SettlementDefinition(values=(1, 1)), "goods.oil.settlement.values"),
        (SettlementDefinition(values=tuple(range(21))), "goods.oil.settlement.values"),
        (SettlementDefinition(values=(-1, 5)), "goods.oil.settlement.values[0]"),
        (SettlementDefinition(values=(1, 2, 3), hints_at_s=(0, 1)), "goods.oil.settlement.hints_at_s"),
        (SettlementDefinition(values=(1, 2, 3), hints_at_s=(-1,)), "goods.oil.settlement.hints_at_s[0]"),
    ],
)
def test_what_is_out_of_range_is_named(settlement: SettlementDefinition, path: str) -> None:
    assert [found for found, _ in problems(define_game(goods={"oil": oil(settlement=settlement)}))] == [path]
