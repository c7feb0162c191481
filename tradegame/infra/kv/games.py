"""Games in an ordered key-value store: the log, its generations, and how to read it while it is trimmed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter

import structlog
from attrs import define, evolve

from tradegame.core.repositories.errors import (
    CompactedError,
    CorruptStoreError,
    GameExistsError,
    GameGoneError,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.core.repositories.game_states import (
    Appended,
    GameMeta,
    HostCall,
    LogEntry,
    SnapshotRef,
    StoredGame,
    StoredGames,
)
from tradegame.infra.kv.codec import decode_meta, encode
from tradegame.infra.kv.fence import Fence
from tradegame.infra.kv.game_watches import KvGameListWatch, KvGameWatch
from tradegame.infra.kv.host_calls import HostCalls
from tradegame.infra.kv.keys import GameKeys, check_game_id
from tradegame.infra.kv.limits import MAX_OPERATIONS, MAX_VALUE_BYTES
from tradegame.infra.kv.metas import base_of, floor_of, read_meta, write_meta
from tradegame.infra.kv.port import Compare, Delete, Get, KeyRange, KeyValuePair, KeyValueStore, Put
from tradegame.infra.kv.settle import Settling
from tradegame.infra.kv.snapshots import SnapshotWriter

log = structlog.get_logger(__name__)

# Under 1 MiB with the key, and under gRPC's 4 MiB a message when three are read at once.
PART_BYTES = 900 * 1024
_LEAST_PART_BYTES = 16 * 1024
_PARTS_AT_ONCE = 3
PAGE_ENTRIES = 128
"""How many are read at once: with entries of 64 KiB, the most that a host appends, 8 MiB."""
DEADLINE_S = 4.0


@define(eq=False)
class KvGameStateRepository:
    """See `GameStateRepository`. ``deadline_s`` limits a write with all its retries.

    ``fence``: this node's, where other processes write to the store, too: it says for certain that an append did not
    happen, though its answer was lost.

    After StoreUnavailableError(definite=False) from `update`, pass it the same entry with the same ``meta`` again: only
    then is it certain to find what the first attempt wrote.
    """

    _kv: KeyValueStore
    _prefix: str
    _deadline_s: float = DEADLINE_S
    _part_bytes: int = PART_BYTES
    _page_entries: int = PAGE_ENTRIES
    _fence: Fence | None = None

    # -- games -----------------------------------------------------------------------------------------

    async def create(self, meta: GameMeta, call: HostCall | None = None) -> GameMeta:
        keys, calls = self._keys(meta.game), HostCalls(self._kv, self._prefix)
        note = [] if call is None else [await calls.note(call, meta.epoch)]
        settling = Settling.within(self._kv, self._deadline_s)
        result = await settling.transaction(
            [Compare(keys.meta, 0), *(Compare(each.key, 0) for each in note)],
            [
                Put(keys.meta, encode(meta)),
                Put(keys.tail, b""),
                Put(keys.catalog, encode({"epoch": meta.epoch})),
                *note,
            ],
            [Get(KeyRange(keys.meta)), *(Get(KeyRange(each.key)) for each in note)],
        )
        if result.succeeded:
            return evolve(meta, revision=result.revision)
        if call is not None and (made := calls.made(call, result.pairs[1], result.pairs[0])) is not None:
            return made
        found = decode_meta(result.pairs[0][0])
        if settling.uncertain and found.epoch == meta.epoch:
            return found
        raise GameExistsError(f"the game {meta.game} already exists")

    async def list(self) -> StoredGames:
        catalog = KeyRange.prefix(f"{self._prefix}/catalog/")
        listed = await self._kv.range(catalog, tolerant=True)
        names = sorted([*(pair.key for pair in listed.pairs), *listed.unreadable])
        games = [game for name in names if (game := _game_of(name, catalog.start)) is not None]
        metas: list[GameMeta] = []
        unreadable: dict[str, str] = {}
        for first in range(0, len(games), MAX_OPERATIONS):
            some = games[first : first + MAX_OPERATIONS]
            try:
                found = (await self._kv.transaction([], [Get(KeyRange(self._keys(game).meta)) for game in some])).pairs
            except CorruptStoreError:
                found = tuple([await self._meta_of(game, unreadable) for game in some])
            for game, pairs in zip(some, found, strict=True):
                # A game that was deleted meanwhile has none: the watch from `listed.revision` says so, too.
                try:
                    metas += [decode_meta(pair) for pair in pairs]
                except CorruptStoreError as error:
                    unreadable[game] = str(error)
        return StoredGames(listed.revision, tuple(metas), unreadable)

    async def _meta_of(self, game: str, unreadable: dict[str, str]) -> tuple[KeyValuePair, ...]:
        """One game that cannot be read must not keep the others from being served."""
        try:
            return (await self._kv.range(KeyRange(self._keys(game).meta))).pairs
        except CorruptStoreError as error:
            unreadable[game] = str(error)
            return ()

    async def delete(self, game: str, call: HostCall | None = None) -> bool:
        keys = self._keys(game)
        if call is not None:
            return await HostCalls(self._kv, self._prefix).delete(keys, call, self._deadline_s)
        settling = Settling.within(self._kv, self._deadline_s)
        # The comparison fails once the game is gone, so it can be retried.
        result = await settling.transaction(
            [Compare(keys.meta, 0)], [], [Delete(keys.all), Delete(KeyRange(keys.catalog))]
        )
        return not result.succeeded or settling.uncertain

    def ready(self) -> str | None:
        return self._kv.ready()

    # -- reading ---------------------------------------------------------------------------------------

    async def get(self, game: str) -> StoredGame:
        keys = self._keys(game)
        while True:
            revision, meta = await read_meta(self._kv, keys)
            base = base_of(meta)
            if base is None:
                return StoredGame(meta, revision, 1, None)
            snapshot = await self._snapshot(keys, base)
            if snapshot is not None:
                return StoredGame(meta, revision, base.generation, snapshot)
            _, now = await read_meta(self._kv, keys)
            if now.epoch == meta.epoch and base_of(now) == base:
                raise CorruptStoreError(f"{keys.snapshot(base)}: expected {base.parts} parts")

    async def entries(self, stored: StoredGame) -> AsyncIterator[Sequence[LogEntry]]:
        """See the port. Reads in key order, a generation as a whole, then sorts into log order."""
        keys = self._keys(stored.meta.game)
        rest = keys.log_between(stored.base_generation, stored.meta.generation)
        read: list[LogEntry] = []
        more = True
        while more:
            page = await self._kv.range(rest, limit=self._page_entries)
            # Checked after every page: a page that a trim has thinned out must not count as complete.
            await self._check_untrimmed(keys, stored)
            for pair in page.pairs:
                if pair.mod_revision > stored.revision:
                    continue  # appended since: an entry is never rewritten
                entry = LogEntry(pair.mod_revision, *keys.parse_entry(pair.key), pair.value)
                if read and read[-1].generation != entry.generation:
                    for ordered in _in_order(read, self._page_entries):
                        yield ordered
                    read = []
                read.append(entry)
            more = page.more
            if more:
                rest = KeyRange(f"{page.pairs[-1].key}\0", rest.end)
        for ordered in _in_order(read, self._page_entries):
            yield ordered

    async def newest_after(self, game: str, revision: int) -> int | None:
        found = await self._kv.range(KeyRange(self._keys(game).tail))
        newest = found.pairs[0].mod_revision if found.pairs else found.revision  # it is gone
        return newest if newest > revision else None

    @asynccontextmanager
    async def watch(self, meta: GameMeta, after_revision: int) -> AsyncIterator[KvGameWatch]:
        keys = self._keys(meta.game)
        async with self._kv.watch(keys.log_and_meta, after_revision) as watch:
            yield KvGameWatch(watch, keys, meta.epoch)

    @asynccontextmanager
    async def watch_list(self, after_revision: int) -> AsyncIterator[KvGameListWatch]:
        """See the port. Reports when a game appears or goes; `watch` reports its other changes."""
        catalog = KeyRange.prefix(f"{self._prefix}/catalog/")
        async with self._kv.watch(catalog, after_revision) as watch:
            yield KvGameListWatch(watch, self._kv, self._prefix)

    # -- the log ---------------------------------------------------------------------------------------

    async def update(self, meta: GameMeta, entry_id: str, value: bytes) -> Appended:
        if len(value) > MAX_VALUE_BYTES:
            raise StoreRefusedError(f"an entry of {len(value)} bytes; the limit is {MAX_VALUE_BYTES}")
        keys = self._keys(meta.game)
        tail = [Get(KeyRange(keys.tail))] if self._kv.shared else []  # a store of one process has told its watch first
        settling = Settling.within(self._kv, self._deadline_s)
        while True:
            key, fences = keys.entry(meta.generation, entry_id), await self._fences(settling.deadline)
            result = await settling.transaction(
                [Compare(keys.meta, meta.revision), Compare(key, 0), *fences],
                [*tail, Put(key, value), Put(keys.tail, b"")],
                [Get(KeyRange(each)) for each in (key, keys.meta, *(fence.key for fence in fences))],
            )
            if result.succeeded:
                if not tail:
                    return Appended(meta)
                entry = LogEntry(result.revision, meta.generation, entry_id, value)
                return Appended(meta, entry, result.pairs[0][0].mod_revision)
            own, metas, *found = result.pairs
            if not metas:
                raise GameGoneError(f"the game {meta.game} is gone")
            newest = decode_meta(metas[0])
            if newest.epoch != meta.epoch:
                raise GameGoneError(f"the game {meta.game} was recreated")
            if own:
                return Appended(newest)
            if newest.generation != meta.generation and floor_of(newest) > meta.generation:
                # Everything is trimmed where the entry would be: it is unknown whether an earlier attempt landed there.
                raise StoreUnavailableError(
                    f"the entry {entry_id} was given generation {meta.generation}, which is trimmed",
                    definite=False,
                )
            # Meta or the fence has changed and the entry is not there. No attempt still under way can land any more,
            # since all of them compare the old ones. So it is safe to append the entry under the new ones.
            for fence, pairs in zip(fences, found, strict=True):
                if self._fence is not None and [pair.mod_revision for pair in pairs] != [fence.mod_revision]:
                    self._fence.fell(fence.mod_revision)
            settling.uncertain = False
            meta = newest

    async def _fences(self, deadline: float) -> Sequence[Compare]:
        """What an append compares besides meta. Raises StoreUnavailableError while this node is not registered."""
        if self._fence is None:
            return []
        if not await self._fence.wait(deadline):
            raise StoreUnavailableError("this node is not registered in the store", definite=True)
        return [self._fence.compare]

    async def raise_generation(self, meta: GameMeta) -> GameMeta | None:
        raised = evolve(meta, generation=meta.generation + 1)
        return await write_meta(Settling.within(self._kv, self._deadline_s), self._keys(meta.game), meta, raised)

    async def save_snapshot(
        self, meta: GameMeta, generation: int, digest: str, seq: int, state: bytes
    ) -> GameMeta | None:
        writer = SnapshotWriter(self._kv, self._keys(meta.game), self._deadline_s, self._part_bytes)
        return await writer.save(meta, generation, digest, seq, state)

    # -- pieces ----------------------------------------------------------------------------------------

    async def _snapshot(self, keys: GameKeys, reference: SnapshotRef) -> bytes | None:
        """The snapshot's bytes, or None if they are incomplete."""
        values: list[bytes] = []
        for first in range(0, reference.parts, _PARTS_AT_ONCE):
            last = min(first + _PARTS_AT_ONCE, reference.parts)
            parts = KeyRange(keys.part(reference, first), keys.part(reference, last))
            values += [pair.value for pair in (await self._kv.range(parts)).pairs]
        return b"".join(values) if len(values) == reference.parts else None

    async def _check_untrimmed(self, keys: GameKeys, stored: StoredGame) -> None:
        try:
            _, now = await read_meta(self._kv, keys)
        except GameGoneError as error:
            raise CompactedError(str(error)) from error
        if now.epoch != stored.meta.epoch or floor_of(now) > stored.base_generation:
            raise CompactedError(f"the log of {keys.game} was trimmed while being read")

    def _keys(self, game: str) -> GameKeys:
        return GameKeys(self._prefix, game)


def _in_order(entries: list[LogEntry], page: int) -> Iterator[Sequence[LogEntry]]:
    """One generation's entries, in pages. Each comes before all of the next generation."""
    entries.sort(key=attrgetter("revision"))
    for first in range(0, len(entries), page):
        yield entries[first : first + page]


def _game_of(key: str, catalog: str) -> str | None:
    """The game of this catalog key; None if it is not a key that we would write."""
    try:
        return check_game_id(key.removeprefix(catalog))
    except ValueError:
        log.error("catalog_unreadable", key=key)
        return None
