"""The jobs, by the names that ``python -m bench`` takes. Each file has some, with their rows and targets."""

from __future__ import annotations

from bench.jobs import answers, books, connections, crowds, entries, open_loop, replays
from bench.sitting import Job

JOBS: dict[str, Job] = {
    **answers.JOBS,
    **connections.JOBS,
    **entries.JOBS,
    **replays.JOBS,
    **books.JOBS,
    **crowds.JOBS,
    **open_loop.JOBS,
}
