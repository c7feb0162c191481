"""Saving snapshots in parts, and trimming what lies before the last but one."""

from __future__ import annotations

import structlog
from attrs import define, evolve

from tradegame.core.repositories.errors import GameGoneError, StoreError, StoreRefusedError
from tradegame.core.repositories.game_states import GameMeta, SnapshotRef
from tradegame.infra.kv.codec import decode_meta
from tradegame.infra.kv.keys import GameKeys, between
from tradegame.infra.kv.metas import floor_of, read_meta, write_meta
from tradegame.infra.kv.port import Compare, Delete, Get, KeyRange, KeyValueStore, Put
from tradegame.infra.kv.settle import Settling

log = structlog.get_logger(__name__)

_LEAST_PART_BYTES = 16 * 1024
TRIMMED_AT_ONCE = 500
"""So many entries are deleted in a revision. Every node's watch is told of each, and a generation has up to 10 000."""


@define(eq=False)
class SnapshotWriter:
    """Of one game. ``deadline_s`` limits each write with all its retries."""

    _kv: KeyValueStore
    _keys: GameKeys
    _deadline_s: float
    _part_bytes: int

    async def save(self, meta: GameMeta, generation: int, digest: str, seq: int, state: bytes) -> GameMeta | None:
        """See `GameStateRepository.save_snapshot`."""
        keys, epoch, part_bytes = self._keys, meta.epoch, self._part_bytes
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
            saved = await write_meta(settling, keys, meta, evolve(meta, snapshots=(*meta.snapshots, reference)[-2:]))
            if saved is not None:
                await self._trim(saved)
                return saved
            try:
                _, meta = await read_meta(self._kv, keys)
            except GameGoneError:
                return None
        return None

    async def _write_part(
        self, meta: GameMeta, epoch: str, reference: SnapshotRef, part: int, value: bytes
    ) -> GameMeta | None:
        """Write one part, conditional on meta: nothing may be left behind in a game that was deleted meanwhile."""
        while _wanted(meta, epoch, reference):
            result = await Settling.within(self._kv, self._deadline_s).transaction(
                [Compare(self._keys.meta, meta.revision)],
                [Put(self._keys.part(reference, part), value)],
                [Get(KeyRange(self._keys.meta))],
            )
            if result.succeeded:
                return meta
            if not result.pairs[0]:
                return None
            meta = decode_meta(result.pairs[0][0])
        return None

    async def _trim(self, meta: GameMeta) -> None:
        """Delete what is older than the last but one snapshot. If it fails, the next snapshot's trim does it."""
        keys, trimmed = self._keys, floor_of(meta)
        if trimmed == 0:
            return
        log_before, more = keys.log_before(trimmed), True
        try:
            while more:
                page = await self._kv.range(log_before, limit=TRIMMED_AT_ONCE, keys_only=True)
                more = page.more
                last = between(log_before.start, page.pairs[-1].key) if more else log_before
                # Conditional on meta: a late trim must not delete the log of a recreated game.
                result = await Settling.within(self._kv, self._deadline_s).transaction(
                    [Compare(keys.meta, meta.revision)],
                    [Delete(last)] if more else [Delete(last), Delete(keys.snapshot_before(trimmed))],
                )
                more = more and result.succeeded
        except StoreError as error:
            log.warning("log_not_trimmed", game=meta.game, before_generation=trimmed, reason=str(error))


def _wanted(meta: GameMeta, epoch: str, reference: SnapshotRef) -> bool:
    return (
        meta.epoch == epoch
        and reference.generation <= meta.generation
        and all(saved.generation < reference.generation for saved in meta.snapshots)
    )
