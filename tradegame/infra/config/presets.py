"""The games that come along: ``tradegame/presets/*.toml``, each with one ``[[games]]`` table."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from tradegame.core.domain.definition import GameDefinition
from tradegame.infra.config.definitions import structure_game_definition


@cache
def presets() -> dict[str, GameDefinition]:
    """Every preset by its name, in order of the alphabet. The game's id is that name."""
    found = {}
    for file in sorted(resources.files("tradegame.presets").iterdir(), key=lambda file: file.name):
        name, _, kind = file.name.partition(".")
        if kind == "toml":
            (table,) = tomllib.loads(file.read_text("utf-8"))["games"]
            found[name] = structure_game_definition(table, f"presets/{file.name}")
    return found
