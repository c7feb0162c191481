"""A game is played on by the rules that it was made with, to the byte."""

from __future__ import annotations

from tests.support.domain import BEGIN, LIVELY, random_log
from tradegame.core.domain import snapshot
from tradegame.core.domain.game import Game

RECORDED = "be7583720962befd7e5adbc1c868bd690d591055c8d0f23ec0eb4820e48a3b61"
"""The state's hash after this log, as the code had it that knew version 1 alone."""


def test_a_game_of_version_1_comes_to_the_state_that_it_always_came_to() -> None:
    game = Game.create(LIVELY, "epoch", BEGIN, 11, rules=1)
    for entry in random_log(LIVELY, 11, 400):
        game.apply(entry)
    assert snapshot.state_hash(game) == RECORDED
    assert snapshot.state_hash(snapshot.load(snapshot.dump(game))) == RECORDED
    assert game.state.rules == 1
