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
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.core.repositories.game_states import GameMeta, LogEntry, SnapshotRef, StoredGame, StoredGames
from tradegame.infra.kv.codec import decode_meta, encode
from tradegame.infra.kv.game_watches import KvGameListWatch, KvGameWatch
from tradegame.infra.kv.keys import GameKeys, check_game_id
from tradegame.infra.kv.limits import MAX_OPERATIONS, MAX_VALUE_BYTES
from tradegame.infra.kv.port import Compare, Delete, Get, KeyRange, KeyValuePair, KeyValueStore, Put
from tradegame.infra.kv.settle import Settling

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

    After StoreUnavailableError(definite=False) from `update`, pass it the same entry with the same ``meta`` again: only
    then is it certain to find what the first attempt wrote.
    """

    _kv: KeyValueStore
    _prefix: str
    _deadline_s: float = DEADLINE_S
    _part_bytes: int = PART_BYTES
    _page_entries: int = PAGE_ENTRIES

    # -- games -----------------------------------------------------------------------------------------

    async def create(self, meta: GameMeta) -> GameMeta:
        keys = self._keys(meta.game)
        settling = Settling.within(self._kv, self._deadline_s)
        result = await settling.transaction(
            [Compare(keys.meta, 0)],
            [Put(keys.meta, encode(meta)), Put(keys.catalog, encode({"epoch": meta.epoch}))],
            [Get(KeyRange(keys.meta))],
        )
        if result.succeeded:
            return evolve(meta, revision=result.revision)
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

    async def delete(self, game: str) -> bool:
        keys = self._keys(game)
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
            revision, meta = await self._meta(keys)
            base = _base(meta)
            if base is None:
                return StoredGame(meta, revision, 1, None)
            snapshot = await self._snapshot(keys, base)
            if snapshot is not None:
                return StoredGame(meta, revision, base.generation, snapshot)
            _, now = await self._meta(keys)
            if now.epoch == meta.epoch and _base(now) == base:
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
        newest = found.pairs[0].mod_revision if found.pairs else 0
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

    async def update(self, meta: GameMeta, entry_id: str, value: bytes) -> GameMeta:
        if len(value) > MAX_VALUE_BYTES:
            raise StoreRefusedError(f"an entry of {len(value)} bytes; the limit is {MAX_VALUE_BYTES}")
        keys = self._keys(meta.game)
        settling = Settling.within(self._kv, self._deadline_s)
        while True:
            key = keys.entry(meta.generation, entry_id)
            result = await settling.transaction(
                [Compare(keys.meta, meta.revision), Compare(key, 0)],
                [Put(key, value), Put(keys.tail, b"")],
                [Get(KeyRange(key)), Get(KeyRange(keys.meta))],
            )
            if result.succeeded:
                return meta
            own, metas = result.pairs
            if not metas:
                raise GameGoneError(f"the game {meta.game} is gone")
            newest = decode_meta(metas[0])
            if newest.epoch != meta.epoch:
                raise GameGoneError(f"the game {meta.game} was recreated")
            if own:
                return newest
            if newest.generation != meta.generation and _floor(newest) > meta.generation:
                # Everything is trimmed where the entry would be: it is unknown whether an earlier attempt landed there.
                raise StoreUnavailableError(
                    f"the entry {entry_id} was given generation {meta.generation}, which is trimmed",
                    definite=False,
                )
            # Meta has changed and the entry is not there. No attempt still under way can land any more, since all of
            # them compare the old meta. So it is safe to append the entry under the new one.
            meta = newest

    async def raise_generation(self, meta: GameMeta) -> GameMeta | None:
        raised = evolve(meta, generation=meta.generation + 1)
        return await self._write_meta(Settling.within(self._kv, self._deadline_s), meta, raised)

    # -- snapshots -------------------------------------------------------------------------------------

    async def save_snapshot(
        self, meta: GameMeta, generation: int, digest: str, seq: int, state: bytes
    ) -> GameMeta | None:
        keys, epoch, part_bytes = self._keys(meta.game), meta.epoch, self._part_bytes
        while True:
            cuts = range(0, max(len(state), 1), part_bytes)
            reference = SnapshotRef(generation, digest, len(cuts), seq)
            try:
                for part, cut in enumerate(cuts):
                    written = await self._write_part(meta, epoch, reference, part, state[cut : cut + part_bytes])
                    if written is None:
                        return None
                    meta = written
                break
            except StoreRefusedError:
                # The store accepts less than we assume (etcd's --max-request-bytes): retry with smaller parts.
                if part_bytes < _LEAST_PART_BYTES:
                    raise
                part_bytes //= 2
        while _wanted(meta, epoch, reference):
            settling = Settling.within(self._kv, self._deadline_s)
            saved = await self._write_meta(settling, meta, evolve(meta, snapshots=(*meta.snapshots, reference)[-2:]))
            if saved is not None:
                await self._trim(keys, saved)
                return saved
            try:
                _, meta = await self._meta(keys)
            except GameGoneError:
                return None
        return None

    async def _write_part(
        self, meta: GameMeta, epoch: str, reference: SnapshotRef, part: int, value: bytes
    ) -> GameMeta | None:
        """Write one part, conditional on meta: nothing may be left behind in a game that was deleted meanwhile."""
        keys = self._keys(meta.game)
        while _wanted(meta, epoch, reference):
            result = await Settling.within(self._kv, self._deadline_s).transaction(
                [Compare(keys.meta, meta.revision)],
                [Put(keys.part(reference, part), value)],
                [Get(KeyRange(keys.meta))],
            )
            if result.succeeded:
                return meta
            if not result.pairs[0]:
                return None
            meta = decode_meta(result.pairs[0][0])
        return None

    async def _trim(self, keys: GameKeys, meta: GameMeta) -> None:
        """Delete what is older than the last but one snapshot. If it fails, the next snapshot's trim does it."""
        floor = _floor(meta)
        if floor == 0:
            return
        try:
            # Conditional on meta: a late trim must not delete the log of a recreated game.
            await Settling.within(self._kv, self._deadline_s).transaction(
                [Compare(keys.meta, meta.revision)],
                [Delete(keys.log_before(floor)), Delete(keys.snapshot_before(floor))],
            )
        except StoreError as error:
            log.warning("log_not_trimmed", game=meta.game, before_generation=floor, reason=str(error))

    # -- pieces ----------------------------------------------------------------------------------------

    async def _write_meta(self, settling: Settling, old: GameMeta, new: GameMeta) -> GameMeta | None:
        """Write ``new`` if ``old`` is still there. Returns None if it is not."""
        keys = self._keys(old.game)
        result = await settling.transaction(
            [Compare(keys.meta, old.revision)], [Put(keys.meta, encode(new))], [Get(KeyRange(keys.meta))]
        )
        if result.succeeded:
            return evolve(new, revision=result.revision)
        if settling.uncertain and result.pairs[0]:
            # An earlier attempt may have succeeded. The same change by another node looks the same, and is as good.
            found = decode_meta(result.pairs[0][0])
            if evolve(found, revision=0) == evolve(new, revision=0):
                return found
        return None

    async def _meta(self, keys: GameKeys) -> tuple[int, GameMeta]:
        result = await self._kv.range(KeyRange(keys.meta))
        if not result.pairs:
            raise GameGoneError(f"the game {keys.game} does not exist")
        return result.revision, decode_meta(result.pairs[0])

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
            _, now = await self._meta(keys)
        except GameGoneError as error:
            raise CompactedError(str(error)) from error
        if now.epoch != stored.meta.epoch or _floor(now) > stored.base_generation:
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


def _base(meta: GameMeta) -> SnapshotRef | None:
    """Where a replay begins: the older of two snapshots, since clients resume from what follows it."""
    return meta.snapshots[0] if len(meta.snapshots) == 2 else None


def _floor(meta: GameMeta) -> int:
    """Generations below this one are trimmed, or may be at any time. 0: none."""
    base = _base(meta)
    return base.generation if base else 0


def _wanted(meta: GameMeta, epoch: str, reference: SnapshotRef) -> bool:
    return (
        meta.epoch == epoch
        and reference.generation <= meta.generation
        and all(saved.generation < reference.generation for saved in meta.snapshots)
    )
