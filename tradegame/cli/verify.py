"""``tradegame verify``."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradegame.cli.exits import give_up
from tradegame.cli.progress import replaying

if TYPE_CHECKING:
    from tradegame.core.games.verify import Report


def verify(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="What GET /v1/games/GAME/log gave, in a file.")],
) -> None:
    """Replay a game's exported log, and check everything that must hold.

    [bold]curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8765/v1/games/bazaar/log -o bazaar.log[/bold]
    [bold]tradegame verify bazaar.log[/bold]
    The exit code is 0 for a sound log, 1 for one that was changed or breaks a rule.
    """
    from tradegame.core.games.verify import verify_log

    started = time.monotonic()
    gc.disable()  # a game's objects are freed by their reference counts: it finds nothing, in a tenth of the time
    try:
        with replaying(log) as progress:
            report = verify_log(log, progress)
    except OSError as error:
        give_up(f"{log} cannot be read: {error.strerror or error}")
    finally:
        gc.enable()
    _show_report(log, report, time.monotonic() - started)


def _show_report(log: Path, report: Report, took_s: float) -> None:
    rate = f"{report.commands / max(took_s, 0.001):,.0f} commands/s"
    replayed = f"{report.entries:,} entries, {report.commands:,} commands in {took_s:.1f} s ({rate})"
    if report.problem is not None:
        typer.echo(f"{log}: line {report.problem.line}: {report.problem.message}", err=True)
        typer.echo(f"replayed before it: {replayed}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{log}: the log of {report.game} is sound: {replayed}, seq {report.frames}, state {report.state_hash}")
