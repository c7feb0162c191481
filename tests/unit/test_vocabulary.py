"""What is said of a command, an event and an error in other places than the protocol: none is forgotten there."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import get_args

import pytest

from tests.support.domain import define_game
from tests.support.drawing import any_command
from tradegame import client as tg
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import Command
from tradegame.protocol.errors import RULE_ERRORS
from tradegame.protocol.ops import PlayerCommand
from tradegame.protocol.pushes import EVENTS, PUSHES
from tradegame.protocol.requests import KEYED, REQUESTS

ROOT = Path(__file__).parents[2]
OF_PAGES = {"device"}
"""Pushes that programs have no use for."""


def test_the_game_has_a_handler_for_each_command_of_the_log() -> None:
    game = Game.create(define_game(), "e", 0, 1)
    assert game._handlers.keys() == set(get_args(Command))


@pytest.mark.parametrize("op", sorted(KEYED - {"join"}))
def test_a_game_of_the_python_client_has_a_method_for_each_command(op: str) -> None:
    assert callable(getattr(tg.Game, op))


def test_each_event_can_be_imported_from_the_python_client() -> None:
    names = {event.__name__ for event in EVENTS.values()}
    assert names <= {event.__name__ for event in get_args(tg.Event)}
    assert names <= set(tg.__all__)


@pytest.mark.parametrize("push", sorted(PUSHES.keys() - OF_PAGES))
def test_both_clients_take_each_push(push: str) -> None:
    for folder, pattern in (("client", "*.py"), ("controller/http/site/js/client", "*.js")):
        texts = [file.read_text(encoding="utf-8") for file in (ROOT / "tradegame" / folder).glob(pattern)]
        assert any(f'"{push}"' in text for text in texts), folder


def test_each_command_event_and_error_is_in_a_test_of_the_rules() -> None:
    """Not only where anything is drawn."""
    paths = set((ROOT / "tests" / "unit" / "domain").glob("test_*.py"))
    tests = "\n".join(path.read_text() for path in paths if path.stem not in ("test_invariants", "test_determinism"))
    words = set(re.findall(r"\w+", tests))
    classes = {kind.__name__ for kind in (*get_args(Command), *EVENTS.values())}
    assert classes - words == set()
    assert {code for code, error in RULE_ERRORS.items() if not {code, error.__name__} & words} == set()


def test_each_command_is_drawn_where_commands_are_drawn_at_random() -> None:
    """By the clients that meet every fault, and in the logs that are replayed."""
    chance = random.Random(1)
    fields = [any_command(chance, ["grain"], ["o1", "o2"], "hi") for _ in range(2_000)]
    assert KEYED - {"join"} - {each["op"] for each in fields} == set()
    said = {(each["op"], name) for each in fields for name in each}
    for op in KEYED - {"join"}:
        own = set(REQUESTS[op].__struct_fields__) - set(PlayerCommand.__struct_fields__)
        assert {name for name in own if (op, name) not in said} <= {"to"}
