"""A siege by players: in CI a short one of each kind, from a fixed seed; ``make hostile`` has the whole.

The short ones check what holds however slow the machine is. How long honest people wait is checked by the long ones.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from tests.hostile.attacks import AFTER, ATTACKS
from tests.hostile.checks import violations
from tests.hostile.crowd import Crowd
from tests.hostile.report import details, lines
from tests.hostile.siege import PlayersSiege

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc, and needs 127.0.0.0/8")

MINUTES = float(os.environ.get("HOSTILE_MINUTES") or 10)
ONLY = os.environ.get("HOSTILE_ONLY", "")
"""Those attacks alone that have it in their name."""
REPORT = os.environ.get("HOSTILE_REPORT", "")
SEED = 8
KINDS = [("sqlite", False), ("sqlite", True), ("etcd", False), ("etcd", True)]

Say = Callable[[list[str]], None]


def test_every_attack_says_what_it_does_and_what_it_is_after() -> None:
    assert all(attack.__doc__ for attack in ATTACKS)
    assert len({attack.__name__ for attack in ATTACKS}) == len(ATTACKS) == len(AFTER)


@pytest.mark.slow
@pytest.mark.parametrize(("store", "tls"), [("sqlite", False), ("etcd", True)], ids=lambda value: str(value))
async def test_a_few_hostile_players_harm_nobody(store: str, tls: bool, tmp_path: Path, say: Say) -> None:
    siege = PlayersSiege(
        tmp_path,
        SEED,
        store,
        tls,
        hostile=20,
        insiders=1,
        traders=8,
        followers=8,
        crowd=Crowd(2_000, 40, 50),
        quiet_s=4,
        siege_s=16,
        share=0.4,
        processes=1,
        only=ONLY,
    )
    with trio.fail_after(300):
        record = await siege.run()
    found = violations(record, pace=False)
    say(details(record, found))
    assert not found, "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize(("store", "tls"), KINDS, ids=lambda value: str(value))
async def test_a_hundred_hostile_players_harm_nobody(store: str, tls: bool, tmp_path: Path, say: Say) -> None:
    seed = int(os.environ.get("HOSTILE_SEED") or random.SystemRandom().randrange(10**6))
    siege = PlayersSiege(
        tmp_path, seed, store, tls, quiet_s=max(10, min(60, MINUTES * 12)), siege_s=MINUTES * 60, only=ONLY
    )
    with trio.fail_after(MINUTES * 90 + 600):
        record = await siege.run()
    found = violations(record, pace=True)
    table = lines([(record, found)])
    say([*details(record, found), "", *table])
    if REPORT:
        async with await trio.open_file(REPORT, "a") as file:
            await file.write("\n".join([*details(record, found), "", *table, "", ""]))
    assert not found, "\n".join([f"seed {seed}", *found])
