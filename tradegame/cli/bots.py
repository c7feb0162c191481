"""``tradegame bots``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tradegame.cli.exits import first_of, give_up
from tradegame.cli.options import LogFormat

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
    log_format: LogFormat = None,
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
        give_up(f"unknown kind of bot: {', '.join(unknown)}; there are {', '.join(KINDS)}", log_format or "console")
    say = None
    if log_format == "json":
        from tradegame.utils.logging import configure_logging, log_uncaught

        configure_logging("warning", "json")  # of the client's own warnings
        log_uncaught()
        say, live = _say_in_json, False
    why = None
    try:
        trio.run(partial(run_bots, url or [DEFAULT_URL], game, count, kind, live=live, keep=keep, say=say))
    except* (ValueError, OSError) as errors:
        why = str(first_of(errors))
    if why is not None:
        give_up(why, log_format or "console")


def _say_in_json(line: str) -> None:
    """As an object of JSON, as the log of the server has it with which these bots play along."""
    print(json.dumps({"event": line, "level": "info"}) + "\n", end="", flush=True)  # in one write, as `serve` does
