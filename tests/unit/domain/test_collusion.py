"""A random search for two players who together gain by what they do to the marks: see `collusion`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from attrs import evolve

from tests.unit.domain.collusion import World, search
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    HouseDefinition,
    RoundsDefinition,
    SettlementDefinition,
)
from tradegame.core.domain.mark import BidLows
from tradegame.infra.config import parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.protocol.bounds import MarkKind

OPEN_S = 90
FAIR = {"x": 50, "y": 80, "z": 200}
"""What the three goods are worth."""
GIVEN = {"x": 100, "y": 50, "z": 20}


def three(mark: MarkKind | None = None, robots: int = 12, acts: float = 0.4) -> Callable[[int], World]:
    """Three goods that only players trade. Twelve robots have more of each than the two can ever pay for."""
    goods = {good: GoodDefinition(endowment=qty, mark=mark) for good, qty in GIVEN.items()}
    definition = GameDefinition(id="g", cash=10_000, goods=goods, rounds=RoundsDefinition(open_s=OPEN_S, closed_s=5))
    return partial(World, definition, FAIR, robots=robots, acts=acts)


def mixed() -> Callable[[int], World]:
    """One good with a house, one without, and one that settles."""
    goods = {
        "x": GoodDefinition(endowment=100, house=HouseDefinition(anchor=50)),
        "y": GoodDefinition(endowment=50),
        "z": GoodDefinition(endowment=20, settlement=SettlementDefinition(values=(100, 200, 300))),
    }
    definition = GameDefinition(id="g", cash=10_000, goods=goods, rounds=RoundsDefinition(open_s=OPEN_S, closed_s=5))
    return partial(World, definition, FAIR, robots=12)


def preset(name: str) -> Callable[[int], World]:
    definition = parse_game_definition(presets()[name])
    rounds = evolve(definition.rounds, open_s=OPEN_S, lobby_s=0) if definition.rounds is not None else None
    return partial(World, evolve(definition, rounds=rounds), dict.fromkeys(definition.goods, 0))


WORLDS = {
    "three": (three(), 23_000),
    "three, slow robots": (three(acts=0.05), 23_000),
    "mixed": (mixed(), 21_000),
    "bazaar": (preset("bazaar"), 10_000),
    "classroom": (preset("classroom"), 1_000),
    "pit": (preset("pit"), 5_000),
}
"""Each with what one account begins with, at the least."""


def rise(make: Callable[[int], World], seed: int, plans: int) -> int:
    most, plan = search(lambda: make(seed), seed, plans)
    print(most, plan)  # shown if it is too much
    return most


def test_nobody_who_does_nothing_gains_anything() -> None:
    for make, _ in WORLDS.values():
        assert make(1).play(()) == 0


@pytest.mark.parametrize("world", WORLDS)
def test_two_who_help_each_other_gain_at_most_two_percent_of_one_start(world: str) -> None:
    make, start = WORLDS[world]
    assert rise(make, 1, 20) <= start * 2 // 100


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("world", WORLDS)
def test_a_long_search_finds_no_more(world: str, seed: int) -> None:
    """All of them take six minutes on one core. The most that they found is 0.7 %, with slow robots."""
    make, start = WORLDS[world]
    assert rise(make, seed, 400) <= start * 2 // 100


def test_the_search_finds_it_when_the_last_best_bid_is_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BidLows, "median", lambda self, second: self.bid)
    assert rise(three(), 1, 12) > 5_000


@pytest.mark.long
@pytest.mark.parametrize("mark", ["last", "book"])
def test_a_long_search_finds_what_the_other_marks_are_open_to(mark: MarkKind) -> None:
    assert rise(three(mark), 1, 200) > 2_000


def test_the_search_finds_that_two_who_can_buy_all_there_is_make_its_mark() -> None:
    """What rules.md says of thin markets: two robots hold less than the two can pay for."""
    assert rise(three(robots=2), 1, 30) > 10_000
