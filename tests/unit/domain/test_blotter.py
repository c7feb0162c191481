"""What a player is told, and may ask, of their own fills and orders, and of what they made of each good."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.support import views as plain
from tests.support.domain import BEGIN, Table, fills, house
from tradegame.core.domain import snapshot, views
from tradegame.core.domain.definition import GoodDefinition, PrivateValuesDefinition, SettlementDefinition
from tradegame.core.domain.events import Rejected
from tradegame.protocol.errors import NotJoinedError
from tradegame.protocol.requests import BuyGood, CancelOrder, PlaceOrder
from tradegame.protocol.state import DoneOrder, Fill

PER_PLAYER = 4_608
"""Bytes that a player's last fills and orders take together, at most."""


def became(table: Table, player: str, order: str) -> tuple[str | None, str]:
    """What a ``cancel`` of an order that is gone says of it, and how."""
    refused = table.cancel(player, order)
    assert isinstance(refused, Rejected)
    assert refused.code == "unknown_order"
    return refused.became, refused.message


@pytest.mark.parametrize("anonymous", [False, True])
def test_each_party_is_told_of_its_fills(anonymous: bool) -> None:
    table = Table.of("ann", "bob", "cid", fee_bps=100, anonymous=anonymous)
    table.ask("ann", 20, 10)
    table.ask("bob", 20, 10)
    told = fills(table.game, table.entry(BuyGood(player="cid", good="grain", qty=33)))
    assert told["ann"] == [Fill(1, BEGIN, "grain", "ask", 10, 20, "buy", 0, "o1", maker=True)]
    assert told["bob"] == [Fill(2, BEGIN, "grain", "ask", 10, 13, "buy", 0, "o2", maker=True)]
    assert told["cid"] == [  # the fee of a command is rounded once
        Fill(1, BEGIN, "grain", "bid", 10, 20, "buy", 2),
        Fill(2, BEGIN, "grain", "bid", 10, 13, "buy", 2),
    ]
    told = fills(table.game, table.entry(PlaceOrder(player="ann", good="grain", side="bid", qty=9, price=10)))
    assert told["ann"] == [Fill(3, BEGIN, "grain", "bid", 10, 7, "buy", 1, "o3")]
    told = fills(table.game, table.entry(PlaceOrder(player="cid", good="grain", side="ask", qty=1, price=9)))
    assert told["cid"] == [Fill(4, BEGIN, "grain", "ask", 10, 1, "sell", 1, "o4")]
    assert told["ann"] == [Fill(4, BEGIN, "grain", "bid", 10, 1, "sell", 0, "o3", maker=True)]


def test_an_order_that_was_filled_is_told_from_one_that_was_cancelled_or_met_its_players_own() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 30, 10)
    table.ask("ann", 5, 11)
    table.bid("bob", 30, 10)
    table.buy("bob", 2)
    table.cancel("ann", "o2")
    table.ask("ann", 4, 12)
    table.bid("ann", 1, 12)
    assert became(table, "ann", "o1") == ("filled", "o1 was filled: 30 units")
    assert became(table, "ann", "o2") == ("cancelled", "o2 was cancelled; 2 units had been filled")
    assert became(table, "ann", "o4") == ("met_own", "o4 was withdrawn, since another order of yours met it")
    assert became(table, "bob", "o3") == ("filled", "o3 was filled: 30 units")  # it never rested
    for order in ("o1", "o3", "o6", "o01", "-"):  # bob's, nobody's, and no order at all
        assert became(table, "ann" if order == "o3" else "bob", order)[0] is None


def test_an_order_of_a_round_that_is_over_is_told_from_others() -> None:
    table = Table.of("ann")
    table.bid("ann", 1, 5)
    table.bid("ann", 1, 6)
    table.cancel("ann", "o1")
    table.phase("closed")
    table.phase("open")
    table.arrive("ann")
    for order in ("o1", "o2"):
        assert became(table, "ann", order) == ("round_over", f"{order} was of a round that is over")
    table.bid("ann", 1, 5)
    assert became(table, "ann", "o4")[0] is None
    assert table.cancel("ann", "o3").order == "o3"


def test_the_last_50_orders_are_remembered() -> None:
    table = Table.of("ann")
    for number in range(1, 52):
        table.bid("ann", 1, 5)
        table.cancel("ann", f"o{number}")
    assert became(table, "ann", "o1")[0] is None
    assert became(table, "ann", "o2")[0] == "cancelled"
    assert [order.order for order in views.orders(table.game.state, "ann").done] == [f"o{n}" for n in range(2, 52)]


def test_a_copy_of_a_cancel_is_told_the_same_again_whatever_became_of_the_order_since() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 1, 10)
    table.buy("bob", 1)
    late = CancelOrder(player="ann", order="o1", key="k", since=0)
    first = table.do(late)
    table.phase("closed")
    table.phase("open")
    table.game = snapshot.load(snapshot.dump(table.game))
    (outcome,) = table.entry(late).outcomes
    assert outcome.replayed
    assert outcome.result == first == Rejected("unknown_order", "o1 was filled: 1 unit", "filled")
    nothing = CancelOrder(player="ann", order="-", key="n", since=0)
    assert table.do(nothing) == table.do(nothing) == Rejected("unknown_order", "no open order '-' of yours")


def test_a_player_asks_for_open_and_done_orders_and_how_much_of_each_was_filled() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 5, 11)
    table.ask("ann", 5, 10)
    table.at += 1_000
    table.buy("bob", 8)
    table.cancel("ann", "o1")
    table.bid("bob", 2, 9)
    table.ask("ann", 5, 9)
    mine = views.orders(table.game.state, "ann")
    assert [(order.order, order.qty, order.filled) for order in mine.open] == [("o4", 3, 2)]
    assert mine.done == (
        DoneOrder("o2", "grain", "ask", 0, 10, 5, "filled", table.at),
        DoneOrder("o1", "grain", "ask", 2, 11, 3, "cancelled", table.at),
    )
    assert mine.seq == table.game.state.seq
    (shown,) = plain.account(table.game.state, "ann")["orders"]
    assert shown == {"order": "o4", "good": "grain", "side": "ask", "qty": 3, "price": 9, "filled": 2}
    assert views.orders(table.game.state, "bob").done[0].order == "o3"


def test_a_player_asks_for_the_last_fills() -> None:
    table = Table.of("ann", "bob", cash=10**6)
    for _ in range(60):
        table.ask("ann", 1, 10)
        table.buy("bob", 1)
    last = views.fills(table.game.state, "bob", 50)
    assert [fill.trade for fill in last.fills] == list(range(11, 61))
    assert [fill.trade for fill in views.fills(table.game.state, "bob", 2).fills] == [59, 60]
    assert last.seq == table.game.state.seq
    with pytest.raises(NotJoinedError):
        views.fills(table.game.state, "eve", 50)
    with pytest.raises(NotJoinedError):
        views.orders(table.game.state, "eve")


def test_a_round_is_told_until_the_next_one_opens() -> None:
    table = Table.of("ann", "bob")
    assert views.fills(table.game.state, "ann", 50).fills == views.orders(table.game.state, "ann").done == ()
    table.ask("ann", 1, 10)
    table.buy("bob", 1)
    for phase, done, positions in (("closed", 1, 1), ("lobby", 1, 0), ("open", 0, 0)):
        table.phase(phase)
        table.arrive("ann", "bob")
        state = table.game.state
        assert len(views.fills(state, "ann", 50).fills) == len(views.orders(state, "ann").done) == done
        assert len(views.account(state, "ann").positions) == positions


def test_nothing_is_written_down_for_the_house() -> None:
    table = Table.of("ann", goods={"grain": GoodDefinition(endowment=9, house=house())})
    applied = table.entry(BuyGood(player="ann", good="grain", qty=1))
    table.wait(60_000)
    assert list(applied.fills) == ["ann"]
    assert table.account("house").blotter is None


def test_fills_and_orders_of_10_000_players_have_room() -> None:
    table = Table.of("ann", "bob", cash=10**6)
    for _ in range(120):
        table.ask("ann", 1, 10)
        table.bid("bob", 1, 10)
    blotter = table.account("bob").blotter
    assert blotter is not None
    assert sys.getsizeof(blotter.fills) + sys.getsizeof(blotter.done) <= PER_PLAYER


# What trading has made of each good


def position(table: Table, player: str, good: str = "grain") -> Any:
    account = plain.account(table.game.state, player)
    positions = account.get("positions", {})
    assert sum(each["gain"] for each in positions.values()) == account["worth"] - account["start"]
    return positions.get(good)


def test_a_position_tells_what_was_traded_its_average_prices_and_its_gain() -> None:
    goods = {"grain": GoodDefinition(endowment=100, mark="last"), "wool": GoodDefinition(endowment=7, mark="last")}
    table = Table.of("ann", "bob", fee_bps=100, goods=goods)
    table.ask("ann", 2, 10)
    table.ask("ann", 1, 11)
    table.buy("bob", 3)
    assert position(table, "bob") == {
        "bought": 3,
        "cost": 31,
        "sold": 0,
        "proceeds": 0,
        "fees": 1,
        "gain": 103 * 11 - 100 * 11 - 31 - 1,
        "average_bought": 1_033,
    }
    table.bid("ann", 2, 20)
    table.sell("bob", 2)
    assert position(table, "bob") == {
        "bought": 3,
        "cost": 31,
        "sold": 2,
        "proceeds": 40,
        "fees": 2,
        "gain": 20 + 40 - 31 - 2,
        "average_bought": 1_033,
        "average_sold": 2_000,
    }
    assert position(table, "ann")["fees"] == 0
    assert position(table, "ann", "wool") is None


def test_a_gain_is_the_same_before_and_after_a_good_was_paid() -> None:
    goods = {"grain": GoodDefinition(endowment=10, settlement=SettlementDefinition(values=(5, 30)))}
    table = Table.of("ann", "bob", goods=goods)
    table.ask("ann", 4, 12)
    table.buy("bob", 4)
    assert position(table, "bob")["gain"] == 12 * 0 - 4 * 12  # nobody bids
    table.phase("closed")
    paid = table.game.state.settled["grain"]
    assert (position(table, "bob")["gain"], position(table, "ann")["gain"]) == (4 * paid - 48, 48 - 4 * paid)


def test_private_values_make_a_gain_that_their_owner_alone_is_told() -> None:
    private = PrivateValuesDefinition(good="wheat", values=((90, 60),), costs=((70, 30),))
    table = Table.of("buyer", "seller", "rival", goods={"wheat": GoodDefinition()}, private_values=private)
    table.ask("seller", 1, 50, good="wheat")
    table.buy("buyer", 1, good="wheat")
    for phase in ("open", "closed"):
        table.phase(phase)
        assert position(table, "buyer", "wheat")["gain"] == 90 - 50
        assert position(table, "seller", "wheat")["gain"] == 50 - 30
        assert position(table, "rival", "wheat") is None
