"""A game's log in which nobody has a name: for research, and for whoever else may have it.

Every id and every name of a person becomes another one, which is the same in each export that is made with the same
key; robots keep theirs. Names that look alike become one, so that a roster admits whom it admitted. Whoever has the
key, or the log itself, can tell who is who. The log is sound, as `tradegame verify` checks it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import trio
from attrs import define, evolve, field

from tradegame.core.domain import people, snapshot
from tradegame.core.games.export import LogSource
from tradegame.core.repositories import LogEntry, StoredGame
from tradegame.protocol.commands import Join, SeatRow, SetRoster, Tell, decode_entry, encode_entry
from tradegame.protocol.names import skeleton
from tradegame.protocol.requests import Say

PLAYER = re.compile(rb"(?<![A-Za-z0-9-])p-[a-z0-9]{12}(?![A-Za-z0-9])")
"""A player's id, wherever it stands: also in what a command was answered, and in what somebody wrote."""

REWRITTEN_BYTES = 8_192
"""So much of a log is rewritten in one go: some 2 ms. A page of it may have megabytes."""


@define
class Pseudonyms:
    """``key``: at least 16 bytes, which nobody may know who must not know who is who. ``chat``: texts are left in."""

    key: bytes
    chat: bool
    _known: dict[bytes, bytes] = field(factory=dict, init=False)

    def of(self, player: str) -> str:
        """The player's other id: p- and 12 letters and digits, 60 bits of an HMAC."""
        return f"p-{self._digest(player)}"

    def name(self, skeleton: str) -> str:
        """The other name for all that look like this."""
        return f"n-{self._digest(skeleton)}"

    def label(self, look: str) -> str:
        """The other label for all that are compared as this; "" stays."""
        return look and f"l-{self._digest(f'label {look}')}"

    def _digest(self, text: str) -> str:
        return base64.b32encode(hmac.digest(self.key, text.encode(), hashlib.sha256))[:12].decode().lower()

    def in_text(self, text: bytes) -> bytes:
        """With every id of a player replaced."""
        return PLAYER.sub(self._replaced, text)

    def _replaced(self, found: re.Match[bytes]) -> bytes:
        player = found[0]
        if player not in self._known:
            self._known[player] = self.of(player.decode()).encode()
        return self._known[player]

    def entry(self, value: bytes) -> bytes:
        """An entry of the log."""
        entry = decode_entry(value)
        commands = tuple(map(self._command, entry.commands))
        if commands != entry.commands:
            value = encode_entry(msgspec.structs.replace(entry, commands=commands))
        return self.in_text(value)

    def _command(self, command: Any) -> Any:
        if isinstance(command, Join):
            name, label = self.name(command.skeleton or command.name), self.label(command.look)
            return msgspec.structs.replace(command, name=name, skeleton="", label=label, look=label)
        if isinstance(command, SetRoster):
            names = tuple((self.name(look),) * 2 for _, look in command.names)
            seats = tuple(map(self._seat, command.seats))
            return msgspec.structs.replace(command, names=names, seats=seats)
        if isinstance(command, Say | Tell) and not self.chat:
            return msgspec.structs.replace(command, text=people.UNSAID)
        return command

    def _seat(self, row: SeatRow) -> SeatRow:
        """Group and team stay: they are the host's words, as the title is."""
        label = self.label(row.look)
        return SeatRow(label, label, row.name and self.name(skeleton(row.name)), row.group, row.team)

    def state(self, written: bytes) -> bytes:
        """A snapshot. Blocks in proportion to its size."""
        game = snapshot.load(written)
        roster, names = game.state.roster, {}
        for player, fields in game.state.players.items():
            if player in game.state.robots:
                continue
            fields.skeleton = self.name(fields.skeleton)
            names[player] = fields.skeleton if fields.number == 1 else f"{fields.skeleton} ({fields.number})"
        for player, name in game.state.removed.items():
            names.setdefault(player, self.name(name))
        for result in game.state.results:
            for row in result["players"]:  # those who were removed, and readmitted since, are still in there
                if not row.get("robot"):
                    names.setdefault(row["player"], self.name(row["name"]))
        people.rename(game.state, names)
        game.state.roster = {self.name(look): [self.name(look)] * len(alike) for look, alike in roster.items()}
        seats, game.state.seating = game.state.seating, {}
        for look, seat in seats.items():
            seat.label, seat.name = self.label(look), seat.name and self.name(skeleton(seat.name))
            game.state.seating[seat.label] = seat
        if not self.chat:
            people.unsay(game.state)
        return b"".join(self.in_text(line) for line in snapshot.lines(game))


@define
class PseudonymousGames:
    """A source of logs for an export."""

    repository: LogSource
    pseudonyms: Pseudonyms

    async def get(self, game: str) -> StoredGame:
        """See `GameStateRepository`. Of the snapshots' digests only the base's is told: it is another one."""
        stored = await self.repository.get(game)
        references = [each for each in stored.meta.snapshots if each.generation == stored.base_generation]
        if stored.snapshot is None:
            return evolve(stored, meta=evolve(stored.meta, snapshots=()))
        state = await trio.to_thread.run_sync(self.pseudonyms.state, stored.snapshot)
        told = tuple(evolve(each, digest=snapshot.digest(state)) for each in references)
        return evolve(stored, meta=evolve(stored.meta, snapshots=told), snapshot=state)

    async def entries(self, stored: StoredGame) -> AsyncIterator[Sequence[LogEntry]]:
        """See `GameStateRepository`."""
        async for page in self.repository.entries(stored):
            some, size = list[LogEntry](), 0
            for entry in page:
                some.append(evolve(entry, value=self.pseudonyms.entry(entry.value)))
                size += len(entry.value)
                if size >= REWRITTEN_BYTES:
                    yield some
                    some, size = [], 0
                    await trio.lowlevel.checkpoint()
            if some:
                yield some
