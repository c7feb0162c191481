"""``tradegame serve``."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradegame.cli.exits import first_of, give_up
from tradegame.cli.options import (
    Advertise,
    ConfigFile,
    Host,
    LogFormat,
    LogLevel,
    Port,
    Store,
    asked_format,
    flags_of,
    settings_of,
)

if TYPE_CHECKING:
    from tradegame.infra.config import Settings

CANNOT_LISTEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)


EPILOG = (
    "Every key of config.toml can be set in the environment too, as TRADEGAME_SECTION__KEY: "
    "[bold]TRADEGAME_ADMIN__TOKEN=… tradegame serve[/bold]. Flags win over the environment, and that over the file. "
    "A secret can be read from a file: [bold]TRADEGAME_ADMIN__TOKEN_FILE=/run/secrets/token[/bold]."
)


def serve(
    config: ConfigFile = None,
    host: Host = None,
    port: Port = None,
    advertise: Advertise = None,
    store: Store = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    bots: Annotated[int, typer.Option(min=0, max=1_000, metavar="N", help="So many bots play the first game.")] = 0,
    preset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A game that comes along: bazaar, classroom or pit. Again, for several."),
    ] = None,
) -> None:
    """Serve games, until Ctrl-C or SIGTERM.

    [bold]tradegame serve --bots 8[/bold]
    The bazaar, kept in ./tradegame.db, with somebody to trade with.

    [bold]tradegame serve --config config.toml --host 0.0.0.0[/bold]
    Your own games, for the whole network.

    [bold]tradegame serve --store etcd://a:2379,b:2379,c:2379/tradegame[/bold]
    One node of several: start as many as you like, any of them may die.
    """
    flags = flags_of(host, port, advertise, store, log_level, log_format)
    if preset:
        flags["games"] = _games_of(preset, asked_format(config, flags))
    settings = settings_of(config, flags)
    from tradegame.app import run
    from tradegame.core.repositories import StoreError
    from tradegame.utils.logging import configure_logging, flush_logging, log_uncaught

    configure_logging(settings.log.level, settings.log.format)
    if settings.log.format == "json":
        log_uncaught()
    why = None
    # except*, and giving up after it: before Python 3.11.4 whatever is raised inside an except* comes out in a group.
    try:
        run(settings, bots=bots)
    except* StoreError as errors:
        why = f"the store {settings.store.url} cannot be used: {first_of(errors)}"
    except* OSError as errors:
        why = _why_not(first_of(errors), settings)
    flush_logging()  # so that what is said last stands last
    if why is not None:
        give_up(why, settings.log.format)


def _games_of(names: list[str], log_format: str) -> list[dict[str, Any]]:
    """The presets of these names."""
    from tradegame.infra.config.presets import presets

    known = presets()
    for name in names:
        if name not in known:
            give_up(f"no preset {name!r}; there are {', '.join(known)}", log_format)
    return [known[name] for name in dict.fromkeys(names)]


def _why_not(error: OSError, settings: Settings) -> str:
    server, reason = settings.server, error.strerror or str(error)
    if error.errno in CANNOT_LISTEN:
        return f"cannot listen on {server.host} port {server.port}: {reason} (--port picks another)"
    return f"{error.filename}: {reason}" if error.filename else reason
