"""A bar on stderr that tells how much of a file was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaying(log: Path) -> Iterator[Callable[[int, int | None], None]]:
    """What is yielded is told the bytes that were read, of how many; None: nobody knows."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TransferSpeedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(f"replaying {log.name}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
