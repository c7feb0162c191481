"""The rules of the market, one sentence a test."""

from __future__ import annotations

import pytest

from tests.support.domain import Table, code, events, house
from tradegame.core.domain.account import FEES, HOUSE
from tradegame.core.domain.definition import GoodDefinition
from tradegame.protocol.pushes import BookChanged, Trade
from tradegame.protocol.replies import Bought, Cancelled, Ordered, Released, Sold
from tradegame.protocol.requests import BuyGood, PlaceOrder


def test_a_bid_holds_its_quantity_times_its_price() -> None:
    table = Table.of("ann")
    assert table.bid("ann", 5, 12) == Ordered("o1", 0, 5, 940, seq=2)
    assert table.cash("ann") == (940, 60)
    assert table.book() == ([(12, 5)], [])


def test_an_ask_holds_its_goods() -> None:
    table = Table.of("ann")
    assert table.ask("ann", 5, 12) == Ordered("o1", 0, 5, 1_000, seq=2)
    assert table.goods("ann") == (95, 5)
    assert table.book() == ([], [(12, 5)])


def test_what_an_order_holds_is_not_free_for_another() -> None:
    table = Table.of("ann")
    table.bid("ann", 10, 99)
    assert code(table.bid("ann", 1, 11)) == "insufficient_cash"
    assert table.bid("ann", 1, 10).resting == 1
    table.ask("ann", 99, 200)
    assert code(table.ask("ann", 2, 200)) == "insufficient_goods"
    assert table.ask("ann", 1, 200).resting == 1


def test_a_trade_is_at_the_resting_orders_price_and_what_a_better_price_leaves_over_is_released() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 5, 12)
    assert table.bid("bob", 8, 20) == Ordered("o2", 5, 3, 1_000 - 60 - 60, seq=4)
    assert table.cash("bob") == (880, 60)
    assert table.cash("ann") == (1_060, 0)
    assert table.market().last == 12


def test_an_ask_takes_the_better_bids_at_their_own_prices() -> None:
    table = Table.of("ann", "bob", "cid")
    table.bid("ann", 2, 15)
    table.bid("bob", 2, 18)
    assert table.ask("cid", 5, 14) == Ordered("o3", 4, 1, 1_000 + 36 + 30, seq=6)
    assert table.cash("ann") == (970, 0)
    assert table.cash("bob") == (964, 0)
    assert table.goods("cid") == (95, 1)


def test_among_equal_prices_the_earlier_order_trades_first_also_after_a_partial_fill() -> None:
    table = Table.of("ann", "bob", "cid")
    table.ask("ann", 4, 10)
    table.ask("bob", 4, 10)
    table.buy("cid", 1)
    applied = table.entry(BuyGood(player="cid", good="grain", qty=4))
    assert [(trade.seller, trade.qty) for trade in events(applied, Trade)] == [("ann", 3), ("bob", 1)]


def test_the_better_price_trades_before_the_earlier_order() -> None:
    table = Table.of("ann", "bob", "cid")
    table.ask("ann", 1, 11)
    table.ask("bob", 1, 10)
    applied = table.entry(BuyGood(player="cid", good="grain", qty=2))
    assert events(applied) == [
        Trade("grain", 10, 1, "buy", "cid", "bob", 1),
        Trade("grain", 11, 1, "buy", "cid", "ann", 2),
    ]


def test_buy_takes_from_the_cheapest_ask_up_and_none_dearer_than_the_limit() -> None:
    table = Table.of("ann", "bob")
    for price in (13, 11, 12):
        table.ask("ann", 2, price)
    assert table.buy("bob", 9, limit=12) == Bought(4, 46, 0, 954, seq=6)
    assert table.book() == ([], [(13, 2)])
    assert table.goods("bob") == (104, 0)


def test_sell_gives_to_the_dearest_bid_down_and_none_cheaper_than_the_limit() -> None:
    table = Table.of("ann", "bob")
    for price in (8, 10, 9):
        table.bid("ann", 2, price)
    assert table.sell("bob", 9, limit=9) == Sold(4, 38, 0, 1_038, seq=6)
    assert table.book() == ([(8, 2)], [])


def test_nothing_of_a_buy_rests() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 2, 10)
    assert table.buy("bob", 5).filled == 2
    assert table.book() == ([], [])
    assert table.cash("bob") == (980, 0)


def test_too_little_on_the_other_side_gives_a_partial_fill_and_none_gives_no_liquidity() -> None:
    table = Table.of("ann", "bob")
    assert code(table.buy("bob", 1)) == "no_liquidity"
    assert code(table.sell("bob", 1)) == "no_liquidity"
    table.ask("ann", 2, 10)
    assert code(table.buy("bob", 1, limit=9)) == "no_liquidity"
    assert table.buy("bob", 3, limit=10).filled == 2


def test_a_buy_that_free_cash_does_not_cover_happens_not_at_all() -> None:
    table = Table.of("ann", "bob", "cid")
    table.ask("ann", 100, 10)
    table.bid("bob", 1, 1)
    result = table.buy("bob", 100)
    assert (code(result), result.message) == ("insufficient_cash", "needs 1000 coins, has 999")
    assert table.cash("bob") == (999, 1)
    assert table.buy("bob", 99).cash == 9
    table.ask("cid", 1, 9)
    assert table.buy("bob", 1).cash == 0


@pytest.mark.parametrize("demand", [1, 2, 3, 200])
def test_a_sale_of_more_than_is_free_sells_what_is_free_however_much_is_wanted(demand: int) -> None:
    table = Table.of("ann", "bob")
    table.bid("ann", demand, 1)
    table.ask("bob", 98, 9)
    assert table.sell("bob", 50).filled == min(demand, 2)
    assert table.goods("bob") == (2 - min(demand, 2), 98)
    if demand > 2:
        assert code(table.sell("bob", 1)) == "insufficient_goods"


def test_a_purchase_is_not_cut_to_what_there_is_cash_for() -> None:
    """A zero too many would spend everything."""
    table = Table.of("ann", "bob")
    table.ask("ann", 100, 50)
    assert code(table.buy("bob", 50)) == "insufficient_cash"
    assert table.cash("bob") == (1_000, 0)


def test_a_limit_order_needs_what_it_will_really_cost_and_no_more() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 10, 50)
    assert table.bid("bob", 10, 500).filled == 10
    table.ask("ann", 1, 50)
    assert code(table.bid("bob", 2, 451)) == "insufficient_cash"  # 50 for the first, 451 held for the other
    assert table.bid("bob", 2, 450).cash == 0


def test_the_taker_pays_the_fee_rounded_up_once_for_a_command_and_it_goes_to_fees() -> None:
    table = Table.of("ann", "bob", fee_bps=30, open_orders=100)
    for _ in range(35):
        table.ask("ann", 1, 9)
    bought = table.buy("bob", 35)
    assert (bought.cost, bought.fee, bought.cash) == (315, 1, 684)  # 35 fills, 0.945 coins
    assert table.cash(FEES) == (1, 0)
    assert table.cash("ann") == (1_315, 0)


def test_a_sale_and_an_order_round_their_fee_once_too() -> None:
    table = Table.of("ann", "bob", fee_bps=30)
    for price in (10, 11, 12, 13):
        table.bid("ann", 1, price)
    assert table.sell("bob", 2).fee == 1
    order = table.ask("bob", 3, 10)
    assert (order.filled, order.resting, order.cash) == (2, 1, 1_000 + 25 - 1 + 21 - 1)
    assert table.cash(FEES) == (2, 0)


@pytest.mark.parametrize(
    ("bps", "price", "fee"), [(1, 1, 1), (10_000, 1, 1), (10_000, 7, 7), (100, 100, 1), (100, 101, 2)]
)
def test_the_fee_is_the_smallest_whole_number_of_coins_that_covers_it(bps: int, price: int, fee: int) -> None:
    table = Table.of("ann", "bob", fee_bps=bps)
    table.ask("ann", 1, price)
    assert table.buy("bob", 1).fee == fee


def test_without_a_fee_none_is_paid() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 1, 10)
    assert table.buy("bob", 1).fee == 0
    assert table.cash(FEES) == (0, 0)


def test_a_seller_pays_the_fee_out_of_the_proceeds_even_all_of_them() -> None:
    table = Table.of("ann", "bob", fee_bps=10_000)
    table.bid("ann", 3, 9)
    assert table.sell("bob", 3) == Sold(3, 27, 27, 1_000, seq=4)
    assert table.cash(FEES) == (27, 0)


def test_a_limit_order_pays_the_fee_on_what_it_takes_and_a_resting_order_pays_none() -> None:
    table = Table.of("ann", "bob", "cid", fee_bps=1_000)
    table.ask("ann", 5, 20)
    assert table.bid("bob", 10, 20).cash == 1_000 - 110 - 100
    table.sell("cid", 5)
    assert table.cash("bob") == (790, 0)
    assert table.cash("cid") == (1_000 + 100 - 10, 0)
    assert table.cash(FEES) == (20, 0)


def test_free_cash_must_cover_the_fee_too() -> None:
    table = Table.of("ann", "bob", fee_bps=1)
    table.ask("ann", 100, 10)
    assert code(table.buy("bob", 100)) == "insufficient_cash"
    assert code(table.bid("bob", 100, 10)) == "insufficient_cash"
    assert table.buy("bob", 99).cash == 9


def test_an_order_that_would_meet_the_players_own_cancels_the_resting_one_and_goes_on() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 5, 10)
    table.ask("bob", 5, 11)
    assert table.bid("ann", 6, 12) == Ordered("o3", 5, 1, 1_000 - 55 - 12, seq=5)
    assert table.goods("ann") == (105, 0)
    assert table.book() == ([(12, 1)], [])


def test_own_orders_behind_the_last_fill_stay() -> None:
    table = Table.of("ann", "bob")
    table.bid("bob", 5, 10)
    table.bid("ann", 5, 10)
    table.sell("ann", 5)
    assert table.book() == ([(10, 5)], [])
    assert list(table.account("ann").orders) == [2]


def test_own_orders_alone_are_no_liquidity_and_stay() -> None:
    table = Table.of("ann")
    table.ask("ann", 5, 10)
    assert code(table.buy("ann", 5)) == "no_liquidity"
    assert table.goods("ann") == (95, 5)


def test_an_order_meeting_only_own_orders_replaces_them() -> None:
    table = Table.of("ann")
    table.ask("ann", 5, 10)
    assert table.bid("ann", 5, 10).resting == 5
    assert table.goods("ann") == (100, 0)
    assert table.book() == ([(10, 5)], [])


def test_a_refused_order_leaves_the_own_orders_in_its_way() -> None:
    table = Table.of("ann")
    table.ask("ann", 5, 10)
    assert code(table.bid("ann", 500, 10)) == "insufficient_cash"
    assert table.book() == ([], [(10, 5)])


def test_the_cap_of_open_orders_holds() -> None:
    table = Table.of("ann", "bob", open_orders=2)
    table.bid("ann", 1, 1)
    table.bid("ann", 1, 2)
    assert code(table.bid("ann", 1, 3)) == "too_many_orders"
    assert code(table.ask("ann", 1, 9)) == "too_many_orders"
    assert table.bid("bob", 1, 3).resting == 1


def test_an_order_that_does_not_rest_or_replaces_an_own_one_is_within_the_cap() -> None:
    table = Table.of("ann", "bob", open_orders=1)
    table.bid("bob", 2, 5)
    table.bid("ann", 1, 4)
    assert table.ask("ann", 2, 5).filled == 2
    assert table.ask("ann", 1, 4).resting == 1
    assert table.book() == ([], [(4, 1)])


def test_with_a_cap_of_none_at_all_players_only_take() -> None:
    table = Table.of("ann", open_orders=0, goods={"grain": GoodDefinition(house=house())})
    assert code(table.bid("ann", 1, 1)) == "too_many_orders"
    assert table.bid("ann", 1, 30).filled == 1


def test_cancel_releases_what_is_left_of_a_bid() -> None:
    table = Table.of("ann", "bob")
    table.bid("ann", 10, 7)
    table.sell("bob", 4)
    assert table.cancel("ann", "o1") == Cancelled("o1", Released(42, 0), seq=5)
    assert table.cash("ann") == (972, 0)
    assert table.book() == ([], [])


def test_cancel_releases_what_is_left_of_an_ask() -> None:
    table = Table.of("ann", "bob")
    table.ask("ann", 10, 7)
    table.buy("bob", 4)
    assert table.cancel("ann", "o1") == Cancelled("o1", Released(0, 6), seq=5)
    assert table.goods("ann") == (96, 0)


def test_a_cancelled_order_leaves_the_others_of_its_price_in_their_order() -> None:
    table = Table.of("ann", "bob", "cid")
    for player in ("ann", "bob", "cid"):
        table.ask(player, 1, 10)
    table.cancel("bob", "o2")
    assert table.book() == ([], [(10, 2)])
    assert [order.player for order in table.market().book.from_worst("ask")] == ["ann", "cid"]


@pytest.mark.parametrize(
    "order", ["o2", "o0", "o01", "o-1", "o", "1", "x1", "o1 ", " o1", "o٣", "o1_0", "o" + "9" * 63]
)
def test_an_order_that_is_not_open_is_an_unknown_order(order: str) -> None:
    table = Table.of("ann", "bob")
    table.bid("ann", 1, 1)
    assert code(table.cancel("ann", order)) == "unknown_order"


def test_another_players_order_and_one_that_is_gone_are_unknown_orders() -> None:
    table = Table.of("ann", "bob")
    table.bid("ann", 1, 1)
    assert code(table.cancel("bob", "o1")) == "unknown_order"
    table.cancel("ann", "o1")
    assert code(table.cancel("ann", "o1")) == "unknown_order"


def test_an_unknown_good_is_told_before_all_else() -> None:
    table = Table.of("ann")
    table.phase("closed")
    for result in (table.buy("ann", 1, good="gold"), table.sell("ann", 1, good="gold"), table.bid("ann", 1, 1, "gold")):
        assert code(result) == "unknown_good"


def test_a_game_that_is_not_open_takes_no_orders() -> None:
    table = Table.of("ann")
    for phase in ("closed", "lobby"):
        table.phase(phase)
        for result in (table.buy("ann", 1), table.sell("ann", 1), table.bid("ann", 1, 1), table.cancel("ann", "o1")):
            assert code(result) == "not_open"


def test_who_has_not_joined_may_do_nothing() -> None:
    table = Table.of()
    for result in (
        table.buy("ann", 1),
        table.sell("ann", 1, good="gold"),
        table.bid("house", 1, 1),
        table.cancel("mint", "o1"),
        table.say("fees", "hi"),
    ):
        assert code(result) == "not_joined"


def test_a_frame_tells_a_changed_book_once_and_last() -> None:
    table = Table.of("ann", "bob")
    applied = table.entry(
        PlaceOrder(player="ann", good="grain", side="ask", qty=5, price=10),
        BuyGood(player="bob", good="grain", qty=1),
        BuyGood(player="bob", good="grain", qty=1),
    )
    assert applied.frame
    assert [type(event) for event in applied.frame.events] == [Trade, Trade, BookChanged]
    assert applied.frame.events[-1] == BookChanged("grain", (), ((10, 3),))


def test_a_book_that_is_as_it_was_or_changed_below_its_best_five_levels_is_no_news() -> None:
    table = Table.of("ann", "bob")
    for price in (20, 19, 18, 17, 16):
        table.bid("ann", 1, price)
    applied = table.entry(PlaceOrder(player="bob", good="grain", side="bid", qty=1, price=15))
    assert applied.frame is None
    assert applied.accounts == ("bob",)
    assert applied.outcomes[0].result == Ordered("o6", 0, 1, 985, seq=applied.seq)
    table.say("ann", "next")
    assert table.game.state.seq == applied.seq + 1


def test_an_entry_tells_whose_accounts_it_changed_and_the_house_is_no_player() -> None:
    table = Table.of("ann", "bob", goods={"grain": GoodDefinition(endowment=10, house=house())})
    assert table.entry(BuyGood(player="ann", good="grain", qty=1)).accounts == ("ann",)
    assert table.wait(2_000).accounts == ()
    assert HOUSE not in table.entry(PlaceOrder(player="bob", good="grain", side="ask", qty=9, price=1)).accounts


def test_amounts_at_the_edge_of_their_ranges_stay_exact() -> None:
    most = 10**15
    table = Table.of("ann", "bob", cash=most, fee_bps=1, goods={"grain": GoodDefinition(endowment=most)})
    assert table.bid("ann", 1_000_000, 10**9).cash == 0
    sold = table.sell("bob", 1_000_000)
    assert (sold.proceeds, sold.fee, sold.cash) == (most, 10**11, 2 * most - 10**11)
    assert table.goods("ann") == (most + 1_000_000, 0)
