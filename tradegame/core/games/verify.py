"""Verify an exported log: replay it under the rules, and check everything that must hold on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import define, field, frozen

from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.events import Applied, Rejected
from tradegame.core.domain.game import Game
from tradegame.core.games.replay import Replay, WrongLogError
from tradegame.protocol.commands import Entry, Join

AUDIT_EVERY = 5_000
"""Entries between two audits of every invariant."""
TOLD_EVERY = 500
"""Entries between two reports of progress."""


@frozen
class Problem:
    """What is wrong, and in which line of the file (from 1)."""

    line: int
    message: str


@frozen
class Report:
    """``problem``: the first one found, None for a sound log. Counts are of what was replayed before it."""

    game: str
    entries: int
    commands: int
    frames: int
    state_hash: str
    chain: str
    problem: Problem | None

    @property
    def ok(self) -> bool:
        return self.problem is None


@define
class _UsedKeys:
    """An independent record of every copy of a command that had an effect: of no command are there two, ever.

    A copy is a key and its ``since``: with another one, it is another command. Hashes, to need less memory.
    """

    _done: set[int] = field(factory=set)

    def check(self, entry: Entry, applied: Applied) -> None:
        for command, outcome in zip(entry.commands, applied.outcomes, strict=True):
            if command.key is None or outcome.replayed or isinstance(outcome.result, Rejected):
                continue
            if isinstance(command, Join):
                continue  # done once or again, it comes to the same
            copy = hash((command.player, command.key, command.since))
            if copy in self._done:
                raise WrongLogError(f"the key {command.key!r} of {command.player} had a second effect")
            self._done.add(copy)


def verify_log(path: Path, progress: Callable[[int, int], None]) -> Report:
    """Replay the file from ``GET /v1/games/{game}/log``. ``progress(done, total)`` in bytes.

    Raises OSError if the file cannot be read; what is wrong inside it is the report's ``problem``.
    """
    total, problem = path.stat().st_size, None
    with path.open("rb") as file:
        replay = Replay(file)
        try:
            _check(replay, lambda done: progress(done, total))
        except WrongLogError as wrong:
            problem = Problem(replay.line, str(wrong))
    progress(replay.done, total)
    game_id = str(replay.head.get("game", ""))
    if replay.game is None:
        return Report(game_id, 0, 0, 0, "", "", problem)
    state = replay.game.state
    found = snapshot.state_hash(replay.game)
    return Report(game_id, replay.applied, state.commands, state.seq, found, state.chain, problem)


def _check(replay: Replay, progress: Callable[[int], None]) -> None:
    game, keys = replay.begin(), _UsedKeys()
    for entry, applied in replay.entries():
        keys.check(entry, applied)
        if replay.applied % AUDIT_EVERY == 0:
            _audit(game)
        if replay.applied % TOLD_EVERY == 0:
            progress(replay.done)
    _audit(game)


def _audit(game: Game) -> None:
    for violation in audit(game.state):
        raise WrongLogError(violation)
