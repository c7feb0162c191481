"""Verify an exported log: replay it under the rules, and check everything that must hold on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from attrs import define, field, frozen
from msgspec import Struct

from tradegame.core.domain import snapshot
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import RULES_KNOWN, from_json
from tradegame.core.domain.events import Applied, Rejected
from tradegame.core.domain.game import Game
from tradegame.core.games.export import ENTRY_MARK, EXPORT_SCHEMA, line_digest
from tradegame.protocol.commands import Entry, Join, decode_entry

AUDIT_EVERY = 5_000
"""Entries between two audits of every invariant."""


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


class _Head(Struct):
    """What an entry's line says before the entry."""

    generation: int
    id: str
    digest: str


_head = msgspec.json.Decoder(_Head).decode


class _Wrong(Exception):  # noqa: N818 - becomes a Problem
    pass


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
                raise _Wrong(f"the key {command.key!r} of {command.player} had a second effect")
            self._done.add(copy)


def verify_log(path: Path, progress: Callable[[int, int], None]) -> Report:
    """Replay the file from ``GET /v1/games/{game}/log``. ``progress(done, total)`` in bytes.

    Raises OSError if the file cannot be read; what is wrong inside it is the report's ``problem``.
    """
    total = path.stat().st_size
    with path.open("rb") as file:
        return _Verification(file, total, progress).run()


@define
class _Verification:
    file: BinaryIO
    total: int
    progress: Callable[[int, int], None]
    line: int = 0
    entries: int = 0
    done: int = 0
    game: Game | None = None
    id: str = ""
    generation: int = 1
    digests: dict[int, str] = field(factory=dict)
    keys: _UsedKeys = field(factory=_UsedKeys)

    def run(self) -> Report:
        problem = None
        try:
            self._replay()
        except _Wrong as wrong:
            problem = Problem(self.line, str(wrong))
        except (ValueError, msgspec.DecodeError, KeyError, TypeError, AttributeError, AssertionError) as error:
            problem = Problem(self.line, f"this cannot be read or replayed: {error!r}")
        self.progress(self.done, self.total)
        if self.game is None:
            return Report(self.id, 0, 0, 0, "", "", problem)
        state = self.game.state
        return Report(
            self.id,
            self.entries,
            state.commands,
            state.seq,
            snapshot.state_hash(self.game),
            state.chain,
            problem,
        )

    def _next(self) -> bytes:
        line = self.file.readline()
        self.line += 1
        self.done += len(line)
        if not line.endswith(b"\n"):
            raise _Wrong("the file ends early")
        return line[:-1]

    def _replay(self) -> None:
        game = self.game = self._base(json.loads(self._next()))
        while True:
            line = self._next()
            if line.startswith(b'{"end"'):
                self._end(game, json.loads(line)["end"])
                return
            self._entry(game, line)
            if self.entries % 500 == 0:
                self.progress(self.done, self.total)

    def _base(self, data: dict[str, Any]) -> Game:
        digest = data.pop("digest")
        self.id = str(data["game"])
        if hashlib.sha256(json.dumps(data).encode()).hexdigest() != digest:
            raise _Wrong("the first line was changed: its digest is another")
        if data["schema"] != EXPORT_SCHEMA or data["rules"] not in RULES_KNOWN:
            raise _Wrong(f"schema {data['schema']} and rules {data['rules']} are not known here")
        self.digests = {reference["generation"]: reference["digest"] for reference in data["snapshots"]}
        self.generation = data["base_generation"]
        if not data["state"]:
            return Game.create(from_json(data["definition"]), data["epoch"], data["created_at"], data["seed"])
        game = snapshot.read(self._next() + b"\n" for _ in count())
        self._check_boundary(game)
        return game

    def _entry(self, game: Game, line: bytes) -> None:
        at = line.index(ENTRY_MARK)
        head = _head(line[: at - 1] + b"}")
        value = line[at + len(ENTRY_MARK) : -1]
        while self.generation < head.generation:
            self.generation += 1
            self._check_boundary(game)
        chain = hashlib.sha256(game.state.chain.encode() + value).hexdigest()
        if line_digest(chain, head.generation, head.id) != head.digest:
            raise _Wrong(f"the chain breaks at entry {head.id}: these are not the bytes that were logged")
        entry = decode_entry(value)
        self.keys.check(entry, game.apply_value(value, entry))
        self.entries += 1
        if self.entries % AUDIT_EVERY == 0:
            self._audit(game)

    def _end(self, game: Game, end: dict[str, Any]) -> None:
        if end["entries"] != self.entries or end["chain"] != game.state.chain:
            raise _Wrong(f"the last line tells of {end['entries']} entries, {self.entries} are there")
        if self.file.readline():
            raise _Wrong("something follows the last line")
        self._audit(game)

    def _check_boundary(self, game: Game) -> None:
        expected = self.digests.get(self.generation)
        if expected is not None and snapshot.state_hash(game) != expected:
            raise _Wrong(f"the state at the beginning of generation {self.generation} is not the one that was saved")

    def _audit(self, game: Game) -> None:
        for violation in audit(game.state):
            raise _Wrong(violation)
