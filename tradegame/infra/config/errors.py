"""What is wrong with a configuration, so that a person finds the place."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from tradegame.protocol.reasons import Why


@frozen
class Problem:
    """``origin``: the file, environment variable or flag; ``path``: the key's (``games[0].cash``).

    ``message``: what was expected, and what was found.
    """

    origin: str
    path: str
    message: str | Why

    def __str__(self) -> str:
        return ": ".join(part for part in (self.origin, self.path, str(self.message)) if part)


class ConfigError(Exception):
    """The configuration is invalid. ``problems`` has every problem found; the text has one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
