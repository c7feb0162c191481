"""What the audience sees: nodes, members, the load, what was lost and doubled, and the newest log lines. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from rich import box
from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tradegame.cluster.gauges import Health
from tradegame.cluster.log import Line

_FRAME = box.Box("╭──╮\n│  │\n├──┤\n│  │\n├──┤\n├──┤\n│  │\n╰──╯\n")
"""Rounded, with no lines between columns."""

LOG_LINES = 16
CHROME = 15
"""Lines of the screen that are neither a row of a table nor of the log."""

_HEALTH: dict[Health, tuple[str, str]] = {
    "serving": ("●", "green"),
    "starting": ("◌", "yellow"),
    "not ready": ("◍", "yellow"),
    "silent": ("◍", "yellow"),
    "frozen": ("❄", "bright_blue"),
    "stopping": ("◌", "yellow"),
    "killed": ("✕", "bold red"),
    "stopped": ("○", "dim"),
    "ended": ("✕", "bold red"),
    "down": ("○", "dim"),
}
_COLOURS = (
    "cyan",
    "magenta",
    "yellow",
    "green",
    "bright_blue",
    "bright_magenta",
    "bright_cyan",
    "bright_green",
    "white",
)
_DIGITS = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▀█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
}
_KEYS = (
    ("1-9", "kill or revive"),
    ("a-e", "a member"),
    ("l", "the leader"),
    ("f 1", "freeze or thaw"),
    ("r", "rolling restart"),
    ("q", "quit"),
)


@frozen(kw_only=True)
class NodeRow:
    """``p99_ms``: as the witnesses feel it; None: nobody asked. ``lag``: frames."""

    key: str
    name: str
    port: int
    health: Health
    clients: int
    per_s: float
    p99_ms: float | None
    lag: int


@frozen(kw_only=True)
class MemberRow:
    key: str
    name: str
    port: int
    health: Health
    leads: bool
    db_bytes: int


@frozen(kw_only=True)
class View:
    """All that is shown, at one moment. Times in seconds unless the name says otherwise."""

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


def render(view: View, height: int = 40, width: int = 110) -> RenderableType:
    """The whole screen, for a terminal of that size; narrower than 108 columns, the tables stand one over the other."""
    nodes, members = _nodes(view.nodes), _members(view.members)
    rows = max(len(view.nodes), len(view.members))
    tables: RenderableType
    if width >= 108:
        grid = Table.grid(expand=True)
        grid.add_column(ratio=59)
        grid.add_column(ratio=41)
        grid.add_row(nodes, members)
        tables = grid
    else:
        tables = Group(nodes, members)
        rows = len(view.nodes) + len(view.members) + 4
    room = max(1, min(LOG_LINES, height - CHROME - rows))
    return Group(_title(view), tables, _proof(view), _log(view.lines, room), _help(view))


def status_line(view: View) -> str:
    """All of it in one line, for a log."""
    nodes = " ".join(f"{row.key}:{row.health}" for row in view.nodes)
    members = " ".join(f"{row.key}{'*' if row.leads else ''}:{row.health}" for row in view.members)
    parts = [
        f"nodes {nodes}",
        f"members {members}",
        f"{view.per_s:.0f} commands/s",
        f"p99 {_milliseconds(view.p99_ms)} ms",
        f"failovers {view.failovers}",
        f"longest wait {view.longest_s:.2f} s",
        f"acknowledged {view.acknowledged}",
        f"checked {view.checked}",
        f"lost {view.lost}",
        f"doubled {view.doubled}",
    ]
    return " · ".join(parts)


def colour_of(source: str) -> str:
    """The same for a process in every line."""
    if source in ("cluster", "checker"):
        return "bold white"
    number = ord(source[-1]) - ord("1") if source[-1].isdigit() else ord(source[-1]) - ord("a") + 3
    return _COLOURS[number % len(_COLOURS)]


def _title(view: View) -> RenderableType:
    minutes, seconds = divmod(int(view.running_s), 60)
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    what = f"{view.game}, {view.bots} bots, {view.playing} of {view.clients} clients" if view.game else "is starting"
    left = Text.assemble(("tradegame cluster", "bold"), f"   {what}")
    grid.add_row(left, Text.assemble(("join: ", "dim"), (view.join, "underline"), f"   {minutes:02}:{seconds:02}"))
    return grid


def _table() -> Table:
    return Table(
        box=_FRAME, expand=True, padding=(0, 1, 0, 0), border_style="bright_black", header_style="bright_black"
    )


def _nodes(rows: Sequence[NodeRow]) -> Table:
    table = _table()
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("node", no_wrap=True)
    table.add_column("port", no_wrap=True, style="dim")
    table.add_column("state", no_wrap=True, min_width=11)
    for heading in ("clients", "cmd/s", "p99 ms", "lag"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        up = row.health in ("serving", "not ready")
        numbers = [str(row.clients), f"{row.per_s:.0f}", _milliseconds(row.p99_ms), str(row.lag)] if up else ["–"] * 4
        table.add_row(f" {row.key}", Text(row.name, colour_of(row.name)), str(row.port), _health(row.health), *numbers)
    return table


def _members(rows: Sequence[MemberRow]) -> Table:
    table = _table()
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("member", no_wrap=True)
    table.add_column("port", no_wrap=True, style="dim")
    table.add_column("state", no_wrap=True, min_width=11)
    table.add_column("db", justify="right", no_wrap=True)
    for row in rows:
        state = Text.assemble(("★", "bold yellow"), (" leader", "bold yellow")) if row.leads else _health(row.health)
        size = f"{row.db_bytes / 1e6:.1f} MB" if row.health in ("serving", "not ready") else "–"
        table.add_row(f" {row.key}", Text(row.name, colour_of(row.name)), str(row.port), state, size)
    return table


def _health(health: Health) -> Text:
    mark, style = _HEALTH[health]
    return Text(f"{mark} {health}", style)


def _proof(view: View) -> RenderableType:
    numbers = Table.grid(padding=(0, 2))
    numbers.add_column(justify="right", style="bold")
    numbers.add_column()
    numbers.add_column(justify="right", style="bold")
    numbers.add_column()
    numbers.add_row(f"{view.per_s:.0f}", "commands/s", f"{view.acknowledged:,}", "acknowledged")
    numbers.add_row(f"{_milliseconds(view.p99_ms)} ms", "p99", f"{view.checked:,}", "checked")
    numbers.add_row(f"{view.longest_s:.2f} s", "longest wait", str(view.failovers), "failovers")
    grid = Table.grid(expand=True, padding=(0, 2))
    grid.add_column(ratio=6)
    grid.add_column(ratio=2)
    grid.add_column(ratio=2)
    grid.add_row(numbers, _large(view.lost, "lost"), _large(view.doubled, "doubled"))
    wrong = bool(view.lost or view.doubled)
    return Panel(grid, box=box.ROUNDED, border_style="bold red" if wrong else "green", padding=(0, 2))


def _large(count: int, word: str) -> RenderableType:
    style = "bold red" if count else "bold green"
    grid = Table.grid(padding=(0, 1))
    rows = ["  ".join(_DIGITS[digit][line] for digit in str(count)) for line in range(3)]
    grid.add_row(Text("\n".join(rows), style, no_wrap=True), Text(f"\n{word}", style))
    return Align.left(grid)


def _log(lines: Sequence[Line], room: int) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(justify="right", style="dim", width=6, no_wrap=True)
    table.add_column(width=9, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    styles = {"error": "bold red", "warning": "yellow", "event": "bold", "info": "", "debug": "dim"}
    shown = list(lines)[-room:]
    for line in shown:
        table.add_row(f"{line.at:.1f}", Text(line.source, colour_of(line.source)), Text(line.text, styles[line.level]))
    for _ in range(room - len(shown)):
        table.add_row("", "", "")
    return Panel(table, box=box.ROUNDED, border_style="bright_black", title="log", title_align="left", padding=(0, 1))


def _help(view: View) -> RenderableType:
    if view.hint:
        return Align.center(Text(view.hint, "bold yellow"))
    keys = [Text.assemble((f" {key} ", "reverse"), f" {what}") for key, what in _KEYS]
    line = Text("  ").join(keys)
    line.no_wrap, line.overflow = True, "ellipsis"
    return Align.center(line)


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
