"""How a command ends when it cannot do its work."""

from __future__ import annotations

from typing import NoReturn, TypeVar

import typer

Failure = TypeVar("Failure", bound=Exception)


def first_of(errors: BaseExceptionGroup[Failure]) -> Failure:
    """The first error of a group, however deep."""
    first = errors.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def give_up(why: str, log_format: str = "console") -> NoReturn:
    """One line on stderr, and exit code 2."""
    say_why_not([f"tradegame: {why}"], log_format)
    raise typer.Exit(2)


def say_why_not(reasons: list[str], log_format: str) -> None:
    """Each reason as a line on stderr; as a line of the log (``not_started``) if the log's format is ``json``."""
    if log_format != "json":
        for reason in reasons:
            typer.echo(reason, err=True)
        return
    import structlog

    from tradegame.utils.logging import configure_logging, flush_logging

    configure_logging("error", "json")
    for reason in reasons:
        structlog.get_logger().error("not_started", reason=reason)
    flush_logging()
