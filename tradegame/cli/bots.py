"""``tradegame bots``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tradegame.cli.exits import first_of, give_up

DEFAULT_URL = "ws://127.0.0.1:8765/ws"


def bots(
    url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help=f"The server's WebSocket address; several times for several nodes ({DEFAULT_URL})."
        ),
    ] = None,
    game: Annotated[str, typer.Option(metavar="GAME", help="The game to play in.")] = "bazaar",
    count: Annotated[int, typer.Option(min=1, max=1_000, metavar="N", help="How many play.")] = 8,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="zero_intelligence, market_maker, trend_follower or informed; several times for several.",
        ),
    ] = None,
    live: Annotated[bool, typer.Option(help="Tables that keep current; otherwise a line now and then.")] = True,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep there who the bots are: the next time the same players play on."),
    ] = None,
) -> None:
    """Let bots play, and show live what they do.

    [bold]tradegame bots[/bold]
    Eight of all kinds, on the server of this machine.

    [bold]tradegame bots --url ws://example.org:8765/ws --count 50 --kind zero_intelligence[/bold]
    Fifty that trade at random, somewhere else.
    """
    import trio

    from tradegame.bots import KINDS, run_bots

    if unknown := [name for name in kind or () if name not in KINDS]:
        give_up(f"unknown kind of bot: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    why = None
    try:
        trio.run(partial(run_bots, url or [DEFAULT_URL], game, count, kind, live=live, keep=keep))
    except* (ValueError, OSError) as errors:
        why = str(first_of(errors))
    if why is not None:
        give_up(why)
