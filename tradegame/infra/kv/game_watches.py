"""The watch of a game and of the list of games: translates writes to keys into what they mean."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import structlog
from attrs import define, field

from tradegame.core.repositories.errors import CorruptStoreError
from tradegame.core.repositories.game_states import (
    GameDeleted,
    GameListed,
    LogEntry,
    MetaChanged,
)
from tradegame.infra.kv.codec import decode_fields, decode_meta, decode_meta_at
from tradegame.infra.kv.keys import GameKeys
from tradegame.infra.kv.port import Event, KeyRange, KeyValueStore, Watch

log = structlog.get_logger(__name__)


@define(eq=False)
class KvGameWatch:
    """See `GameWatch`. After the game's end its batches are empty, even if a game with its id is created."""

    _watch: Watch
    _keys: GameKeys
    _epoch: str
    _over: bool = False

    async def receive(self) -> Sequence[LogEntry | MetaChanged | GameDeleted]:
        batch = await self._watch.receive()
        told: list[LogEntry | MetaChanged | GameDeleted] = []
        for event in batch.events:
            if self._over:
                break
            happened = self._happened(event)
            if happened is not None:
                told.append(happened)
                self._over = isinstance(happened, GameDeleted)
        return told

    def _happened(self, event: Event) -> LogEntry | MetaChanged | GameDeleted | None:
        if event.key != self._keys.meta:
            if event.value is None:
                # A trim. What it deletes was delivered long ago.
                return None
            generation, entry_id = self._keys.parse_entry(event.key)
            return LogEntry(event.mod_revision, generation, entry_id, event.value)
        if event.value is None:
            return GameDeleted(event.mod_revision)
        meta = decode_meta_at(event.key, event.value, event.mod_revision)
        if meta.epoch != self._epoch:
            return GameDeleted(event.mod_revision)
        return MetaChanged(event.mod_revision, meta)


@define(eq=False)
class KvGameListWatch:
    """See `GameListWatch`. After StoreUnavailableError, receive again: nothing is lost."""

    _watch: Watch
    _kv: KeyValueStore
    _prefix: str
    # Received but not yet passed on: that takes a read, which can fail or be cancelled.
    _pending: deque[Event] = field(factory=deque)

    async def receive(self) -> Sequence[GameListed]:
        if not self._pending:
            self._pending.extend((await self._watch.receive()).events)
        told = [await self._listed(event) for event in self._pending]
        self._pending.clear()
        return [listed for listed in told if listed is not None]

    async def _listed(self, event: Event) -> GameListed | None:
        game = event.key.rsplit("/", 1)[1]
        if event.value is None:
            return GameListed(game, None)
        key = GameKeys(self._prefix, game).meta
        try:
            result = await self._kv.range(KeyRange(key))
            if not result.pairs:
                # Deleted again: a later event will say so.
                return None
            meta = decode_meta(result.pairs[0])
            epoch = decode_fields(event.key, event.value).get("epoch")
        except CorruptStoreError as error:
            return GameListed(game, None, str(error))
        # Another epoch: it was recreated meanwhile, and later events will say so.
        return GameListed(game, meta) if meta.epoch == epoch else None
