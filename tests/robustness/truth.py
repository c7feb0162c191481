"""The truth: what the log says that happened, got by replaying it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from tests.robustness.history import fingerprint
from tests.robustness.recorder import Recording
from tests.support import views
from tradegame.controller.websocket import protocol
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.events import Rejected, Result
from tradegame.protocol.commands import decode_entry
from tradegame.protocol.replies import Bought, Cancelled, Ordered, Released, Sent, Sold
from tradegame.protocol.requests import Say

AUDIT_EVERY = 500
"""Entries between two audits of every invariant."""


@frozen
class Effect:
    """What a command came to, when it was applied and not answered from memory: an ``ok`` or an ``error``.

    ``newer``: how many commands with a key this player had had applied before it.
    """

    ok: bool
    body: dict[str, Any]
    newer: int = field(default=0, eq=False)


@define(repr=False)
class Truth:
    """``effects`` and ``logged`` by player and key: what took effect, and how often the command stands in the log.

    ``said``: how often each text was said. ``frames`` by ``seq``. ``accounts`` by player and ``seq``: the
    fingerprint of every account that a player had when an entry ended at that ``seq``. ``final``: the accounts at the
    end. ``digest``: the hash of the state there. ``appended``: entries by who appended them. ``problems``: what is
    wrong with the log itself.
    """

    epoch: str = ""
    seq: int = 0
    commands: int = 0
    effects: dict[tuple[str, str], list[Effect]] = Factory(dict)
    logged: Counter[tuple[str, str]] = Factory(Counter)
    said: Counter[str] = Factory(Counter)
    frames: dict[int, bytes] = Factory(dict)
    accounts: dict[tuple[str, int], set[int]] = Factory(dict)
    final: dict[str, dict[str, Any]] = Factory(dict)
    problems: list[str] = Factory(list)
    chain: str = ""
    digest: str = ""
    appended: Counter[str] = Factory(Counter)


def replay(recording: Recording) -> Truth:
    """Play the log from its very beginning."""
    game = recording.new_game()
    truth = Truth(epoch=game.state.epoch, problems=list(recording.changes))
    generation = 1
    applied_of: Counter[str] = Counter()
    for number, entry in enumerate(recording.entries, 1):
        while generation < entry.generation:
            generation += 1
            expected = recording.snapshots.get(generation)
            if expected is not None and snapshot.state_hash(game) != expected:
                truth.problems.append(f"the snapshot of generation {generation} is not what the log leads to")
        applied = game.apply_value(entry.value)
        truth.appended[entry.id.partition(".")[0]] += 1
        for command, outcome in zip(decode_entry(entry.value).commands, applied.outcomes, strict=True):
            if isinstance(command, Say):
                truth.said[command.text] += not outcome.replayed
            if command.key is None:
                continue
            name = (command.player, command.key)
            truth.logged[name] += 1
            if not outcome.replayed:
                effect = evolve(_effect(outcome.result), newer=applied_of[command.player])
                truth.effects.setdefault(name, []).append(effect)
                applied_of[command.player] += 1
        if applied.frame is not None:
            text = protocol.encode_frame(game.state.definition.id, game.state.epoch, applied.frame)
            truth.frames[applied.frame.seq] = text
        for player in applied.accounts:
            account = json.dumps(views.account(game.state, player))
            truth.accounts.setdefault((player, applied.seq), set()).add(fingerprint(account))
        if number % AUDIT_EVERY == 0:
            truth.problems += [f"after entry {number}: {violation}" for violation in audit(game.state)]
    truth.problems += [f"at the end: {violation}" for violation in audit(game.state)]
    truth.seq, truth.commands, truth.chain = game.state.seq, game.state.commands, game.state.chain
    truth.digest = snapshot.state_hash(game)
    # Through JSON, as a client sees it.
    truth.final = {p: json.loads(json.dumps(views.account(game.state, p))) for p in game.state.players}
    return truth


def _effect(result: Result) -> Effect:
    """The protocol's words for a result, written once more from its page."""
    match result:
        case Bought(filled, cost, fee, cash, seq):
            return Effect(True, {"filled": filled, "cost": cost, "fee": fee, "cash": cash, "seq": seq})
        case Sold(filled, proceeds, fee, cash, seq):
            return Effect(True, {"filled": filled, "proceeds": proceeds, "fee": fee, "cash": cash, "seq": seq})
        case Ordered(order, filled, resting, cash, seq):
            return Effect(True, {"order": order, "filled": filled, "resting": resting, "cash": cash, "seq": seq})
        case Cancelled(order, Released(cash, qty), seq):
            return Effect(True, {"order": order, "released": {"cash": cash, "qty": qty}, "seq": seq})
        case Sent(seq):
            return Effect(True, {"seq": seq})
        case Rejected(code, message):
            return Effect(False, {"code": code, "message": message, "definite": True})
    raise AssertionError(f"an unknown result {result!r}")
