"""The truth: what happened according to the log, found by replaying it from its first entry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
from attrs import Factory, define, field, frozen

from tests.guarantees.history import OF_THE_COPY, fingerprint, name_of
from tests.support import views
from tradegame.controller.websocket import codec
from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.events import Rejected, Result
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import decode_entry
from tradegame.protocol.ops import HOST

PUSHED_WITHIN = 2_000
"""An account that is pushed in a slice, or once its client has room for it, is as it is then: so many entries later at
most. A client that is cut off for seconds misses hundreds.
"""
Name = tuple[str, str]
"""A player and what one command of theirs is counted by, see `name_of`."""


class Entry(Protocol):
    """One entry of the log, as it was appended."""

    @property
    def generation(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def value(self) -> bytes: ...


@frozen
class Effect:
    """What a command came to when it was applied, not answered from memory: an ``ok`` or an ``error``.

    ``newer``: how many commands with a key of this player had been applied before it.
    """

    ok: bool
    body: dict[str, Any]
    newer: int = field(default=0, eq=False)


@frozen
class Withdrawal:
    """``entry`` withdrew orders of ``player``, who was taken for departed from ``since`` on, until ``at``, in ms by the
    game's clock.
    """

    player: str
    since: int
    at: int
    entry: Any


@define(repr=False)
class Truth:
    """``effects`` and ``logged`` by `Name`: what took effect, and how often the command is in the log. ``copies``: what
    the players' copies with a key said there, their ``since`` and ``epoch``, but copies meant for another game.

    ``frames`` by ``seq``. ``accounts`` by player and ``seq``: the fingerprint of every account that a player had when
    an entry ended at that ``seq``. ``final``: the accounts at the end. ``digest``: the hash of the state there, and
    ``digests`` where each generation begins. ``appended``: entries by the node that appended them. ``problems``:
    invariants that do not hold. ``withdrawals``: of orders whose players had left.
    """

    epoch: str = ""
    seq: int = 0
    entries: Sequence[Entry] = ()
    effects: dict[Name, list[Effect]] = Factory(dict)
    logged: Counter[Name] = Factory(Counter)
    copies: dict[Name, set[tuple[int | None, str | None]]] = Factory(dict)
    frames: dict[int, bytes] = Factory(dict)
    accounts: dict[tuple[str, int], set[int]] = Factory(dict)
    final: dict[str, dict[str, Any]] = Factory(dict)
    problems: list[str] = Factory(list)
    chain: str = ""
    digest: str = ""
    digests: dict[int, str] = Factory(dict)
    appended: Counter[str] = Factory(Counter)
    withdrawals: list[Withdrawal] = Factory(list)


def replay(game: Game, entries: Iterable[Entry], *, audit_every: int) -> Truth:
    """Apply ``entries`` to a new ``game``, and audit it every so many."""
    truth = Truth(epoch=game.state.epoch, entries=tuple(entries))
    applied_of: Counter[str] = Counter()
    pushed_until: dict[str, int] = {}
    generation = 1
    for number, entry in enumerate(truth.entries, 1):
        while generation < entry.generation:
            generation += 1
            truth.digests[generation] = snapshot.state_hash(game)
        due = _due_for_withdrawal(game, entry)
        applied = game.apply_value(entry.value)
        truth.withdrawals += [Withdrawal(player, since, game.state.clock, entry) for player, since in due.items()]
        node = entry.id.rpartition("-")[0]
        truth.appended[node.rpartition(".")[0]] += 1
        commands = decode_entry(entry.value).commands
        for command, outcome in zip(commands, applied.outcomes, strict=True):
            newer = applied_of[command.player]
            applied_of[command.player] += command.key is not None and not outcome.replayed
            text = getattr(command, "text", None)
            if command.op == "join" or (command.key is None and text is None):
                continue  # joining again has no second effect; what a node says has no key
            name = (command.player, name_of(command.key, text or ""))
            truth.logged[name] += 1
            code = outcome.result.code if isinstance(outcome.result, Rejected) else None
            if command.key is not None and command.player != HOST and code != "epoch_over":
                truth.copies.setdefault(name, set()).add((command.since, command.epoch))
            of_the_copy = code in OF_THE_COPY
            if not outcome.replayed and not of_the_copy:
                truth.effects.setdefault(name, []).append(_effect(outcome.result, newer))
        if applied.frame is not None:
            shown = codec.encode_frame(game.state.definition.id, game.state.epoch, applied.frame)
            truth.frames[applied.frame.seq] = shown
        pushed_until.update(dict.fromkeys(applied.accounts, number + PUSHED_WITHIN))
        counted = [command.player for command in commands if command.key is not None]
        later = [player for player, until in pushed_until.items() if number <= until]
        for player in {*applied.accounts, *counted, *later} & game.state.players.keys():
            account = json.dumps(views.account(game.state, player))
            truth.accounts.setdefault((player, applied.seq), set()).add(fingerprint(account))
        if number % audit_every == 0:
            truth.problems += [f"after entry {number}: {violation}" for violation in audit(game.state)]
    truth.problems += [f"at the end: {violation}" for violation in audit(game.state)]
    truth.seq, truth.chain, truth.digest = game.state.seq, game.state.chain, snapshot.state_hash(game)
    truth.digests.setdefault(generation + 1, truth.digest)
    # Through JSON, as a client sees it.
    truth.final = {p: json.loads(json.dumps(views.account(game.state, p))) for p in game.state.players}
    return truth


def _due_for_withdrawal(game: Game, entry: Entry) -> dict[str, int]:
    """Whose grace is over when this entry comes, and who has orders: since when."""
    state = game.state
    if not state.departed:
        return {}
    until = max(state.clock, decode_entry(entry.value).at) - state.definition.disconnect_grace_s * 1000
    return {name: at for name, at in state.departed.items() if at <= until and state.accounts[name].orders}


def _effect(result: Result, newer: int) -> Effect:
    """The protocol's words for a result."""
    said = result.error().failure() if isinstance(result, Rejected) else result
    return Effect(said is result, msgspec.json.decode(msgspec.json.encode(said)), newer)
