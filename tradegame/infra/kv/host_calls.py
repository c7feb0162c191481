"""The host's calls that happen once: making and deleting games, by the keys of the calls."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from attrs import frozen

from tradegame.core.repositories.errors import CallDoneError, CallReusedError, CorruptStoreError, GameGoneError
from tradegame.core.repositories.game_states import GameMeta, HostCall
from tradegame.infra.kv.codec import decode_fields, decode_meta, encode
from tradegame.infra.kv.keys import GameKeys
from tradegame.infra.kv.port import Compare, Delete, Get, KeyRange, KeyValuePair, KeyValueStore, Put
from tradegame.infra.kv.settle import Settling

KEPT_S = 7 * 24 * 3600
"""How long the store knows of a call: a copy that comes later is a new call."""


@frozen
class HostCalls:
    """``{prefix}/calls/{sha256 of the key}`` on a lease of its own: what the call asked, and the epoch that it made."""

    _kv: KeyValueStore
    _prefix: str

    def key(self, call: HostCall) -> str:
        return f"{self._prefix}/calls/{hashlib.sha256(call.key.encode()).hexdigest()}"

    async def note(self, call: HostCall, epoch: str) -> Put:
        """To be written with what the call does."""
        lease = await self._kv.grant(KEPT_S)
        return Put(self.key(call), encode({"digest": call.digest, "epoch": epoch}), lease)

    def made(self, call: HostCall, found: Sequence[KeyValuePair], metas: Sequence[KeyValuePair]) -> GameMeta | None:
        """What an earlier copy of the call made. None: there was none.

        Raises CallReusedError, and GameGoneError if it is not there any more.
        """
        epoch = self._epoch(call, found)
        if epoch is None:
            return None
        if metas and (meta := decode_meta(metas[0])).epoch == epoch:
            return meta
        raise GameGoneError("the game that this call made was deleted")

    async def delete(self, keys: GameKeys, call: HostCall, deadline_s: float) -> bool:
        """Delete a game. False: there was none. Raises CallDoneError and CallReusedError."""
        note, settling = await self.note(call, ""), Settling.within(self._kv, deadline_s)
        while True:
            metas, found = (await settling.transaction([], [Get(KeyRange(keys.meta)), Get(KeyRange(note.key))])).pairs
            if self._epoch(call, found) is not None:
                if settling.uncertain:
                    return True  # this very one
                raise CallDoneError("the game was deleted by this call before")
            if not metas:
                return False
            result = await settling.transaction(
                [Compare(keys.meta, metas[0].mod_revision), Compare(note.key, 0)],
                [Delete(keys.all), Delete(KeyRange(keys.catalog)), note],
            )
            if result.succeeded:
                return True

    def _epoch(self, call: HostCall, found: Sequence[KeyValuePair]) -> str | None:
        if not found:
            return None
        fields = decode_fields(found[0].key, found[0].value)
        digest, epoch = fields.get("digest"), fields.get("epoch")
        if not isinstance(digest, str) or not isinstance(epoch, str):
            raise CorruptStoreError(f"{found[0].key}: says of no call what it did")
        if digest != call.digest:
            raise CallReusedError(f"the key {call.key!r} stood for another call")
        return epoch
