"""Who takes part in a round: whoever was seen to be here while it was open, and nobody else."""

from __future__ import annotations

import pytest

from tests.support import views
from tests.support.domain import Table, define_game, house
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    PrivateValuesDefinition,
    SettlementDefinition,
)
from tradegame.protocol.commands import Arrive, Join, Remove, SetPhase
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import PlaceOrder, Say


def ranked(table: Table) -> list[str]:
    return [row["player"] for row in views.standings(table.game.state, 10)]


def begun(table: Table, player: str) -> int | None:
    start: int | None = views.account(table.game.state, player)["start"]
    return start


def test_who_joins_after_a_settlement_is_endowed_with_nothing_that_was_paid() -> None:
    oil = GoodDefinition(endowment=10, settlement=SettlementDefinition(values=(40, 80)))
    table = Table.of("ann", cash=0, goods={"oil": oil})
    table.phase("closed")
    paid = table.cash("ann")[0]
    table.join("late")
    assert (table.cash("late"), table.goods("late", "oil")) == ((0, 0), (0, 0))
    assert ranked(table) == ["ann"]
    account = views.account(table.game.state, "late")
    assert (account["worth"], account["start"]) == (0, None)
    assert begun(table, "ann") == paid > 0
    assert audit(table.game.state) == []


def test_who_joins_while_it_is_closed_takes_part_from_the_next_round() -> None:
    table = Table.of("ann")
    table.phase("closed")
    table.join("late")
    table.phase("open")
    table.arrive("ann", "late")
    assert table.cash("late") == (1_000, 0)
    assert ranked(table) == ["ann", "late"]
    assert begun(table, "late") == 1_000


def test_who_left_is_not_dealt_to_and_does_not_count() -> None:
    """As twelve bots that tried the room, or a student who came with another device."""
    table = Table.of("ann", "bob", "left")
    for _ in range(2):
        table.ask("bob", 1, 1)
        table.buy("ann", 1)
        table.phase("closed")
        table.phase("open")
        table.arrive("bob", "ann")
    assert (table.cash("left"), table.goods("left"), begun(table, "left")) == ((0, 0), (0, 0), None)
    assert ranked(table) == ["bob", "ann"]
    table.phase("closed")
    results = views.debrief(table.game.state)["rounds"]
    assert [[row["player"] for row in result["players"]] for result in results] == [
        ["bob", "left", "ann"],
        ["bob", "ann"],
        ["bob", "ann"],
    ]
    assert audit(table.game.state) == []


def test_nobody_is_dealt_to_twice_whoever_tells_of_it() -> None:
    """Two nodes to which one player is connected both log the arrival."""
    table = Table.of("ann")
    table.buy("ann", 1)
    for _ in range(2):
        table.phase("closed")
        table.phase("open")
        applied = table.entry(Arrive(players=("ann", "ann")), Arrive(players=("ann",)), Join(player="ann", name="Ann"))
        assert table.cash("ann") == (1_000, 0)
        assert applied.accounts == ("ann",)
        assert applied.frame is None
        assert table.arrive("ann").accounts == ()


def test_to_arrive_without_an_account_or_out_of_a_round_is_nothing() -> None:
    table = Table.of("ann")
    table.phase("lobby")
    applied = table.arrive("ann", "nobody", "house", "mint")
    assert (applied.frame, applied.accounts) == (None, ())
    assert isinstance(applied.outcomes[0].result, Sent)
    table.phase("open")
    table.arrive("nobody", "house")
    assert table.cash("ann") == (0, 0)
    assert "nobody" not in table.game.state.accounts
    assert table.cash("house") == (0, 0)


def test_a_command_is_an_arrival_even_one_that_is_refused() -> None:
    table = Table.of("ann", "bob", "cid")
    table.phase("closed")
    table.phase("open")
    table.entry(PlaceOrder(player="ann", good="grain", side="bid", qty=1, price=700))
    assert table.cash("ann") == (300, 700)
    table.say("bob", "hi")
    assert table.cash("bob") == (1_000, 0)
    table.buy("cid", 1)  # nothing is offered
    assert ranked(table) == ["ann", "bob", "cid"]


def test_a_command_while_it_is_closed_deals_nothing() -> None:
    table = Table.of()
    table.phase("closed")
    table.join("ann")
    table.say("ann", "hi")
    assert table.cash("ann") == (0, 0)
    assert ranked(table) == []


def test_in_the_lobby_nobody_owns_anything_and_ranks_are_the_last_rounds() -> None:
    table = Table.of("ann", "bob")
    table.phase("lobby")
    assert (table.cash("ann"), begun(table, "ann")) == ((0, 0), None)
    assert ranked(table) == ["ann", "bob"]
    table.phase("open")
    assert ranked(table) == []


def test_a_round_that_is_closed_out_of_its_lobby_has_dealt_to_nobody() -> None:
    table = Table.of("ann")
    table.phase("lobby")
    table.phase("closed")
    assert (begun(table, "ann"), ranked(table)) == (None, [])
    assert audit(table.game.state) == []


# Private values


def pit(**fields: object) -> GameDefinition:
    private = PrivateValuesDefinition(good="wheat", values=((90,), (80,)), costs=((30,), (40,)), **fields)  # type: ignore[arg-type]
    return define_game(goods={"wheat": GoodDefinition()}, private_values=private)


def roles(table: Table, *players: str) -> list[str | None]:
    return [table.game.state.players[player].role for player in players]


def test_demand_supply_and_efficiency_are_of_those_who_are_here() -> None:
    definition = pit()
    table = Table.of("ann", "bob", "cid", "dee", goods=definition.goods, private_values=definition.private_values)
    table.ask("bob", 1, 50, good="wheat")
    table.buy("ann", 1, good="wheat")
    table.phase("closed")
    table.phase("open")
    table.arrive("ann", "bob")
    table.ask("bob", 1, 50, good="wheat")
    table.buy("ann", 1, good="wheat")
    table.phase("closed")
    first, second = views.debrief(table.game.state, host=True)["rounds"]
    assert (first["goods"]["wheat"]["demand"], first["goods"]["wheat"]["supply"]) == ([90, 80], [30, 40])
    assert (second["goods"]["wheat"]["demand"], second["goods"]["wheat"]["supply"]) == ([90], [30])
    assert (second["surplus"], second["max_surplus"], second["efficiency_bps"]) == (60, 60, 10_000)
    assert audit(table.game.state) == []


def test_who_comes_new_takes_the_side_of_which_fewer_are_here() -> None:
    definition = pit()
    table = Table.of("b1", "s1", "b2", "s2", goods=definition.goods, private_values=definition.private_values)
    assert roles(table, "b1", "s1", "b2", "s2") == ["buyer", "seller", "buyer", "seller"]
    table.phase("closed")
    table.phase("open")
    table.arrive("b1", "b2")
    for player in ("n1", "n2", "n3"):
        table.join(player)
    assert roles(table, "n1", "n2", "n3") == ["seller", "seller", "buyer"]


def test_values_are_drawn_anew_when_dealt_to_and_stay_visible_until_the_next_round_opens() -> None:
    private = PrivateValuesDefinition(good="wheat", costs=((30,), (40,)), redraw=True)
    table = Table.of("b", "s", goods={"wheat": GoodDefinition()}, private_values=private)
    before = table.game.state.players["b"].values
    table.phase("closed")
    table.phase("lobby")
    assert views.account(table.game.state, "b")["values"] == {"wheat": list(before)}
    assert "b" in table.entry(SetPhase(phase="open")).accounts
    assert views.account(table.game.state, "b")["values"] == {"wheat": []}
    table.arrive("b", "s")
    assert table.game.state.players["b"].values not in (before, ())
    assert table.game.state.players["s"].values == (30,)


@pytest.mark.parametrize("redraw", [True, False])
def test_a_list_that_was_given_is_its_owners_for_good_and_a_newcomers_is_the_next(redraw: bool) -> None:
    """Whoever had the list of another would know what the other has."""
    definition = pit(redraw=redraw)
    table = Table.of("b1", "s1", goods=definition.goods, private_values=definition.private_values)
    table.phase("closed")
    table.phase("open")
    table.join("n1")
    table.arrive("b1", "s1")
    values = {player: fields.values for player, fields in table.game.state.players.items()}
    assert values == {"b1": (90,), "s1": (30,), "n1": (80,)}
    table.do(Remove(account="b1"))
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    for each in (table, loaded):
        each.join("n2")
        assert each.game.state.players["n2"].values == (90,)  # the third buyer's: from the first again
    assert snapshot.dump(loaded.game) == snapshot.dump(table.game)


def test_a_side_is_for_good() -> None:
    definition = pit()
    table = Table.of("b1", "s1", goods=definition.goods, private_values=definition.private_values)
    table.phase("closed")
    table.phase("open")
    table.arrive("s1")
    assert roles(table, "s1") == ["seller"]
    assert table.goods("s1", "wheat") == (1, 0)


# Hints


def test_hints_are_for_those_who_are_here() -> None:
    oil = GoodDefinition(endowment=1, settlement=SettlementDefinition(values=(1, 2, 3, 4), hints_at_s=(0, 10)))
    table = Table.of("ann", "left", goods={"oil": oil})
    table.phase("closed")
    table.phase("open")
    table.entry()
    assert [whisper.to for whisper in table.arrive("ann").whispers] == ["ann"]
    assert [whisper.to for whisper in table.wait(10_000).whispers] == ["ann"]
    assert [whisper.to for whisper in table.arrive("left").whispers] == ["left", "left"]


def test_a_snapshot_keeps_who_takes_part_and_in_which_order() -> None:
    definition = pit()
    table = Table.of("ann", "bob", "cid", goods=definition.goods, private_values=definition.private_values)
    table.phase("closed")
    table.phase("open")
    table.arrive("cid", "ann")
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    assert list(loaded.game.state.dealt) == ["cid", "ann"]
    for each in (table, loaded):
        each.join("dee")
        each.arrive("bob")
    assert snapshot.dump(loaded.game) == snapshot.dump(table.game)


@pytest.mark.parametrize("good", ["grain"])
def test_the_house_needs_no_arrival(good: str) -> None:
    table = Table.of(goods={good: GoodDefinition(house=house())})
    table.phase("closed")
    table.phase("open")
    table.entry()
    assert table.book(good)[0]
    assert isinstance(table.do(Say(player="nobody", text="hi")), object)
