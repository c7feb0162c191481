"""Seeds, and that a seed is all that there is to a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from multiprocessing import Pool

import pytest

from tests.simulation.__main__ import run_one
from tests.simulation.scenario import simulate

FAST = range(1, 9)
MANY = range(1, 1_001)
DIGESTS = (
    "import json, sys; from tests.simulation.scenario import simulate; "
    "print(json.dumps([simulate(int(seed)).digest for seed in sys.argv[1:]]))"
)


def digests(seeds: list[int], hash_seed: int, code: str = DIGESTS) -> list[str]:
    """The stories' digests, in a process of their own."""
    found = subprocess.run(
        [sys.executable, "-c", code, *map(str, seeds)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    told: list[str] = json.loads(found.stdout)
    return told


def fails(seeds: range) -> list[str]:
    """Each seed that fails, with the command that shows it and what was found."""
    with Pool(min(os.cpu_count() or 1, 4)) as pool:
        verdicts = pool.map(run_one, seeds, chunksize=4)
    return [
        verdict if isinstance(verdict, str) else f"python -m tests.simulation {verdict.seed}: {verdict.violations}"
        for verdict in verdicts
        if isinstance(verdict, str) or verdict.violations
    ]


def test_every_guarantee_holds_for_a_few_seeds() -> None:
    assert fails(FAST) == []


@pytest.mark.slow
def test_every_guarantee_holds_for_a_thousand_seeds() -> None:
    assert fails(MANY) == []


@pytest.mark.slow
def test_a_seed_has_one_story_in_any_process_and_under_any_hash_seed() -> None:
    seeds = [2, 5]
    here = [simulate(seed).digest for seed in seeds]
    assert here == [simulate(seed).digest for seed in seeds]
    assert here == digests(seeds, 0) == digests(seeds, 1)
    assert here[0] != here[1]


def test_much_happens_in_a_seed() -> None:
    """A simulation in which nothing happens would find nothing."""
    verdicts = [simulate(seed) for seed in range(1, 7)]
    assert all(verdict.faults and verdict.generations >= 3 for verdict in verdicts)
    assert all(verdict.commands >= 20 and verdict.frames >= 50 for verdict in verdicts)
