"""The games of a node: those it serves, and those it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from attrs import evolve

from tests.unit.test_game_host import META, Crowd
from tradegame.core.repositories import StoreFullError
from tradegame.core.use_cases.games import GameService
from tradegame.infra.embedded import open_sqlite
from tradegame.infra.kv import KvGameStateRepository
from tradegame.protocol.errors import UnavailableError, UnknownGameError


@pytest.fixture
async def repository() -> AsyncIterator[KvGameStateRepository]:
    async with open_sqlite(":memory:") as kv:
        yield KvGameStateRepository(kv, "test")


@pytest.mark.parametrize("strange", [{"rules": 99}, {"definition": {"id": "pit", "goods": 7}}])
async def test_a_game_that_cannot_be_served_here_is_unavailable_and_not_unknown(
    repository: KvGameStateRepository, strange: dict[str, Any]
) -> None:
    await repository.create(META)
    await repository.create(evolve(META, game="pit", **strange))
    games = GameService(repository, "east", Crowd(), lambda: META.created_at)
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(games.run, ())
            assert games.host("bazaar").running
            # A client that asks another node may find it there: so this is no final answer.
            with pytest.raises(UnavailableError):
                games.host("pit")
            with pytest.raises(UnknownGameError):
                games.host("nowhere")
            assert list(games.not_served) == ["pit"]
            await games.delete("pit")
            with pytest.raises(UnknownGameError):
                games.host("pit")
            nursery.cancel_scope.cancel()


class Overfull:
    """Does the next transaction and says all the same that the store is full, as etcd does over its quota."""

    def __init__(self, kv: Any) -> None:
        self._kv = kv
        self.full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kv, name)

    async def transaction(self, *arguments: Any) -> Any:
        result = await self._kv.transaction(*arguments)
        if self.full:
            self.full = False
            raise StoreFullError("no space")
        return result


async def test_the_write_that_fills_the_store_was_done_and_is_not_refused() -> None:
    async with open_sqlite(":memory:") as kv:
        store = Overfull(kv)
        repository = KvGameStateRepository(store, "test", deadline_s=2)
        meta = await repository.create(META)
        store.full = True
        await repository.update(meta, "n1-1", b"{}")
        stored = await repository.get("bazaar")
        assert [entry.id async for page in repository.entries(stored) for entry in page] == ["n1-1"]
