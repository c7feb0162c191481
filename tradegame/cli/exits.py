"""How a command ends when it cannot do its work."""

from __future__ import annotations

from typing import NoReturn, TypeVar

import typer

Failure = TypeVar("Failure", bound=Exception)


def first_of(errors: BaseExceptionGroup[Failure]) -> Failure:
    """The first error of a group, however deep."""
    first = errors.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def give_up(why: str) -> NoReturn:
    """One line on stderr, and exit code 2."""
    typer.echo(f"tradegame: {why}", err=True)
    raise typer.Exit(2)
