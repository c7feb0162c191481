"""What takes time in proportion to the state is done in slices, whatever the game has grown to."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

import pytest

from tests.support.domain import BEGIN, LIVELY, Table, random_log
from tests.support.loop_holds import slowness
from tradegame.core.domain import audit as auditing
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import Audit, audit
from tradegame.core.domain.definition import GoodDefinition
from tradegame.core.domain.game import Game
from tradegame.core.domain.trading import FREED_AT_ONCE
from tradegame.infra.config import parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.protocol.commands import Entry, Join, SetPhase
from tradegame.protocol.requests import PlaceOrder

SLICE_S = 0.01
"""What one slice may take, of the thread's own time; about 1 ms is meant."""


def crowded(players: int = 1_000, orders: int = 5, keys: int = 60, levels: int = 7) -> Table:
    table = Table.of(cash=10**6, open_orders=1_000, goods={"grain": GoodDefinition(endowment=1_000)})
    names = [f"p{n:05}" for n in range(players)]
    table.entry(*[Join(player=name, name=name.upper()) for name in names])
    for turn in range(orders):
        table.entry(
            *[
                PlaceOrder(player=name, good="grain", side="bid", qty=2, price=1 + (turn + n) % levels, key=f"k{turn}")
                for n, name in enumerate(names)
            ]
        )
    for player in table.game.state.players.values():
        player.keys.update(
            {f"c1-abcdef-{n}": f"1700000000 0123456789abcdef P o{n} 0 3 9870 12345" for n in range(keys)}
        )
        player.ever = len(player.keys)
    table.game.state.remembered = players * (orders + keys)
    return table


def most_of_any(steps: Iterable[Any]) -> float:
    """The thread's own time in the longest step but for one, which the garbage collector may have taken."""
    took, begun = [0.0, 0.0], time.thread_time()
    for _ in steps:
        took.append(time.thread_time() - begun)
        begun = time.thread_time()
    took.append(time.thread_time() - begun)
    return sorted(took)[-2]


# Snapshots


def test_a_state_is_written_and_read_in_short_lines() -> None:
    game = crowded().game
    lines = list(snapshot.lines(game))
    assert len(lines) > 50
    assert max(map(len, lines)) < 128 * 1024
    assert b"".join(lines) == snapshot.dump(game)
    assert snapshot.state_hash(game) == snapshot.digest(snapshot.dump(game))
    assert most_of_any(snapshot.lines(game)) < SLICE_S


def test_a_state_is_read_in_as_many_steps() -> None:
    dumped = snapshot.dump(crowded(orders=10, keys=10).game)
    steps = snapshot.loading(BytesIO(dumped))
    assert sum(1 for _ in steps) > dumped.count(b"\n")
    assert most_of_any(snapshot.loading(BytesIO(dumped))) < SLICE_S


def test_what_follows_a_state_is_left_to_whoever_gave_it() -> None:
    table = Table.of("ann")
    lines = iter([*snapshot.lines(table.game), b"more"])
    assert snapshot.dump(snapshot.read(lines)) == snapshot.dump(table.game)
    assert list(lines) == [b"more"]


def test_an_accounts_orders_are_read_in_the_order_in_which_they_came() -> None:
    table = Table.of("ann")
    for price in (3, 9, 1, 5):
        table.bid("ann", 1, price)
        table.ask("ann", 1, price + 10)
    loaded = snapshot.load(snapshot.dump(table.game))
    assert list(loaded.state.accounts["ann"].orders) == list(table.account("ann").orders) == list(range(1, 9))


# Audits


def looked_at(state: Any, between: Callable[[Audit], object]) -> Audit:
    """An audit between whose steps something happens."""
    current = Audit(state)
    for _ in current.steps():
        between(current)
    return current


def test_an_audit_takes_no_long_step() -> None:
    table = crowded(keys=0)
    assert most_of_any(Audit(table.game.state).steps()) < SLICE_S
    table = crowded(keys=0, levels=1)  # all orders at one price
    assert most_of_any(Audit(table.game.state).steps()) < SLICE_S
    assert audit(table.game.state) == []


@pytest.mark.parametrize("step", [1, 20, 300])
def test_a_game_that_goes_on_while_it_is_audited_is_sound(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "STEP", step)
    game = Game.create(LIVELY, "epoch", BEGIN, 3)
    log = random_log(LIVELY, 3, 3_000)
    audits = 0

    def on(current: Audit, entries: Iterator[Entry] = log) -> None:
        if (entry := next(entries, None)) is not None:
            current.saw(game.apply(entry).accounts)

    while next(log, None) is not None and audits < 200:
        audits += 1
        assert list(looked_at(game.state, on).found) == []
    assert audits


def test_damage_is_found_although_the_game_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "STEP", 20)
    table = crowded(players=50, keys=0)

    def on(current: Audit) -> None:
        current.saw(table.entry(PlaceOrder(player="p00001", good="grain", side="bid", qty=1, price=9)).accounts)

    table.account("fees").cash += 1
    assert list(looked_at(table.game.state, on).found) == ["cash sums to 1, not 0"]


def test_of_a_fault_that_breaks_everything_a_hundred_violations_are_told() -> None:
    table = crowded(players=200, keys=257)
    assert len(audit(table.game.state)) == auditing.FOUND_MOST


def test_sums_that_never_stand_still_are_left_to_the_next_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "STEP", 3)
    monkeypatch.setattr(auditing, "CATCH_UP_STEPS", 5)
    table = crowded(players=50, keys=0)
    table.account("fees").cash += 1
    assert list(looked_at(table.game.state, lambda current: current.saw(table.game.state.players)).found) == []


def test_a_large_level_is_looked_at_again_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "STEP", 20)
    table = crowded(players=50, orders=1, keys=0, levels=1)
    level = table.market().book.level("bid", 1)
    assert level is not None
    next(iter(level.orders.values())).qty += 1
    wrong = "the bid levels of grain do not sum up their orders"
    changes = 0

    def sometimes(current: Audit) -> None:
        nonlocal changes
        changes += 1
        if changes < 12:
            current.saw(table.entry(PlaceOrder(player="p00001", good="grain", side="bid", qty=1, price=1)).accounts)

    assert wrong in looked_at(table.game.state, sometimes).found
    changes = -10_000
    assert wrong not in looked_at(table.game.state, sometimes).found


def test_a_level_that_is_gone_by_the_time_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "STEP", 2)

    def close(current: Audit) -> None:
        current.saw(table.entry(SetPhase(phase="closed")).accounts)

    for first in range(30):
        table = crowded(players=5, keys=0)
        current = Audit(table.game.state)
        for step, _ in enumerate(current.steps()):
            if step == first:
                close(current)
        assert list(current.found) == []
        assert table.book() == ([], [])


# Round changes


def test_a_close_drops_the_books_whole_and_frees_their_memory_later() -> None:
    """500 000 orders took 150 ms; now 4, and 200 steps of less than 2 ms after it."""
    table = crowded(players=1_000, orders=12, keys=0)
    held = table.account("p00005").held_cash
    assert held > 0
    dropped = table.game._rounds.trading._dropped
    table.phase("closed")
    assert sum(map(len, dropped)) > 2 * 12_000 - FREED_AT_ONCE - 1_100
    assert table.game.has_dropped()
    assert table.cash("p00005") == (10**6, 0)
    assert audit(table.game.state) == []
    table.phase("open")
    assert table.game.has_dropped()
    for _ in range(20):
        table.game.free_some()
    assert (dropped, table.game.has_dropped()) == ([], False)
    assert table.bid("p00005", 1, 1).resting == 1
    assert audit(table.game.state) == []


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["bazaar", "classroom"])
def test_a_round_changes_for_ten_thousand_players_within_50_ms(preset: str) -> None:
    from coverage import Coverage

    if Coverage.current() is not None:
        pytest.skip("under coverage each line takes several times as long")
    definition = parse_game_definition(presets()[preset])
    game = Game.create(definition, "e", BEGIN, 1)
    names = [f"p{n:05}" for n in range(10_000)]
    game.apply(Entry(BEGIN, tuple(Join(player=name, name=name) for name in names)))
    good = next(iter(definition.goods))
    took: dict[str, list[float]] = {"open": [], "closed": []}
    gc.disable()
    try:
        for _ in range(3):
            for phase, times in took.items():
                command = SetPhase(phase=phase)
                game.apply(Entry(game.state.clock, (SetPhase(phase="lobby"),) if phase == "open" else ()))
                begun = time.thread_time()
                game.apply(Entry(game.state.clock, (command,)))
                times.append(time.thread_time() - begun)
                if phase == "open":
                    bids = [PlaceOrder(player=name, good=good, side="bid", qty=1, price=1) for name in names]
                    game.apply(Entry(game.state.clock, tuple(bids * 3)))
    finally:
        gc.enable()
    most_s = 0.05 * slowness()
    assert {phase: min(times) < most_s for phase, times in took.items()} == {"open": True, "closed": True}, took
