"""A host's call that makes or deletes a game happens once, by its key. Over every store."""

from __future__ import annotations

import pytest

from tests.contract.faults import Fault, FaultyStore
from tests.contract.helpers import new_meta
from tradegame.core.repositories import CallDoneError, CallReusedError, GameGoneError, HostCall
from tradegame.infra.kv import KvGameStateRepository
from tradegame.infra.kv.port import KeyValueStore

MAKE, DELETE = HostCall("k", "make"), HostCall("k2", "delete")


@pytest.mark.parametrize("fault", [None, Fault.DROPPED, Fault.UNANSWERED])
async def test_a_game_is_made_once_by_a_call(kv: KeyValueStore, prefix: str, fault: Fault | None) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    faulty.faults = [fault]
    made = await games.create(new_meta(epoch="e1"), MAKE)
    assert made.epoch == "e1"
    assert await games.create(new_meta(epoch="e2"), MAKE) == made
    with pytest.raises(CallReusedError):
        await games.create(new_meta(epoch="e3"), HostCall("k", "other"))
    assert await games.delete("bazaar")
    with pytest.raises(GameGoneError):
        await games.create(new_meta(epoch="e4"), MAKE)
    assert (await games.create(new_meta(epoch="e5"))).epoch == "e5"


@pytest.mark.parametrize("fault", [None, Fault.DROPPED, Fault.UNANSWERED])
async def test_a_game_is_deleted_once_by_a_call(kv: KeyValueStore, prefix: str, fault: Fault | None) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    assert not await games.delete("bazaar", DELETE)
    await games.create(new_meta(epoch="e1"))
    faulty.faults = [None, fault]
    assert await games.delete("bazaar", DELETE)
    await games.create(new_meta(epoch="e2"))
    with pytest.raises(CallDoneError):
        await games.delete("bazaar", DELETE)
    with pytest.raises(CallReusedError):
        await games.delete("bazaar", HostCall("k2", "other"))
    assert (await games.get("bazaar")).meta.epoch == "e2"
