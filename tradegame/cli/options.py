"""Options that several commands have, and the settings that they make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradegame.cli.exits import say_why_not

if TYPE_CHECKING:
    from tradegame.infra.config import Settings

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="A config.toml. Without one: the built-in bazaar."),
]
Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Where to listen (127.0.0.1; 0.0.0.0 is every network, :: with IPv6)."),
]
Port = Annotated[
    int | None, typer.Option(metavar="PORT", help="For WebSocket and HTTP both (8765; 0 takes a free one).")
]
Advertise = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where clients reach this node from outside, for one of several: wss://HOST/ws."),
]
Store = Annotated[
    str | None,
    typer.Option(metavar="URL", help="memory:, embedded:PATH or etcd://HOST:PORT,…/PREFIX (embedded:tradegame.db)."),
]
LogLevel = Annotated[str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error (info).")]
LogFormat = Annotated[str | None, typer.Option(metavar="FORMAT", help="console or json (console).")]


def settings_of(file: Path | None, flags: dict[str, Any]) -> Settings:
    """The settings of this file, the environment and these flags. Ends the command if they are invalid."""
    from tradegame.infra.config import ConfigError, load_settings

    try:
        return load_settings(file, os.environ, flags)
    except ConfigError as error:
        say_why_not([str(problem) for problem in error.problems], asked_format(file, flags))
        raise typer.Exit(2) from None


def asked_format(file: Path | None, flags: dict[str, Any]) -> str:
    """The log's format, for errors before there are settings: as far as it is known although others are invalid."""
    from tradegame.infra.config.loader import log_format_in

    return log_format_in(file, os.environ, flags)


def flags_of(
    host: str | None,
    port: int | None,
    advertise: str | None,
    store: str | None,
    log_level: str | None,
    log_format: str | None,
) -> dict[str, Any]:
    """What these options set, by the path of the setting."""
    flags = {
        "server.host": host,
        "server.port": port,
        "server.advertise": advertise,
        "store.url": store,
        "log.level": log_level,
        "log.format": log_format,
    }
    return {path: value for path, value in flags.items() if value is not None}
