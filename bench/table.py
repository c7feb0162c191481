"""The table that ``make bench`` prints: rows and their targets, what was measured, medians, the verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from statistics import median

from attrs import frozen
from rich.table import Table

COLUMNS = ("what", "ours", "peer or floor", "ratio", "target", "met", "runs")
WORDS = ("what", "target", "met", "formula", "where")
"""The columns that are not figures."""
CAPTION = (
    "ours, peer or floor: the median of so many runs, interleaved. ratio: ours to the other. "
    "target: what must be met / what we go for; with × of the ratio, else of ours."
)


class Met(Enum):
    """Which of the two bounds of a target was met. UNKNOWN: nothing stands beside ours here, or it was not the job."""

    NO = "no"
    MUST = "must"
    BOTH = "both"
    UNKNOWN = "?"


@frozen
class Target:
    """``must`` has to be met, ``go_for`` is what we are out for: at most so much, or at least (``least``).

    ``ratio``: both are of the ratio of ours to what stands beside it; else of ours, in the row's unit.
    """

    must: float
    go_for: float
    ratio: bool = False
    least: bool = False

    def met(self, value: float) -> Met:
        """What a ratio, or a figure of ours, comes to."""
        if self._within(value, self.go_for):
            return Met.BOTH
        return Met.MUST if self._within(value, self.must) else Met.NO

    def _within(self, value: float, bound: float) -> bool:
        return value >= bound if self.least else value <= bound

    def __str__(self) -> str:
        sign, times = "≥" if self.least else "≤", " ×" if self.ratio else ""
        return f"{sign} {spoken(self.must)} / {spoken(self.go_for)}{times}"


@frozen
class Row:
    """What one line of the table is about. ``unit``: of ours, and of what stands beside it."""

    what: str
    unit: str
    target: Target | None = None


@frozen
class Sample:
    """One run: ours, and beside it what ``named`` did, a peer or a floor. ``note``: why it was not quite the job."""

    ours: float
    beside: float | None = None
    named: str = ""
    note: str = ""


@frozen
class Line:
    """A row with the medians of its runs; ``named`` is the last run's, ``note`` the first that there is."""

    row: Row
    ours: float
    beside: float | None
    named: str
    note: str
    runs: int

    @classmethod
    def of(cls, row: Row, samples: Sequence[Sample]) -> Line:
        """``samples`` are of at least one run. One run without the peer, and the peer is left out."""
        beside = [sample.beside for sample in samples if sample.beside is not None]
        return cls(
            row,
            median(sample.ours for sample in samples),
            median(beside) if len(beside) == len(samples) else None,
            samples[-1].named,
            next((sample.note for sample in samples if sample.note), ""),
            len(samples),
        )

    @property
    def ratio(self) -> float | None:
        """Of the medians."""
        return self.ours / self.beside if self.beside else None

    @property
    def met(self) -> Met | None:
        """None: the row has no target."""
        target = self.row.target
        if target is None:
            return None
        value = self.ratio if target.ratio else self.ours
        return Met.UNKNOWN if value is None or self.note else target.met(value)

    def cells(self) -> tuple[str, ...]:
        """By COLUMNS."""
        ratio, unit = self.ratio, self.row.unit
        return (
            f"{self.row.what} ({self.note})" if self.note else self.row.what,
            f"{spoken(self.ours)} {unit}",
            "" if self.beside is None else f"{self.named} {spoken(self.beside)} {unit}",
            "" if ratio is None else f"{ratio:.2f}",
            "" if self.row.target is None else str(self.row.target),
            "" if self.met is None else self.met.value,
            str(self.runs),
        )


def spoken(value: float) -> str:
    """Three digits, or all those before the point: 17 213, 116, 24.3, 1.84."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    text = f"{value:,.{digits}f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """For a terminal."""
    table = Table()
    for column in columns:
        table.add_column(column, justify="left" if column in WORDS else "right")
    for cells in rows:
        table.add_row(*cells)
    return table


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """For docs/performance.md."""
    rules = ["---" if column in WORDS else "--:" for column in columns]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rules, *rows))
