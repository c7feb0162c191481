"""The recorder: writes the game's whole log down while it grows, from one export after another.

A server keeps the last two generations only. Each export overlaps the one before, and the chain of digests says where:
so every export is held, byte for byte, against what was in the log before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import trio
from attrs import define, field, frozen

from tests.guarantees.truth import Truth, replay
from tests.support.server import ADMIN_TOKEN
from tradegame.core.domain.definition import from_json
from tradegame.core.domain.game import Game

_ENTRY = b'"entry":'
_CHAIN = re.compile(r'"chain":\s*"([0-9a-f]{64})"')
TIMEOUT_S = 20.0
AUDIT_EVERY = 500
"""Entries between two audits of every invariant."""


class RecorderError(Exception):
    """The recorder itself fell behind: what was trimmed before it came is lost to the checks."""


@frozen
class Recorded:
    """One entry of the log."""

    generation: int
    id: str
    value: bytes


@define(repr=False)
class Recording:
    """All of the log so far. ``changes``: where a later export contradicts an earlier one, in words."""

    base: dict[str, Any] = field(factory=dict)
    entries: list[Recorded] = field(factory=list)
    changes: list[str] = field(factory=list)
    snapshots: dict[int, str] = field(factory=dict)
    exports: int = 0
    _places: dict[str, int] = field(factory=dict)
    _chain: str = ""

    def __repr__(self) -> str:
        return f"Recording({self.exports} exports, {len(self.entries)} entries)"

    def new_game(self) -> Game:
        """The game as it began."""
        base = self.base
        return Game.create(from_json(base["definition"]), base["epoch"], base["created_at"], base["seed"])

    def replay(self) -> Truth:
        """What the log says that happened."""
        truth = replay(self.new_game(), self.entries, audit_every=AUDIT_EVERY)
        truth.problems += self.changes
        return truth

    def add(self, export: bytes) -> None:
        """Take in an export. Raises RecorderError when it does not reach back to what is known."""
        lines = export.split(b"\n")
        base = json.loads(lines[0])
        if not self.base:
            if base["state"]:
                raise RecorderError("the first export does not begin with the game")
            self.base = base
            self._chain = self.new_game().state.chain
            self._places = {self._chain: 0}
        elif base["epoch"] != self.base["epoch"]:
            self.changes.append(f"the game of epoch {self.base['epoch']} is now one of {base['epoch']}")
            return
        place, first = 0, 1
        if base["state"]:
            first = lines.index(b'["end"]') + 1
            found = _CHAIN.search(lines[1].decode())
            assert found is not None
            if found[1] not in self._places:
                raise RecorderError(f"an export begins behind the {len(self.entries)} entries that are known")
            place = self._places[found[1]]
        self.snapshots |= {reference["generation"]: reference["digest"] for reference in base["snapshots"]}
        for line in lines[first:-2]:
            at = line.index(_ENTRY)
            head = json.loads(line[: at - 1] + b"}")
            self._entry(place, Recorded(head["generation"], head["id"], line[at + len(_ENTRY) : -1]))
            place += 1
        if place < len(self.entries):
            self.changes.append(f"an export ends after {place} entries, {len(self.entries)} were there before")
        self.exports += 1

    def _entry(self, place: int, entry: Recorded) -> None:
        if place < len(self.entries):
            if self.entries[place] != entry:
                self.changes.append(f"entry {place} was {self.entries[place]}, now it is {entry}")
            return
        self.entries.append(entry)
        self._chain = hashlib.sha256(self._chain.encode() + entry.value).hexdigest()
        self._places[self._chain] = len(self.entries)


@define(eq=False)
class Recorder:
    """Exports again and again. ``address`` gives the HTTP address of a node that lives, or None.

    Trading waits for it: ``leave_to_send`` lets ``ahead`` commands out between two exports, which must be fewer than
    what a server keeps.
    """

    address: Callable[[], str | None] = field(repr=False)
    game: str
    file: Path
    ahead: int
    timeout_s: float = TIMEOUT_S
    recording: Recording = field(factory=Recording)
    _sent: int = 0
    _progress: trio.Event = field(factory=trio.Event)

    async def leave_to_send(self, commands: int, *, urgent: bool = False) -> None:
        """``urgent``: it does not wait, but counts. For a few only."""
        while self._sent >= self.ahead and not urgent:
            await self._progress.wait()
        self._sent += commands

    async def run(self) -> None:
        """Export each time that half of what may go out is out; until cancelled."""
        while True:
            await trio.sleep(0.05)
            if self._sent >= self.ahead // 2:
                await self.export()

    async def export(self) -> bool:
        """One export, if a node answers."""
        address = self.address()
        if address is None:
            return False
        sent = self._sent
        data = await trio.to_thread.run_sync(self._fetch, address, abandon_on_cancel=True)
        if data is None:
            return False
        self.recording.add(data)
        self.file.write_bytes(data)
        self._sent -= sent
        self._progress.set()
        self._progress = trio.Event()
        return True

    def _fetch(self, address: str) -> bytes | None:
        request = Request(f"{address}/v1/games/{self.game}/log", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        try:
            with urlopen(request, timeout=self.timeout_s) as answer:
                data: bytes = answer.read()
        except (OSError, HTTPException):
            return None  # the node was killed, or is not there yet
        # Torn by a kill it lacks its last line; the transfer says so too, but that is not this check's affair.
        return data if data.endswith(b"}}\n") and b'\n{"end"' in data[-400:] else None
