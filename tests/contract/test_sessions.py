from __future__ import annotations

import json

import pytest
import trio

from tests.contract.faults import Fault, FaultyStore
from tests.contract.helpers import DEADLINE_S, keys_in
from tradegame.core.repositories import PlayerRecord, PlayerRemoved, SessionRevoked, SessionWatch
from tradegame.infra.kv.port import KeyRange, KeyValueStore
from tradegame.infra.kv.sessions import KvSessionRepository

ANNA = PlayerRecord("p-anna", "Änna", 1_790_000_000_000)
TOKEN = "ab" * 32


@pytest.fixture
def sessions(kv: KeyValueStore, prefix: str) -> KvSessionRepository:
    return KvSessionRepository(kv, prefix)


async def ended(watch: SessionWatch, count: int) -> list[SessionRevoked | PlayerRemoved]:
    told: list[SessionRevoked | PlayerRemoved] = []
    with trio.fail_after(DEADLINE_S):
        while len(told) < count:
            told += await watch.receive()
    return told


async def test_a_session_finds_its_player(sessions: KvSessionRepository) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    assert await sessions.find(TOKEN) == ANNA
    assert await sessions.find("cd" * 32) is None


async def test_players_and_sessions_are_readable_json_with_a_schema(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    pairs = (await kv.range(KeyRange.prefix(f"{prefix}/"))).pairs
    assert {pair.key: json.loads(pair.value) for pair in pairs} == {
        f"{prefix}/players/p-anna": {
            "schema": 1,
            "id": "p-anna",
            "name": "Änna",
            "created_at": 1_790_000_000_000,
        },
        f"{prefix}/sessions/{TOKEN}": {"schema": 1, "player": "p-anna"},
    }


async def test_a_session_that_nobody_uses_expires_and_the_watch_tells(sessions: KvSessionRepository) -> None:
    await sessions.create(ANNA, TOKEN, 1)
    async with sessions.watch(await sessions.revision()) as watch:
        assert await ended(watch, 1) == [SessionRevoked(TOKEN)]
    assert await sessions.find(TOKEN) is None
    assert await sessions.renew(TOKEN) is False


@pytest.mark.parametrize("by", ["find", "renew"])
async def test_using_a_session_keeps_it(sessions: KvSessionRepository, by: str) -> None:
    await sessions.create(ANNA, TOKEN, 2)
    await sessions.create(PlayerRecord("p-idle", "Idle", 1), "cd" * 32, 2)

    async def use() -> None:
        while True:
            await trio.sleep(0.15)
            assert await (sessions.find(TOKEN) if by == "find" else sessions.renew(TOKEN))

    async with sessions.watch(await sessions.revision()) as watch, trio.open_nursery() as nursery:
        nursery.start_soon(use)
        assert await ended(watch, 1) == [SessionRevoked("cd" * 32)]
        await trio.sleep(0.5)
        assert await sessions.find(TOKEN) == ANNA
        nursery.cancel_scope.cancel()


async def test_a_revoked_session_is_over_on_every_node(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    other = KvSessionRepository(kv, prefix)
    async with other.watch(await other.revision()) as watch:
        assert await sessions.revoke(TOKEN) is True
        assert await ended(watch, 1) == [SessionRevoked(TOKEN)]
    assert await other.find(TOKEN) is None
    assert await sessions.revoke(TOKEN) is False


async def test_a_removed_players_sessions_are_worth_nothing(sessions: KvSessionRepository) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    async with sessions.watch(await sessions.revision()) as watch:
        assert await sessions.remove_player("p-anna") is True
        assert await ended(watch, 1) == [PlayerRemoved("p-anna")]
    assert await sessions.find(TOKEN) is None
    assert await sessions.renew(TOKEN) is False
    assert await sessions.remove_player("p-anna") is False


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.DROPPED, Fault.UNANSWERED])
async def test_a_player_whose_making_went_without_an_answer_is_there_once(
    kv: KeyValueStore, prefix: str, fault: Fault
) -> None:
    faulty = FaultyStore(kv, [fault])
    sessions = KvSessionRepository(faulty, prefix)
    await sessions.create(ANNA, TOKEN, 60)
    assert await sessions.find(TOKEN) == ANNA
    faulty.faults = [fault]
    assert await sessions.remove_player("p-anna") is True


async def test_a_player_id_that_is_taken_stays_with_its_player(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    with pytest.raises(ValueError, match="already there"):
        await sessions.create(PlayerRecord("p-anna", "Eve", 2), "cd" * 32, 60)
    assert await sessions.find(TOKEN) == ANNA
    assert len(await keys_in(kv, prefix)) == 2
