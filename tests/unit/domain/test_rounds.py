"""Lobby, open, closed; and news by the clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import views
from tests.support.domain import BEGIN, Table, code, define_game, events, house
from tests.unit.domain.shadows import Follower
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import GoodDefinition, NewsDefinition, RoundsDefinition
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import Announce, Entry, SetClock, SetPhase
from tradegame.protocol.pushes import BookChanged, News, RoundChanged

SECOND = 1_000


def table_of(*players: str, news: tuple[NewsDefinition, ...] = (), fee_bps: int = 0, **rounds: Any) -> Table:
    """By default 10 s of lobby, 60 s open, 20 s closed, two rounds."""
    fields = {"lobby_s": 10, "open_s": 60, "closed_s": 20, "repeat": 2, **rounds}
    goods = {"grain": GoodDefinition(endowment=100, house=house()), "salt": GoodDefinition(endowment=3)}
    return Table.of(*players, rounds=RoundsDefinition(**fields), news=news, goods=goods, fee_bps=fee_bps)


def trade(table: Table) -> None:
    """ann buys a unit of bob, for a coin."""
    good = list(table.game.state.markets)[-1]
    table.ask("bob", 1, 1, good)
    table.buy("ann", 1, good=good)


def round_now(table: Table) -> tuple[str, int, int | None]:
    """The phase, the round, and in how many seconds after the beginning it ends."""
    state = table.game.state
    return state.phase, state.round, None if state.ends_at is None else (state.ends_at - BEGIN) // SECOND


def test_a_game_without_rounds_is_open_for_ever() -> None:
    table = Table.of("ann")
    table.wait(10**12)
    assert round_now(table) == ("open", 1, None)
    assert table.game.due_at() is None


def test_a_round_goes_from_the_lobby_to_open_to_closed_and_to_the_next() -> None:
    table = table_of("ann")
    assert round_now(table) == ("lobby", 1, 10)
    assert table.game.due_at() == BEGIN + 10 * SECOND
    assert events(table.wait(10 * SECOND - 1)) == []
    assert events(table.wait(1)) == [RoundChanged("open", 1, BEGIN + 70 * SECOND, BEGIN + 10 * SECOND)]
    assert events(table.wait(60 * SECOND)) == [RoundChanged("closed", 1, BEGIN + 90 * SECOND)]
    assert events(table.wait(20 * SECOND)) == [RoundChanged("lobby", 2, BEGIN + 100 * SECOND)]
    table.wait(10 * SECOND)
    assert round_now(table) == ("open", 2, 160)


def test_after_the_last_round_the_game_stays_closed() -> None:
    table = table_of(repeat=1)
    for _ in range(20):
        table.wait(10 * SECOND)
    assert round_now(table) == ("closed", 1, None)
    assert table.game.due_at() is None


def test_rounds_repeat_without_an_end() -> None:
    table = table_of(repeat=0)
    for _ in range(9 * 50):
        table.wait(10 * SECOND)
    assert round_now(table) == ("lobby", 51, 50 * 90 + 10)


@pytest.mark.parametrize("rounds", [None, RoundsDefinition(lobby_s=10, open_s=60, closed_s=20, repeat=2)])
def test_a_game_that_waits_for_its_host_stays_in_its_first_lobby_until_it_is_opened(
    rounds: RoundsDefinition | None,
) -> None:
    table = Table.of("ann", rounds=rounds, wait_for_host=True)
    table.wait(3_600 * SECOND)
    assert (table.game.state.phase, table.game.state.ends_at, table.game.due_at()) == ("lobby", None, None)
    table.phase("open")
    state = table.game.state
    assert (state.phase, state.round) == ("open", 1)
    assert state.ends_at == (None if rounds is None else state.clock + 60 * SECOND)
    table.wait(3_600 * SECOND)
    assert (state.phase, state.round) == (("open", 1) if rounds is None else ("closed", 2))


def test_a_round_without_a_lobby_opens_at_once() -> None:
    table = table_of(lobby_s=0)
    assert round_now(table) == ("open", 1, 60)
    table.wait(80 * SECOND)
    assert round_now(table) == ("open", 2, 140)


def test_a_round_without_a_closed_phase_is_followed_by_the_next_at_once() -> None:
    table = table_of(lobby_s=0, closed_s=0)
    assert events(table.wait(60 * SECOND)) == [
        RoundChanged("closed", 1, None),
        RoundChanged("open", 2, BEGIN + 120 * SECOND, BEGIN + 60 * SECOND),
    ]
    assert events(table.wait(60 * SECOND)) == [RoundChanged("closed", 2, None, over=True)]
    assert events(table.wait(600 * SECOND)) == []


def test_everything_due_happens_in_the_order_of_its_time() -> None:
    news = (NewsDefinition(at_s=30, text="second"), NewsDefinition(at_s=0, text="first"))
    table = table_of(news=news, repeat=1)
    assert [getattr(event, "phase", None) or event.text for event in events(table.wait(100 * SECOND))] == [
        "open",
        "first",
        "second",
        "closed",
    ]


def test_rounds_that_nobody_saw_are_counted_and_not_played() -> None:
    table = table_of(repeat=0)
    applied = table.wait((90 * 1_000 + 75) * SECOND)
    assert round_now(table) == ("closed", 1_001, 90 * 1_001)
    assert len(events(applied, RoundChanged)) <= 6
    assert table.game.state.clock == table.at


def test_the_last_round_is_played_at_its_time_however_late_somebody_looks() -> None:
    table = table_of(repeat=5)
    table.wait(90 * 10_000 * SECOND)
    assert round_now(table) == ("closed", 5, None)
    table = table_of(repeat=5)
    table.wait((4 * 90 + 15) * SECOND)
    assert round_now(table) == ("open", 5, 4 * 90 + 70)


@pytest.mark.parametrize("seconds", range(0, 500, 7))
def test_the_phase_at_a_time_does_not_depend_on_how_often_the_game_is_looked_at(seconds: int) -> None:
    seldom, often = table_of(), table_of()
    seldom.wait(seconds * SECOND)
    for _ in range(seconds * 2):
        often.wait(SECOND // 2)
    assert round_now(seldom) == round_now(often)


def test_a_clock_that_goes_back_changes_nothing_and_the_games_clock_stays() -> None:
    table = table_of("ann")
    table.wait(15 * SECOND)
    applied = table.wait(-86_400 * SECOND)
    assert (applied.frame, applied.at) == (None, BEGIN + 15 * SECOND)
    assert round_now(table) == ("open", 1, 70)


def test_what_becomes_due_at_the_games_clock_happens_even_on_a_clock_that_went_back() -> None:
    table = table_of(news=(NewsDefinition(at_s=0, text="now"),))
    table.wait(5 * SECOND)
    table.phase("open")
    assert events(table.wait(-1)) == [News("now", None)]


def test_closing_cancels_all_orders_and_gives_back_what_they_held() -> None:
    table = table_of("ann", "bob")
    table.wait(10 * SECOND)
    table.bid("ann", 5, 7)
    table.ask("bob", 5, 90)
    table.bid("bob", 2, 3, good="salt")
    assert table.cash("bob") == (994, 6)
    applied = table.wait(60 * SECOND)
    assert table.book("grain") == table.book("salt") == ([], [])
    assert table.cash("ann") == table.cash("bob") == (1_000, 0)
    assert table.goods("bob") == (100, 0)
    assert table.goods("house") == (100, 0)
    assert {event.good for event in events(applied, BookChanged)} == {"grain", "salt"}
    assert set(applied.accounts) == {"ann", "bob"}


def test_what_was_traded_stands_while_the_game_is_closed() -> None:
    table = table_of("ann")
    table.wait(10 * SECOND)
    table.buy("ann", 5)
    table.wait(60 * SECOND)
    assert (table.cash("ann"), table.goods("ann"), table.market().last) == ((895, 0), (105, 0), 21)


def test_a_new_round_starts_every_account_afresh_while_the_tape_goes_on_and_all_sums_to_zero() -> None:
    table = table_of("ann", "bob", fee_bps=100)
    table.wait(10 * SECOND)
    table.buy("ann", 5)
    table.sell("bob", 3)
    table.ask("ann", 3, 900, good="salt")
    assert table.cash("fees")[0] > 0
    table.say("ann", "stays")
    applied = table.wait(80 * SECOND)
    for player in ("ann", "bob"):
        assert (table.cash(player), table.goods(player)) == ((0, 0), (0, 0))
        assert player in applied.accounts
    table.wait(10 * SECOND)
    applied = table.arrive("ann", "bob")
    for player in ("ann", "bob"):
        assert (table.cash(player), table.goods(player), table.goods(player, "salt")) == ((1_000, 0), (100, 0), (3, 0))
        assert table.account(player).orders == {}
        assert player in applied.accounts
    assert sum(table.cash("house")) == 1_000
    assert table.cash("fees") == (0, 0)
    assert table.cash("mint") == (-3_000, 0)
    assert audit(table.game.state) == []
    market = table.market()
    assert (market.last, market.volume, [qty for _, _, qty in market.recent]) == (19, 8, [5, 3])
    assert [message.text for message in table.game.state.messages] == ["stays"]


def test_who_joins_late_gets_the_same_endowment() -> None:
    table = table_of("ann")
    table.wait(65 * SECOND)
    table.join("bob")
    assert table.cash("bob") == (1_000, 0)
    assert audit(table.game.state) == []


def test_order_ids_are_never_used_again() -> None:
    table = table_of("ann", lobby_s=0)
    table.bid("ann", 1, 1)
    first = set(table.account("ann").orders)
    table.phase("closed")
    table.phase("open")
    table.bid("ann", 1, 1)
    assert max(first) < min(table.account("ann").orders)


def test_a_round_begins_with_the_anchors_of_the_definition() -> None:
    table = table_of("ann")
    table.wait(10 * SECOND)
    table.news("!", "grain", 5_000)
    table.wait(90 * SECOND)
    table.entry()
    assert table.book("grain")[1][0] == (21, 5)


# The host


def test_the_host_closes_a_game_without_rounds_and_opens_it_as_a_new_round() -> None:
    table = Table.of("ann", "bob")
    trade(table)
    table.bid("ann", 5, 10)
    assert events(table.entry(SetPhase(phase="closed"))) == [RoundChanged("closed", 1, None)]
    assert table.cash("ann") == (999, 0)
    assert events(table.entry(SetPhase(phase="open"))) == [RoundChanged("open", 2, None, table.game.state.opened_at)]
    assert table.bid("ann", 5, 10).resting == 5


def test_the_host_calls_back_to_the_lobby_for_a_new_round() -> None:
    table = Table.of("ann", "bob")
    trade(table)
    table.ask("ann", 5, 10)
    assert events(table.entry(SetPhase(phase="lobby"))) == [RoundChanged("lobby", 2, None)]
    assert (table.book(), table.goods("ann")) == (([], []), (0, 0))
    table.phase("open")
    assert round_now(table) == ("open", 2, None)


def test_saying_the_phase_that_is_changes_nothing() -> None:
    table = table_of("ann")
    table.wait(5 * SECOND)
    assert table.entry(SetPhase(phase="lobby")).frame is None
    assert round_now(table) == ("lobby", 1, 10)


def test_a_phase_set_by_hand_lasts_its_time_from_then() -> None:
    table = table_of("ann", "bob")
    table.wait(3 * SECOND)
    table.phase("open")
    assert round_now(table) == ("open", 1, 63)
    trade(table)
    table.wait(2 * SECOND)
    table.phase("closed")
    assert round_now(table) == ("closed", 1, 25)
    table.wait(1 * SECOND)
    table.phase("open")
    assert round_now(table) == ("open", 2, 66)
    trade(table)
    table.phase("lobby")
    assert round_now(table) == ("lobby", 3, 16)
    table.wait(70 * SECOND)
    assert round_now(table) == ("closed", 3, None)


def test_a_lobby_that_the_definition_skips_lasts_until_the_host_opens() -> None:
    table = table_of(lobby_s=0)
    table.phase("lobby")
    assert round_now(table) == ("lobby", 2, None)


def test_the_host_may_play_on_after_the_last_round() -> None:
    table = table_of(repeat=1)
    table.wait(500 * SECOND)
    table.phase("open")
    assert round_now(table) == ("open", 2, 560)
    table.wait(60 * SECOND)
    assert round_now(table) == ("closed", 2, None)


# News


def test_the_hosts_news_is_published_in_any_phase() -> None:
    table = table_of()
    for phase in ("lobby", "open", "closed"):
        table.phase(phase)
        assert events(table.entry(Announce(text=phase))) == [News(phase, None)]


def test_news_of_an_unknown_good_is_refused() -> None:
    assert code(table_of().news("!", "gold", 5)) == "unknown_good"


def test_scheduled_news_comes_at_its_time_after_each_round_opens_in_the_order_of_the_clock() -> None:
    news = (NewsDefinition(at_s=20, text="late"), NewsDefinition(at_s=5, text="early", good="grain"))
    table = table_of(news=news)
    table.wait(10 * SECOND)
    for _ in range(2):
        assert events(table.wait(5 * SECOND - 1)) == []
        assert events(table.wait(1)) == [News("early", "grain")]
        assert events(table.wait(15 * SECOND), News) == [News("late", None)]
        assert events(table.wait(40 * SECOND), News) == []
        table.wait(30 * SECOND)


def test_news_at_one_time_comes_in_the_definitions_order() -> None:
    news = tuple(NewsDefinition(at_s=5, text=text) for text in "cab")
    table = table_of(news=news, lobby_s=0)
    assert [event.text for event in events(table.wait(5 * SECOND))] == ["c", "a", "b"]


def test_news_scheduled_for_after_the_close_does_not_come() -> None:
    news = (NewsDefinition(at_s=60, text="too late"),)
    table = table_of(news=news, lobby_s=0, repeat=1)
    assert events(table.wait(1_000 * SECOND), News) == []


def test_without_rounds_news_is_timed_from_the_beginning_and_from_each_opening_by_hand() -> None:
    table = Table.of(news=(NewsDefinition(at_s=5, text="!"),))
    assert table.game.due_at() == BEGIN + 5 * SECOND
    assert len(events(table.wait(5 * SECOND))) == 1
    assert table.game.due_at() is None
    table.phase("closed")
    assert table.game.due_at() is None
    table.wait(100 * SECOND)
    table.phase("open")
    assert len(events(table.wait(5 * SECOND))) == 1


def test_a_news_item_that_shifts_the_anchor_does_so_in_every_round_anew() -> None:
    news = (NewsDefinition(at_s=1, text="!", good="grain", anchor_bps=5_000),)
    table = table_of(news=news, lobby_s=0)
    for _ in range(2):
        table.wait(2 * SECOND)
        assert table.book("grain")[1][0] == (32, 5)
        table.wait(78 * SECOND)


# Standings


LAST = {"grain": GoodDefinition(endowment=100, mark="last")}


def test_standings_rank_by_worth_cash_plus_goods_at_their_marks() -> None:
    table = Table.of("ann", "bob", "cid", goods=LAST)
    assert [row["worth"] for row in views.standings(table.game.state, 10)] == [1_000] * 3
    table.ask("ann", 1, 12)
    table.buy("bob", 1)
    table.ask("cid", 10, 50)
    table.bid("cid", 10, 1)
    assert views.standings(table.game.state, 10) == [
        {"rank": 1, "player": "ann", "name": "Ann", "worth": 1_012 + 99 * 12, "score": 0},
        {"rank": 1, "player": "bob", "name": "Bob", "worth": 988 + 101 * 12, "score": 0},
        {"rank": 1, "player": "cid", "name": "Cid", "worth": 1_000 + 100 * 12, "score": 0},
    ]


def test_equal_worth_is_equal_rank_and_the_next_rank_counts_them_all() -> None:
    table = Table.of("ann", "bob", "cid", "dee", fee_bps=100, goods=LAST)
    table.ask("ann", 1, 12)
    table.buy("bob", 1)
    table.ask("bob", 1, 12)
    table.buy("dee", 1)
    rows = views.standings(table.game.state, 10)
    assert [(row["rank"], row["player"]) for row in rows] == [(1, "ann"), (1, "cid"), (3, "bob"), (3, "dee")]
    assert views.standings(table.game.state, 3) == rows[:3]


def test_standings_of_a_closed_round_are_those_of_its_end() -> None:
    table = Table.of("ann", "bob", goods=LAST)
    table.ask("ann", 1, 12)
    table.buy("bob", 1)
    before = views.standings(table.game.state, 10)
    table.phase("closed")
    assert views.standings(table.game.state, 10) == before


def test_who_follows_the_events_alone_knows_of_an_opening_at_0() -> None:
    game = Game.create(define_game(rounds=RoundsDefinition(lobby_s=5, open_s=60)), "e", -5_000, 1)
    follower = Follower(game)
    follower.follow(game.apply(Entry(0)))
    assert follower.shown() == views.public_state(game.state)
    assert follower.state.opened_at == 0


# A clock that was set

HOUR = 3_600 * SECOND


def test_between_rounds_the_clock_is_set_and_the_phase_ends_as_much_later() -> None:
    table = table_of("ann")
    table.wait(4 * SECOND)
    applied = table.entry(SetClock(time=table.at + HOUR))
    assert events(applied) == [RoundChanged("lobby", 1, BEGIN + 10 * SECOND + HOUR)]
    assert applied.frame is not None
    assert (applied.frame.at, table.game.state.clock) == (table.at, table.at + HOUR)
    table.at += HOUR
    assert events(table.wait(5 * SECOND)) == []
    assert [event.phase for event in events(table.wait(SECOND), RoundChanged)] == ["open"]


def test_a_clock_that_is_set_twice_by_two_nodes_is_set_once() -> None:
    table = table_of("ann")
    time = table.at + HOUR
    table.entry(SetClock(time=time), SetClock(time=time))
    assert table.game.state.clock == time
    assert round_now(table) == ("lobby", 1, 3_610)


def test_a_closed_game_tells_what_settled_again() -> None:
    table = table_of("ann")
    table.wait(70 * SECOND)
    settled = events(table.entry(SetPhase(phase="closed")), RoundChanged)
    assert settled == []
    changed = events(table.entry(SetClock(time=table.at + HOUR)))
    assert changed == [RoundChanged("closed", 1, BEGIN + 90 * SECOND + HOUR)]


def test_during_a_round_and_back_in_time_no_clock_is_set() -> None:
    table = table_of("ann")
    assert events(table.entry(SetClock(time=table.at - HOUR))) == []
    table.wait(10 * SECOND)
    assert events(table.entry(SetClock(time=table.at + HOUR))) == []
    assert round_now(table) == ("open", 1, 70)


def test_a_lobby_without_end_has_none_after_the_clock_is_set() -> None:
    table = Table.of(wait_for_host=True)
    (changed,) = events(table.entry(SetClock(time=table.at + HOUR)))
    assert changed == RoundChanged("lobby", 1, None)
    assert table.game.state.clock == BEGIN + HOUR
