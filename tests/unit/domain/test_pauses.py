"""A pause: the clock and the trade stop, and all that is to come in the phase comes as much later."""

from __future__ import annotations

import random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import BEGIN, LIVELY, Table, code, define_game, events, house
from tests.unit.domain.strategies import GOODS as DRAWN
from tests.unit.domain.strategies import PLAYERS, busy
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import (
    GoodDefinition,
    NewsDefinition,
    RoundsDefinition,
    SettlementDefinition,
)
from tradegame.core.domain.events import Rejected
from tradegame.core.domain.game import Game
from tradegame.protocol.bounds import PhaseName
from tradegame.protocol.commands import AddTime, Pause, SetClock, SetPhase
from tradegame.protocol.pushes import ClockChanged, News, RoundChanged

SECOND = 1_000
GOODS = {
    "grain": GoodDefinition(endowment=100, house=house(drift_bps=500)),
    "salt": GoodDefinition(endowment=3),
    "oil": GoodDefinition(endowment=1, settlement=SettlementDefinition(values=(1, 2, 3), hints_at_s=(20, 40))),
}
NEWS = (NewsDefinition(at_s=30, text="rain"), NewsDefinition(at_s=50, text="sun"))


def opened(*players: str, **fields: Any) -> Table:
    """A round that has been open for 10 s, of 60 s, with news, hints and a house to come."""
    rounds = RoundsDefinition(lobby_s=0, open_s=60, closed_s=20, repeat=2)
    table = Table.of(*players, **{"rounds": rounds, "news": NEWS, "goods": GOODS, **fields})
    table.wait(10 * SECOND)
    return table


def pause(table: Table, *, paused: bool = True) -> list[Any]:
    return events(table.entry(Pause(paused=paused)))


def test_nothing_comes_during_a_pause_and_everything_as_much_later() -> None:
    table = opened("ann")
    state = table.game.state
    assert pause(table) == [ClockChanged(BEGIN + 60 * SECOND, BEGIN + 10 * SECOND)]
    book = table.book()
    assert table.game.due_at() is None
    assert table.wait(1_000 * SECOND).frame is None
    assert (state.phase, table.book(), state.players["ann"].hints) == ("open", book, ())
    assert pause(table, paused=False) == [ClockChanged(BEGIN + 1_060 * SECOND)]
    assert table.wait(9_999).whispers == ()
    assert len(table.wait(1).whispers) == 1, "the hint of the 20th second"
    assert events(table.wait(10 * SECOND - 1), News) == []
    assert events(table.wait(1), News) == [News("rain")]
    assert events(table.wait(30 * SECOND - 1), RoundChanged) == []
    assert events(table.wait(1), RoundChanged) == [RoundChanged("closed", 1, BEGIN + 1_080 * SECOND, None, {"oil": 3})]


def test_nobody_trades_meanwhile_and_orders_rest_until_somebody_cancels_them() -> None:
    table = opened("ann", "ben")
    order = table.bid("ann", 1, 5, "salt").order
    pause(table)
    for refused in (
        table.buy("ben", 1),
        table.sell("ben", 1, good="salt"),
        table.ask("ben", 1, 4, "salt"),
        table.amend("ann", order, price=6),
        table.news("!", "grain", 100),
    ):
        assert code(refused) == "not_open"
        assert "paused" in refused.message
    assert table.book("salt") == ([(5, 1)], [])
    for allowed in (table.join("cem"), table.say("ben", "hm"), table.news("soon"), table.cancel("ann", order)):
        assert not isinstance(allowed, Rejected)
    assert table.cancel_all("ann").cancelled == 0
    assert table.goods("cem", "salt") == (3, 0), "who comes in a pause takes part"
    pause(table, paused=False)
    assert table.buy("ben", 1).filled == 1


def test_it_is_said_once_and_only_where_something_runs() -> None:
    table = opened("ann")
    assert pause(table, paused=False) == []
    pause(table)
    assert pause(table) == []
    table.phase("closed")
    pause(table)
    assert table.game.state.paused_at is not None, "a closed phase with an end has a clock"
    table = Table.of("ann")
    assert pause(table) == [ClockChanged(None, BEGIN)], "no clock, but trade"
    table.phase("closed")
    assert code(table.do(Pause(paused=True))) == "not_open"
    assert table.game.state.paused_at is None


@pytest.mark.parametrize("phase", ["closed", "lobby"])
def test_to_change_the_phase_ends_the_pause(phase: PhaseName) -> None:
    table = opened("ann")
    pause(table)
    table.at += 5 * SECOND
    clock, *rest = events(table.entry(SetPhase(phase=phase)), ClockChanged | RoundChanged)  # type: ignore[arg-type]
    assert clock == ClockChanged(BEGIN + 65 * SECOND)
    assert [type(each) for each in rest] == [RoundChanged]
    assert table.game.state.paused_at is None


def test_more_time_puts_the_end_off_in_a_pause_too() -> None:
    table = opened("ann")
    assert events(table.entry(AddTime(add_s=30))) == [ClockChanged(BEGIN + 90 * SECOND)]
    pause(table)
    assert events(table.entry(AddTime(add_s=30))) == [ClockChanged(BEGIN + 120 * SECOND, BEGIN + 10 * SECOND)]
    pause(table, paused=False)
    assert table.wait(110 * SECOND - 1).frame is None or table.game.state.phase == "open"
    table.wait(1)
    assert table.game.state.phase == "closed"
    table.wait(100 * SECOND)
    assert table.game.state.over
    assert code(table.do(AddTime(add_s=30))) == "not_open", "the last round's end has no end of its own"


def test_a_clock_that_is_set_takes_nothing_off_a_pause() -> None:
    table = Table.of("ann", rounds=RoundsDefinition(lobby_s=60, open_s=60, closed_s=0, repeat=1))
    table.wait(10 * SECOND)
    pause(table)
    told = events(table.entry(SetClock(time=table.at + 100 * SECOND)))
    assert told[-1] == ClockChanged(BEGIN + 160 * SECOND, BEGIN + 110 * SECOND)
    table.at += 100 * SECOND
    pause(table, paused=False)
    table.wait(50 * SECOND - 1)
    assert table.game.state.phase == "lobby"
    table.wait(1)
    assert table.game.state.phase == "open"


def test_a_pause_does_not_count_in_the_median_of_the_bids() -> None:
    rounds = RoundsDefinition(lobby_s=0, open_s=60, closed_s=20, repeat=1)
    table = Table.of("ann", "ben", rounds=rounds, goods={"salt": GoodDefinition(endowment=3)})
    order = table.bid("ann", 1, 50, "salt").order
    table.wait(40 * SECOND)
    table.cancel("ann", order)
    pause(table)
    table.wait(1_000 * SECOND)
    pause(table, paused=False)
    table.wait(20 * SECOND)
    assert table.game.state.phase == "closed"
    assert table.market("salt").mark.price == 50, "40 s of 60, and not of 1 060"


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 39), st.integers(1, 10**6)), min_size=1, max_size=4))
def test_a_game_with_pauses_goes_as_the_same_one_without(seed: int, pauses: list[tuple[int, int]]) -> None:
    """Every account, every price, every draw: only the times differ."""
    goods = dict(zip(DRAWN, LIVELY.goods.values(), strict=True))
    news = tuple(evolve(each, good=each.good and "g0", at_s=each.at_s // 3) for each in LIVELY.news)
    rounds = RoundsDefinition(lobby_s=5, open_s=60, closed_s=0)
    definition = define_game(goods=goods, news=news, rounds=rounds, fee_bps=25)
    plain, paused = (Table(Game.create(definition, "epoch", BEGIN, seed)) for _ in range(2))
    for table in (plain, paused):
        for player in PLAYERS:
            table.join(player)
    chosen, long_ms = random.Random(seed), dict(pauses)
    for step in range(40):
        commands, gap_ms = list(busy(chosen, 3)), chosen.choice((0, 1, 700, 5_000))
        for table in (plain, paused):
            table.wait(gap_ms)
            if table is paused and step in long_ms and table.game.state.phase == "open":
                pause(table)
                table.wait(long_ms[step])
                pause(table, paused=False)
            table.entry(*commands)
        assert _world(plain) == _world(paused)
    assert audit(paused.game.state) == []
    assert snapshot.state_hash(snapshot.load(snapshot.dump(paused.game))) == snapshot.state_hash(paused.game)


def _world(table: Table) -> Any:
    state = table.game.state
    owned = [
        (name, account.cash, dict(account.goods), list(account.orders)) for name, account in state.accounts.items()
    ]
    markets = [(market.last, market.volume, market.mark.price) for market in state.markets.values()]
    return owned, markets, state.phase, state.round, state.chance, [news.text for news in state.news]
