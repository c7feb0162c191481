"""A game's log in which nobody has a name: for research, and for whoever else may have it.

Every id becomes another one, which is the same in each export that is made with the same key; the name is that id, too.
Whoever has the key, or the log itself, can tell who is who. The log is sound, as `tradegame verify` checks it: nothing
that the rules do depends on an id or a name.
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
from tradegame.protocol.commands import Join, decode_entry, encode_entry
from tradegame.protocol.requests import Say

PLAYER = re.compile(rb"(?<![A-Za-z0-9-])p-[a-z0-9]{12}(?![A-Za-z0-9])")
"""A player's id, wherever it stands: also in what a command was answered, and in what somebody wrote."""


@define
class Pseudonyms:
    """``key``: at least 16 bytes, which nobody may know who must not know who is who. ``chat``: texts are left in."""

    key: bytes
    chat: bool
    _known: dict[bytes, bytes] = field(factory=dict, init=False)

    def of(self, player: str) -> str:
        """The player's other id: p- and 12 letters and digits, 60 bits of an HMAC."""
        digest = hmac.digest(self.key, player.encode(), hashlib.sha256)
        return f"p-{base64.b32encode(digest)[:12].decode().lower()}"

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
            return msgspec.structs.replace(command, name=command.player)  # which is replaced with all other ids
        if isinstance(command, Say) and not self.chat:
            return msgspec.structs.replace(command, text=people.UNSAID)
        return command

    def state(self, written: bytes) -> bytes:
        """A snapshot. Blocks in proportion to its size."""
        game = snapshot.load(written)
        people.rename(game.state, {player: player for player in game.state.players})
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
            yield [evolve(entry, value=self.pseudonyms.entry(entry.value)) for entry in page]
