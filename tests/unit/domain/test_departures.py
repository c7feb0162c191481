"""Cancel on disconnect: the orders of a player who chose it are withdrawn once they have been away for the grace."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import views
from tests.support.domain import Table, code, define_game, events
from tests.support.loop_holds import slowness
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.book import Book
from tradegame.core.domain.departures import WITHDRAWN_AT_ONCE
from tradegame.core.domain.game import Game
from tradegame.core.domain.state import DUE_AN_ENTRY
from tradegame.protocol.commands import Command, Depart, Join, Remove, SetClock
from tradegame.protocol.pushes import BookChanged
from tradegame.protocol.requests import PlaceOrder, Say

GRACE_MS = 15_000


def careful(*players: str, **fields: object) -> Table:
    """Ann and Bob play, and Ann has chosen it; so have these."""
    table = Table.of("ann", "bob", **fields)
    for player in ("ann", *players):
        table.join(player, cancel_on_disconnect=True)
    return table


def orders(table: Table, player: str = "ann") -> int:
    return len(table.account(player).orders)


def chosen(table: Table, player: str = "ann") -> bool:
    return bool(views.account(table.game.state, player).get("cancel_on_disconnect", False))


def test_who_is_away_for_the_grace_has_no_order_and_owns_what_was_held() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.ask("ann", 5, 9)
    table.depart("ann")
    table.wait(GRACE_MS - 1)
    assert orders(table) == 2
    applied = table.wait(1)
    assert (orders(table), table.cash("ann"), table.goods("ann")) == (0, (1_000, 0), (100, 0))
    assert applied.accounts == ("ann",)
    assert events(applied, BookChanged) == [BookChanged("grain", (), ())]
    assert table.game.due_at() is None or table.game.withdrawal_at() is None
    assert audit(table.game.state) == []


def test_who_did_not_choose_it_keeps_their_orders() -> None:
    table = careful()
    table.bid("bob", 3, 7)
    assert table.depart("bob").accounts == ()
    assert table.game.withdrawal_at() is None
    table.wait(10 * GRACE_MS)
    assert orders(table, "bob") == 1


def test_whoever_shows_that_they_are_here_keeps_their_orders() -> None:
    def arrives(table: Table) -> None:
        table.arrive("ann")

    def joins(table: Table) -> None:
        table.join("ann", key="again")

    def speaks(table: Table) -> None:
        table.say("ann", "here")

    def is_refused(table: Table) -> None:
        assert code(table.cancel("ann", "o77")) == "unknown_order"

    for shows in (arrives, joins, speaks, is_refused):
        table = careful()
        table.bid("ann", 3, 7)
        table.depart("ann")
        table.wait(GRACE_MS - 1)
        shows(table)
        table.wait(10 * GRACE_MS)
        assert orders(table) == 1, shows


def test_a_late_copy_of_a_command_does_not_show_that_its_player_is_here() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.say("ann", "hello", key="k")
    table.depart("ann")
    table.say("ann", "hello", key="k")
    table.wait(GRACE_MS)
    assert orders(table) == 0


def test_to_tell_of_a_departure_twice_changes_nothing_and_after_a_return_it_counts_anew() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.depart("ann", "ann", "nobody", "house")
    table.wait(GRACE_MS - 1)
    table.depart("ann")
    table.arrive("ann")
    table.depart("ann")
    table.wait(GRACE_MS - 1)
    assert orders(table) == 1
    table.depart("ann")
    table.wait(1)
    assert orders(table) == 0


def test_an_order_that_comes_in_after_the_withdrawal_stays_until_the_next_departure() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.depart("ann")
    table.at += GRACE_MS
    table.bid("ann", 4, 6)
    assert table.book() == ([(6, 4)], [])
    table.depart("ann")
    table.wait(GRACE_MS)
    assert table.book() == ([], [])


def test_the_choice_is_told_and_stays_until_another_is_made() -> None:
    table = careful()
    assert [chosen(table), chosen(table, "bob")] == [True, False]
    for again in (None, "k"):
        table.join("ann", key=again)
        assert chosen(table)
    assert table.entry(Join(player="ann", name="Ann", cancel_on_disconnect=True)).accounts == ()
    assert table.entry(Join(player="ann", name="Ann", cancel_on_disconnect=False)).accounts == ("ann",)
    assert not chosen(table)


def test_who_takes_the_choice_back_is_not_waited_for_any_more() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.depart("ann")
    table.join("ann", cancel_on_disconnect=False)
    table.join("ann", cancel_on_disconnect=True)
    table.wait(10 * GRACE_MS)
    assert orders(table) == 1


def test_a_late_copy_of_a_choice_does_not_undo_a_later_one() -> None:
    """A join that chooses is a command like any other: its key is remembered, and it can be stale."""
    table = Table.of("ann")
    table.join("ann", key="first", cancel_on_disconnect=True)
    table.join("ann", key="second", cancel_on_disconnect=False)
    table.join("ann", key="first", cancel_on_disconnect=True)
    assert not chosen(table)
    assert code(table.join("ann", key="first", cancel_on_disconnect=False)) == "key_reused"
    for number in range(300):
        table.say("ann", "!", key=f"k{number}")
    copy = Join(player="ann", name="Ann", key="first", since=0, cancel_on_disconnect=True)
    assert code(table.do(copy)) == "stale"
    assert code(table.do(Join(player="ann", name="Ann", epoch="over", cancel_on_disconnect=True))) == "epoch_over"
    assert not chosen(table)


def test_a_join_that_chooses_nothing_does_nothing_whatever_its_since_and_epoch() -> None:
    table = careful()
    again = table.entry(Join(player="ann", name="Ann", key="j", since=10**9, epoch="over"))
    assert (again.frame, again.accounts, again.outcomes[0].replayed) == (None, (), False)


def test_who_is_removed_is_forgotten() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.depart("ann")
    table.entry(Remove(account="ann"))
    table.wait(GRACE_MS)
    assert table.game.withdrawal_at() is None
    assert audit(table.game.state) == []


def test_a_close_leaves_nothing_to_withdraw() -> None:
    table = careful()
    table.bid("ann", 3, 7)
    table.depart("ann")
    table.phase("closed")
    assert table.wait(GRACE_MS).frame is None
    assert table.game.withdrawal_at() is None


def test_a_clock_that_is_set_between_rounds_withdraws_nothing_of_the_next() -> None:
    table = careful()
    table.depart("ann")
    table.phase("closed")
    table.entry(SetClock(time=table.at + 3_600_000))
    table.at += 3_600_000
    table.phase("open")
    table.bid("ann", 3, 7)
    table.wait(10 * GRACE_MS)
    assert orders(table) == 1


def test_the_first_to_depart_is_the_first_whose_orders_go() -> None:
    table = careful("bob")
    for player in ("ann", "bob"):
        table.bid(player, 3, 7)
    table.depart("bob")
    table.wait(1_000)
    table.depart("ann", "bob")
    table.wait(GRACE_MS - 1_000)
    assert [orders(table), orders(table, "bob")] == [1, 0]
    table.wait(1_000)
    assert orders(table) == 0


def test_many_orders_go_in_bounded_steps_and_before_a_command_of_the_same_entry() -> None:
    table = careful("bob", open_orders=1_000, cash=10**9)
    for player in ("ann", "bob"):
        for number in range(600):
            table.bid(player, 1, 1 + number % 50)
    table.depart("ann", "bob")
    table.at += GRACE_MS
    entries = []
    while table.game.withdrawal_at() is not None:
        before = orders(table) + orders(table, "bob")
        table.entry()
        entries.append(before - orders(table) - orders(table, "bob"))
    assert sum(entries) == 1_200
    assert max(entries) <= DUE_AN_ENTRY + WITHDRAWN_AT_ONCE
    assert len(entries) == 3
    table.bid("ann", 1, 1)
    table.depart("ann")
    table.at += GRACE_MS
    assert code(table.sell("bob", 1)) == "no_liquidity"


def test_many_who_departed_at_once_leave_a_deep_book_in_few_removals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each removal moves what is behind it in the book: among 200 000 prices one at a time took 27 ms an entry."""
    players = [f"p{number}" for number in range(250)]
    table = careful()
    for number, player in enumerate(players):
        table.join(player, cancel_on_disconnect=True)
        if number % 2:  # of the others it is seen that they have none
            table.bid(player, 2, 1 + number)
    table.depart(*players)
    removals = []
    remove = Book.remove

    def counted(self: Book, orders: Any) -> None:
        removals.append(len(orders))
        remove(self, orders)

    monkeypatch.setattr(Book, "remove", counted)
    table.wait(GRACE_MS)
    assert (len(removals), sum(removals)) == (4, 125)
    assert table.game.withdrawal_at() is None
    assert table.cash(players[1]) == (1_000, 0)
    assert audit(table.game.state) == []


def test_the_grace_is_a_key_of_the_game() -> None:
    table = careful(disconnect_grace_s=5)
    assert views.public_state(table.game.state)["rules"]["disconnect_grace_s"] == 5
    table.bid("ann", 3, 7)
    table.depart("ann")
    table.wait(5_000)
    assert orders(table) == 0


def test_a_bid_counts_for_the_mark_until_it_is_withdrawn_whenever_the_next_entry_comes() -> None:
    marks = []
    for stays_s in (40, 15):  # seen every second, and not at all
        table = careful()
        table.bid("ann", 3, 7)
        table.depart("ann")
        for _ in range(stays_s):
            table.wait(60_000 // stays_s)
        table.phase("closed")
        marks.append(table.game.state.results[-1]["goods"]["grain"]["mark"])
    assert marks == [0, 0]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["bid", "depart", "arrive", "say", "yes", "no", "wait", "wait"]),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from([1, 900, 4_999, 5_000, 7_000]),
    ),
    max_size=40,
)


@given(MOVES)
def test_orders_go_exactly_when_the_grace_of_one_who_chose_it_is_over(moves: list[tuple[str, str, int]]) -> None:
    """Against a model that keeps, by player, the choice, when they departed, and how many orders they have."""
    table = Table.of("ann", "bob", cash=10**6, disconnect_grace_s=5)
    choice: dict[str, bool] = dict.fromkeys(("ann", "bob"), False)
    since: dict[str, int | None] = dict.fromkeys(("ann", "bob"))
    count = dict.fromkeys(("ann", "bob"), 0)
    for move, player, ms in moves:
        table.at += ms if move == "wait" else 1
        for each, departed in since.items():
            if departed is not None and departed + 5_000 <= table.at:
                since[each], count[each] = None, 0
        if move == "depart":
            table.depart(player)
            if choice[player] and since[player] is None:
                since[player] = table.at
        elif move == "wait":
            table.entry()
        else:
            since[player] = None
            if move == "bid":
                table.bid(player, 1, 5)
                count[player] += 1
            elif move == "arrive":
                table.arrive(player)
            elif move == "say":
                table.say(player, "!")
            else:
                choice[player] = move == "yes"
                table.join(player, cancel_on_disconnect=choice[player])
        assert {each: orders(table, each) for each in count} == {each: min(count[each], 50) for each in count}
        table.game = snapshot.load(snapshot.dump(table.game))
    assert audit(table.game.state) == []


def test_what_is_due_is_in_the_snapshot_and_in_the_log() -> None:
    table = careful("bob")
    table.bid("ann", 3, 7)
    table.depart("bob", "ann")
    dumped = snapshot.dump(table.game)
    again = snapshot.load(dumped)
    assert snapshot.dump(again) == dumped
    assert list(again.state.departed.items()) == [("bob", table.at), ("ann", table.at)]
    table.at += GRACE_MS
    for game in (table.game, again):
        assert orders(Table(game, table.at)) == 1
        Table(game, table.at).entry(Say(player="bob", text="!"))
        assert orders(Table(game, table.at)) == 0


def test_a_game_in_which_nobody_chose_it_has_nothing_of_it_in_its_state() -> None:
    game = Game.create(define_game(), "epoch", 0, 1)
    table = Table(game, 0)
    table.join("ann")
    table.entry(Depart(players=("ann",)))
    assert (game.state.cancel_on_disconnect, game.state.departed) == ({}, {})


def test_ten_thousand_departures_at_once_hold_no_node_up() -> None:
    """Every entry that it takes is short, and there are few: 50 to tell of them, then 500 orders at a time."""
    players = [f"p{number}" for number in range(10_000)]
    table = Table.of(cash=10**6, max_players=20_000)
    for first in range(0, len(players), 200):
        some = players[first : first + 200]
        table.entry(*[Join(player=player, name=player, cancel_on_disconnect=True) for player in some])
        table.entry(
            *[
                PlaceOrder(player=player, good="grain", side="bid", qty=1, price=1 + (first + 7 * number) % 9_000)
                for number, player in enumerate(some)
                for _ in range(3)
            ]
        )
    took: list[float] = []

    def entry(*commands: Command) -> None:
        begun = time.thread_time()
        table.entry(*commands)
        took.append(time.thread_time() - begun)

    for first in range(0, len(players), 200):
        entry(Depart(players=tuple(players[first : first + 200])))
    table.at += GRACE_MS
    while (due := table.game.withdrawal_at()) is not None and due <= table.at:
        entry()
    assert not any(account.orders for account in table.game.state.accounts.values())
    assert len(took) <= 50 + 30_000 // DUE_AN_ENTRY + 40
    assert max(took) < 0.01 * slowness()
    assert audit(table.game.state) == []
