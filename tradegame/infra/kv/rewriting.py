"""Put another state in the place of a game's whole log, while no node serves it."""

from __future__ import annotations

from attrs import evolve

from tradegame.core.repositories.errors import StoreUnavailableError
from tradegame.core.repositories.game_states import GameMeta, SnapshotRef
from tradegame.infra.kv.codec import encode
from tradegame.infra.kv.games import DEADLINE_S, PART_BYTES
from tradegame.infra.kv.keys import GameKeys
from tradegame.infra.kv.port import Compare, Delete, KeyValueStore, Put
from tradegame.infra.kv.settle import Settling


async def rewrite(kv: KeyValueStore, prefix: str, meta: GameMeta, digest: str, seq: int, state: bytes) -> None:
    """Begin two generations with this state, as the two snapshots that are kept, and delete all that was before.

    Two, because a game is read from the older one. One write of ``meta`` does it, so a crash leaves the game as it was,
    or as it is to be. Raises StoreUnavailableError, also if somebody else changed the game.
    """
    keys, cuts = GameKeys(prefix, meta.game), range(0, max(len(state), 1), PART_BYTES)
    first, second = (SnapshotRef(meta.generation + number, digest, len(cuts), seq) for number in (1, 2))
    unchanged = Compare(keys.meta, meta.revision)

    async def write(*operations: Put | Delete, expecting: Compare = unchanged) -> int:
        result = await Settling.within(kv, DEADLINE_S).transaction([expecting], list(operations))
        if not result.succeeded:
            raise StoreUnavailableError(f"{meta.game} was changed meanwhile: is a node running?", definite=True)
        return result.revision

    for reference in (first, second):
        for part, cut in enumerate(cuts):
            await write(Put(keys.part(reference, part), state[cut : cut + PART_BYTES]))
    written = evolve(meta, generation=second.generation, snapshots=(first, second))
    revision = await write(Put(keys.meta, encode(written)))
    before = first.generation
    trimmed = Delete(keys.log_before(before)), Delete(keys.snapshot_before(before))
    await write(*trimmed, expecting=Compare(keys.meta, revision))
