"""Game definitions from outside: ``[[games]]`` of config.toml, and the bodies of ``POST /v1/games``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cattrs import Converter

from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.definition_checks import problems
from tradegame.infra.config.errors import ConfigError, Problem
from tradegame.infra.config.presets import presets
from tradegame.infra.config.structuring import CONVERTER, ProblemsError, join_path, structure, structure_class
from tradegame.protocol.errors import BadRequestError


def structure_game_definition(data: object, where: str) -> GameDefinition:
    """``data`` as a game's definition, with every range checked.

    ``where``: the path of ``data`` itself (``$``, ``games[0]``), which precedes the path of each problem. Raises
    ConfigError with all problems.
    """
    try:
        return structure(data, GameDefinition)
    except ProblemsError as error:
        raise ConfigError(Problem("", join_path(where, path), message) for path, message in error.problems) from None


def parse_game_definition(body: Mapping[str, Any]) -> GameDefinition:
    """The body of ``POST /v1/games``. Raises BadRequestError, whose ``at`` is the first problem's path."""
    try:
        return structure_game_definition(body, "$")
    except ConfigError as error:
        raise _refusal(error.problems) from None


def _refusal(problems: Sequence[Problem]) -> BadRequestError:
    first, *more = problems
    refused = BadRequestError(first.message, at=first.path)
    if more:
        refused.message += f" (and {len(more)} more)"
    return refused


def default_games() -> tuple[GameDefinition, ...]:
    """What is served when no game is configured: the preset ``bazaar``."""
    return (structure(presets()["bazaar"], GameDefinition),)


def _checked(kind: type[GameDefinition], converter: Converter) -> Callable[[Any, Any], GameDefinition]:
    inner = structure_class(kind, converter)

    def hook(value: Any, target: Any) -> GameDefinition:
        definition: GameDefinition = inner(value, target)
        if found := problems(definition):
            raise ProblemsError(found)
        return definition

    return hook


CONVERTER.register_structure_hook_factory(lambda kind: kind is GameDefinition, _checked)
