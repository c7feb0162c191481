"""The options of ``tradegame cluster``."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from tradegame.cluster.plan import Step


@frozen(kw_only=True)
class ClusterOptions:
    """``nodes`` 1 to 9, ``members`` 1, 3 or 5. ``bots``: how many. ``clients``: how many witnesses; together they send
    ``rate`` commands a second. ``port``: the first node's, the others follow it; None: 8765 if free, else any.
    ``directory``: for data and logs; None: a temporary one, deleted at the end unless ``keep``. ``etcd``: the binary.
    ``config``: for every node; ``games``: the ids of its games. ``game``: the one to play; None: the bazaar, or the
    first. ``plan``: a script of faults. ``seconds``: when to end; None: when asked. ``plain``: lines instead of a
    screen. ``picture``: an SVG file for the screen as it is at the end.
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
