from __future__ import annotations

import json

import pytest
import trio

from tests.contract.faults import Fault, FaultyStore
from tests.contract.helpers import DEADLINE_S, keys_in
from tradegame.core.repositories import (
    CorruptStoreError,
    PlayerRecord,
    PlayerRemoved,
    Seated,
    SessionAdded,
    SessionRevoked,
    SessionWatch,
)
from tradegame.core.repositories.sessions import SESSIONS_KEPT
from tradegame.infra.kv.port import KeyRange, KeyValueStore, Put
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
            told += [each for each in await watch.receive() if not isinstance(each, SessionAdded)]
    return told


async def added(watch: SessionWatch, count: int) -> list[SessionAdded]:
    told: list[SessionAdded] = []
    with trio.fail_after(DEADLINE_S):
        while len(told) < count:
            told += [each for each in await watch.receive() if isinstance(each, SessionAdded)]
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
            "guest": True,
            "sessions": [TOKEN],
        },
        f"{prefix}/sessions/{TOKEN}": {"schema": 1, "player": "p-anna"},
    }


async def test_a_session_that_nobody_uses_expires_the_watch_tells_and_nothing_is_left(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(ANNA, TOKEN, 1)
    async with sessions.watch(await sessions.revision()) as watch:
        assert await ended(watch, 2) == [SessionRevoked(TOKEN), PlayerRemoved("p-anna")]
    assert await sessions.find(TOKEN) is None
    assert await keys_in(kv, prefix) == []


async def test_using_a_session_keeps_it(sessions: KvSessionRepository) -> None:
    bert = PlayerRecord("p-bert", "Bert", 1)
    found, too, idle = TOKEN, "ef" * 32, "cd" * 32
    await sessions.create(ANNA, found, 2)
    await sessions.create(bert, too, 2)
    await sessions.create(PlayerRecord("p-idle", "Idle", 1), idle, 2)

    async def use() -> None:
        while True:
            await trio.sleep(0.15)
            assert await sessions.find(found)
            assert await sessions.find(too)

    async with sessions.watch(await sessions.revision()) as watch, trio.open_nursery() as nursery:
        nursery.start_soon(use)
        assert await ended(watch, 2) == [SessionRevoked(idle), PlayerRemoved("p-idle")]
        await trio.sleep(0.5)
        assert [await sessions.find(token) for token in (found, too)] == [ANNA, bert]
        nursery.cancel_scope.cancel()


async def test_a_revoked_session_is_over_on_every_node(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    other = KvSessionRepository(kv, prefix)
    async with other.watch(await other.revision()) as watch:
        assert await sessions.revoke(TOKEN) is True
        assert await ended(watch, 2) == [SessionRevoked(TOKEN), PlayerRemoved("p-anna")]
    assert await other.find(TOKEN) is None
    assert await sessions.revoke(TOKEN) is False


async def test_a_removed_players_sessions_are_worth_nothing(sessions: KvSessionRepository) -> None:
    await sessions.create(ANNA, TOKEN, 60)
    async with sessions.watch(await sessions.revision()) as watch:
        assert await sessions.remove_player("p-anna") is True
        assert await ended(watch, 1) == [PlayerRemoved("p-anna")]
    assert await sessions.find(TOKEN) is None
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
    assert await sessions.create(ANNA, TOKEN, 60) is True
    assert await sessions.create(PlayerRecord("p-anna", "Eve", 2), "cd" * 32, 60) is False
    assert await sessions.create(PlayerRecord("p-eve", "Eve", 2), TOKEN, 60) is False
    assert await sessions.find(TOKEN) == ANNA
    assert len(await keys_in(kv, prefix)) == 2


async def test_who_is_kept_outlives_the_life_of_a_guest(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(ANNA, TOKEN, 1)
    await sessions.create(PlayerRecord("p-idle", "Idle", 1), "cd" * 32, 1)
    found = await sessions.find(TOKEN)
    assert found is not None
    assert found.guest
    async with sessions.watch(await sessions.revision()) as watch:
        assert await sessions.keep(TOKEN, 60) is True
        assert await sessions.keep(TOKEN, 60) is True
        assert await ended(watch, 2) == [SessionRevoked("cd" * 32), PlayerRemoved("p-idle")]
    found = await sessions.find(TOKEN)
    assert found == ANNA
    assert not found.guest
    assert len(await keys_in(kv, prefix)) == 2
    assert await sessions.keep("cd" * 32, 60) is False


async def test_of_two_who_keep_a_player_at_once_neither_ends_it(kv: KeyValueStore, prefix: str) -> None:
    sessions = KvSessionRepository(kv, prefix)
    await sessions.create(ANNA, TOKEN, 60)
    kept: list[bool] = []

    async def keep() -> None:
        kept.append(await KvSessionRepository(kv, prefix).keep(TOKEN, 60))

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(keep)
    assert kept == [True] * 8
    assert await sessions.find(TOKEN) == ANNA


@pytest.mark.parametrize("how", ["revoke", "end"])
async def test_who_is_kept_between_the_look_and_the_end_is_ended_all_the_same(
    kv: KeyValueStore, prefix: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    await KvSessionRepository(kv, prefix).create(ANNA, TOKEN, 60)
    store, revoked = FaultyStore(kv), list[int]()

    async def revoke(lease: int) -> None:
        if not revoked:
            assert await KvSessionRepository(kv, prefix).keep(TOKEN, 60)
        revoked.append(lease)
        await kv.revoke(lease)

    monkeypatch.setattr(store, "revoke", revoke)
    sessions = KvSessionRepository(store, prefix)
    assert await (sessions.revoke(TOKEN) if how == "revoke" else sessions.end(ANNA.id))
    assert await KvSessionRepository(kv, prefix).find(TOKEN) is None


async def test_who_is_kept_between_the_look_and_the_renewal_is_found(
    kv: KeyValueStore, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another device of theirs joins a game at that moment: the lease that was read is given back."""
    await KvSessionRepository(kv, prefix).create(ANNA, TOKEN, 60)
    store, renewed = FaultyStore(kv), list[int]()

    async def keep_alive(lease: int) -> int:
        if not renewed:
            assert await KvSessionRepository(kv, prefix).keep(TOKEN, 60)
        renewed.append(lease)
        return await kv.keep_alive(lease)

    monkeypatch.setattr(store, "keep_alive", keep_alive)
    found = await KvSessionRepository(store, prefix).find(TOKEN)
    assert found is not None
    assert not found.guest
    assert len(renewed) == len(set(renewed)) == 2


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.DROPPED, Fault.UNANSWERED])
async def test_a_keeping_that_went_without_an_answer_has_kept(kv: KeyValueStore, prefix: str, fault: Fault) -> None:
    await KvSessionRepository(kv, prefix).create(ANNA, TOKEN, 60)
    sessions = KvSessionRepository(FaultyStore(kv, [fault]), prefix)
    assert await sessions.keep(TOKEN, 60) is True
    found = await sessions.find(TOKEN)
    assert found == ANNA
    assert not found.guest


async def test_which_of_many_are_over_is_found_in_few_reads(kv: KeyValueStore, prefix: str) -> None:
    sessions = KvSessionRepository(kv, prefix)
    many = [f"{number:064x}" for number in range(120)]
    for number, session in enumerate(many):
        if number % 3:
            await sessions.create(PlayerRecord(f"p-{number}", "n", 1), session, 60)
    await sessions.remove_player("p-4")
    assert await sessions.over(many) == [
        session for number, session in enumerate(many) if not number % 3 or number == 4
    ]
    assert await sessions.over([]) == []
    assert await sessions.over(many[:1]) == many[:1]


DAVE = PlayerRecord("p-dave", "Dave", 3, seat=Seated("bazaar", "e", "S 4711"))
CODE = "0c" * 32


def session(number: int) -> str:
    return f"{number:064x}"


async def test_the_sessions_of_a_player_live_and_end_together(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    assert await sessions.add("p-dave", session(1)) is None
    await sessions.create(DAVE, session(0), 60)
    assert await sessions.add("p-dave", session(1)) == DAVE
    assert await sessions.add("p-dave", session(1)) == DAVE
    assert await sessions.find(session(0)) == await sessions.find(session(1)) == await sessions.player("p-dave") == DAVE
    assert await sessions.keep(session(1), 60) is True
    kept = await sessions.find(session(0))
    assert kept is not None
    assert (kept, kept.guest) == (DAVE, False)
    assert await sessions.over([session(0), session(1), session(2)]) == [session(2)]
    async with sessions.watch(await sessions.revision()) as watch:
        assert await sessions.end("p-dave") is True
        told = await ended(watch, 3)
        assert sorted(told[:2], key=str) == [SessionRevoked(session(0)), SessionRevoked(session(1))]
        assert told[2] == PlayerRemoved("p-dave")  # which is no kick, since the sessions are over before
    assert await keys_in(kv, prefix) == []
    assert await sessions.end("p-dave") is False
    assert await sessions.player("p-dave") is None
    assert await sessions.create(DAVE, session(0), 60) is True


async def test_all_sessions_of_a_player_outlive_the_life_of_a_guest(sessions: KvSessionRepository) -> None:
    await sessions.create(DAVE, session(0), 1)
    await sessions.add("p-dave", session(1))
    assert await sessions.keep(session(0), 60) is True
    await trio.sleep(1.8)
    assert await sessions.over([session(0), session(1)]) == []


async def test_every_node_is_told_once_of_another_session_of_a_player(sessions: KvSessionRepository) -> None:
    async with sessions.watch(await sessions.revision()) as watch:
        await sessions.create(DAVE, session(0), 60)
        assert await sessions.keep(session(0), 60) is True  # which writes it anew
        await sessions.offer("cd" * 32, "p-dave", session(0), 60)
        assert await sessions.redeem("cd" * 32, session(1)) == DAVE
        assert await added(watch, 1) == [SessionAdded("p-dave", session(1))]


async def test_one_session_too_many_ends_the_oldest(
    sessions: KvSessionRepository, kv: KeyValueStore, prefix: str
) -> None:
    await sessions.create(DAVE, session(0), 60)
    async with sessions.watch(await sessions.revision()) as watch:
        for number in range(1, SESSIONS_KEPT + 1):
            await sessions.add("p-dave", session(number))
        assert await ended(watch, 1) == [SessionRevoked(session(0))]
    assert await sessions.over([session(0), session(1), session(SESSIONS_KEPT)]) == [session(0)]
    assert len(await keys_in(kv, prefix)) == SESSIONS_KEPT + 1


async def test_sessions_that_are_added_at_once_are_all_there(kv: KeyValueStore, prefix: str) -> None:
    sessions = KvSessionRepository(kv, prefix)
    await sessions.create(DAVE, session(0), 60)
    async with trio.open_nursery() as nursery:
        for number in range(1, SESSIONS_KEPT):
            nursery.start_soon(sessions.add, "p-dave", session(number))
    assert await sessions.over([session(number) for number in range(SESSIONS_KEPT)]) == []


async def test_a_code_stands_for_its_player_once(kv: KeyValueStore, prefix: str) -> None:
    sessions = KvSessionRepository(kv, prefix)
    await sessions.create(DAVE, session(0), 60)
    await sessions.offer(CODE, "p-dave", session(0), 60)
    came: list[PlayerRecord | None] = []

    async def come(number: int) -> None:
        came.append(await KvSessionRepository(kv, prefix).redeem(CODE, session(number)))

    async with trio.open_nursery() as nursery:
        for number in range(1, 6):
            nursery.start_soon(come, number)
    assert sorted(came, key=str) == [None] * 4 + [DAVE]
    assert len(await sessions.over([session(number) for number in range(6)])) == 4
    assert len(await keys_in(kv, prefix)) == 3


async def test_a_code_ends_by_itself_and_with_its_player(sessions: KvSessionRepository) -> None:
    await sessions.create(DAVE, session(0), 60)
    await sessions.offer(CODE, "p-dave", session(0), 1)
    await sessions.offer("0d" * 32, "p-dave", session(0), 60)
    await sessions.remove_player("p-dave")
    assert await sessions.redeem("0d" * 32, session(1)) is None
    await trio.sleep(2.5)
    assert await sessions.redeem(CODE, session(1)) is None


@pytest.mark.parametrize("kicked", [True, False], ids=["kicked", "link renewed"])
async def test_what_led_to_a_player_leads_to_nobody_who_comes_after_under_the_same_id(
    sessions: KvSessionRepository, *, kicked: bool
) -> None:
    """As a seat's player does, once the host has renewed the link."""
    await sessions.create(DAVE, session(0), 60)
    await sessions.add("p-dave", session(1))
    await sessions.offer(CODE, "p-dave", session(0), 60)
    await (sessions.remove_player("p-dave") if kicked else sessions.end("p-dave"))
    assert await sessions.create(DAVE, session(2), 60)
    assert await sessions.redeem(CODE, session(3)) is None
    assert [await sessions.find(session(number)) for number in (0, 1)] == [None, None]
    assert await sessions.keep(session(1), 60) is False
    assert await sessions.over([session(number) for number in range(3)]) == [session(0), session(1)]
    assert await sessions.find(session(2)) == DAVE


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.DROPPED, Fault.UNANSWERED])
async def test_a_code_whose_use_went_without_an_answer_was_used(kv: KeyValueStore, prefix: str, fault: Fault) -> None:
    sessions = KvSessionRepository(kv, prefix)
    await sessions.create(DAVE, session(0), 60)
    await sessions.offer(CODE, "p-dave", session(0), 60)
    assert await KvSessionRepository(FaultyStore(kv, [fault]), prefix).redeem(CODE, session(1)) == DAVE
    assert await sessions.find(session(1)) == DAVE
    assert await sessions.redeem(CODE, session(2)) is None


async def test_the_secret_is_one_for_all_nodes(kv: KeyValueStore, prefix: str) -> None:
    told: set[bytes] = set()

    async def ask() -> None:
        told.add(await KvSessionRepository(kv, prefix).secret())

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    (secret,) = told
    assert len(secret) == 32
    assert await KvSessionRepository(kv, f"{prefix}-other").secret() != secret
    await kv.transaction([], [Put(f"{prefix}/secret", b"short")])
    with pytest.raises(CorruptStoreError):
        await KvSessionRepository(kv, prefix).secret()
