"""A sitting: for how long things are measured, and what is made once for all runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import trio
from attrs import define, frozen

from bench.servers import game
from bench.table import Row, Sample
from tests.hostile.crowd import Crowd


@define(eq=False)
class Sitting:
    """``seconds``: for how long a load is measured, each time. ``folder``: for files, gone at the end."""

    folder: Path
    seconds: float = float(os.environ.get("BENCH_SECONDS", "2.5"))

    def store_with(self, players: int) -> str:
        """An embedded store of its own, with the game in it and so many accounts."""
        target = self.folder / f"{players}-{len(list(self.folder.iterdir()))}.db"
        shutil.copy(self._crowd(players), target)
        return f"embedded:{target}"

    def _crowd(self, players: int) -> Path:
        path = self.folder / f"crowd-{players}.db"
        if not path.exists():
            trio.run(Crowd(players, dusty=0).fill, f"embedded:{path}", game(), "grain")
        return path


@frozen
class Job:
    """``run`` measures once, and gives a sample for each of ``rows``. ``runs``: how often, when all is run.

    ``extra``: run only when it is named.
    """

    rows: dict[str, Row]
    run: Callable[[Sitting], dict[str, Sample]]
    runs: int = 5
    extra: bool = False
