"""Every failpoint on a real cluster, under load: nothing is lost, nothing happens twice, and all is soon well again."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from tests.robustness.checks import violations
from tests.robustness.failpoints import FAILPOINTS
from tests.robustness.report import lines
from tests.robustness.siege import Siege

LEAST_COMMANDS_PER_S = 300
ROUNDS = 5
MINUTES = float(os.environ.get("ROBUSTNESS_MINUTES", "0"))
REPORT = os.environ.get("ROBUSTNESS_REPORT", "")
ONLY = os.environ.get("ROBUSTNESS_ONLY", "")
"""Those failpoints alone that have it in their name."""

Say = Callable[[list[str]], None]


@pytest.fixture
def seed() -> int:
    """Another one each time, unless ROBUSTNESS_SEED says which; the summary tells it."""
    return int(os.environ.get("ROBUSTNESS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.slow
async def test_a_cluster_withstands_every_fault_once(seed: int, tmp_path: Path, say: Say) -> None:
    await _withstands(_siege(tmp_path, seed, 1), say, within_s=400)


@pytest.mark.long
async def test_a_cluster_withstands_every_fault_again_and_again(seed: int, tmp_path: Path, say: Say) -> None:
    siege = _siege(tmp_path, seed, ROUNDS, MINUTES)
    commands_per_s = await _withstands(siege, say, within_s=2_400 + MINUTES * 120)
    assert commands_per_s >= LEAST_COMMANDS_PER_S


def _siege(directory: Path, seed: int, rounds: int, minutes: float = 0) -> Siege:
    return Siege(directory, seed, rounds, minutes * 60, [each for each in FAILPOINTS if ONLY in each.name])


async def _withstands(siege: Siege, say: Say, within_s: float) -> float:
    """Returns how many commands a second were settled, in the mean."""
    with trio.fail_after(within_s):
        record = await siege.run()
    found = await trio.to_thread.run_sync(violations, record.run)
    told = lines(record, found)
    say([*told, "", *found])
    if REPORT:
        await trio.Path(REPORT).write_text("\n".join([*told, ""]))
    assert not found, "\n".join([f"seed {siege.seed}", *found])
    return siege.acknowledged / (record.ended_at - record.began_at)
