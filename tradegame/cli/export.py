"""``tradegame export``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from tradegame.cli.exits import give_up
from tradegame.cli.progress import replaying
from tradegame.protocol.http import SeparatorName


def export(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="What GET /v1/games/GAME/log gave, in a file; - reads it from stdin.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE.xlsx|FILE.zip|FOLDER", help="A workbook, or CSV files."),
    ],
    separator: Annotated[
        SeparatorName, typer.Option(help="Between the cells of CSV: Excel in German, French … expects semicolons.")
    ] = "comma",
    pages: Annotated[
        bool, typer.Option("--pages", help="In place of tables: a page with their own report for each player.")
    ] = False,
    reveal: Annotated[
        bool,
        typer.Option(
            "--reveal", help="With --pages: places and what was possible, though private values stay in force."
        ),
    ] = False,
) -> None:
    """Make tables of a game's exported log: players and grades, orders, trades, quotes, chat; with a codebook.

    [bold]tradegame export monday.jsonl -o monday.xlsx[/bold]
    [bold]tradegame export monday.jsonl -o monday --separator semicolon[/bold]
    [bold]tradegame export monday.jsonl -o monday --pages[/bold]
    The exit code is 1 for a log that was changed or breaks a rule; then nothing is written.
    """
    from tradegame.controller.http.report_pages import INDEX, write_pages
    from tradegame.core.games.replay import Replay, WrongLogError
    from tradegame.core.tables.csv_files import SEPARATORS
    from tradegame.core.tables.export import export as write

    try:
        piped = str(log) == "-"
        with nullcontext(sys.stdin.buffer) if piped else log.open("rb") as file, replaying(log) as progress:
            replay, total = Replay(file), None if piped else log.stat().st_size

            def read(done: int) -> None:
                progress(done, total)

            if pages:
                made, secret = write_pages(replay, output, SEPARATORS[separator], reveal=reveal, progress=read)
            else:
                rows, notes = write(replay, output, SEPARATORS[separator], read)
    except WrongLogError as wrong:
        typer.echo(f"{log}: line {replay.line}: {wrong}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        give_up(f"{error.filename or output}: {error.strerror or error}")
    if pages:
        typer.echo(f"{output}: {made} pages; {INDEX} says whose is which")
        if secret:
            typer.echo("places and what was possible are left out, since private values stay in force: see --reveal")
        return
    told = ", ".join(f"{count:,} {sheet}" for sheet, count in rows.items() if sheet not in ("game", "codebook"))
    typer.echo(f"{output}: {told}")
    for note in notes:
        typer.echo(note)
