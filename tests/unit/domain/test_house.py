"""How the house makes a market."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import trunc
from typing import Any

import pytest

from tests.support.domain import BEGIN, YEAR_3000, Table, code, define_game, events, house
from tradegame.core.domain.account import FEES, HOUSE
from tradegame.core.domain.chance import draw, draw_between
from tradegame.core.domain.definition import GoodDefinition, HouseDefinition, NewsDefinition, RoundsDefinition
from tradegame.core.domain.game import Game
from tradegame.core.domain.house import mid_price
from tradegame.core.domain.state import MICRO
from tradegame.infra.config.presets import presets
from tradegame.protocol.commands import Announce, Entry
from tradegame.protocol.pushes import BookChanged, News, Trade
from tradegame.protocol.requests import BuyGood

TICK = 2_000
HOUSES = [good["house"] for preset in presets().values() for good in preset["goods"].values() if "house" in good]
"""Those of the presets."""


def table_of(*players: str, endowment: int = 50, game: dict[str, Any] | None = None, **fields: Any) -> Table:
    """A game whose house quoted once."""
    goods = {"grain": GoodDefinition(endowment=endowment, house=house(**fields))}
    table = Table.of(*players, **{"goods": goods, **(game or {})})
    table.entry()
    return table


def test_the_house_is_funded_by_the_mint() -> None:
    table = Table.of(goods={"grain": GoodDefinition(house=house()), "wool": GoodDefinition(house=house(stock=7))})
    assert (table.cash(HOUSE), table.goods(HOUSE), table.goods(HOUSE, "wool")) == ((2_000, 0), (100, 0), (7, 0))
    assert (table.cash("mint"), table.goods("mint"), table.goods("mint", "wool")) == ((-2_000, 0), (-100, 0), (-7, 0))


def test_the_house_quotes_levels_of_size_units_a_step_apart_with_the_spread_around_the_mid() -> None:
    assert table_of().book() == ([(19, 5), (18, 5)], [(21, 5), (22, 5)])
    assert table_of(spread=5, step=3, levels=3).book() == ([(18, 5), (15, 5), (12, 5)], [(23, 5), (26, 5), (29, 5)])
    assert table_of(spread=1, slope=0).book() == ([(20, 5), (19, 5)], [(21, 5), (22, 5)])


def test_levels_are_as_far_apart_as_the_houses_price_would_move_once_they_are_taken() -> None:
    assert table_of(slope=3).book() == ([(17, 5), (14, 5)], [(23, 5), (26, 5)])
    assert table_of(slope=3, spread=8).book() == ([(16, 5), (14, 5)], [(24, 5), (26, 5)])
    assert table_of(slope=3, step=9).book() == ([(17, 5), (10, 5)], [(23, 5), (30, 5)])


@pytest.mark.parametrize(
    "fields", [*HOUSES, {"anchor": 240, "levels": 50, "size": 9, "slope": 4, "step": 1, "spread": 1}]
)
@pytest.mark.parametrize("waits", [1, 3])
def test_nobody_gains_by_taking_all_that_the_house_offers_and_giving_it_back(
    fields: dict[str, Any], waits: int
) -> None:
    """Before: 150 coins every four seconds, of 25 spice in the bazaar."""
    good = GoodDefinition(house=HouseDefinition(**{**fields, "cash": 10**9, "drift_bps": 0}))
    table = Table.of("ann", cash=10**9, goods={"grain": good})
    for _ in range(waits):
        table.wait(60_000)
        table.buy("ann", sum(qty for _, qty in table.book()[1]))
    while table.goods("ann")[0]:
        table.wait(60_000)
        table.sell("ann", 1_000_000)
    assert table.cash("ann")[0] <= 10**9


def test_goods_without_a_house_have_players_only() -> None:
    table = Table.of("ann")
    table.wait(10_000)
    assert table.book() == ([], [])
    assert table.market().last is None


@pytest.mark.parametrize(
    ("anchor", "slope", "stock", "mid"),
    [
        (20 * MICRO, 1, 100, 20),
        (20 * MICRO, 1, 90, 22),
        (20 * MICRO, 1, 110, 18),
        (20 * MICRO, 2, 110, 16),
        (20 * MICRO, 0, 500, 20),
        (20 * MICRO, 1, 300, 1),  # never below one coin
        (20_499_999, 0, 100, 20),
        (20_500_000, 0, 100, 21),
        (10**9 * MICRO, 1_000, 0, 10**9),  # never above the dearest price there is
    ],
)
def test_the_mid_moves_with_the_stock_around_the_anchor(anchor: int, slope: int, stock: int, mid: int) -> None:
    assert mid_price(house(slope=slope), anchor, stock) == mid


def test_the_house_requotes_only_on_its_ticks_and_then_around_its_new_stock() -> None:
    table = table_of("ann")
    table.buy("ann", 10)
    assert table.book() == ([(19, 5), (18, 5)], [])
    table.wait(TICK - 1)
    assert table.book() == ([(19, 5), (18, 5)], [])
    table.wait(1)
    assert table.book() == ([(21, 5), (20, 5)], [(23, 5), (24, 5)])  # mid = 20 * (1 + 10/100)


def test_each_good_has_its_own_tick() -> None:
    goods = {
        "grain": GoodDefinition(endowment=50, house=house(tick_s=3)),
        "wool": GoodDefinition(endowment=50, house=house(tick_s=1)),
    }
    table = Table.of("ann", goods=goods)
    table.buy("ann", 10, good="grain")
    table.buy("ann", 10, good="wool")
    table.wait(1_000)
    assert [len(side) for side in table.book("grain")] == [2, 0]  # as the purchase left them
    assert [len(side) for side in table.book("wool")] == [2, 2]


def test_the_house_offers_only_what_it_has() -> None:
    table = table_of(stock=7, target=7, slope=0, cash=100)
    assert table.book() == ([(19, 5)], [(21, 5), (22, 2)])
    assert table.goods(HOUSE) == (0, 7)
    assert table.cash(HOUSE) == (5, 95)


def test_a_poor_house_bids_for_as_much_as_it_can_pay() -> None:
    assert table_of(cash=40).book()[0] == [(19, 2)]
    assert table_of(cash=45, spread=30).book()[0] == [(5, 5), (4, 5)]
    assert table_of(cash=44, spread=30).book()[0] == [(5, 5), (4, 4)]


def test_a_broke_house_quotes_nothing() -> None:
    assert table_of(cash=0, stock=0).book() == ([], [])


def test_the_house_quotes_no_price_below_one_coin_or_above_the_dearest() -> None:
    assert table_of(anchor=2, levels=5).book()[0] == [(1, 5)]
    assert table_of(anchor=1, levels=5).book()[0] == []
    assert table_of(anchor=10**9, spread=1, slope=0, cash=10**15).book() == ([(10**9, 5), (10**9 - 1, 5)], [])


def test_the_house_takes_players_orders_that_its_quotes_meet_on_its_tick_and_pays_the_fee() -> None:
    table = table_of("ann", "bob", game={"fee_bps": 100})
    table.buy("bob", 10)  # the house now wants more
    table.ask("ann", 3, 20)
    applied = table.wait(TICK)
    assert events(applied, Trade) == [Trade("grain", 20, 3, "buy", HOUSE, "ann", 3)]
    assert table.cash("ann") == (1_060, 0)
    assert table.cash(FEES)[0] == 3 + 1  # bob's, of 105 and 110, and the house's, of 60
    assert applied.accounts == ("ann",)


def test_a_bid_of_the_house_that_could_not_pay_its_fee_is_left_out() -> None:
    table = table_of("ann", stock=0, cash=20, levels=1, slope=0, game={"fee_bps": 100})
    assert table.book() == ([(19, 1)], [])
    table.ask("ann", 1, 20)
    table.news("dear", "grain", anchor_bps=500)
    applied = table.wait(TICK)
    assert table.book() == ([], [(20, 1)])  # it has 20 coins, and would need 21
    assert events(applied) == []
    assert table.cash(HOUSE) == (20, 0)


def test_a_bid_that_was_left_out_takes_no_other_goods_quotes_with_it() -> None:
    """Its number was that of the order before: the house's own, in the other good."""

    def house(**fields: int) -> HouseDefinition:
        terms = {
            "anchor": 20,
            "levels": 1,
            "size": 5,
            "target": 100,
            "cash": 0,
            "drift_bps": 0,
            "slope": 0,
            "spread": 2,
        }
        return HouseDefinition(**{**terms, **fields})

    bronze = GoodDefinition(endowment=100, house=house(cash=195, stock=100, tick_s=6))
    apples = GoodDefinition(endowment=100, house=house(stock=0, tick_s=2))
    table = Table.of("ann", goods={"bronze": bronze, "apples": apples}, fee_bps=1_000, cash=10**6)
    table.wait(4_500)
    table.news("news", "apples", anchor_bps=-3_000)
    table.ask("ann", 5, 19, "apples")
    table.news("news", "apples", anchor_bps=4_300)
    for _ in range(4):
        table.wait(2_000)
        assert table.book("bronze") == ([(19, 5)], [(21, 5)])


def test_a_sale_by_the_house_on_its_tick_gives_the_player_the_price_of_the_bid() -> None:
    table = table_of("ann")
    table.bid("ann", 3, 20)
    (trade,) = events(table.entry(Announce(text="cheap", good="grain", anchor_bps=-1_000)), Trade)
    assert trade == Trade("grain", 20, 3, "sell", "ann", HOUSE, 1)
    assert table.book() == ([(17, 5), (16, 5)], [(19, 2), (20, 5)])


def test_the_caps_of_players_do_not_bind_the_house() -> None:
    table = table_of(levels=20, anchor=50, cash=10_000, size=1, game={"open_orders": 1})
    assert [len(side) for side in table.book()] == [20, 20]


@pytest.mark.parametrize("seed", range(5))
def test_the_anchor_drifts_by_at_most_drift_bps_a_tick_and_stays_within_a_quarter_and_four_times_its_base(
    seed: int,
) -> None:
    goods = {"grain": GoodDefinition(house=house(drift_bps=5_000, anchor=1_000))}
    table = Table.of(seed=seed, goods=goods)
    anchors = []
    for _ in range(300):
        table.wait(TICK)
        market = table.quoting()
        anchors.append(market.anchor)
    assert min(anchors) >= 250 * MICRO
    assert max(anchors) <= 4_000 * MICRO
    assert 250 * MICRO in anchors or 4_000 * MICRO in anchors
    assert len(set(anchors)) > 100
    for before, after in pairwise(anchors):
        assert abs(after - before) * 2 <= before


def test_a_step_of_the_walk_is_rounded_toward_zero_so_that_up_and_down_are_alike() -> None:
    table = Table.of(goods={"grain": GoodDefinition(house=house(drift_bps=77))})
    table.entry()
    for _ in range(50):
        market, chance = table.quoting(), table.game.state.chance
        before = market.anchor
        _, step = draw_between(chance, -77, 77)
        table.wait(TICK)
        assert market.anchor == before + trunc(Fraction(before * step, 10_000))


def test_the_walk_depends_on_the_seed_alone() -> None:
    def anchor(seed: int) -> int:
        table = Table.of(seed=seed, goods={"grain": GoodDefinition(house=house(drift_bps=50))})
        for _ in range(10):
            table.wait(TICK)
        return table.quoting().anchor

    assert anchor(1) == anchor(1)
    assert anchor(1) != anchor(2)


def test_without_drift_the_anchor_stays_and_no_chance_is_drawn() -> None:
    table = table_of()
    table.wait(10 * TICK)
    assert table.game.state.chance == 1  # the seed
    assert table.quoting().anchor == 20 * MICRO


def test_the_anchor_of_the_cheapest_good_never_falls_below_one_coin() -> None:
    table = table_of(anchor=1, drift_bps=5_000)
    for _ in range(50):
        table.wait(TICK)
        assert MICRO <= table.quoting().anchor <= 4 * MICRO


def test_ticks_that_nobody_saw_are_not_made_up_for() -> None:
    table = table_of("ann", drift_bps=50)
    drawn = table.game.state.chance
    table.wait(1_000 * TICK + 500)
    for _ in range(2):  # for the one that was due, and the last one
        drawn, _ = draw(drawn)
    assert table.game.state.chance == drawn
    assert table.game.due_at() == BEGIN + 1_001 * TICK


def test_a_thousand_years_take_no_longer_than_a_day() -> None:
    goods = {f"good{n}": GoodDefinition(house=house(tick_s=1)) for n in range(10)}
    for rounds in (None, RoundsDefinition(lobby_s=1, open_s=1, closed_s=1, repeat=0), RoundsDefinition(open_s=1)):
        table = Table.of("ann", goods=goods, rounds=rounds)
        orders = table.game.state.orders
        table.at = YEAR_3000
        table.entry()
        assert table.game.state.orders - orders <= 4 * 3 * len(goods) * 4  # quotes a tick, ticks a round, rounds
        assert table.game.state.clock == YEAR_3000


def test_news_shifts_the_anchor_and_the_base_it_wanders_around() -> None:
    table = table_of()
    applied = table.entry(Announce(text="drought", good="grain", anchor_bps=5_000))
    assert events(applied) == [News("drought", "grain")]
    assert table.book() == ([(29, 5), (27, 5)], [(32, 5), (33, 5)])
    assert [event.good for event in events(applied, BookChanged)] == ["grain"]
    table.wait(TICK)
    assert table.book() == ([(29, 5), (27, 5)], [(32, 5), (33, 5)])
    assert (table.quoting().base, table.quoting().anchor) == (30 * MICRO, 30 * MICRO)


@pytest.mark.parametrize(("bps", "coins"), [(-9_999, 1), (1_000_000, 1_000_000_000)])
def test_no_news_moves_an_anchor_below_one_coin_or_above_the_dearest_price(bps: int, coins: int) -> None:
    table = table_of()
    for _ in range(6):
        table.news("!", "grain", bps)
    assert (table.quoting().base, table.quoting().anchor) == (coins * MICRO, coins * MICRO)


def test_the_old_quotes_are_gone_before_anybody_can_act_on_the_news() -> None:
    """Before: whoever was first bought at the old price until the next tick."""
    table = table_of("ann")
    drought = Announce(text="drought", good="grain", anchor_bps=5_000)
    applied = table.entry(drought, BuyGood(player="ann", good="grain", qty=1, limit=21))
    assert getattr(applied.outcomes[1].result, "code", None) == "no_liquidity"


def test_scheduled_news_and_new_quotes_come_in_one_frame_and_the_tick_stays_where_it_was() -> None:
    news = (NewsDefinition(at_s=1, text="drought", good="grain", anchor_bps=5_000),)
    table = table_of("ann", game={"news": news})
    applied = table.wait(1_000)
    assert events(applied) == [News("drought", "grain")]
    assert table.book() == ([(29, 5), (27, 5)], [(32, 5), (33, 5)])
    assert table.game.due_at() == BEGIN + TICK


def test_news_that_would_move_nothing_is_refused() -> None:
    table = Table.of(goods={"grain": GoodDefinition(house=house()), "salt": GoodDefinition()})
    assert code(table.news("!", "salt", 5_000)) == "no_house"
    assert table.entry(Announce(text="!", good="salt")).frame is not None
    for phase in ("closed", "lobby"):
        table.phase(phase)
        assert code(table.news("!", "grain", 5_000)) == "not_open"
        assert events(table.entry(Announce(text="!", good="grain"))) == [News("!", "grain")]
    assert table.quoting("grain").anchor == 20 * MICRO


def test_scheduled_news_at_the_opening_comes_before_the_first_quotes() -> None:
    news = (NewsDefinition(at_s=0, text="drought", good="grain", anchor_bps=10_000),)
    applied = table_of(game={"news": news}).game
    assert list(applied.state.markets["grain"].book.levels("bid", 1)) == [(38, 5)]


def test_the_first_quotes_come_with_the_first_entry_after_the_opening_whatever_its_clock_says() -> None:
    goods = {"grain": GoodDefinition(house=house())}
    game = Game.create(define_game(goods=goods), "e", BEGIN, 1)
    assert game.due_at() == BEGIN
    applied = game.apply(Entry(BEGIN - 60_000))
    assert [event.good for event in events(applied, BookChanged)] == ["grain"]
    assert game.due_at() == BEGIN + TICK


def test_a_player_may_trade_in_the_entry_that_brings_the_quotes() -> None:
    table = Table.of(goods={"grain": GoodDefinition(house=house())})
    table.join("ann")
    table.at += TICK
    applied = table.entry(BuyGood(player="ann", good="grain", qty=1))
    assert events(applied) == [Trade("grain", 21, 1, "buy", "ann", HOUSE, 1)]
