"""Treatments: what a definition changes at a round, and what becomes of trade, accounts and figures under it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import views
from tests.support.domain import BEGIN, Table, code, define_game, events, fills, house
from tests.unit.domain.test_private_values import WHEAT, private
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.debrief import Schedules
from tradegame.core.domain.definition import (
    GoodDefinition,
    RoundsDefinition,
    TreatmentDefinition,
    from_json,
    to_json,
)
from tradegame.core.domain.definition_checks import problems
from tradegame.core.domain.treatments import GoodTerms, terms_of
from tradegame.protocol.commands import Entry, SetPhase
from tradegame.protocol.pushes import News, RoundChanged, Trade
from tradegame.protocol.replies import Released
from tradegame.protocol.requests import BuyGood
from tradegame.protocol.rules import GoodTerms as ToldTerms
from tradegame.protocol.rules import Treatment


def treated(*players: str, goods: Any = None, table_of: Any = None, **fields: Any) -> Table:
    """A game by hand in its first round, with one treatment from then on."""
    more = dict(table_of or {})
    if goods is not None:
        more["goods"] = goods
    return Table.of(*players, treatments=(TreatmentDefinition(from_round=1, **fields),), **more)


def traded(table: Table) -> None:
    """A unit, so that the round counts."""
    table.ask("bob", 1, 10)
    table.buy("ann", 1)


# When


def test_a_treatment_holds_from_its_first_round_to_its_last() -> None:
    fee = TreatmentDefinition(from_round=2, to_round=3, fee_bps=1_000)
    table = Table.of("ann", "bob", treatments=(fee,))
    paid = []
    for _ in range(5):
        table.arrive("ann", "bob")
        table.ask("bob", 1, 100)
        paid.append(table.buy("ann", 1).fee)
        table.phase("closed")
        table.phase("open")
    assert paid == [0, 10, 10, 0, 0]
    assert audit(table.game.state) == []


def test_of_two_that_set_one_thing_the_later_in_the_list_holds_and_others_stay() -> None:
    definition = define_game(
        goods={"grain": GoodDefinition(), "salt": GoodDefinition()},
        treatments=(
            TreatmentDefinition(from_round=1, buyer_tax=3, ceiling=50),
            TreatmentDefinition(from_round=2, to_round=2, good="salt", buyer_tax=0, floor=7),
        ),
    )
    terms = terms_of(definition, 2)
    assert terms.goods == {"grain": GoodTerms(buyer_tax=3, ceiling=50), "salt": GoodTerms(floor=7, ceiling=50)}
    assert terms.told == Treatment(None, {"grain": ToldTerms(3, ceiling=50), "salt": ToldTerms(0, 0, 7, 50)})
    assert terms_of(definition, 3).goods["salt"] == GoodTerms(buyer_tax=3, ceiling=50)
    assert terms_of(definition, 0).told is None


def test_everybody_is_told_in_the_state_at_each_phase_and_by_news_as_the_round_opens() -> None:
    tax = TreatmentDefinition(from_round=2, to_round=2, text="Grain is taxed", good="grain", seller_tax=4)
    table = Table.of("ann", "bob", treatments=(tax,))
    assert "treatment" not in views.public_state(table.game.state)
    traded(table)
    told = Treatment(goods={"grain": ToldTerms(seller_tax=4, floor=4)})
    (lobby,) = events(table.entry(SetPhase(phase="lobby")))
    assert lobby == RoundChanged("lobby", 2, None, treatment=told)
    shown = {"goods": {"grain": {"seller_tax": 4, "floor": 4}}}
    assert views.public_state(table.game.state)["treatment"] == shown
    opened, news = events(table.entry(SetPhase(phase="open")))
    assert (opened.treatment, news) == (told, News("Grain is taxed", "grain"))
    assert views.public_state(table.game.state)["news"][-1]["text"] == "Grain is taxed"
    traded(table)
    table.phase("closed")
    assert views.debrief(table.game.state)["rounds"][-1]["treatment"] == {
        "goods": {"grain": {"seller_tax": 4, "floor": 4}}
    }
    (opened,) = events(table.entry(SetPhase(phase="open")))
    assert opened.treatment is None


def test_news_of_a_treatment_in_the_very_first_round_is_there_from_the_beginning() -> None:
    table = treated(text="Taxed from the start", buyer_tax=1)
    assert [news["text"] for news in views.public_state(table.game.state)["news"]] == ["Taxed from the start"]


# Taxes


def test_a_buyers_tax_is_held_with_the_bid_and_paid_whoever_takes() -> None:
    table = treated("ann", "bob", "cid", buyer_tax=5)
    order = table.bid("ann", 4, 20)
    assert table.cash("ann") == (900, 100)
    applied = table.entry(*[])
    assert table.sell("bob", 1).fee == 0
    assert (table.cash("ann"), table.cash("bob")) == ((900, 75), (1_020, 0))
    assert table.cash("fees") == (5, 0)
    assert table.amend("ann", order.order, qty=2).resting == 2
    assert table.cash("ann") == (925, 50)
    assert table.cancel("ann", order.order).released == Released(50, 0)
    table.ask("bob", 3, 30)
    bought = table.buy("cid", 2)
    assert (bought.cost, bought.fee, bought.cash) == (60, 10, 930)
    assert table.cash("fees") == (15, 0)
    assert applied.frame is None
    assert audit(table.game.state) == []


def test_a_sellers_tax_is_taken_off_the_price_whoever_takes() -> None:
    table = treated("ann", "bob", "cid", seller_tax=5)
    table.ask("bob", 2, 20)
    assert table.buy("ann", 1).fee == 0
    assert table.cash("bob") == (1_015, 0)
    table.bid("ann", 2, 12)
    sold = table.sell("cid", 2)
    assert (sold.proceeds, sold.fee, sold.cash) == (24, 10, 1_014)
    assert table.cash("fees") == (15, 0)
    assert audit(table.game.state) == []


def test_each_party_is_told_what_it_paid_and_its_position_counts_it() -> None:
    table = treated("ann", "bob", buyer_tax=5, seller_tax=3, fee_bps=1_000)
    table.ask("bob", 2, 20)
    applied = table.entry(BuyGood(player="ann", good="grain", qty=2))
    told = fills(table.game, applied)
    assert [fill.fee for fill in told["ann"]] == [4 + 10]
    assert [fill.fee for fill in told["bob"]] == [6]
    assert events(applied, Trade)[0].price == 20
    for player, fees in (("ann", 14), ("bob", 6)):
        account = views.account(table.game.state, player)
        assert account["positions"]["grain"]["fees"] == fees
        assert account["positions"]["grain"]["gain"] == account["worth"] - account["start"]


def test_what_cannot_be_paid_with_its_tax_is_refused() -> None:
    table = treated("ann", "bob", buyer_tax=900)
    assert code(table.bid("ann", 1, 101)) == "insufficient_cash"
    table.ask("bob", 2, 60)
    assert code(table.buy("ann", 2)) == "insufficient_cash"
    assert table.buy("ann", 1).cash == 40


def test_a_seller_without_cash_cannot_sell_where_fee_and_tax_are_more_than_the_price() -> None:
    table = treated("ann", "bob", seller_tax=9, fee_bps=5_000, table_of={"cash": 0})
    mint, ann = table.account("mint"), table.account("ann")
    mint.cash, ann.cash = mint.cash - 100, 100  # somebody has cash
    table.bid("ann", 2, 10)
    for refused in (table.sell("bob", 1), table.ask("bob", 1, 10)):
        assert code(refused) == "insufficient_cash"
        assert "fee and tax" in refused.message
    mint.cash, table.account("bob").cash = mint.cash - 4, 4
    assert table.sell("bob", 1).cash == 0


@pytest.mark.parametrize("refused", [8, 1])
def test_no_price_is_below_what_the_seller_pays(refused: int) -> None:
    table = treated("ann", seller_tax=9)
    for order in (table.bid("ann", 1, refused), table.ask("ann", 1, refused)):
        assert code(order) == "outside_price_limits"
    assert table.bid("ann", 1, 9).resting == 1


# Price limits


def test_orders_beyond_a_ceiling_or_a_floor_are_refused_and_all_others_are_not() -> None:
    table = treated("ann", "bob", floor=10, ceiling=20)
    for side in (table.bid, table.ask):
        assert code(side("ann", 1, 21)) == code(side("ann", 1, 9)) == "outside_price_limits"
    assert "20" in table.bid("ann", 1, 21).message
    order = table.ask("ann", 1, 20).order
    assert code(table.amend("ann", order, price=21)) == "outside_price_limits"
    assert table.buy("bob", 1, limit=10**6).cost == 20
    assert code(table.sell("bob", 1, limit=1)) == "no_liquidity"
    assert table.bid("ann", 1, 10).resting == 1


def test_the_house_quotes_within_the_limits() -> None:
    """It would ask 21 and 22, and bid 19 and 18."""
    table = treated(goods={"grain": GoodDefinition(house=house())}, ceiling=18)
    table.entry()
    assert table.book() == ([(18, 10)], [])
    table = treated(goods={"grain": GoodDefinition(house=house())}, floor=22)
    table.entry()
    assert table.book() == ([], [(22, 10)])
    assert audit(table.game.state) == []


def test_the_house_pays_taxes_as_everybody_does() -> None:
    goods = {"grain": GoodDefinition(endowment=100, house=house(cash=100))}
    table = treated("ann", goods=goods, buyer_tax=3, seller_tax=2)
    table.entry()
    assert table.book()[0] == [(19, 4)], "a bid of 19 holds 22"
    table.buy("ann", 1)
    table.sell("ann", 1)
    assert table.cash("fees") == (10, 0)
    assert sum(table.cash("house")) == 100 + 21 - 2 - 19 - 3
    table.wait(2_000)
    assert audit(table.game.state) == []


def test_a_house_that_cannot_pay_fee_and_tax_of_what_it_would_take_does_not_quote() -> None:
    goods = {"grain": GoodDefinition(house=house(cash=0))}
    table = treated("ann", goods=goods, seller_tax=19, fee_bps=5_000)
    table.bid("ann", 5, 20)
    table.news("!", "grain", -2_000)
    assert table.book() == ([(20, 5)], [])
    assert table.goods("ann") == (0, 0)
    assert audit(table.game.state) == []


# Values


def auction(*players: str, treatments: tuple[TreatmentDefinition, ...], **fields: Any) -> Table:
    """ann and cid buy, bob and dee sell."""
    return Table.of(*players, goods=WHEAT, private_values=private(**fields), treatments=treatments)


def values(table: Table, *players: str) -> list[list[int]]:
    return [views.account(table.game.state, player)["values"]["wheat"] for player in players]


def next_round(table: Table) -> None:
    table.ask("bob", 1, 50, good="wheat")
    table.buy("ann", 1, good="wheat")
    table.phase("closed")
    table.phase("open")
    table.arrive(*table.game.state.players)


def test_a_shift_of_demand_and_supply_moves_everybodys_values_while_it_holds() -> None:
    shift = TreatmentDefinition(from_round=2, to_round=2, demand_shift=30, supply_shift=-25)
    table = auction("ann", "bob", treatments=(shift,))
    assert values(table, "ann", "bob") == [[100, 90], [30, 20]]
    next_round(table)
    assert values(table, "ann", "bob") == [[130, 120], [5, 0]]
    next_round(table)
    assert values(table, "ann", "bob") == [[100, 90], [30, 20]]


@pytest.mark.parametrize("redraw", [True, False])
def test_other_lists_are_dealt_by_the_same_seats_and_drawn_values_come_back(redraw: bool) -> None:
    given = TreatmentDefinition(from_round=2, to_round=2, values=((7, 8, 9), (70,)), costs=((1,), (2, 3)))
    drawn = {"values": (), "costs": (), "redraw": redraw}
    table = auction("ann", "bob", "cid", "dee", treatments=(given,), **drawn)
    before = values(table, "ann", "bob", "cid", "dee")
    next_round(table)
    assert values(table, "ann", "bob", "cid", "dee") == [[9, 8, 7], [1], [70], [3, 2]]
    assert [table.goods(player, "wheat")[0] for player in ("ann", "bob", "cid", "dee")] == [0, 1, 0, 2]
    table = Table(snapshot.load(snapshot.dump(table.game)), table.at)
    next_round(table)
    assert (values(table, "ann", "bob", "cid", "dee") == before) is not redraw
    assert audit(table.game.state) == []


def test_who_is_away_when_their_values_change_is_told() -> None:
    table = auction("ann", "bob", treatments=(TreatmentDefinition(from_round=2, demand_shift=1),))
    table.ask("bob", 1, 50, good="wheat")
    table.buy("ann", 1, good="wheat")
    table.phase("closed")
    assert set(table.entry(SetPhase(phase="open")).accounts) == {"ann", "bob"}
    assert values(table, "ann", "bob") == [[101, 91], [30, 20]]


def test_lists_that_a_treatment_gives_last_so_what_tells_them_is_the_hosts() -> None:
    given = TreatmentDefinition(from_round=2, values=((9,),))
    drawn = {"values": (), "costs": (), "redraw": True}
    assert auction("ann", "bob", treatments=(given,), **drawn).game.state.definition.values_last
    assert not auction("ann", "bob", treatments=(), **drawn).game.state.definition.values_last
    assert not define_game().values_last


# Figures


def test_the_debrief_tells_the_equilibrium_under_the_tax_what_it_brought_and_what_it_cost() -> None:
    """Buyers pay 50 more: of the three units that should trade the one of 20 against 100 still gains."""
    table = auction("ann", "bob", "cid", "dee", treatments=(TreatmentDefinition(from_round=1, buyer_tax=50),))
    table.ask("bob", 1, 40, good="wheat")
    table.buy("ann", 1, good="wheat")
    table.phase("closed")
    (result,) = views.debrief(table.game.state, host=True)["rounds"]
    wheat = result["goods"]["wheat"]
    # wanted at 50, 40 and 30; offered at 20, 30 and 60
    assert wheat["equilibrium"] == {"low": 30, "high": 40, "qty": 2, "surplus": 80 + 60}
    assert (wheat["tax"], wheat["demand"], wheat["supply"]) == (50, [100, 90, 80], [20, 30, 60])
    assert (result["surplus"], result["max_surplus"], result["efficiency_bps"]) == (80, 160, 5_000)
    gained = sum(row["gain"] for row in result["players"])
    assert gained == result["surplus"] - wheat["tax"]


@given(
    values=st.lists(st.integers(0, 30), max_size=8),
    costs=st.lists(st.integers(0, 30), max_size=8),
    buyer_tax=st.integers(0, 15),
    seller_tax=st.integers(0, 15),
    limits=st.tuples(st.integers(1, 35), st.integers(1, 35)),
)
def test_the_equilibrium_under_taxes_and_limits_is_where_the_short_side_is_served(
    values: list[int], costs: list[int], buyer_tax: int, seller_tax: int, limits: tuple[int, int]
) -> None:
    floor, ceiling = max(2, min(limits), seller_tax), max(2, *limits, seller_tax)
    terms = GoodTerms(buyer_tax, seller_tax, floor, ceiling)
    schedules = Schedules(tuple(sorted(values, reverse=True)), tuple(sorted(costs)))

    def wanted(price: int, *, strictly: bool = False) -> int:
        return sum(value - buyer_tax > price or (value - buyer_tax == price and not strictly) for value in values)

    def offered(price: int, *, strictly: bool = False) -> int:
        return sum(cost + seller_tax < price or (cost + seller_tax == price and not strictly) for cost in costs)

    found = schedules.equilibrium(terms)
    if found is None:
        assert all(not min(wanted(price), offered(price)) for price in range(floor, ceiling + 1))
        return
    low, high, qty = found["low"], found["high"], found["qty"]
    assert floor <= low <= high <= ceiling
    for price in (low, high):
        assert qty <= min(wanted(price), offered(price))
        short_of_goods = price == ceiling and qty == offered(price)
        short_of_buyers = price == floor and qty == wanted(price)
        cleared = wanted(price, strictly=True) <= qty and offered(price, strictly=True) <= qty
        assert cleared or short_of_goods or short_of_buyers
    assert found["surplus"] == sum(sorted(values)[len(values) - qty :]) - sum(sorted(costs)[:qty])
    assert found["surplus"] <= schedules.surplus


# Definitions


def test_a_definition_with_treatments_comes_back_from_json() -> None:
    treatments = (
        TreatmentDefinition(from_round=1, text="!", fee_bps=5, good="wheat", buyer_tax=1, floor=2, ceiling=9),
        TreatmentDefinition(from_round=2, to_round=4, demand_shift=-3, values=((1, 2), (3,)), costs=((4,),)),
    )
    definition = define_game(goods=WHEAT, private_values=private(), treatments=treatments, practice=True)
    assert from_json(json.loads(json.dumps(to_json(definition)))) == definition


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"from_round": 0}, "treatments[0].from_round"),
        ({"from_round": 3, "to_round": 2}, "treatments[0].to_round"),
        ({"from_round": 1, "good": "rye"}, "treatments[0].good"),
        ({"from_round": 1, "demand_shift": 5}, "treatments[0].demand_shift"),
        ({"from_round": 1, "costs": ((5,),)}, "treatments[0].costs"),
        ({"from_round": 1, "fee_bps": 10_001}, "treatments[0].fee_bps"),
        ({"from_round": 2, "floor": 9, "ceiling": 8}, "treatments"),
        ({"from_round": 2, "to_round": 2, "seller_tax": 9, "ceiling": 8}, "treatments"),
        ({"from_round": 1, "text": "x" * 501}, "treatments[0].text"),
    ],
)
def test_what_does_not_fit_is_named(fields: dict[str, Any], path: str) -> None:
    definition = define_game(treatments=(TreatmentDefinition(**fields),))
    assert [found for found, _ in problems(definition)] == [path]


def test_a_round_that_nobody_saw_still_ends_what_it_should() -> None:
    rounds = RoundsDefinition(open_s=60, closed_s=0, repeat=0)
    table = Table.of("ann", rounds=rounds, treatments=(TreatmentDefinition(from_round=2, to_round=5, ceiling=9),))
    table.wait(90_000)
    assert table.game.state.terms.goods["grain"].ceiling == 9
    table.wait(600_000)
    assert (table.game.state.round, table.game.state.terms.told) == (12, None)
    table.game.apply(Entry(BEGIN + 10**9))
    assert audit(table.game.state) == []


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        (GoodTerms(), {"low": 60, "high": 70, "qty": 1, "surplus": 60}),
        (GoodTerms(ceiling=65), {"low": 60, "high": 65, "qty": 1, "surplus": 60}),
        (GoodTerms(ceiling=50), {"low": 50, "high": 50, "qty": 1, "surplus": 60}),
        (GoodTerms(ceiling=20), None),
        (GoodTerms(floor=80), {"low": 80, "high": 80, "qty": 1, "surplus": 60}),
        (GoodTerms(floor=95), None),
        (GoodTerms(buyer_tax=70), None),
    ],
)
def test_a_limit_beyond_the_prices_of_the_equilibrium_is_its_price(
    terms: GoodTerms, found: dict[str, int] | None
) -> None:
    assert Schedules((90, 60), (30, 70)).equilibrium(terms) == found
