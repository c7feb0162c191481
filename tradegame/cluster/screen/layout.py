"""What the audience sees: nodes, members, the load, what was lost and doubled, and the newest log lines. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO

from rich import box
from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tradegame.cluster.log import Line
from tradegame.cluster.processes.gauges import Condition
from tradegame.cluster.screen.digits import large, large_width
from tradegame.cluster.screen.legend import legend, one_line, widest
from tradegame.cluster.screen.view import MemberRow, NodeRow, View

_FRAME = box.Box("╭──╮\n│  │\n├──┤\n│  │\n├──┤\n├──┤\n│  │\n╰──╯\n")
"""Rounded, with no lines between columns."""

LOG_LINES = 16
LOG_FRAME = 2
FRAMED_FROM = 3
"""Log lines; with fewer, they have no frame."""
SIDE_BY_SIDE = 108
TABLES_FROM = 58
"""Columns; on a narrower terminal nodes and members are marks in one line."""

_CONDITION: dict[Condition, tuple[str, str]] = {
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


def render(view: View, height: int = 40, width: int = 110) -> RenderableType:
    """The whole screen for a terminal of that size. Below 108 columns the tables are stacked.

    If there are too few rows, the log goes first, then the large digits, the frames, the tables and the title. What was
    lost and doubled, and the keys, always stay.
    """
    console = Console(width=width, height=height, file=StringIO(), color_system=None)
    above: list[RenderableType] = []
    for above in _arrangements(view, width):
        used = len(console.render_lines(Group(*above), pad=False)) + 1
        if used <= height:
            return Group(*above, *_log(view.lines, height - used), legend(view.hint, width))
    return Group(*above, legend(view.hint, width)) if height > 1 else legend(view.hint, width)


def _arrangements(view: View, width: int) -> Iterator[list[RenderableType]]:
    """The possible layouts above the log and the keys, from complete to minimal."""
    title, verdict = _title(view, width), _verdict(view, width)
    short = widest((_what(view), Text(_game(view))), width)
    if width >= TABLES_FROM:
        framed = _tables(view, width, _FRAME)
        if _large_fits(view, width):
            yield [title, framed, _proof(view)]
        yield [title, framed, verdict]
        yield [short, _tables(view, width, None), verdict]
    yield [short, _marks(view), verdict]
    yield [_marks(view), verdict]
    yield [verdict]


def _tables(view: View, width: int, frame: box.Box | None) -> RenderableType:
    nodes, members = _nodes(view.nodes, frame), _members(view.members, frame)
    if width < SIDE_BY_SIDE:
        return Group(nodes, members)
    grid = Table.grid(expand=True)
    grid.add_column(ratio=59)
    grid.add_column(ratio=41)
    grid.add_row(nodes, members)
    return grid


def _marks(view: View) -> Text:
    """Nodes and members, each by its key and its state's mark."""
    marks = Text(" ").join(Text.assemble(row.key, _CONDITION[row.condition]) for row in view.nodes)
    for row in view.members:
        marks.append_text(Text.assemble(" ", row.key, ("★", "bold yellow") if row.leads else _CONDITION[row.condition]))
    return one_line(marks)


def _verdict(view: View, width: int) -> Text:
    """The counts of the large digits, and as many other figures as fit, in one line."""
    parts = [(f"{word} {count}", "bold red" if count else "bold green") for word, count in _counts(view)]
    line = Text("  ").join(Text(*part) for part in parts)
    load = f"  {view.per_s:.0f} commands/s  p99 {_milliseconds(view.p99_ms)} ms"
    return widest((line + Text(f"{load}  longest wait {view.longest_s:.2f} s"), line + Text(load), line), width)


def _counts(view: View) -> tuple[tuple[str, int], ...]:
    return ("lost", view.lost), ("doubled", view.doubled)


def _large_fits(view: View, width: int) -> bool:
    """Whether each count's digits and word fit into a fifth of the panel."""
    return max(large_width(count) + 1 + len(word) for word, count in _counts(view)) <= (width - 6) // 5 - 2


def status_line(view: View) -> str:
    """All of it in one line, for a log."""
    nodes = " ".join(f"{row.key}:{row.condition}" for row in view.nodes)
    members = " ".join(f"{row.key}{'*' if row.leads else ''}:{row.condition}" for row in view.members)
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
    """A process has the same colour in every line."""
    if source in ("cluster", "checker"):
        return "bold white"
    number = ord(source[-1]) - ord("1") if source[-1].isdigit() else ord(source[-1]) - ord("a") + 3
    return _COLOURS[number % len(_COLOURS)]


def _title(view: View, width: int) -> RenderableType:
    """Always one line, with as much as fits."""
    minutes, seconds = divmod(int(view.running_s), 60)
    address = Text(view.join, "underline")
    join = Text.assemble(("join: ", "dim"), address, f"   {minutes:02}:{seconds:02}")
    what, game = _what(view), Text(_game(view))
    left, right = what, Text()
    for left, right in ((what, join), (game, join), (game, address), (game, Text())):
        if left.cell_len + 2 + right.cell_len <= width:
            break
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_row(one_line(left), one_line(right))
    return grid


def _what(view: View) -> Text:
    return Text.assemble(("tradegame cluster", "bold"), f"   {_game(view)}")


def _game(view: View) -> str:
    return f"{view.game}, {view.bots} bots, {view.playing} of {view.clients} clients" if view.game else "is starting"


def _table(frame: box.Box | None) -> Table:
    return Table(box=frame, expand=True, padding=(0, 1, 0, 0), border_style="bright_black", header_style="bright_black")


def _nodes(rows: Sequence[NodeRow], frame: box.Box | None) -> Table:
    table = _table(frame)
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("node", no_wrap=True)
    table.add_column("port", no_wrap=True, style="dim")
    table.add_column("state", no_wrap=True, min_width=11)
    for heading in ("clients", "cmd/s", "p99 ms", "lag"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        up = row.condition in ("serving", "not ready")
        numbers = [str(row.clients), f"{row.per_s:.0f}", _milliseconds(row.p99_ms), str(row.lag)] if up else ["–"] * 4
        table.add_row(f" {row.key}", Text(row.name, colour_of(row.name)), str(row.port), _mark(row.condition), *numbers)
    return table


def _members(rows: Sequence[MemberRow], frame: box.Box | None) -> Table:
    table = _table(frame)
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("member", no_wrap=True)
    table.add_column("port", no_wrap=True, style="dim")
    table.add_column("state", no_wrap=True, min_width=11)
    table.add_column("db", justify="right", no_wrap=True)
    for row in rows:
        state = Text.assemble(("★", "bold yellow"), (" leader", "bold yellow")) if row.leads else _mark(row.condition)
        size = f"{row.db_bytes / 1e6:.1f} MB" if row.condition in ("serving", "not ready") else "–"
        table.add_row(f" {row.key}", Text(row.name, colour_of(row.name)), str(row.port), state, size)
    return table


def _mark(condition: Condition) -> Text:
    mark, style = _CONDITION[condition]
    return Text(f"{mark} {condition}", style)


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
    grid.add_row(Text(large(count), style, no_wrap=True), Text(f"\n{word}", style))
    return Align.left(grid)


def _log(lines: Sequence[Line], rows: int) -> Iterator[RenderableType]:
    """As many of the newest lines as fit into the rows; may be none."""
    framed = rows - LOG_FRAME >= FRAMED_FROM
    room = min(LOG_LINES, rows - LOG_FRAME if framed else rows)
    if room <= 0:
        return
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
    if framed:
        yield Panel(
            table, box=box.ROUNDED, border_style="bright_black", title="log", title_align="left", padding=(0, 1)
        )
    else:
        yield table


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
