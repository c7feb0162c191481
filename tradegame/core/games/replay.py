"""Replay an exported log, entry by entry, as the rules have it. What was changed in the file is found on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, BinaryIO

import msgspec
from attrs import define, field
from msgspec import Struct

from tradegame.core.domain import snapshot
from tradegame.core.domain.definition import RULES_KNOWN, from_json
from tradegame.core.domain.events import Applied
from tradegame.core.domain.game import Game
from tradegame.core.games.export import ENTRY_MARK, EXPORT_SCHEMA, line_digest
from tradegame.protocol.commands import Entry, decode_entry


class WrongLogError(Exception):
    """The log is not one, was changed, or breaks a rule."""


UNREADABLE = ValueError, msgspec.DecodeError, KeyError, TypeError, AttributeError, AssertionError
"""What reading and applying raise for bytes that no game has written."""


class _Head(Struct):
    """What an entry's line says before the entry."""

    generation: int
    id: str
    digest: str


_head = msgspec.json.Decoder(_Head).decode


@define
class Replay:
    """Reads ``file``, which ``GET /v1/games/{game}/log`` gave: ``begin`` first, then ``entries``.

    Both raise WrongLogError for what is wrong in the file, and OSError. ``line``: the one that was read last, from 1.
    """

    file: BinaryIO
    line: int = field(default=0, init=False)
    done: int = field(default=0, init=False)
    """How many bytes."""
    applied: int = field(default=0, init=False)
    """How many entries."""
    head: dict[str, Any] = field(factory=dict, init=False)
    """The first line."""
    game: Game | None = field(default=None, init=False)
    _generation: int = field(default=1, init=False)
    _digests: dict[int, str] = field(factory=dict, init=False)

    def begin(self, made: Callable[[Game], Game] = lambda game: game) -> Game:
        """The game at the beginning of the log. ``made``: what is replayed in its place, on the same state."""
        try:
            self.game = made(self._base(json.loads(self._next())))
        except UNREADABLE as error:
            raise _unreadable(error) from error
        return self.game

    def entries(self) -> Iterator[tuple[Entry, Applied]]:
        """Each entry, applied to the game, and what it did; up to the last line, which must be there."""
        game = self.game
        assert game is not None
        while (step := self._step(game)) is not None:
            yield step

    def _base(self, data: dict[str, Any]) -> Game:
        digest = data.pop("digest")
        self.head = data
        if hashlib.sha256(json.dumps(data).encode()).hexdigest() != digest:
            raise WrongLogError("the first line was changed: its digest is another")
        if data["schema"] != EXPORT_SCHEMA or data["rules"] not in RULES_KNOWN:
            raise WrongLogError(f"schema {data['schema']} and rules {data['rules']} are not known here")
        self._digests = {reference["generation"]: reference["digest"] for reference in data["snapshots"]}
        self._generation = data["base_generation"]
        if not data["state"]:
            return Game.create(from_json(data["definition"]), data["epoch"], data["created_at"], data["seed"])
        game = snapshot.read(self._next() + b"\n" for _ in count())
        self._check_boundary(game)
        return game

    def _step(self, game: Game) -> tuple[Entry, Applied] | None:
        try:
            line = self._next()
            if line.startswith(b'{"end"'):
                self._end(game, json.loads(line)["end"])
                return None
            entry, value = self._entry(game, line)
            applied = game.apply_value(value, entry)
        except UNREADABLE as error:
            raise _unreadable(error) from error
        self.applied += 1
        return entry, applied

    def _next(self) -> bytes:
        line = self.file.readline()
        self.line += 1
        self.done += len(line)
        if not line.endswith(b"\n"):
            raise WrongLogError("the file ends early")
        return line[:-1]

    def _entry(self, game: Game, line: bytes) -> tuple[Entry, bytes]:
        at = line.index(ENTRY_MARK)
        head = _head(line[: at - 1] + b"}")
        value = line[at + len(ENTRY_MARK) : -1]
        while self._generation < head.generation:
            self._generation += 1
            self._check_boundary(game)
        chain = hashlib.sha256(game.state.chain.encode() + value).hexdigest()
        if line_digest(chain, head.generation, head.id) != head.digest:
            raise WrongLogError(f"the chain breaks at entry {head.id}: these are not the bytes that were logged")
        return decode_entry(value), value

    def _end(self, game: Game, end: dict[str, Any]) -> None:
        if end["entries"] != self.applied or end["chain"] != game.state.chain:
            raise WrongLogError(f"the last line tells of {end['entries']} entries, {self.applied} are there")
        if self.file.readline():
            raise WrongLogError("something follows the last line")

    def _check_boundary(self, game: Game) -> None:
        expected = self._digests.get(self._generation)
        if expected is not None and snapshot.state_hash(game) != expected:
            raise WrongLogError(
                f"the state at the beginning of generation {self._generation} is not the one that was saved"
            )


def _unreadable(error: Exception) -> WrongLogError:
    return WrongLogError(f"this cannot be read or replayed: {error!r}")
