"""What a command, and what falls due, may cost at most, whatever the book has grown to."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.support.domain import BEGIN, Table, code, define_game, events, house
from tests.support.drawing import any_command
from tradegame.core.domain.audit import audit
from tradegame.core.domain.book import MAX_FILLS
from tradegame.core.domain.definition import GoodDefinition, NewsDefinition, RoundsDefinition, SettlementDefinition
from tradegame.core.domain.events import Rejected
from tradegame.core.domain.game import Game
from tradegame.core.domain.settlement import HINTS_AT_ONCE
from tradegame.core.domain.state import DUE_AN_ENTRY, Seat
from tradegame.core.domain.weight import ORDERS_A_UNIT, EntryWeight, weight
from tradegame.protocol.commands import Announce, Arrive, Command, Depart, Join, SetPhase, SetRobots, SitIn, Staff
from tradegame.protocol.pushes import News, Trade
from tradegame.protocol.replies import Ordered
from tradegame.protocol.requests import REQUESTS, AmendOrder, BuyGood, CancelOrder, PlaceOrder, Say, SellGood

CAP = MAX_FILLS


def crowd(count: int, price: int = 10, side: str = "bid", **fields: object) -> Table:
    """``count`` orders of one unit by ``ann``; ``bob`` and ``cid`` have no orders."""
    table = Table.of(
        "ann",
        "bob",
        "cid",
        **{
            "cash": 10**9,
            "open_orders": 10**6,
            "goods": {"grain": GoodDefinition(endowment=10**6)},
            **fields,
        },
    )
    table.entry(*[PlaceOrder(player="ann", good="grain", side=side, qty=1, price=price) for _ in range(count)])
    return table


def cpu_s(work: Callable[[], object], times: int = 5) -> float:
    """The least that it took this thread, of several times."""
    took = []
    for _ in range(times):
        begun = time.thread_time()
        work()
        took.append(time.thread_time() - begun)
    return min(took)


# Fills


def test_a_sale_meets_no_more_orders_than_the_cap() -> None:
    table = crowd(CAP + 20)
    assert table.sell("bob", 10**6).filled == CAP
    assert table.sell("bob", 10**6).filled == 20
    assert code(table.sell("bob", 1)) == "no_liquidity"


def test_a_purchase_meets_no_more_orders_than_the_cap() -> None:
    table = crowd(CAP + 20, side="ask")
    assert table.buy("bob", 10**6).filled == CAP
    assert table.buy("bob", 10**6).filled == 20


def test_a_purchase_at_the_cap_needs_the_cash_for_what_it_takes_alone() -> None:
    table = crowd(CAP + 20, price=10, side="ask", cash=10 * CAP)
    assert table.buy("bob", CAP + 20).cost == 10 * CAP


@pytest.mark.parametrize(("side", "resting"), [("ask", "bid"), ("bid", "ask")])
def test_an_order_that_would_meet_more_than_the_cap_is_refused(side: str, resting: str) -> None:
    table = crowd(CAP + 1, side=resting)
    order = PlaceOrder(player="bob", good="grain", side=side, qty=CAP + 1, price=10)
    assert code(table.do(order)) == "too_many_fills"
    assert table.cash("bob") == (10**9, 0)
    before = table.book()
    table.do(PlaceOrder(player="bob", good="grain", side=side, qty=CAP, price=10))
    assert sum(qty for _, qty in before[resting == "ask"]) == CAP + 1
    assert table.book()[resting == "ask"] == [(10, 1)]
    assert table.do(PlaceOrder(player="bob", good="grain", side=side, qty=5, price=10)).filled == 1  # type: ignore[union-attr]
    assert audit(table.game.state) == []


def test_an_order_that_meets_exactly_the_cap_may_rest() -> None:
    table = crowd(CAP)
    assert table.ask("bob", CAP + 7, 10).resting == 7


def test_ones_own_orders_count() -> None:
    table = crowd(CAP + 1)
    table.bid("bob", 5, 10)
    assert code(table.sell("ann", 1)) == "no_liquidity"
    assert code(table.ask("ann", 1, 10)) == "too_many_fills"
    assert len(table.account("ann").orders) == CAP + 1
    table.cancel("ann", "o1")
    table.cancel("ann", "o2")
    assert table.sell("ann", 1).filled == 1


def test_an_order_that_nobody_can_pay_for_is_refused_for_that() -> None:
    table = crowd(CAP + 1, side="ask", cash=50)
    assert code(table.bid("bob", CAP + 1, 10)) == "insufficient_cash"
    table = crowd(CAP + 1, goods={"grain": GoodDefinition(endowment=10**5)})
    assert code(table.ask("bob", 10**5 + 1, 10)) == "insufficient_goods"


def test_the_house_quotes_through_a_crowd_and_rests_nothing_where_more_is_in_its_way() -> None:
    """Tiny bids above its asks: it takes what the cap allows a tick, and goes on quoting the other side."""
    table = crowd(
        2 * CAP + 5,
        price=20,
        goods={"grain": GoodDefinition(endowment=10**6, house=house(size=1_000, stock=100_000, target=100_000))},
    )
    assert len(events(table.entry(Announce(text="a flood", good="grain", anchor_bps=-5_000)), Trade)) == CAP
    assert table.book()[1] == []
    assert [price for price, _ in table.book()[0]] == [20, 9]
    assert len(events(table.wait(2_000), Trade)) == CAP
    assert len(events(table.wait(2_000), Trade)) == 5
    assert table.book()[1] != []
    assert audit(table.game.state) == []


# Walks


def test_what_is_refused_for_want_of_funds_costs_microseconds_in_a_deep_book() -> None:
    """Before: 13 ms for each, on every node."""
    table = crowd(20_000)
    table.entry(*[PlaceOrder(player="ann", good="grain", side="ask", qty=1, price=11) for _ in range(20_000)])
    table.join("dee")
    account, mint = table.account("dee"), table.account("mint")
    mint.goods["grain"] += account.goods["grain"] - 1
    mint.cash += account.cash - 15
    account.goods["grain"], account.cash = 1, 15
    refused: list[tuple[Command, str]] = [
        (PlaceOrder(player="dee", good="grain", side="ask", qty=10**6, price=1), "insufficient_goods"),
        (BuyGood(player="dee", good="grain", qty=10**6), "insufficient_cash"),
        (PlaceOrder(player="dee", good="grain", side="bid", qty=10**6, price=20), "insufficient_cash"),
    ]
    for command, expected in refused:
        result = table.do(command)
        assert isinstance(result, Rejected)
        assert result.code == expected
        assert cpu_s(lambda command=command: table.do(command)) < 0.001  # type: ignore[misc]
        assert weight(table.game.state, command) <= 1 + CAP


def test_the_walk_of_a_deep_book_ends_at_the_cap() -> None:
    table = crowd(20_000)
    command = PlaceOrder(player="bob", good="grain", side="ask", qty=10**6, price=1)
    assert code(table.do(command)) == "too_many_fills"
    assert cpu_s(lambda: table.do(command)) < 0.002


# Weights


def test_most_commands_weigh_one() -> None:
    state = crowd(50).game.state
    for command in (
        Join(player="dee", name="Dee"),
        CancelOrder(player="ann", order="o1"),
        CancelOrder(player="ann", order="o77"),
        Say(player="ann", text="hi"),
        SellGood(player="nobody", good="grain", qty=9),
        SellGood(player="bob", good="gold", qty=9),
        BuyGood(player="bob", good="grain", qty=9),
        PlaceOrder(player="bob", good="grain", side="ask", qty=9, price=11),
        PlaceOrder(player="bob", good="grain", side="ask", qty=10**7, price=1),
    ):
        assert weight(state, command) == 1


def test_a_trade_weighs_the_orders_that_it_can_meet() -> None:
    table = crowd(50)
    state = table.game.state
    assert weight(state, Arrive(players=("ann", "bob"))) == 3
    assert weight(state, SellGood(player="bob", good="grain", qty=1)) == 2  # each order met takes a unit
    assert weight(state, SellGood(player="bob", good="grain", qty=60)) == 51
    assert weight(state, SellGood(player="bob", good="grain", qty=1, limit=11)) == 1
    assert weight(state, PlaceOrder(player="bob", good="grain", side="ask", qty=60, price=10)) == 51
    table.sell("bob", 5)
    assert weight(state, SellGood(player="bob", good="grain", qty=60)) == 46
    table = crowd(CAP + 20, side="ask")
    assert weight(table.game.state, BuyGood(player="bob", good="grain", qty=10**6)) == 1 + CAP
    to_come = AmendOrder(player="bob", order="o99999", price=10**6)
    assert weight(table.game.state, to_come) == 1 + CAP  # an earlier command of the entry may place it
    poor = crowd(CAP + 20, side="ask", cash=5)
    for price in range(11, 15):
        poor.ask("ann", 1, price)
    assert weight(poor.game.state, BuyGood(player="bob", good="grain", qty=10**6)) == 1 + CAP
    assert weight(poor.game.state, BuyGood(player="bob", good="grain", qty=10**6, limit=9)) == 1


def test_a_purchase_weighs_no_more_than_can_be_paid() -> None:
    table = crowd(1, price=10, side="ask", cash=25)
    for price in (11, 12, 13, 14):
        table.ask("ann", 1, price)
    assert weight(table.game.state, BuyGood(player="bob", good="grain", qty=9)) == 1 + 3
    table.ask("bob", 1, 20)  # of one's own orders in the way none is paid
    assert weight(table.game.state, BuyGood(player="bob", good="grain", qty=9)) == 1 + 6


def test_a_message_weighs_by_its_bytes_and_a_phase_everything() -> None:
    state = crowd(1).game.state
    assert weight(state, Say(player="ann", text="ü" * 128)) == 3
    assert weight(state, Say(player="ann", text="😀" * 500)) == 16
    assert weight(state, Say(player="ann", text="x" * 10**6)) == 1 + CAP
    assert weight(state, SetPhase(phase="closed")) == 1 + CAP
    assert weight(state, Announce(text="!", good="grain", anchor_bps=1)) == 1 + CAP
    assert weight(state, Announce(text="!", good="grain")) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_command_never_does_more_than_its_weight(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        table = Table.of("ann", "bob", cash=2_000, open_orders=50)
        for _ in range(30):
            side, price = rng.choice([("bid", rng.randint(15, 25)), ("ask", rng.randint(20, 30))])
            order = PlaceOrder(player=rng.choice(["ann", "bob"]), good="grain", side=side, qty=2, price=price)
            table.do(order)
        for _ in range(10):
            resting = [order.id for order in table.account("bob").orders.values()]
            fields = any_command(rng, ["grain"], list(resting), "hi")
            command: Command = msgspec.convert({**fields, "player": "bob"}, REQUESTS[fields["op"]])
            expected = weight(table.game.state, command)
            trades = len(events(table.entry(command), Trade))
            gone = max(0, len(resting) - len(table.account("bob").orders))
            assert 1 + trades + gone // ORDERS_A_UNIT <= expected, command
            if isinstance(command, BuyGood | SellGood | PlaceOrder):
                assert 1 + trades + gone <= expected, command


def crowded(rng: random.Random) -> Table:
    """Books of two goods, of many small orders and a few large ones; eight players who own something, or nothing."""
    players = [f"p{number}" for number in range(8)]
    goods = {good: GoodDefinition(endowment=400) for good in ("grain", "wool")}
    table = Table.of("ann", "bob", *players, cash=20_000, open_orders=1_000, goods=goods)
    for good in goods:
        for _ in range(rng.randint(100, 300)):
            side, price = rng.choice([("bid", rng.randint(70, 100)), ("ask", rng.randint(101, 130))])
            qty, whose = (1, rng.choice(("ann", "bob"))) if rng.random() < 0.95 else (100, rng.choice(players))
            table.do(PlaceOrder(player=whose, good=good, side=side, qty=qty, price=price))
    for player in players:
        if rng.random() < 0.5:
            account, mint = table.account(player), table.account("mint")
            good, some = rng.choice(list(goods)), rng.choice((0, 1))
            mint.goods[good] += account.goods[good] - some
            account.goods[good] = some
            mint.cash += account.cash - some
            account.cash = some
    return table


def any_of_many(rng: random.Random, table: Table) -> Command:
    """Trades, large and small, and whatever may make those after it larger."""
    player = rng.choice([f"p{number}" for number in range(8)])
    resting = [order.id for order in table.account(player).orders.values()]
    fields: dict[str, Any] = {"good": rng.choice(("grain", "wool")), "qty": rng.choice((1, 3, 50, 100, 400))}
    match rng.choice(("buy", "sell", "sell", "buy", "order", "cancel", "amend", "cancel_all")) if resting else "sell":
        case "order" as op:
            fields |= {"side": rng.choice(("bid", "ask")), "price": rng.randint(70, 130)}
        case "cancel" as op:
            fields = {"order": rng.choice(resting)}
        case "amend" as op:
            fields = {"order": rng.choice([*resting, "o9999"]), "price": rng.randint(70, 130)}
        case "cancel_all" as op:
            fields = {}
        case op:
            pass
    command: Command = msgspec.convert({"op": op, "player": player, **fields}, REQUESTS[op])
    return command


def orders_met(table: Table, *commands: Command) -> int:
    """How often a resting order was met by these, as one entry."""
    return len(events(table.entry(*commands), Trade))


@pytest.mark.parametrize("seed", range(40))
def test_an_entry_never_does_more_than_its_weight_whatever_one_command_does_for_the_next(seed: int) -> None:
    rng = random.Random(seed)
    table = crowded(rng)
    for _ in range(4):
        commands = [any_of_many(rng, table) for _ in range(rng.randint(2, 40))]
        weighs = EntryWeight(table.game.state)
        expected = sum(weighs.add(command) for command in commands)
        placed = sum(isinstance(command, PlaceOrder | AmendOrder) for command in commands)
        met = orders_met(table, *commands)
        assert met <= expected + placed


def test_what_one_command_pays_or_clears_for_the_next_is_weighed() -> None:
    """By themselves these weigh two each, since the first order in the book is large, or since they own nothing."""

    def met_and_weight(table: Table, *commands: Command) -> tuple[int, int, int]:
        weighs, apart = EntryWeight(table.game.state), sum(weight(table.game.state, each) for each in commands)
        together = sum(weighs.add(command) for command in commands)
        return orders_met(table, *commands), apart, together

    def small(count: int) -> Table:
        table = Table.of("ann", "bob", "cat", cash=10**6, open_orders=10_000)
        for _ in range(count):
            table.bid("ann", 1, 9)
        return table

    sells = [SellGood(player="bob", good="grain", qty=40, limit=9)] * 2
    cleared = small(500)
    front = cleared.bid("cat", 100, 10)
    assert isinstance(front, Ordered)
    cancel = CancelOrder(player="cat", order=front.order)
    met, apart, together = met_and_weight(cleared, cancel, *sells)
    assert met > apart
    assert met <= together
    paid = small(500)
    mint, bob = paid.account("mint"), paid.account("bob")
    mint.goods["grain"] += bob.goods["grain"]
    bob.goods["grain"] = 0
    paid.ask("cat", 100, 11)
    met, apart, together = met_and_weight(paid, BuyGood(player="bob", good="grain", qty=100), *sells)
    assert met > apart
    assert met <= together


def test_after_what_may_change_everything_all_counts_that_a_limit_allows() -> None:
    """A player who joins owns something then; a house that ticks, and an amended order to come, may pay anybody."""
    state = crowd(50).game.state
    sell = SellGood(player="new", good="grain", qty=1)
    assert EntryWeight(state).add(sell) == 1
    changes: list[Command] = [
        Join(player="new", name="New"),
        SetPhase(phase="open"),
        AmendOrder(player="bob", order="o77", price=9),
    ]
    for change in changes:
        weighs = EntryWeight(state)
        weighs.add(change)
        assert weighs.add(sell) == 51
    assert EntryWeight(state, unsettled=True).add(sell) == 51
    assert EntryWeight(state, unsettled=True).add(structs.replace(sell, limit=11)) == 1
    assert EntryWeight(state, unsettled=True).add(structs.replace(sell, good="gold")) == 1


def test_who_is_not_dealt_to_yet_weighs_as_if_they_could_pay_for_all() -> None:
    table = crowd(0, rounds=RoundsDefinition(lobby_s=0, open_s=60, closed_s=5))
    table.entry(SetPhase(phase="closed"), SetPhase(phase="open"), Arrive(players=("ann",)))
    table.entry(*[PlaceOrder(player="ann", good="grain", side="bid", qty=1, price=9) for _ in range(5)])
    assert "bob" not in table.game.state.dealt
    assert weight(table.game.state, SellGood(player="bob", good="grain", qty=9)) == 6


def test_where_a_robot_may_leave_a_seat_its_orders_count_and_where_robots_come_and_go_the_most() -> None:
    state = crowd(80).game.state
    for unseated in (SitIn(account="ann"), Join(player="bob", name="Bob"), Staff(robots=1), SetRobots()):
        crowded = isinstance(unseated, Staff | SetRobots)
        assert weight(state, unseated) == (1 + CAP if crowded else 11 if isinstance(unseated, SitIn) else 1)
    assert weight(state, Depart(players=("ann",))) == 1
    state.seats["ann"] = Seat(None, 0)
    assert weight(state, Join(player="ann", name="Ann")) == 11
    assert weight(state, Arrive(players=("ann", "bob"))) == 13
    cancel = CancelOrder(player="ann", order="o99")
    assert (weight(state, cancel), weight(state, structs.replace(cancel, by_robot=True))) == (11, 1)
    del state.seats["ann"]
    state.robots["ann"] = False
    assert weight(state, Depart(players=("ann", "bob"))) == 11


def test_commands_that_take_from_one_side_walk_it_together() -> None:
    """What one may have taken no other takes; a level that is left midway is gone on with, and not beyond a limit."""
    weighs = EntryWeight(crowd(CAP + 30).game.state)
    sell = SellGood(player="bob", good="grain", qty=CAP)
    assert [weighs.add(each) for each in (sell, structs.replace(sell, limit=11), sell, sell)] == [1 + CAP, 1, 31, 1]
    asks = crowd(5, side="ask")
    asks.ask("cid", 1, 10)
    weighs = EntryWeight(asks.game.state)
    assert weighs.add(BuyGood(player="bob", good="grain", qty=9, limit=10)) == 7
    assert weighs.add(SellGood(player="bob", good="grain", qty=1)) == 1
    assert weighs.add(BuyGood(player="cid", good="grain", qty=1)) == 1


# What is due


def test_what_is_due_at_once_is_spread_over_entries() -> None:
    """100 goods of 50 levels: 10 000 quotes were made in one entry, for 130 to 500 ms."""
    goods = {
        f"g{n}": GoodDefinition(house=house(levels=50, anchor=500, tick_s=60, stock=1_000, target=1_000, cash=10**8))
        for n in range(100)
    }
    table = Table.of(goods=goods)
    state, entries = table.game.state, 0
    took = []
    while (due := table.game.due_at()) is not None and due <= table.at:
        made = state.orders
        begun = time.thread_time()
        table.entry()
        took.append(time.thread_time() - begun)
        entries += 1
        assert state.orders - made <= DUE_AN_ENTRY + 100
    assert state.orders == 100 * 100
    assert entries == 20
    assert sorted(took)[10] < 0.02
    assert audit(state) == []


def test_much_news_at_once_moves_every_price_and_leaves_no_quote_at_the_old_one() -> None:
    goods = {
        f"g{n}": GoodDefinition(house=house(levels=50, anchor=500, tick_s=60, slope=0, cash=10**8)) for n in range(20)
    }
    news = tuple(NewsDefinition(at_s=30, text="!", good=good, anchor_bps=1_000) for good in goods for _ in range(2))
    table = Table.of(goods=goods, news=news)
    for _ in range(10):
        table.entry()
    made = table.game.state.orders
    applied = table.wait(30_000)
    assert len(events(applied, News)) == 40
    assert table.game.state.orders - made <= DUE_AN_ENTRY + 200
    for good in goods:
        assert all(price > 550 for price, _ in table.book(good)[1])
    while (due := table.game.due_at()) is not None and due <= table.at:
        table.entry()
    for good in goods:
        assert table.book(good)[1][0][0] == 606
    assert audit(table.game.state) == []


def test_a_hint_reaches_a_crowd_in_slices_and_everybody_once() -> None:
    settlement = SettlementDefinition(values=(1, 2, 3, 4, 5), hints_at_s=(10, 11))
    game = Game.create(
        define_game(goods={"oil": GoodDefinition(settlement=settlement)}, rounds=RoundsDefinition(open_s=60)),
        "e",
        BEGIN,
        1,
    )
    table = Table(game)
    count = 2 * HINTS_AT_ONCE + 5
    table.entry(*[Join(player=f"p{n}", name="P") for n in range(count)])
    told = [len(table.wait(10_000).whispers)]
    table.join("late")
    while table.game.due_at() == BEGIN + 10_000:
        told.append(len(table.entry().whispers))
    assert sum(told) <= count + 1
    table.join("later")
    players = game.state.players
    assert {name: len(player.hints) for name, player in players.items()} == dict.fromkeys(players, 1)
    table.wait(1_000)
    while table.game.due_at() == BEGIN + 11_000:
        table.entry()
    assert {name: len({hint.value for hint in player.hints}) for name, player in players.items()} == dict.fromkeys(
        players, 2
    )
    assert max(told) <= DUE_AN_ENTRY + HINTS_AT_ONCE
