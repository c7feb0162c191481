"""The games that come along are as good as any."""

from __future__ import annotations

import pytest

from tradegame.core.domain.game import Game
from tradegame.infra.config import parse_game_definition
from tradegame.infra.config.presets import presets


def test_there_are_the_three_that_the_documents_speak_of() -> None:
    assert list(presets()) == ["bazaar", "classroom", "pit"]


@pytest.mark.parametrize("name", ["bazaar", "classroom", "pit"])
def test_a_preset_is_a_sound_definition_that_says_what_it_is_about(name: str) -> None:
    definition = parse_game_definition(presets()[name])
    assert definition.id == name
    assert definition.title
    assert len(definition.about) > 100
    assert "\n" not in definition.about
    Game.create(definition, "e", 0, 1)
