"""What goods count for: nobody who trades with a friend is scored by the prices that the two of them make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import views
from tests.support.domain import BEGIN, Table, define_game, events, house
from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import (
    GoodDefinition,
    PrivateValuesDefinition,
    RoundsDefinition,
    SettlementDefinition,
)
from tradegame.core.domain.definition_checks import problems
from tradegame.core.domain.mark import BidLows, Mark
from tradegame.core.domain.state import MICRO
from tradegame.protocol.commands import SetPhase
from tradegame.protocol.pushes import MarkChanged
from tradegame.protocol.requests import PlaceOrder

SECOND = 1_000
HOUSE = {"grain": GoodDefinition(endowment=10, house=house(cash=10_000))}


def scores(table: Table) -> dict[str, int]:
    return {player: fields.score for player, fields in table.game.state.players.items()}


def mark(table: Table, good: str = "grain") -> tuple[int | None, str | None]:
    shown = views.public_state(table.game.state)["goods"][good]
    return shown.get("mark"), shown.get("mark_source")


def close(table: Table) -> None:
    table.phase("closed")


# Bids


def test_one_unit_that_two_strangers_print_at_the_bell_changes_nobodys_score_but_theirs() -> None:
    """Before: ben gained 994 900 and ann lost as much."""
    table = Table.of("ann", "ben", "carl", "dora", "emil", cash=10_000)
    table.bid("ben", 100, 50)
    table.bid("emil", 1, 50)
    table.sell("ann", 100)
    table.wait(60 * SECOND)
    table.ask("carl", 1, 9_999)
    table.buy("dora", 1)
    close(table)
    assert mark(table) == (50, "bid")
    assert scores(table) == {"ann": 0, "ben": 0, "carl": 9_949, "dora": -9_949, "emil": 0}


@pytest.mark.parametrize(("stands_s", "counts"), [(31, True), (30, False), (10, False)])
def test_a_bid_counts_that_stood_for_more_than_half_of_the_last_minute(stands_s: int, counts: bool) -> None:
    table = Table.of("ann", "ben", rounds=RoundsDefinition(open_s=120))
    table.bid("ann", 1, 40)
    table.wait((120 - stands_s) * SECOND)
    table.bid("ben", 1, 90)
    table.wait(stands_s * SECOND)
    assert mark(table) == (90 if counts else 40, "bid")


def test_a_bid_that_is_withdrawn_at_the_bell_counts_for_the_time_that_it_stood() -> None:
    table = Table.of("ann", "ben", rounds=RoundsDefinition(open_s=60))
    table.bid("ann", 1, 40)
    order = table.bid("ben", 1, 90).order
    table.wait(60 * SECOND - 1)
    table.cancel("ben", order)
    table.wait(1)
    assert mark(table) == (90, "bid")


def test_a_second_counts_with_its_lowest_best_bid_so_that_a_flash_counts_for_nothing() -> None:
    table = Table.of("ann", "ben", rounds=RoundsDefinition(open_s=60))
    table.bid("ann", 1, 40)
    for _ in range(60):
        order = table.bid("ben", 1, 90).order
        table.wait(990)
        table.cancel("ben", order)
        table.wait(10)
    assert mark(table) == (40, "bid")


def test_a_book_that_is_swept_in_29_of_60_seconds_counts_by_what_it_usually_bids() -> None:
    table = Table.of("ann", "ben", rounds=RoundsDefinition(open_s=60), cash=10_000)
    table.bid("ann", 1, 40)
    for _ in range(29):
        table.wait(2 * SECOND)
        table.sell("ben", 1)
        table.bid("ann", 1, 40)
    table.wait(2 * SECOND)
    assert mark(table) == (40, "bid")


def test_what_nobody_bids_for_counts_for_nothing() -> None:
    table = Table.of("ann", "ben")
    table.ask("ann", 1, 999)
    table.buy("ben", 1)
    table.wait(60 * SECOND)
    close(table)
    assert mark(table) == (0, "bid")
    assert scores(table) == {"ann": 999, "ben": -999}


def test_a_bid_in_the_entry_that_closes_counts_for_an_instant_at_most() -> None:
    table = Table.of("ann", "ben")
    table.bid("ann", 1, 40)
    table.wait(60 * SECOND)
    table.entry(PlaceOrder(player="ben", good="grain", side="bid", qty=1, price=900), SetPhase(phase="closed"))
    assert mark(table) == (40, "bid")


def test_estimates_from_bids_are_told_every_five_seconds_at_most() -> None:
    table = Table.of("ann", "ben")
    table.bid("ann", 1, 40)
    assert mark(table) == (0, "bid")
    table.wait(4 * SECOND)
    assert mark(table) == (0, "bid")
    assert events(table.wait(SECOND), MarkChanged) == [MarkChanged("grain", 40, "bid")]
    assert views.account(table.game.state, "ben")["worth"] == 1_000 + 100 * 40
    assert table.game.due_at() is None  # nothing happens for its sake alone


def test_each_round_begins_without_bids() -> None:
    table = Table.of("ann")
    table.bid("ann", 1, 40)
    table.wait(60 * SECOND)
    close(table)
    assert mark(table) == (40, "bid")
    table.phase("open")
    assert mark(table) == (0, "bid")
    table.wait(60 * SECOND)
    close(table)
    assert mark(table) == (0, "bid")


@given(st.lists(st.tuples(st.sampled_from([0, 0, 1, 1, 2, 30, 59, 60, 61, 500]), st.integers(0, 5)), max_size=80))
def test_the_median_is_that_of_every_second_of_the_last_minute(changes: list[tuple[int, int]]) -> None:
    lows, second, bid = BidLows(), 0, 0
    each = {0: 0}
    for step, price in changes:
        for passed in range(second + 1, second + step + 1):
            each[passed] = bid
        second, bid = second + step, price
        each[second] = min(each[second], bid)
        lows.see(second, bid)
        assert len(lows.runs) <= 61
        last = sorted(each[number] for number in range(max(0, second - 59), second + 1))
        assert lows.median(second) == last[(len(last) - 1) // 2]


def test_a_snapshot_in_the_middle_of_a_minute_changes_no_mark() -> None:
    table = Table.of("ann", "ben", goods={"grain": GoodDefinition(endowment=9), "wool": GoodDefinition(mark="book")})
    for second in range(50):
        table.bid("ann", 1, 1 + second * 7 % 40)
        table.bid("ben", 1, 1 + second, good="wool")
        table.wait(700)
        table.sell("ben", 1)
    loaded = snapshot.load(snapshot.dump(table.game))
    assert loaded.state.markets["grain"].lows == table.market().lows
    again = Table(loaded, table.at)
    for each in (table, again):
        each.wait(20 * SECOND)
        close(each)
    assert snapshot.dump(loaded) == snapshot.dump(table.game)


# The house's anchor


def test_with_a_house_the_final_mark_is_its_anchor_which_no_trade_moves() -> None:
    table = Table.of("ann", "ben", goods=HOUSE, cash=10_000)
    table.entry()
    for _ in range(20):
        table.buy("ann", 100)
        table.wait(2 * SECOND)
    table.ask("ann", 1, 9_000)
    table.buy("ben", 1, limit=9_000)
    assert mark(table)[1] == "estimate"
    assert table.market().last == 9_000
    close(table)
    assert mark(table) == (20, "anchor")
    paid = sum(10_000 - sum(table.cash(player)) for player in ("ann", "ben"))
    bought = sum(table.goods(player)[0] - 10 for player in ("ann", "ben"))
    assert sum(scores(table).values()) == bought * 20 - paid < 0


def test_while_a_round_is_open_the_mark_is_the_middle_of_the_houses_quotes_and_says_that_it_is_an_estimate() -> None:
    table = Table.of("ann", goods=HOUSE)
    assert mark(table) == (20, "estimate")
    table.entry()
    table.buy("ann", 10)
    assert mark(table) == (20, "estimate")
    assert events(table.wait(2 * SECOND), MarkChanged) == [MarkChanged("grain", 22, "estimate")]
    assert table.book()[0][0][0] < 22 < table.book()[1][0][0]


def test_the_anchor_is_rounded_to_a_whole_coin_and_stays_a_secret_until_the_close() -> None:
    table = Table.of("ann", goods=HOUSE)
    table.wait(2 * SECOND)
    table.quoting().anchor = 20 * MICRO + MICRO // 2
    table.wait(SECOND)
    assert mark(table) == (20, "estimate")
    close(table)
    assert mark(table) == (21, "anchor")


def test_a_puppet_only_gives_what_it_has() -> None:
    """Before: 228 675 of two times 10 000, by passing one unit to and fro at ever higher prices."""
    spice = GoodDefinition(house=house(anchor=240, cash=50_000))
    table = Table.of("ann", "puppet", goods={"spice": spice}, cash=10_000)
    table.entry()
    table.buy("ann", 10, good="spice")
    for price in (500, 2_000, 9_000):
        order = table.ask("ann", 1, price, good="spice").order
        table.buy("puppet", 1, limit=price, good="spice")
        table.cancel("ann", order)
        back = table.ask("puppet", 1, price, good="spice").order
        table.buy("ann", 1, limit=price, good="spice")
        table.cancel("puppet", back)
    close(table)
    assert mark(table, "spice") == (240, "anchor")
    assert sum(scores(table).values()) <= 0


# By choice


def test_a_mark_may_be_the_last_trade() -> None:
    table = Table.of("ann", "ben", goods={"grain": GoodDefinition(endowment=10, mark="last")})
    assert mark(table) == (0, "last")
    table.ask("ann", 1, 30)
    table.buy("ben", 1)
    assert mark(table) == (30, "last")
    close(table)
    assert mark(table) == (30, "last")
    table.phase("open")
    assert mark(table) == (30, "last")  # as the tape goes on


def test_a_mark_may_be_what_the_book_would_pay_for_all_that_one_has() -> None:
    table = Table.of("ann", "ben", "cid", goods={"grain": GoodDefinition(endowment=10, mark="book")})
    table.bid("ben", 3, 50)
    table.bid("cid", 4, 20)
    assert mark(table) == (50, "book")
    account = views.account(table.game.state, "ann")
    assert account["worth"] == account["start"] == 1_000 + 3 * 50 + 4 * 20
    close(table)
    assert views.account(table.game.state, "ann")["worth"] == 1_230
    assert table.book() == ([], [])
    assert snapshot.dump(snapshot.load(snapshot.dump(table.game))) == snapshot.dump(table.game)


@pytest.mark.parametrize(("qty", "value"), [(0, 0), (2, 20), (3, 30), (5, 38), (7, 42), (9, 42)])
def test_a_ladder_pays_level_by_level_and_nothing_for_what_is_left(qty: int, value: int) -> None:
    assert Mark(10, "book", ((10, 3), (4, 3))).value(qty) == value


# What is paid or private


def test_a_good_that_settled_counts_for_what_it_was_paid() -> None:
    goods = {"oil": GoodDefinition(endowment=10, settlement=SettlementDefinition(values=(40, 80)))}
    table = Table.of("ann", goods=goods)
    assert mark(table, "oil") == (0, "bid")
    close(table)
    (paid,) = table.game.state.settled.values()
    assert mark(table, "oil") == (paid, "settled")
    account = views.account(table.game.state, "ann")
    assert account["worth"] == account["start"] == 1_000 + 10 * paid


def test_the_good_with_private_values_has_no_mark() -> None:
    goods = {"wheat": GoodDefinition(), "grain": GoodDefinition(endowment=5)}
    table = Table.of("ann", "ben", goods=goods, private_values=PrivateValuesDefinition(good="wheat"))
    table.bid("ann", 1, 40, good="wheat")
    table.bid("ann", 1, 7)
    table.wait(60 * SECOND)
    close(table)
    assert mark(table, "wheat") == (None, None)
    assert mark(table) == (7, "bid")
    rules = views.public_state(table.game.state)["rules"]["goods"]
    assert (rules["wheat"].get("mark"), rules["grain"]["mark"]) == (None, "bid")


# Where it is told


def test_the_final_mark_and_its_source_are_in_the_frame_of_the_close_the_state_and_the_debrief() -> None:
    table = Table.of("ann", goods=HOUSE)
    table.wait(2 * SECOND)
    applied = table.entry(SetPhase(phase="closed"))
    assert events(applied, MarkChanged) == [MarkChanged("grain", 20, "anchor")]
    assert mark(table) == (20, "anchor")
    (result,) = views.debrief(table.game.state)["rounds"]
    assert (result["goods"]["grain"]["mark"], result["goods"]["grain"]["mark_source"]) == (20, "anchor")


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({}, "bid"),
        ({"house": house()}, "anchor"),
        ({"house": house(), "mark": "bid"}, "bid"),
        ({"mark": "last"}, "last"),
        ({"settlement": SettlementDefinition(values=(1, 2))}, "settled"),
    ],
)
def test_the_rules_say_where_the_final_mark_comes_from(fields: dict[str, Any], source: str) -> None:
    table = Table.of("ann", goods={"grain": GoodDefinition(**fields)})
    assert views.public_state(table.game.state)["rules"]["goods"]["grain"]["mark"] == source
    table.at = BEGIN + 60 * SECOND
    close(table)
    assert mark(table)[1] == source


def test_bids_of_a_house_count_tick_by_tick_even_if_nobody_looked() -> None:
    goods = {"grain": GoodDefinition(house=house(drift_bps=3_000), mark="bid")}
    often, seldom = (Table.of(goods=goods, rounds=RoundsDefinition(open_s=200, closed_s=9)) for _ in range(2))
    for _ in range(200):
        often.wait(SECOND)
    for _ in range(100):
        seldom.wait(2 * SECOND)
    assert mark(often) == mark(seldom)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"goods": {"grain": GoodDefinition(mark="anchor")}}, "goods.grain.mark"),
        (
            {
                "goods": {"grain": GoodDefinition(mark="bid")},
                "private_values": PrivateValuesDefinition(good="grain"),
            },
            "goods.grain.mark",
        ),
    ],
)
def test_a_mark_that_cannot_be_is_named(fields: dict[str, Any], path: str) -> None:
    assert [where for where, _ in problems(define_game(**fields))] == [path]


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 20)), max_size=12), st.integers(0, 300))
def test_what_units_count_for_is_what_the_bids_would_pay_one_after_another(
    bids: list[tuple[int, int]], qty: int
) -> None:
    levels = tuple(sorted(bids, reverse=True))
    paid = sum([price for price, wanted in levels for _ in range(wanted)][:qty])
    one = Mark(levels[0][0] if levels else 0, "book", levels)
    assert one.value(qty) == one.value(qty) == paid
    assert one == Mark(one.price, "book", levels)


def test_a_mark_from_a_deep_book_is_added_up_once_and_not_for_each_player() -> None:
    """A round of 300 players in 100 goods walked 100 levels for each of them: 26 ms at its close."""
    read = 0

    class Levels(tuple[tuple[int, int], ...]):
        def __iter__(self) -> Iterator[tuple[int, int]]:
            nonlocal read
            read += 1
            return super().__iter__()

    deep = Mark(100, "book", Levels((price, 1) for price in range(100, 0, -1)))
    assert [deep.value(qty) for qty in (1, 2, 100, 10**6)] == [100, 199, 5_050, 5_050]
    assert read == 1
