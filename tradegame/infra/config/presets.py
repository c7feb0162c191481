"""The included games: ``tradegame/presets/*.toml``, each with one ``[[games]]`` table."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Every preset's table by name, in alphabetical order, as config.toml and ``POST /v1/games`` accept it.

    The game's id is that name.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(resources.files("tradegame.presets").iterdir(), key=lambda file: file.name):
        name, _, kind = file.name.partition(".")
        if kind == "toml":
            (found[name],) = tomllib.loads(file.read_text("utf-8"))["games"]
    return found
