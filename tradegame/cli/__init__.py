"""The command line: ``tradegame serve | cluster | bots | backup | erase | verify | export | config | spec``.

Exit codes: 0 well; 1 what was checked is wrong; 2 it could not be done at all (with one line that says why).
What a command needs is imported when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import tradegame
from tradegame.cli import backup, bots, cluster, config, erase, export, serve, spec, verify
from tradegame.cli.exits import say_why_not

app = typer.Typer(
    name="tradegame",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # Locals in a stack trace would show tokens and passwords.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with [bold]tradegame serve --bots 8[/bold] and open http://127.0.0.1:8765/ in a browser.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tradegame {tradegame.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A server on which people run real-time trading games."""


app.command(epilog=serve.EPILOG)(serve.serve)
app.command()(cluster.cluster)
app.command()(bots.bots)
app.command()(backup.backup)
app.command()(erase.erase)
app.command()(verify.verify)
app.command()(export.export)
app.command()(config.config)
app.command()(spec.spec)


def main() -> None:
    """The entry point."""
    if not _logs_json(sys.argv[1:]):
        app()  # ends the process
    try:
        code = app(standalone_mode=False)
    except Exception as error:
        # Click's errors, which a newer Typer has as classes of its own: wrong options and arguments.
        if not hasattr(error, "format_message"):
            raise
        say_why_not([error.format_message()], "json")
        code = 2
    sys.exit(code)


def _logs_json(arguments: list[str]) -> bool:
    """Whether the log is JSON, as far as that is known before the arguments are parsed."""
    if "--log-format" in arguments[:-1]:
        return arguments[arguments.index("--log-format") + 1] == "json"
    return "--log-format=json" in arguments or os.environ.get("TRADEGAME_LOG__FORMAT") == "json"
