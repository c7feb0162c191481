"""The truth: what the log says, got by replaying every entry that was ever appended, in the order of revisions."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from attrs import Factory, define, frozen

from tests.simulation.world import GAME, World
from tradegame.controller.websocket import protocol
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import from_json
from tradegame.core.domain.events import Outcome, Rejected
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import Command, decode_entry


@frozen
class Logged:
    """A command's place in the log: the ``ok`` or the ``error`` that belongs to it, and whether it took effect."""

    command: Command
    body: dict[str, Any]
    effect: bool
    revision: int


@define(eq=False)
class Truth:
    """``logged`` by player and key, or by player and text where there is no key. ``frames`` by ``seq``."""

    game: Game
    seq_at: dict[int, int] = Factory(dict)
    logged: dict[tuple[str, str], list[Logged]] = Factory(dict)
    frames: dict[int, bytes] = Factory(dict)
    effects: Counter[tuple[str, str]] = Factory(Counter)
    problems: list[str] = Factory(list)
    digests: dict[int, str] = Factory(dict)


def replay(world: World) -> Truth:
    meta = world.metas[0]
    truth = Truth(Game.create(from_json(meta.definition), meta.epoch, meta.created_at, meta.seed))
    game, generation = truth.game, 1
    keys_of: Counter[str] = Counter()
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for number, entry in enumerate(world.log):
        while generation < entry.generation:
            generation += 1
            truth.digests[generation] = snapshot.state_hash(game)
        applied = game.apply_value(entry.value)
        for command, outcome in zip(decode_entry(entry.value).commands, applied.outcomes, strict=True):
            name = (command.player, name_of(command.key, getattr(command, "text", "")))
            body = _body(outcome)
            effect = not outcome.replayed and not isinstance(outcome.result, Rejected)
            truth.logged.setdefault(name, []).append(Logged(command, body, effect, entry.revision))
            keys_of[command.player] += command.key is not None and not outcome.replayed
            node, keys_before = first.setdefault(name, (_node_of(entry.id), keys_of[command.player]))
            newer = keys_of[command.player] - keys_before
            # A copy that waited in a node without a store came after its key was forgotten: docs/protocol.md says so.
            late = newer >= world.keys_remembered and node != _node_of(entry.id)
            truth.effects[name] += effect and not late
        if applied.frame is not None:
            truth.frames[applied.frame.seq] = protocol.encode_frame(GAME, meta.epoch, applied.frame)
        truth.seq_at[entry.revision] = applied.seq
        if number % 25 == 0:
            truth.problems += [f"after entry {entry.id}: {violation}" for violation in audit(game.state)]
    truth.problems += [f"at the end: {violation}" for violation in audit(game.state)]
    while generation < world.metas[-1].generation:
        generation += 1
        truth.digests[generation] = snapshot.state_hash(game)
    return truth


def name_of(key: str | None, text: str) -> str:
    """What a command is counted by: its key, or for a message without one its text, which nobody says twice."""
    return key if key is not None else f"text:{text}"


def _node_of(entry_id: str) -> str:
    return entry_id.rpartition("-")[0]


def _body(outcome: Outcome) -> dict[str, Any]:
    reply = json.loads(protocol.encode_reply(1, outcome))
    body: dict[str, Any] = reply.get("ok") or reply["error"]
    return {name: value for name, value in body.items() if name not in ("replayed", "message")}
