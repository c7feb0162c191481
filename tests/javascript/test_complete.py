"""The JavaScript client has a method for each command, and takes in each event."""

from __future__ import annotations

import re

import pytest

from tools.generate import SITE
from tradegame.protocol.pushes import EVENTS
from tradegame.protocol.requests import KEYED

GAME = (SITE / "js" / "client" / "game.js").read_text("utf-8")
FOLD = (SITE / "js" / "client" / "fold.js").read_text("utf-8")
TYPES = (SITE / "tradegame.d.ts").read_text("utf-8")


@pytest.mark.parametrize("op", sorted(KEYED - {"join"}))
def test_a_game_has_a_method_for_each_command(op: str) -> None:
    assert f'this.#request("{op}"' in GAME
    assert re.search(rf"^  {op}\(", TYPES, re.M)


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_each_event_is_folded_and_can_be_listened_to(event: str) -> None:
    assert f'case "{event}":' in FOLD
    assert re.search(rf"^  {event}: \(", TYPES, re.M)
