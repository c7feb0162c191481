"""What was asked for."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from tradegame.cluster.plan import Step


@frozen(kw_only=True)
class ClusterOptions:
    """``nodes`` 1 to 9, ``members`` 1, 3 or 5. ``bots``: how many; ``clients``: the witnesses, which together send
    ``rate`` commands a second. ``port``: the first node's, the others on those that follow; None: 8765 if that is
    free, else any. ``directory``: where data and logs go; None: a temporary one, deleted at the end unless ``keep``.
    ``etcd``: the binary. ``config``: for every node; ``games``: the ids of those in it. ``game``: the one that is
    played; None: the bazaar, or the first. ``plan``: what happens by itself; ``seconds``: the end comes by itself;
    None: when somebody says so. ``plain``: lines and no screen. ``picture``: an SVG file that shows the screen as it
    was at the end.
    """

    nodes: int = 3
    members: int = 3
    bots: int = 8
    clients: int = 20
    rate: float = 100.0
    port: int | None = None
    directory: Path | None = None
    keep: bool = False
    etcd: str | None = None
    config: Path | None = None
    games: tuple[str, ...] = ()
    game: str | None = None
    plan: tuple[Step, ...] = ()
    seconds: float | None = None
    plain: bool = False
    picture: Path | None = None
