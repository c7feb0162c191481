"""The JavaScript client's state is the server's, whatever commands there are.

That the Python client's is, too, `tests/unit/domain/test_invariants.py` sees.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.javascript.conftest import DIRECTORY
from tests.support import views
from tests.support.domain import BEGIN
from tests.support.javascript import run
from tests.unit.domain.strategies import PLAYERS, busy, commands, definitions, steps
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.game import Game
from tradegame.protocol import tag_of
from tradegame.protocol.commands import Command, Entry, Join, Remove, SetAccess, SetPhase, SitIn, Unsay
from tradegame.protocol.pushes import EVENTS
from tradegame.protocol.requests import Say

entries = st.lists(st.tuples(steps, st.lists(commands, max_size=6)), min_size=1, max_size=12)


@pytest.mark.parametrize("examples", [40, pytest.param(1_000, marks=pytest.mark.slow)])
def test_the_state_that_it_makes_of_the_events_is_the_servers(node: str, tmp_path: Path, examples: int) -> None:
    played: list[dict[str, Any]] = []

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None)
    @given(definition=definitions(), some=entries)
    def play(definition: GameDefinition, some: list[tuple[int, list[Command]]]) -> None:
        game = Game.create(definition, "e", BEGIN, 1)
        before, at = views.public_state(game.state), BEGIN
        begin: list[Command] = [Join(player=player, name=player) for player in PLAYERS]
        begin += [Say(player=PLAYERS[0], text="oh"), Unsay(message=1), SitIn(account=PLAYERS[1])]
        trade = busy(random.Random(len(some)), 10)
        frames = [game.apply(Entry(at, (*begin, SetPhase(phase="open"), *trade))).frame]
        for step, each in some:
            at += step
            frames.append(game.apply(Entry(at, tuple(each))).frame)
        frames.append(game.apply(Entry(at, (SetAccess(reports=True), Remove(account=PLAYERS[-1])))).frame)
        told = [{"at": frame.at, "events": frame.events} for frame in frames if frame is not None]
        played.append({"state": before, "frames": told, "after": views.public_state(game.state)})

    play()
    seen = {tag_of(type(event)) for game in played for frame in game["frames"] for event in frame["events"]}
    assert seen >= EVENTS.keys() - {"revealed"}, "which changes no state"
    told = tmp_path / "played.json"
    told.write_bytes(msgspec.json.encode(played))
    run([node, "folding.mjs", str(told)], DIRECTORY, 60.0)
