"""``tradegame config``."""

from __future__ import annotations

import os

import typer

from tradegame.cli.options import (
    Advertise,
    ConfigFile,
    Host,
    LogFormat,
    LogLevel,
    Port,
    Store,
    flags_of,
)


def config(
    file: ConfigFile = None,
    host: Host = None,
    port: Port = None,
    advertise: Advertise = None,
    store: Store = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Print the effective configuration, and where each value came from.

    [bold]tradegame config > config.toml[/bold]
    A file to begin with: all that can be set, with its defaults.

    [bold]tradegame config --config config.toml[/bold]
    Is it right? Exit code 1 and every error, if not; a warning for what is valid and does nothing. Secrets are masked.
    """
    from tradegame.core.domain.definition_warnings import warnings
    from tradegame.infra.config import ConfigError, list_settings, load

    flags = flags_of(host, port, advertise, store, log_level, log_format)
    try:
        loaded = load(file, os.environ, flags)
    except ConfigError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    for index, game in enumerate(loaded.settings.games):
        for path, message in warnings(game):
            typer.echo(f"warning: games[{index}].{path}: {message}", err=True)
    typer.echo(list_settings(loaded), nl=False)
