"""The same log gives the same state and the same frames: again, after a snapshot, and with any hash seed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from tests.support.domain import BEGIN, LIVELY, random_log
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import to_json
from tradegame.core.domain.events import Applied, Rejected
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import Entry, decode_entry, encode_entry
from tradegame.protocol.pushes import RoundChanged, Trade
from tradegame.protocol.replies import Cancelled
from tradegame.protocol.requests import AnyCommand

SEED = 20_260_101

REPLAY = """
import hashlib, json, sys
from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import from_json
from tradegame.core.domain.game import Game

with open(sys.argv[1], "rb") as file:
    definition, seed, *log = file.read().splitlines()
game = Game.create(from_json(json.loads(definition)), "epoch", int(sys.argv[2]), int(seed))
shown = hashlib.sha256()
for value in log:
    shown.update(repr(game.apply_value(value)).encode())
print(snapshot.state_hash(game), shown.hexdigest(), hash("grain"))
"""
"""Another process's replay: prints the state's hash, the hash of all that was shown, and a trace of its hash seed."""


@cache
def lively_log() -> tuple[bytes, ...]:
    return tuple(encode_entry(entry) for entry in random_log(LIVELY, SEED, 4_000))


def create() -> Game:
    return Game.create(LIVELY, "epoch", BEGIN, SEED)


@cache
def played() -> tuple[str, str, tuple[Applied, ...]]:
    """The state's hash, the hash of all that was shown, and all that was shown."""
    game, shown = create(), hashlib.sha256()
    every = []
    for value in lively_log():
        every.append(game.apply_value(value))
        shown.update(repr(every[-1]).encode())
    assert audit(game.state) == []
    return snapshot.state_hash(game), shown.hexdigest(), tuple(every)


def test_the_log_of_these_tests_is_a_lively_one() -> None:
    _, _, every = played()
    done = {
        type(command)
        for value, applied in zip(lively_log(), every, strict=True)
        for command, outcome in zip(decode_entry(value).commands, applied.outcomes, strict=True)
        if not isinstance(outcome.result, Rejected)
    }
    assert set(get_args(AnyCommand)) - done == set()
    results = [outcome.result for applied in every for outcome in applied.outcomes]
    shown = [event for applied in every if applied.frame for event in applied.frame.events]
    assert sum(isinstance(event, Trade) for event in shown) > 300
    assert sum(isinstance(result, Cancelled) for result in results) > 50
    assert sum(isinstance(event, RoundChanged) for event in shown) > 20
    assert sum(outcome.replayed for applied in every for outcome in applied.outcomes) > 5
    assert {result.code for result in results if isinstance(result, Rejected)} == {
        "unknown_good",
        "unknown_player",
        "unknown_order",
        "unknown_message",
        "muted",
        "not_admitted",
        "not_joined",
        "not_open",
        "insufficient_cash",
        "insufficient_goods",
        "no_liquidity",
        "insufficient_liquidity",
        "would_trade",
        "no_house",
        "too_many_orders",
        "key_reused",
        "stale",
        "ahead",
        "epoch_over",
    }


def test_a_replay_gives_the_same_hash_and_the_same_frames() -> None:
    game = create()
    assert tuple(game.apply_value(value) for value in lively_log()) == played()[2]
    assert snapshot.state_hash(game) == played()[0]


@pytest.mark.parametrize("every", [1, 7, 250])
def test_a_game_that_goes_on_from_its_snapshot_stays_the_same(every: int) -> None:
    game = create()
    for place, (value, applied) in enumerate(zip(lively_log(), played()[2], strict=True)):
        if place % every == 0 and place < 60 * every:
            game = snapshot.load(snapshot.dump(game))
        assert game.apply_value(value) == applied
    assert snapshot.state_hash(game) == played()[0]


def test_of_two_empty_entries_for_what_is_due_the_second_finds_nothing_left_to_do() -> None:
    game = create()
    for value in lively_log():
        game.apply_value(value)
        first = game.apply(Entry(game.state.clock))  # what the host called for by hand is due now
        second = game.apply(Entry(game.state.clock))
        assert second == Applied(first.seq, first.at, None, (), (), ())


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_a_replay_is_the_same_with_any_hash_seed(hash_seed: str, tmp_path: Path) -> None:
    lines = [json.dumps(to_json(LIVELY)).encode(), str(SEED).encode(), *lively_log()]
    log = tmp_path / "log"
    log.write_bytes(b"\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", REPLAY, str(log), str(BEGIN)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    state, shown, trace = done.stdout.split()
    assert (state, shown) == played()[:2]
    assert int(trace) != hash("grain") or hash_seed == os.environ.get("PYTHONHASHSEED")


def test_who_made_an_entry_and_who_reads_it_come_to_the_same() -> None:
    maker, reader = create(), create()
    for value in lively_log():
        assert maker.apply_value(value, decode_entry(value)) == reader.apply_value(value)
    assert snapshot.dump(maker) == snapshot.dump(reader)
