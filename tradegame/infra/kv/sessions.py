"""Players and sessions in an ordered key-value store. A session is a key on a lease of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from attrs import define, evolve

from tradegame.core.repositories.errors import (
    CorruptStoreError,
    LeaseLostError,
    StoreError,
    StoreUnavailableError,
)
from tradegame.core.repositories.sessions import PlayerRecord, PlayerRemoved, SessionRevoked
from tradegame.infra.kv.codec import decode, decode_fields, encode
from tradegame.infra.kv.keys import SessionKeys
from tradegame.infra.kv.port import Compare, Delete, Get, KeyRange, KeyValuePair, KeyValueStore, Put, Watch
from tradegame.infra.kv.settle import Settling

log = structlog.get_logger(__name__)

DEADLINE_S = 4.0
AT_ONCE = 50
"""How many sessions are looked up in one transaction; the store allows 100 operations."""


@define(eq=False)
class KvSessionRepository:
    """See `SessionRepository`. ``deadline_s`` limits a write with all its retries."""

    _kv: KeyValueStore
    _prefix: str
    _deadline_s: float = DEADLINE_S

    async def create(self, player: PlayerRecord, session: str, expires_s: int) -> None:
        """See the port. Raises ValueError if the player or the session already exists."""
        keys = self._keys
        lease = await self._kv.grant(expires_s)
        settling = Settling.within(self._kv, self._deadline_s)
        try:
            result = await settling.transaction(
                [Compare(keys.player(player.id), 0), Compare(keys.session(session), 0)],
                [
                    Put(keys.player(player.id), encode(player), lease),
                    Put(keys.session(session), encode({"player": player.id, "guest": True}), lease),
                ],
                [Get(KeyRange(keys.session(session)))],
            )
        except StoreUnavailableError as error:
            if error.definite:
                await self._give_back(lease)
            raise
        if result.succeeded or (settling.uncertain and any(pair.lease == lease for pair in result.pairs[0])):
            return
        await self._give_back(lease)
        raise ValueError(f"the player {player.id} or the session already exists")

    async def find(self, session: str) -> PlayerRecord | None:
        # Two reads and a renewal, no write: a removed player's session is over, too.
        keys = self._keys
        pair = await self._get(keys.session(session))
        if pair is None:
            return None
        player_id, guest = _player_of(pair)
        player = await self._get(keys.player(player_id))
        if player is None:
            return None
        try:
            await self._kv.keep_alive(pair.lease)
        except LeaseLostError:
            return None
        return evolve(decode(player.key, player.value, PlayerRecord), guest=guest)

    async def keep(self, session: str, expires_s: int) -> bool:
        keys = self._keys
        settling = Settling.within(self._kv, self._deadline_s)
        while True:
            pair = await self._get(keys.session(session))
            if pair is None:
                return False
            player_id, guest = _player_of(pair)
            player = await self._get(keys.player(player_id))
            if player is None or not guest:
                return player is not None
            lease = await self._kv.grant(expires_s)
            result = await settling.transaction(
                [Compare(pair.key, pair.mod_revision), Compare(player.key, player.mod_revision)],
                [
                    Put(pair.key, encode({"player": player_id}), lease),
                    Put(player.key, player.value, lease),
                ],
            )
            if result.succeeded:
                await self._give_back(pair.lease)
                return True
            # Another connection of the player was faster, or the first attempt succeeded: what is there now tells.
            if not settling.uncertain:
                await self._give_back(lease)

    async def over(self, sessions: Sequence[str]) -> Sequence[str]:
        over: list[str] = []
        for start in range(0, len(sessions), AT_ONCE):
            over += await self._over(sessions[start : start + AT_ONCE])
        return over

    async def _over(self, sessions: Sequence[str]) -> list[str]:
        keys = self._keys
        found = await self._kv.transaction([], [Get(KeyRange(keys.session(session))) for session in sessions])
        players: dict[str, str] = {}  # by session
        for session, pairs in zip(sessions, found.pairs, strict=True):
            try:
                if pairs:
                    players[session], _ = _player_of(pairs[0])
            except CorruptStoreError as error:
                # an unreadable record ends one session, not the node
                log.error("session_unreadable", error=str(error))
        if not players:
            return list(sessions)
        records = await self._kv.transaction([], [Get(KeyRange(keys.player(player))) for player in players.values()])
        live = {session for session, pairs in zip(players, records.pairs, strict=True) if pairs}
        return [session for session in sessions if session not in live]

    async def revoke(self, session: str) -> bool:
        pair = await self._get(self._keys.session(session))
        if pair is None:
            return False
        await self._kv.revoke(pair.lease)
        return True

    async def remove_player(self, player: str) -> bool:
        key = self._keys.player(player)
        settling = Settling.within(self._kv, self._deadline_s)
        # Their sessions remain, without use, until their leases end.
        result = await settling.transaction([Compare(key, 0)], [], [Delete(KeyRange(key))])
        return not result.succeeded or settling.uncertain

    async def revision(self) -> int:
        return (await self._kv.range(self._keys.both, limit=1)).revision

    @asynccontextmanager
    async def watch(self, after_revision: int) -> AsyncIterator[KvSessionWatch]:
        keys = self._keys
        async with self._kv.watch(keys.both, after_revision) as watch:
            yield KvSessionWatch(watch, keys)

    async def _get(self, key: str) -> KeyValuePair | None:
        pairs = (await self._kv.range(KeyRange(key))).pairs
        return pairs[0] if pairs else None

    async def _give_back(self, lease: int) -> None:
        try:
            await self._kv.revoke(lease)
        except StoreError as error:
            # Nothing depends on it, and it ends by itself.
            log.warning("lease_not_given_back", lease=lease, reason=str(error))

    @property
    def _keys(self) -> SessionKeys:
        return SessionKeys(self._prefix)


def _player_of(session: KeyValuePair) -> tuple[str, bool]:
    """The player's id, and whether it is a guest."""
    fields = decode_fields(session.key, session.value)
    player = fields.get("player")
    if not isinstance(player, str):
        raise CorruptStoreError(f"{session.key}: names no player")
    return player, fields.get("guest") is True


@define(eq=False)
class KvSessionWatch:
    """See `SessionWatch`. May be empty: progress, or somebody's new session."""

    _watch: Watch
    _keys: SessionKeys

    async def receive(self) -> Sequence[SessionRevoked | PlayerRemoved]:
        batch = await self._watch.receive()
        ended: list[SessionRevoked | PlayerRemoved] = []
        removed: list[PlayerRemoved] = []
        for event in batch.events:
            if event.value is not None:
                continue
            if event.key.startswith(self._keys.sessions):
                ended.append(SessionRevoked(event.key[len(self._keys.sessions) :]))
            elif event.key.startswith(self._keys.players):
                removed.append(PlayerRemoved(event.key[len(self._keys.players) :]))
        return ended + removed  # if a session ends, so does its player's record: that is not a kick
