"""``make bench``: tradegame beside a peer that does the same job, or beside a floor; and a cost model from it.

One sitting, one table. The server is on one core, the load (and etcd) on another: only ratios mean something. Names of
jobs as arguments: those alone; ``--markdown``: as docs/performance.md has it. In the environment, BENCH_RUNS is how
often each job is run at most, BENCH_SECONDS how long a load lasts.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import model
from bench.jobs import JOBS
from bench.machine import about
from bench.model import Costs, cost_model
from bench.sitting import Job, Sitting
from bench.table import CAPTION, COLUMNS, Line, markdown_table, rich_table

WIDTH = 150
"""Also where nobody knows how wide it is: a table is of no use in shreds."""


def measured(name: str, job: Job, sitting: Sitting, runs: int) -> dict[str, Line]:
    """The rows of a job, by its name and theirs. What each run gave goes to stderr."""
    samples = []
    for number in range(min(job.runs, runs)):
        begun = time.monotonic()
        sample = job.run(sitting)
        samples.append(sample)
        told = {key: (each.ours, each.beside) for key, each in sample.items()}
        print(f"{name} {number + 1}/{job.runs}: {told} in {time.monotonic() - begun:.1f} s", file=sys.stderr)
    return {f"{name}.{key}": Line.of(row, [sample[key] for sample in samples]) for key, row in job.rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"those alone, of: {', '.join(JOBS)}")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    asked = parser.parse_args()
    if unknown := [name for name in asked.jobs if name not in JOBS]:
        parser.error(f"there is no {', '.join(unknown)}: there are {', '.join(JOBS)}")
    names = asked.jobs or [name for name, job in JOBS.items() if not job.extra]
    runs = int(os.environ.get("BENCH_RUNS", "100"))
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tradegame-bench-") as folder:
        sitting = Sitting(Path(folder))
        lines: dict[str, Line] = {}
        for name in names:
            lines |= measured(name, JOBS[name], sitting, runs)
    costs = Costs.of(lines)
    tables: list[tuple[Sequence[str], Sequence[Sequence[str]]]] = [(COLUMNS, [line.cells() for line in lines.values()])]
    if costs is not None:
        tables.append((model.COLUMNS, cost_model(costs)))
    title = f"{about()}; {time.monotonic() - begun:.0f} s"
    if asked.markdown:
        print(title, *(markdown_table(*table) for table in tables), sep="\n\n")
    else:
        console = Console(width=max(Console().width, WIDTH))
        console.print(title)
        for table in tables:
            console.print(rich_table(*table))
        console.print(CAPTION)


if __name__ == "__main__":
    main()
