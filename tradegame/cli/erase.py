"""``tradegame erase``."""

from __future__ import annotations

from typing import Annotated

import typer

from tradegame.cli.exits import first_of, give_up
from tradegame.cli.options import ConfigFile, Store, settings_of


def erase(
    player: Annotated[str, typer.Argument(metavar="PLAYER", help="A player's id: p- and 12 letters and digits.")],
    config: ConfigFile = None,
    store: Store = None,
) -> None:
    """Take a player's name and messages out of the store. No server may run meanwhile.

    [bold]tradegame erase --config config.toml p-7mrmrbjapijz[/bold]
    In every game the name is then "erased", also in old results, and public messages are gone; the log begins anew, so
    that the past is not in it either. What they traded stays, under their id. Their token is worth nothing any more.

    Not in reach: backups, exported logs, what etcd keeps until it is compacted and defragmented. docs/SECURITY.md has
    the list. The exit code is 1 if there is no such player.
    """
    settings = settings_of(config, {} if store is None else {"store.url": store})
    import trio

    from tradegame.app.erasing import erase as erase_player
    from tradegame.core.games.replica import DivergedError
    from tradegame.core.repositories import StoreError

    why, found = None, False
    try:
        found = trio.run(erase_player, settings.store, player, typer.echo)
    except* (StoreError, DivergedError, OSError, ValueError) as errors:
        why = str(first_of(errors))
    if why is not None:
        give_up(f"not erased: {why}")
    if not found:
        typer.echo(f"no player {player!r} in this store", err=True)
        raise typer.Exit(1)
