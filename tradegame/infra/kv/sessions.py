"""Players and sessions in an ordered key-value store. A player's sessions are keys on one lease.

A session counts only while its player's record names it. The player of a seat who was removed may come again under the
same id, with a new record: what led to the old one does not lead to that.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from attrs import define, evolve

from tradegame.core.repositories.errors import (
    CorruptStoreError,
    LeaseLostError,
    StoreError,
    StoreUnavailableError,
)
from tradegame.core.repositories.sessions import (
    SESSIONS_KEPT,
    PlayerRecord,
    PlayerRemoved,
    SessionAdded,
    SessionRevoked,
)
from tradegame.infra.kv.codec import decode, decode_fields, encode, unstructured
from tradegame.infra.kv.keys import SessionKeys
from tradegame.infra.kv.port import Compare, Delete, Event, Get, KeyRange, KeyValuePair, KeyValueStore, Put, Watch
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

    async def create(self, player: PlayerRecord, session: str, expires_s: int) -> bool:
        keys = self._keys
        lease = await self._kv.grant(expires_s)
        settling = Settling.within(self._kv, self._deadline_s)
        try:
            result = await settling.transaction(
                [Compare(keys.player(player.id), 0), Compare(keys.session(session), 0)],
                [
                    Put(keys.player(player.id), _written(evolve(player, guest=True), [session]), lease),
                    Put(keys.session(session), encode({"player": player.id}), lease),
                ],
                [Get(KeyRange(keys.session(session)))],
            )
        except StoreUnavailableError as error:
            if error.definite:
                await self._give_back(lease)
            raise
        if result.succeeded or (settling.uncertain and any(pair.lease == lease for pair in result.pairs[0])):
            return True
        await self._give_back(lease)
        return False

    async def find(self, session: str) -> PlayerRecord | None:
        # Two reads and a renewal, no write: a removed player's session is over, too.
        lost = None
        while True:
            pair = await self._get(self._keys.session(session))
            player = None if pair is None else await self._get(self._keys.player(_player_of(pair)))
            if pair is None or player is None or pair.lease == lost:
                return None
            record, sessions = _read(player)
            if session not in sessions:
                return None
            try:
                await self._kv.keep_alive(pair.lease)
            except LeaseLostError:
                lost = pair.lease  # over, or another connection has just joined a game, and it has another lease
            else:
                return record

    async def player(self, player: str) -> PlayerRecord | None:
        pair = await self._get(self._keys.player(player))
        return None if pair is None else _read(pair)[0]

    async def keep(self, session: str, expires_s: int) -> bool:
        keys = self._keys
        settling = Settling.within(self._kv, self._deadline_s)
        while True:
            pair = await self._get(keys.session(session))
            player = None if pair is None else await self._get(keys.player(_player_of(pair)))
            if pair is None or player is None:
                return False
            record, sessions = _read(player)
            if session not in sessions:
                return False
            if not record.guest:
                return True
            lease = await self._kv.grant(expires_s)
            mine = encode({"player": record.id})
            result = await settling.transaction(
                [Compare(pair.key, pair.mod_revision), Compare(player.key, player.mod_revision)],
                [
                    Put(player.key, _written(evolve(record, guest=False), sessions), lease),
                    *(Put(keys.session(each), mine, lease) for each in sessions),
                ],
            )
            if result.succeeded:
                await self._give_back(player.lease)
                return True
            # Another connection of the player was faster, or the first attempt succeeded: what is there now tells.
            if not settling.uncertain:
                await self._give_back(lease)

    async def add(self, player: str, session: str) -> PlayerRecord | None:
        return await self._add(Settling.within(self._kv, self._deadline_s), player, session)

    async def _add(
        self, settling: Settling, player: str, session: str, code: KeyValuePair | None = None
    ) -> PlayerRecord | None:
        """``code``: it must still be there, and the session that offered it, and is gone afterwards."""
        keys = self._keys
        offered_by = None if code is None else _named("session", code)
        while True:
            pair = await self._get(keys.player(player))
            if pair is None:
                return None
            record, sessions = _read(pair)
            if session in sessions:
                return record
            if code is not None and (offered_by not in sessions or (await self._get(code.key)) is None):
                return None
            left = sessions[-SESSIONS_KEPT + 1 :]
            try:
                result = await settling.transaction(
                    [
                        Compare(pair.key, pair.mod_revision),
                        *([] if code is None else [Compare(code.key, code.mod_revision)]),
                    ],
                    [
                        Put(pair.key, _written(record, [*left, session]), pair.lease),
                        Put(keys.session(session), encode({"player": player}), pair.lease),
                        *(Delete(KeyRange(keys.session(each))) for each in sessions[: len(sessions) - len(left)]),
                        *([] if code is None else [Delete(KeyRange(code.key))]),
                    ],
                )
            except LeaseLostError:
                return None
            if result.succeeded:
                return record

    async def offer(self, code: str, player: str, session: str, expires_s: int) -> None:
        lease = await self._kv.grant(expires_s)
        offered = encode({"player": player, "session": session})
        await self._kv.transaction([], [Put(self._keys.code(code), offered, lease)])

    async def redeem(self, code: str, session: str) -> PlayerRecord | None:
        pair = await self._get(self._keys.code(code))
        if pair is None:
            return None
        return await self._add(Settling.within(self._kv, self._deadline_s), _player_of(pair), session, pair)

    async def secret(self) -> bytes:
        key = self._keys.secret
        await self._kv.transaction([Compare(key, 0)], [Put(key, secrets.token_hex(32).encode())])
        pair = await self._get(key)
        try:
            found = b"" if pair is None else bytes.fromhex(pair.value.decode())
        except ValueError:
            found = b""
        if len(found) != 32:
            raise CorruptStoreError(f"{key}: does not hold 32 bytes in hex")
        return found

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
                    players[session] = _player_of(pairs[0])
            except CorruptStoreError as error:
                # an unreadable record ends one session, not the node
                log.error("session_unreadable", error=str(error))
        if not players:
            return list(sessions)
        records = await self._kv.transaction([], [Get(KeyRange(keys.player(player))) for player in players.values()])
        live = {
            session for session, pairs in zip(players, records.pairs, strict=True) if pairs and _has(pairs[0], session)
        }
        return [session for session in sessions if session not in live]

    async def revoke(self, session: str) -> bool:
        return await self._end(self._keys.session(session))

    async def end(self, player: str) -> bool:
        return await self._end(self._keys.player(player))

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

    async def _end(self, key: str) -> bool:
        """End the lease of a key, and the next one if `keep` gave it another meanwhile. Returns whether it had one."""
        lost = None
        while (pair := await self._get(key)) is not None and pair.lease != lost:
            await self._kv.revoke(pair.lease)
            lost = pair.lease
        return lost is not None

    async def _give_back(self, lease: int) -> None:
        try:
            await self._kv.revoke(lease)
        except StoreError as error:
            # Nothing depends on it, and it ends by itself.
            log.warning("lease_not_given_back", lease=lease, reason=str(error))

    @property
    def _keys(self) -> SessionKeys:
        return SessionKeys(self._prefix)


def _written(player: PlayerRecord, sessions: Sequence[str]) -> bytes:
    """A player's record, with the sessions that they have, the oldest first."""
    return encode({**unstructured(player), "sessions": list(sessions)})


def _read(pair: KeyValuePair) -> tuple[PlayerRecord, list[str]]:
    sessions = decode_fields(pair.key, pair.value).get("sessions")
    if not isinstance(sessions, list) or not all(isinstance(each, str) and each for each in sessions):
        raise CorruptStoreError(f"{pair.key}: says nothing of its sessions")
    return decode(pair.key, pair.value, PlayerRecord), sessions


def _has(player: KeyValuePair, session: str) -> bool:
    """Whether the session is one of this record's."""
    try:
        return session in _read(player)[1]
    except CorruptStoreError as error:
        log.error("session_unreadable", error=str(error))
        return False


def _player_of(session: KeyValuePair) -> str:
    """The player's id; of a code's key, too."""
    return _named("player", session)


def _named(what: str, pair: KeyValuePair) -> str:
    named = decode_fields(pair.key, pair.value).get(what)
    if not isinstance(named, str):
        raise CorruptStoreError(f"{pair.key}: names no {what}")
    return named


@define(eq=False)
class KvSessionWatch:
    """See `SessionWatch`. May be empty: it is progress."""

    _watch: Watch
    _keys: SessionKeys

    async def receive(self) -> Sequence[SessionRevoked | PlayerRemoved | SessionAdded]:
        batch = await self._watch.receive()
        ended: list[SessionRevoked | PlayerRemoved | SessionAdded] = [*self._added(batch.events)]
        removed: list[PlayerRemoved] = []
        for event in batch.events:
            if event.value is not None:
                continue
            if event.key.startswith(self._keys.sessions):
                ended.append(SessionRevoked(event.key[len(self._keys.sessions) :]))
            elif event.key.startswith(self._keys.players):
                removed.append(PlayerRemoved(event.key[len(self._keys.players) :]))
        return ended + removed  # if a session ends, so does its player's record: that is not a kick

    def _added(self, events: Sequence[Event]) -> Iterator[SessionAdded]:
        """The new sessions of players who were there. One with a record that cannot be read is left out."""
        made = [event for event in events if event.create_revision == event.mod_revision]
        with_players = {event.mod_revision for event in made if event.key.startswith(self._keys.players)}
        for event in made:
            if event.value is None or event.mod_revision in with_players:
                continue
            if event.key.startswith(self._keys.sessions):
                with suppress(CorruptStoreError):
                    player = decode_fields(event.key, event.value).get("player")
                    if isinstance(player, str):
                        yield SessionAdded(player, event.key[len(self._keys.sessions) :])
