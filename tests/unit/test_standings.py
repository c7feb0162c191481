"""The standings in slices: those that `views.standings` draws up in one go, of one moment, at most once a second."""

from __future__ import annotations

import random

import pytest
import trio
from trio.testing import MockClock

from tests.support.domain import BEGIN, LIVELY, Table, random_log
from tradegame.core.domain import snapshot, views
from tradegame.core.domain.definition import GoodDefinition
from tradegame.core.domain.game import Game
from tradegame.core.domain.state import GameState
from tradegame.core.games.standings import CELLS_A_SLICE, EVERY_S, RANKED, ROW_CELLS, Standings
from tradegame.protocol import state as protocol
from tradegame.protocol.commands import Arrive, Entry, Remove, SetPhase
from tradegame.protocol.requests import BuyGood, PlaceOrder

ROWS = CELLS_A_SLICE // ROW_CELLS


def follow(game: Game, standings: Standings, log: list[object]) -> None:
    for entry in log:
        standings.touched(game.apply(entry).accounts)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
async def test_they_are_those_of_the_whole(seed: int, autojump_clock: MockClock) -> None:
    game = Game.create(LIVELY, "epoch", BEGIN, seed)
    standings = Standings(lambda: game.state)
    rng, log = random.Random(seed), list(random_log(LIVELY, seed, 800))
    while log:
        some, log = log[: rng.randrange(1, 40)], log[40:]
        follow(game, standings, some)  # type: ignore[arg-type]
        await trio.sleep(EVERY_S)
        ranked = await standings.ranked()
        assert ranked.rows == views.standings(game.state, RANKED)
        assert ranked.seq == game.state.seq
        total = await standings.ranked(total=True)
        assert total.rows == views.totals(game.state, RANKED)
        assert standings.shown(ranked, 3) == protocol.Standings(tuple(ranked.rows[:3]), game.state.seq)


async def test_they_are_of_one_moment_while_the_game_goes_on(autojump_clock: MockClock) -> None:
    table = Table.of(*[f"p{number}" for number in range(3 * ROWS)])
    standings = Standings(lambda: table.game.state)
    at: dict[int, object] = {}
    rng = random.Random(1)

    async def trade() -> None:
        while True:
            one, other = rng.sample(range(3 * ROWS), 2)
            price = rng.randint(1, 9)
            applied = [*_trade(table, f"p{one}", f"p{other}", price)]
            for accounts in applied:
                standings.touched(accounts)
            at[table.game.state.seq] = views.standings(table.game.state, RANKED)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trade)
        for _ in range(10):
            ranked = await standings.ranked()
            assert ranked.rows == at.get(ranked.seq, ranked.rows)
            assert len(ranked.rows) == RANKED
            autojump_clock.jump(EVERY_S)
        nursery.cancel_scope.cancel()
    assert len(at) > 20  # so it went on meanwhile


def _trade(table: Table, seller: str, buyer: str, price: int) -> list[tuple[str, ...]]:
    offer = PlaceOrder(player=seller, good="grain", side="ask", qty=1, price=price)
    taken = BuyGood(player=buyer, good="grain", qty=1)
    return [table.entry(offer).accounts, table.entry(taken).accounts]


async def test_a_second_at_most_and_one_for_all_who_ask(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table.of("ann", "bob")
    standings, drawn_up = Standings(lambda: table.game.state), 0
    rank = Standings._rank

    async def counted(self: Standings, *, total: bool) -> object:
        nonlocal drawn_up
        drawn_up += 1
        return await rank(self, total=total)

    monkeypatch.setattr(Standings, "_rank", counted)
    async with trio.open_nursery() as nursery:
        for _ in range(200):
            nursery.start_soon(standings.ranked)
    assert drawn_up == 1
    first = standings.known()
    table.say("ann", "hello")
    assert first is not None
    assert standings.known() is first  # a moment old, and it says of when
    await trio.sleep(EVERY_S)
    assert standings.known() is None
    assert (await standings.ranked()).seq == table.game.state.seq == first.seq + 1
    await trio.sleep(10 * EVERY_S)
    assert standings.known() is not None  # nothing has happened since
    assert drawn_up == 2


async def test_who_gives_up_waiting_keeps_nobody_else_waiting(autojump_clock: MockClock) -> None:
    table = Table.of(*[f"p{number}" for number in range(4 * ROWS)])
    standings = Standings(lambda: table.game.state)
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as impatient:
            impatient.cancel()
            await standings.ranked()
        nursery.start_soon(standings.ranked)
    assert standings.known() is not None


async def test_a_game_that_was_read_anew_is_looked_at_anew(autojump_clock: MockClock) -> None:
    table = Table.of("ann", "bob")
    game = table.game
    standings = Standings(lambda: game.state)
    await standings.ranked()
    game = snapshot.load(snapshot.dump(game))
    table.game = game
    table.ask("bob", 1, 5)
    table.buy("ann", 1)
    assert standings.known() is None
    assert (await standings.ranked()).rows == views.standings(game.state, RANKED)


async def test_a_slice_is_bounded_by_players_times_goods(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 100 goods a slice of 256 players took 16 ms."""
    goods = {f"good{number}": GoodDefinition(endowment=1) for number in range(100)}
    table = Table.of(*[f"p{number}" for number in range(64)], goods=goods)
    standings = Standings(lambda: table.game.state)
    slices: list[int] = []
    take = Standings._take

    def counted(self: Standings, state: GameState, most: int) -> None:
        slices.append(min(most, len(self._touched)) * len(state.markets))
        take(self, state, most)

    monkeypatch.setattr(Standings, "_take", counted)
    assert len((await standings.ranked()).rows) == 64
    assert sum(slices) == 64 * 100
    assert max(slices) <= CELLS_A_SLICE


async def test_by_total_everybody_counts_who_has_gained_or_lost_and_equals_share_a_rank(
    autojump_clock: MockClock,
) -> None:
    goods = {"grain": GoodDefinition(endowment=9, mark="last")}
    table = Table.of("ann", "bob", "cid", "dee", goods=goods, practice=True)
    standings = Standings(lambda: table.game.state)
    assert standings.shown(await standings.ranked(), 9).practice
    for seller, buyer in (("bob", "ann"), ("ann", "dee"), ("cid", "dee")):
        for price in (10, 50):  # whoever bought first gains what the second costs more
            _trade(table, seller, buyer, price)
        later = Arrive(players=("ann", "bob", "cid", "dee") if seller == "bob" else ("cid", "dee"))
        for command in (SetPhase(phase="closed"), SetPhase(phase="open"), later):
            standings.touched(table.entry(command).accounts)
    await trio.sleep(EVERY_S)
    rows = (await standings.ranked(total=True)).rows
    assert rows == views.totals(table.game.state, RANKED)
    assert [(row.rank, row.player, row.score) for row in rows] == [(1, "dee", 80), (2, "ann", -40), (2, "cid", -40)]
    assert not standings.shown(await standings.ranked(total=True), 9).practice
    assert standings.known(total=True) is not None
    assert standings.known() is None


async def test_who_is_removed_while_standings_are_drawn_up_is_left_out(autojump_clock: MockClock) -> None:
    table = Table.of(*[f"p{number}" for number in range(3 * ROWS)])
    standings = Standings(lambda: table.game.state)

    async def remove() -> None:
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        standings.touched(table.entry(*[Remove(account=f"p{number}") for number in range(60)]).accounts)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(remove)
        ranked = await standings.ranked()
    assert len(ranked.rows) in (RANKED, RANKED - 60)


async def test_who_takes_no_part_any_more_and_has_gained_nothing_is_in_no_total(autojump_clock: MockClock) -> None:
    table = Table.of("ann", "bob")
    standings = Standings(lambda: table.game.state)
    for phase in ("closed", "lobby", "open"):
        follow(table.game, standings, [Entry(table.at, (SetPhase(phase=phase),))])
        await trio.sleep(EVERY_S)
        ranked = await standings.ranked(total=True)
        assert ranked.rows == views.totals(table.game.state, RANKED), phase
    assert ranked.rows == []
