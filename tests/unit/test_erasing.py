"""Who is erased from a store is found in every game in which they are known, also where the host removed them."""

from __future__ import annotations

from pathlib import Path

from tests.support.domain import BEGIN, define_game
from tradegame.app.erasing import erase
from tradegame.core.domain.definition import RULES_VERSION, to_json
from tradegame.core.domain.people import ERASED
from tradegame.core.games.replica import Replica
from tradegame.core.repositories import GameMeta
from tradegame.infra.config import StoreSettings
from tradegame.infra.kv import KvGameStateRepository
from tradegame.infra.stores import open_store
from tradegame.protocol.commands import Entry, Join, Remove, encode_entry


async def test_who_was_removed_is_erased(tmp_path: Path) -> None:
    settings = StoreSettings(url=f"embedded:{tmp_path / 'tradegame.db'}")
    commands = Join(player="p-ann", name="Benedikt"), Join(player="p-bob", name="Bob"), Remove(account="p-ann")
    async with open_store(settings) as (store, prefix):
        games = KvGameStateRepository(store, prefix)
        meta = await games.create(GameMeta("g", to_json(define_game()), "epoch", RULES_VERSION, 1, BEGIN))
        await games.update(meta, "n-1", encode_entry(Entry(BEGIN, commands)))
    told: list[str] = []
    assert await erase(settings, "p-ann", told.append)
    assert len(told) == 1
    assert not await erase(settings, "p-nobody", told.append)
    async with open_store(settings) as (store, prefix):
        games = KvGameStateRepository(store, prefix)
        replica = Replica(games, (await games.get("g")).meta)
        await replica.rebuild(lambda entry: None, lambda: None)
        assert replica.game.state.removed == {"p-ann": ERASED}
        assert [fields.name for fields in replica.game.state.players.values()] == ["Bob"]
    assert b"Benedikt" not in (tmp_path / "tradegame.db").read_bytes()
