"""A game's meta in the store: reading it, replacing it, and what it says of what is kept."""

from __future__ import annotations

from attrs import evolve

from tradegame.core.repositories.errors import GameGoneError
from tradegame.core.repositories.game_states import GameMeta, SnapshotRef
from tradegame.infra.kv.codec import decode_meta, encode
from tradegame.infra.kv.keys import GameKeys
from tradegame.infra.kv.port import Compare, Get, KeyRange, KeyValueStore, Put
from tradegame.infra.kv.settle import Settling


async def read_meta(kv: KeyValueStore, keys: GameKeys) -> tuple[int, GameMeta]:
    """The store's revision, and the meta. Raises GameGoneError."""
    result = await kv.range(KeyRange(keys.meta))
    if not result.pairs:
        raise GameGoneError(f"the game {keys.game} does not exist")
    return result.revision, decode_meta(result.pairs[0])


async def write_meta(settling: Settling, keys: GameKeys, old: GameMeta, new: GameMeta) -> GameMeta | None:
    """Write ``new`` if ``old`` is still there. Returns None if it is not."""
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


def base_of(meta: GameMeta) -> SnapshotRef | None:
    """Where a replay begins: the older of two snapshots, since clients resume from what follows it."""
    return meta.snapshots[0] if len(meta.snapshots) == 2 else None


def floor_of(meta: GameMeta) -> int:
    """Generations below this one are trimmed, or may be at any time. 0: none."""
    found = base_of(meta)
    return found.generation if found else 0
