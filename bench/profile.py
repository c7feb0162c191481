"""``python -m bench.profile JOB …``: where the server's time goes, sampled by py-spy while it is loaded.

py-spy is looked for on the PATH, or where PY_SPY says. Each sample of the main thread counts for the innermost function
of ours that it is in, with what that calls in libraries and system calls; what is in none of ours is trio's.
"""

from __future__ import annotations

import argparse
import collections
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from bench.servers import tradegame
from bench.table import markdown_table

LOADS: dict[str, tuple[str, ...]] = {
    "buy": ("buy", "--clients", "64"),
    "crowd": ("buy", "--clients", "512"),
    "pipelined": ("buy", "--clients", "64", "--window", "40"),
    "say": ("say", "--clients", "1000"),
}
SECONDS = 6.0
CONNECTING_S = 5.0
SAMPLES_A_SECOND = 250
OURS = "(tradegame/"
SCHEDULER, WAITS = "trio: scheduler", "trio: epoll"


def shares(stacks: Iterable[str], by_file: bool) -> list[tuple[str, float]]:
    """From lines of ``py-spy record --format raw --threads``: each place's share of the main thread, largest first.

    A line is the frames, outermost first, between semicolons, and how many samples had them.
    """
    counts: collections.Counter[str] = collections.Counter()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        if "MainThread" in frames:
            counts[_place(frames.split(";"), by_file)] += int(count)
    total = counts.total()
    return [(place, count / total) for place, count in counts.most_common()]


def _place(frames: list[str], by_file: bool) -> str:
    """A frame is like ``Outbox.flush (tradegame/controller/websocket/outbox.py:120)``."""
    if "get_events" in frames[-1] and "_io_epoll" in frames[-1]:
        return WAITS
    for frame in reversed(frames):
        function, place, rest = frame.partition(OURS)
        if place and not rest.startswith(("cli/", "app/", "__main__")):  # which all is in
            file = rest.partition(":")[0]
            return file if by_file else f"{file}: {function.strip()}"
    return SCHEDULER


def sampled(job: str, seconds: float) -> list[str]:
    """The raw lines, while a fresh server on SQLite is loaded."""
    with tempfile.TemporaryDirectory() as folder, tradegame() as server:
        raw = Path(folder) / "raw"
        with server.loading(*LOADS[job], "--seconds", 10 * seconds):
            time.sleep(CONNECTING_S)
            spy = (os.environ.get("PY_SPY", "py-spy"), "record", "--pid", str(server.pid), "--threads")
            options = ("--format", "raw", "--rate", str(SAMPLES_A_SECOND), "--duration", f"{seconds:.0f}")
            subprocess.run([*spy, *options, "--output", str(raw)], check=True, capture_output=True)
        return raw.read_text().splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("jobs", nargs="+", choices=LOADS, metavar="JOB", help=", ".join(LOADS))
    parser.add_argument("--functions", action="store_true", help="by function, not by file")
    parser.add_argument("--top", type=int, default=10, help="places, by the first job (10)")
    asked = parser.parse_args()
    found = [dict(shares(sampled(job, SECONDS), by_file=not asked.functions)) for job in asked.jobs]
    rows = [(place, *(f"{each.get(place, 0):.1%}" for each in found)) for place in list(found[0])[: asked.top]]
    print(markdown_table(("where", *asked.jobs), rows))


if __name__ == "__main__":
    main()
