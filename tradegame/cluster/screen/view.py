"""What the screen, or a status line, shows of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from tradegame.cluster.log import Line
from tradegame.cluster.processes.gauges import Condition


@frozen(kw_only=True)
class NodeRow:
    """``p99_ms``: measured by the witnesses; None: no answers. ``lag``: in frames."""

    key: str
    name: str
    port: int
    condition: Condition
    clients: int
    per_s: float
    p99_ms: float | None
    lag: int


@frozen(kw_only=True)
class MemberRow:
    key: str
    name: str
    port: int
    condition: Condition
    leads: bool
    db_bytes: int


@frozen(kw_only=True)
class View:
    """Everything that is shown, at one moment. Times in seconds unless the name says otherwise."""

    game: str
    join: str
    running_s: float
    bots: int
    clients: int
    playing: int
    nodes: Sequence[NodeRow]
    members: Sequence[MemberRow]
    per_s: float
    p99_ms: float | None
    failovers: int
    longest_s: float
    acknowledged: int
    checked: int
    unanswered: int
    lost: int
    doubled: int
    lines: Sequence[Line]
    hint: str = ""
