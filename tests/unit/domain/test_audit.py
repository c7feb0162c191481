"""The audit sees every kind of damage: each test breaks one thing in a sound state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.domain import Table, house
from tradegame.core.domain.account import Account
from tradegame.core.domain.audit import audit
from tradegame.core.domain.book import Order
from tradegame.core.domain.definition import GoodDefinition
from tradegame.core.domain.state import Player, Seat


def sound() -> Table:
    table = Table.of(
        "ann", "bob", goods={"grain": GoodDefinition(endowment=100, house=house()), "wool": GoodDefinition()}
    )
    table.bid("ann", 5, 10)  # o5, after the house's four
    table.ask("bob", 5, 30)
    return table


def mint_coins(table: Table) -> None:
    table.account("ann").cash += 1


def mint_goods(table: Table) -> None:
    table.account("ann").goods["grain"] -= 1


def overdraw(table: Table) -> None:
    table.account("ann").cash -= 10_000
    table.account("bob").cash += 10_000


def oversell(table: Table) -> None:
    table.account("bob").goods["wool"] -= 1
    table.account("ann").goods["wool"] += 1


def forget_held_cash(table: Table) -> None:
    table.account("ann").cash += 50
    table.account("ann").held_cash -= 50


def forget_held_goods(table: Table) -> None:
    table.account("bob").goods["grain"] += 5
    table.account("bob").held_goods["grain"] -= 5


def cross(table: Table) -> None:
    order = Order(99, "ann", "grain", "ask", 1, 10)
    table.market().book.add(order)
    table.account("ann").orders[99] = order
    table.account("ann").goods["grain"] -= 1
    table.account("ann").held_goods["grain"] += 1


def lose_units(table: Table) -> None:
    order = table.account("ann").orders[5]
    order.qty -= 1
    table.account("ann").cash += 10
    table.account("ann").held_cash -= 10


def keep_an_empty_order(table: Table) -> None:
    order = Order(99, "ann", "wool", "ask", 0, 10)
    table.market("wool").book.add(order)
    table.account("ann").orders[99] = order


def orphan(table: Table) -> None:
    order = table.account("ann").orders.pop(5)
    table.account("ann").cash += order.qty * order.price
    table.account("ann").held_cash = 0


def keep_a_copy(table: Table) -> None:
    order = table.account("ann").orders[5]
    table.account("ann").orders[5] = Order(5, "ann", "grain", "bid", order.qty, order.price)


def adopt(table: Table) -> None:
    order = table.account("ann").orders.pop(5)
    table.account("bob").orders[5] = order
    table.account("ann").held_cash, table.account("bob").held_cash = 0, 50


def forget_a_trade(table: Table) -> None:
    table.buy("bob", 1)
    table.account("bob").blotter = None


def remember_too_much(table: Table) -> None:
    table.game.state.players["ann"] = Player("Ann", {str(n): "" for n in range(257)}, 300)
    table.game.state.remembered = 300


def count_too_few(table: Table) -> None:
    table.game.state.players["ann"] = Player("Ann", {"k1": "", "k2": ""}, 1)
    table.game.state.remembered = 300


def count_too_many(table: Table) -> None:
    table.game.state.players["ann"].ever = 1


def lose_an_account(table: Table) -> None:
    table.game.state.players["cid"] = Player("Cid")


def own_without_a_part(table: Table) -> None:
    del table.game.state.dealt["ann"]


def choose_for_nobody(table: Table) -> None:
    table.game.state.cancel_on_disconnect["cid"] = None


def seat_a_nobody(table: Table) -> None:
    table.game.state.seats["cid"] = Seat(None, 0)


def seat_a_robot(table: Table) -> None:
    table.game.state.robots["ann"] = True
    table.game.state.seats["ann"] = Seat(None, 0)


def depart_from_a_seat(table: Table) -> None:
    state = table.game.state
    state.cancel_on_disconnect["ann"] = None
    state.departed["ann"] = state.clock
    state.seats["ann"] = Seat(None, 0)


def depart_unasked(table: Table) -> None:
    table.game.state.departed["ann"] = table.game.state.clock


def depart_out_of_order(table: Table) -> None:
    state = table.game.state
    state.cancel_on_disconnect.update(dict.fromkeys(("ann", "bob")))
    state.departed.update({"ann": state.clock, "bob": state.clock - 1})


def test_a_sound_state_has_no_violation() -> None:
    assert audit(sound().game.state) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (mint_coins, ["ann owns 1001 coins, and 1000 by their trades", "cash sums to 1, not 0"]),
        (mint_goods, ["ann owns 99 grain, and 100 by their trades", "grain sums to -1, not 0"]),
        (
            overdraw,
            [
                "ann owns less than nothing",
                "ann owns -9000 coins, and 1000 by their trades",
                "bob owns 11000 coins, and 1000 by their trades",
            ],
        ),
        (
            oversell,
            [
                "ann owns 1 wool, and 0 by their trades",
                "bob owns less than nothing",
                "bob owns -1 wool, and 0 by their trades",
            ],
        ),
        (
            forget_a_trade,
            ["bob owns 979 coins, and 1000 by their trades", "bob owns 101 grain, and 100 by their trades"],
        ),
        (forget_held_cash, ["ann holds 0 coins for bids of 50"]),
        (forget_held_goods, ["bob holds 0 grain for asks of 5"]),
        (cross, ["grain is crossed: bid 19, ask 10"]),
        (lose_units, ["the bid levels of grain do not sum up their orders"]),
        (keep_an_empty_order, ["o99 rests with 0 units"]),
        (orphan, ["the book of grain and its owners do not know the same orders"]),
        (keep_a_copy, ["the book of grain and its owners do not know the same orders"]),
        (
            adopt,
            [
                "ann owns 950 coins, and 1000 by their trades",
                "bob has the order o5 of ann",
                "bob owns 1050 coins, and 1000 by their trades",
                "the book of grain and its owners do not know the same orders",
            ],
        ),
        (remember_too_much, ["ann has 257 of 300 keys, of 300 in all"]),
        (count_too_few, ["ann has 2 of 1 keys, of 300 in all"]),
        (count_too_many, ["ann has 0 of 1 keys, of 0 in all"]),
        (lose_an_account, ["cid has no account"]),
        (own_without_a_part, ["ann owns something, and takes no part in a round"]),
        (choose_for_nobody, ["somebody without an account has chosen to have orders withdrawn"]),
        (seat_a_nobody, ["a robot plays for somebody without an account"]),
        (seat_a_robot, ["a robot sits in for a robot"]),
        (depart_from_a_seat, ["somebody has departed for whom a robot sits in"]),
        (depart_unasked, ["somebody has departed who has not chosen to have orders withdrawn"]),
        (depart_out_of_order, ["the departed are not in the order of their time"]),
    ],
)
def test_every_kind_of_damage_is_found(damage: Callable[[Table], None], words: list[str]) -> None:
    table = sound()
    damage(table)
    assert audit(table.game.state) == words


def test_the_accounts_that_are_nobodys_are_audited_like_the_others_but_the_mint_may_owe() -> None:
    table = sound()
    table.game.state.accounts["fees"] = Account.empty(["grain", "wool"])
    table.game.state.accounts["fees"].held_cash = -1
    table.game.state.accounts["mint"].cash += 1
    assert audit(table.game.state) == ["fees owns less than nothing", "fees holds -1 coins for bids of 0"]
    assert table.account("mint").cash < 0
