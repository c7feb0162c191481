"""Take one player's name and messages out of a store, while no node runs.

A game's log cannot be changed in place: its order is the store's, and its entries are chained. So the game is replayed
to its end, the state is changed, and the log begins anew from there, as after a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable

from tradegame.core.domain import people, snapshot
from tradegame.core.games.replica import Replica
from tradegame.core.repositories import GameMeta, StoreUnavailableError
from tradegame.infra.config import StoreSettings
from tradegame.infra.embedded import vacuum
from tradegame.infra.kv import KvGameStateRepository, KvSessionRepository
from tradegame.infra.kv.port import KeyRange, KeyValueStore
from tradegame.infra.kv.rewriting import rewrite
from tradegame.infra.store_url import parse_store_url
from tradegame.infra.stores import open_store


async def erase(settings: StoreSettings, player: str, tell: Callable[[str], None]) -> bool:
    """Erase the player from every game and from the sessions; ``tell`` is told what was done. False: there is none.

    Every game must be readable: nothing is done before all that have this player were replayed. Raises StoreError,
    StoreUnavailableError if a node runs, and what a replay raises for a game that cannot be read.
    """
    url = parse_store_url(settings.url)
    async with open_store(settings) as (store, prefix):
        if url.kind == "etcd" and (await store.range(KeyRange.prefix(f"{prefix}/nodes/"), limit=1)).pairs:
            raise StoreUnavailableError("a node is running, or ended within the last 10 s", definite=True)
        repository = KvGameStateRepository(store, prefix)
        listed = await repository.list()
        for game, reason in listed.unreadable.items():
            raise StoreUnavailableError(f"the game {game} cannot be read: {reason}", definite=True)
        found = [replica for meta in listed.metas if (replica := await _with(repository, meta, player)) is not None]
        for replica in found:
            await _erase_from(store, prefix, replica, player)
            tell(f"{replica.meta.game}: the name is now {people.ERASED!r}, their public messages are gone")
        removed = await KvSessionRepository(store, prefix).remove_player(player)
        if removed:
            tell("their token is worth nothing any more")
    if url.kind == "embedded":
        vacuum(url.path)
    return removed or bool(found)


async def _with(repository: KvGameStateRepository, meta: GameMeta, player: str) -> Replica | None:
    """The game at its end, if the player is in it."""
    replica = Replica(repository, meta)
    await replica.rebuild(lambda entry: None, lambda: None)
    state = replica.game.state
    return replica if player in state.players or player in state.removed else None


async def _erase_from(store: KeyValueStore, prefix: str, replica: Replica, player: str) -> None:
    people.erase(replica.game.state, player)
    written = snapshot.dump(replica.game)
    await rewrite(store, prefix, replica.meta, snapshot.digest(written), replica.game.state.seq, written)
