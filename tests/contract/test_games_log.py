from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.lowlevel
from attrs import evolve

from tests.contract.faults import Fault, FaultyStore
from tests.contract.helpers import DEADLINE_S, ids_in, keys_in, log_of, new_meta, put, receive_told
from tradegame.core.repositories import (
    CompactedError,
    CorruptStoreError,
    GameDeleted,
    GameExistsError,
    GameGoneError,
    GameListed,
    GameMeta,
    LogEntry,
    MetaChanged,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.infra.kv.games import KvGameStateRepository
from tradegame.infra.kv.port import Delete, KeyRange, KeyValueStore, RangeResult

FAULTS = [Fault.REFUSED, Fault.DROPPED, Fault.UNANSWERED]


async def test_a_game_comes_back_as_it_was_made(games: KvGameStateRepository) -> None:
    made = await games.create(new_meta())
    stored = await games.get("bazaar")
    assert stored.meta == made == new_meta_at(made.revision)
    assert (stored.revision, stored.base_generation, stored.snapshot) == (made.revision, 1, None)
    assert await log_of(games, stored) == []


def new_meta_at(revision: int) -> GameMeta:
    return evolve(new_meta(), revision=revision)


async def test_meta_is_readable_json_with_a_schema(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str
) -> None:
    await games.create(new_meta())
    (pair,) = (await kv.range(KeyRange(f"{prefix}/games/bazaar/meta"))).pairs
    assert "Köln" in pair.value.decode()
    fields = json.loads(pair.value)
    assert fields["schema"] == 1
    assert "revision" not in fields


@pytest.mark.parametrize(
    ("field", "value"), [("schema", 2), ("rules", "1"), ("seed", 1.0), ("generation", True), ("more", 1)]
)
async def test_a_meta_that_is_not_exactly_ours_is_reported_with_its_key(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str, field: str, value: object
) -> None:
    await games.create(new_meta())
    await games.create(new_meta("other"))
    key = f"{prefix}/games/bazaar/meta"
    fields = json.loads((await kv.range(KeyRange(key))).pairs[0].value)
    await put(kv, key, json.dumps({**fields, field: value}).encode())
    with pytest.raises(CorruptStoreError, match=key):
        await games.get("bazaar")
    # And the other games do not suffer from it.
    listed = await games.list()
    assert [meta.game for meta in listed.metas] == ["other"]
    assert [(game, key in why) for game, why in listed.unreadable.items()] == [("bazaar", True)]


async def test_a_game_that_is_there_cannot_be_made(games: KvGameStateRepository) -> None:
    first = await games.create(new_meta())
    with pytest.raises(GameExistsError):
        await games.create(new_meta(epoch="other"))
    assert (await games.get("bazaar")).meta == first


@pytest.mark.parametrize("game", ["", "-a", "a/b", "A", "a" * 33, "a b"])
async def test_what_is_no_game_id_reaches_no_key(games: KvGameStateRepository, game: str) -> None:
    with pytest.raises(ValueError, match="game id"):
        await games.create(new_meta(game))


async def test_a_game_that_is_not_there_is_gone(games: KvGameStateRepository) -> None:
    with pytest.raises(GameGoneError):
        await games.get("bazaar")
    assert await games.delete("bazaar") is False


async def test_the_log_is_what_was_appended_in_that_order_in_pages(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    for number in range(8):
        assert (await games.update(meta, f"n1-{7 - number}", f"{number}".encode())).meta == meta
    stored = await games.get("bazaar")
    await games.update(meta, "n1-later", b"later")
    pages = [page async for page in games.entries(stored)]
    assert [len(page) for page in pages] == [3, 3, 2]
    entries = [entry for page in pages for entry in page]
    assert [(entry.id, entry.value) for entry in entries] == [
        (f"n1-{7 - number}", f"{number}".encode()) for number in range(8)
    ]
    assert {entry.generation for entry in entries} == {1}


async def test_the_log_of_several_generations_and_nodes_is_read_in_its_order(games: KvGameStateRepository) -> None:
    """The keys are in another order: by node, and n1-10 before n1-9."""
    meta = await games.create(new_meta())
    names = []
    for generation in range(1, 5):
        for number in range(8, 12):
            for node in ("n2", "n1"):
                names.append(f"{node}-{generation}{number}")
                meta = (await games.update(meta, names[-1], b"x")).meta
        raised = await games.raise_generation(meta)
        assert raised is not None
        meta = raised
    stored = await games.get("bazaar")
    await games.update(meta, "n0-later", b"later")
    entries = await log_of(games, stored)
    assert [entry.id for entry in entries] == names
    assert [entry.generation for entry in entries] == [1] * 8 + [2] * 8 + [3] * 8 + [4] * 8
    revisions = [entry.revision for entry in entries]
    assert revisions == sorted(revisions)


async def test_the_newest_entry_is_told_by_one_small_read(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = await games.create(new_meta())
    assert await games.newest_after("bazaar", meta.revision - 1) == meta.revision
    assert await games.newest_after("bazaar", meta.revision) is None
    for number in range(5):
        await games.update(meta, f"n1-{number}", b"x")
    entries = await log_of(games, await games.get("bazaar"))
    await put(kv, f"{prefix}/elsewhere")
    asked: list[KeyRange] = []
    ranges = kv.range

    async def counted(keys: KeyRange, **how: Any) -> RangeResult:
        asked.append(keys)
        return await ranges(keys, **how)

    monkeypatch.setattr(type(kv), "range", lambda _, keys, **how: counted(keys, **how))
    assert await games.newest_after("bazaar", entries[-2].revision) == entries[-1].revision
    assert await games.newest_after("bazaar", entries[-1].revision) is None
    assert [keys.end for keys in asked] == [None, None]
    assert await games.delete("bazaar")
    assert (await games.newest_after("bazaar", entries[-1].revision) or 0) > entries[-1].revision
    other = await games.create(new_meta(epoch="other"))
    assert await games.newest_after("bazaar", entries[-1].revision) == other.revision


async def test_games_do_not_see_each_others_logs(games: KvGameStateRepository) -> None:
    metas = [await games.create(new_meta(game)) for game in ("a", "a-b", "a_b", "ab")]
    for meta in metas:
        await games.update(meta, "n1-1", meta.game.encode())
    for meta in metas:
        entries = await log_of(games, await games.get(meta.game))
        assert [entry.value for entry in entries] == [meta.game.encode()]
    await games.delete("a")
    assert [meta.game for meta in (await games.list()).metas] == ["a-b", "a_b", "ab"]
    assert await ids_in(games, "ab") == ["n1-1"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_append_whose_first_try_went_wrong_lands_exactly_once(
    kv: KeyValueStore, prefix: str, fault: Fault
) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    meta = await games.create(new_meta())
    faulty.faults = [fault, fault]
    async with games.watch(meta, meta.revision) as watch:
        assert (await games.update(meta, "n1-1", b"1")).meta == meta
        await games.update(meta, "n1-2", b"2")
        told = await receive_told(watch, 2)
    # Written once, too, not only there once: the watch would tell it twice.
    assert [entry.id for entry in told if isinstance(entry, LogEntry)] == ["n1-1", "n1-2"]
    assert told == await log_of(games, await games.get("bazaar"))


async def test_an_append_tells_where_its_entry_stands_in_the_log(kv: KeyValueStore, prefix: str) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    meta = await games.create(new_meta())
    first, second = await games.update(meta, "n1-1", b"1"), await games.update(meta, "n2-1", b"2")
    faulty.faults = [Fault.DROPPED]
    third = await games.update(meta, "n1-2", b"3")
    faulty.faults = [Fault.UNANSWERED]
    found = await games.update(meta, "n1-3", b"4")
    log = await log_of(games, await games.get("bazaar"))
    assert [entry.id for entry in log] == ["n1-1", "n2-1", "n1-2", "n1-3"]
    if not kv.shared:
        assert {first.entry, second.entry, third.entry} == {None}
        return
    assert [first.entry, second.entry, third.entry] == log[:3]
    assert [first.after, second.after, third.after] == [meta.revision, *(entry.revision for entry in log[:2])]
    assert found.entry is None


@pytest.mark.parametrize(("fault", "definite"), [(Fault.REFUSED, True), (Fault.DROPPED, False)])
async def test_a_store_that_does_not_come_back_ends_the_append_at_its_deadline(
    kv: KeyValueStore, prefix: str, fault: Fault, definite: bool
) -> None:
    faulty = FaultyStore(kv)
    games, hasty = KvGameStateRepository(faulty, prefix), KvGameStateRepository(faulty, prefix, deadline_s=0.3)
    meta = await games.create(new_meta())
    faulty.faults = [fault] * 1000
    with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError) as caught:
        await hasty.update(meta, "n1-1", b"1")
    assert caught.value.definite is definite
    assert len(faulty.faults) > 900


async def test_one_uncertain_try_among_refused_ones_leaves_the_outcome_unknown(kv: KeyValueStore, prefix: str) -> None:
    faulty = FaultyStore(kv)
    games, hasty = KvGameStateRepository(faulty, prefix), KvGameStateRepository(faulty, prefix, deadline_s=0.3)
    meta = await games.create(new_meta())
    faulty.faults = [Fault.UNANSWERED, *[Fault.REFUSED] * 1000]
    with pytest.raises(StoreUnavailableError) as caught:
        await hasty.update(meta, "n1-1", b"1")
    assert caught.value.definite is False
    # The same entry again, when the store is well: found, not appended once more.
    faulty.faults = []
    await games.update(meta, "n1-1", b"1")
    assert await ids_in(games) == ["n1-1"]


async def test_a_full_store_is_told_at_once(kv: KeyValueStore, prefix: str) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    meta = await games.create(new_meta())
    faulty.faults = [Fault.FULL]
    with pytest.raises(StoreFullError):
        await games.update(meta, "n1-1", b"1")
    assert faulty.transactions == 2


async def test_an_append_that_filled_the_store_has_happened_and_is_found(kv: KeyValueStore, prefix: str) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    meta = await games.create(new_meta())
    faulty.faults = [Fault.FILLED]
    assert (await games.update(meta, "n1-1", b"1")).meta == meta
    assert await ids_in(games) == ["n1-1"]


async def test_an_append_that_filled_the_store_is_of_unknown_outcome_while_the_store_is_full(
    kv: KeyValueStore, prefix: str
) -> None:
    faulty = FaultyStore(kv)
    games, hasty = KvGameStateRepository(faulty, prefix), KvGameStateRepository(faulty, prefix, deadline_s=0.3)
    meta = await games.create(new_meta())
    faulty.faults = [Fault.FILLED, *[Fault.FULL] * 1000]
    with pytest.raises(StoreUnavailableError) as caught:
        await hasty.update(meta, "n1-1", b"1")
    assert caught.value.definite is False
    # The same entry again, when there is room: found, not appended once more.
    faulty.faults = []
    await games.update(meta, "n1-1", b"1")
    assert await ids_in(games) == ["n1-1"]


async def test_a_full_store_that_cannot_be_looked_into_leaves_the_outcome_unknown(
    kv: KeyValueStore, prefix: str
) -> None:
    faulty = FaultyStore(kv)
    games, hasty = KvGameStateRepository(faulty, prefix), KvGameStateRepository(faulty, prefix, deadline_s=0.3)
    meta = await games.create(new_meta())
    faulty.faults, faulty.unreadable = [Fault.FULL] * 1000, 1
    with pytest.raises(StoreUnavailableError) as caught:
        await hasty.update(meta, "n1-1", b"1")
    assert caught.value.definite is False


async def test_an_append_that_the_deadline_cuts_off_is_of_unknown_outcome(kv: KeyValueStore, prefix: str) -> None:
    faulty = FaultyStore(kv)
    games, hasty = KvGameStateRepository(faulty, prefix), KvGameStateRepository(faulty, prefix, deadline_s=0.3)
    meta = await games.create(new_meta())
    faulty.faults = [Fault.SILENT]
    with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError) as caught:
        await hasty.update(meta, "n1-1", b"1")
    assert caught.value.definite is False


async def test_an_append_survives_a_changed_meta_and_learns_it(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    saved = await games.save_snapshot(meta, 1, "d1", 0, b"state")
    assert saved is not None
    assert (await games.update(meta, "n1-1", b"1")).meta == saved
    (entry,) = await log_of(games, await games.get("bazaar"))
    assert entry.generation == 1


async def test_an_append_goes_into_the_raised_generation_and_never_behind_it(
    games: KvGameStateRepository,
) -> None:
    meta = await games.create(new_meta())
    await games.update(meta, "n1-1", b"1")
    raised = await games.raise_generation(meta)
    assert raised is not None
    assert (raised.generation, raised.revision > meta.revision) == (2, True)
    assert (await games.update(meta, "n2-1", b"2")).meta == raised
    entries = await log_of(games, await games.get("bazaar"))
    assert [(entry.id, entry.generation) for entry in entries] == [("n1-1", 1), ("n2-1", 2)]


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.UNANSWERED])
async def test_an_uncertain_append_across_a_raised_generation_lands_exactly_once(
    kv: KeyValueStore, prefix: str, fault: Fault
) -> None:
    faulty = FaultyStore(kv, [fault])
    games, other = KvGameStateRepository(faulty, prefix), KvGameStateRepository(kv, prefix)
    meta = await other.create(new_meta())
    raised: list[GameMeta | None] = []

    async def raise_meanwhile() -> None:
        while faulty.transactions == 0:
            await trio.lowlevel.checkpoint()
        raised.append(await other.raise_generation(meta))

    with trio.fail_after(DEADLINE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(raise_meanwhile)
            newest = (await games.update(meta, "n1-1", b"1")).meta
    assert newest.epoch == meta.epoch
    assert await ids_in(games) == ["n1-1"]


async def test_an_append_to_where_all_is_trimmed_is_of_unknown_outcome(games: KvGameStateRepository) -> None:
    first = await games.create(new_meta())
    await games.update(first, "n1-1", b"1")
    meta = first
    for generation in (2, 3):
        raised = await games.raise_generation(meta)
        assert raised is not None
        saved = await games.save_snapshot(raised, generation, f"d{generation}", 1, b"state")
        assert saved is not None
        meta = saved
    with pytest.raises(StoreUnavailableError) as caught:
        await games.update(first, "n1-1", b"1")
    assert caught.value.definite is False
    assert await ids_in(games) == []


async def test_only_one_raises_a_generation(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    assert await games.raise_generation(meta) is not None
    assert await games.raise_generation(meta) is None
    assert (await games.get("bazaar")).meta.generation == 2


@pytest.mark.parametrize("fault", FAULTS)
async def test_create_raise_and_delete_are_looked_into_when_their_answer_is_lost(
    kv: KeyValueStore, prefix: str, fault: Fault
) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    faulty.faults = [fault]
    meta = await games.create(new_meta())
    assert (await games.get("bazaar")).meta == meta
    faulty.faults = [fault]
    raised = await games.raise_generation(meta)
    assert raised is not None
    assert (await games.get("bazaar")).meta == raised
    faulty.faults = [fault]
    assert await games.delete("bazaar") is True
    assert await keys_in(kv, prefix) == []


async def test_nothing_is_appended_to_a_deleted_game(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    await games.update(meta, "n1-1", b"1")
    assert await games.delete("bazaar") is True
    with pytest.raises(GameGoneError):
        await games.update(meta, "n1-2", b"2")


async def test_nothing_is_appended_to_another_life_of_the_game(games: KvGameStateRepository) -> None:
    old = await games.create(new_meta())
    await games.delete("bazaar")
    await games.create(new_meta(epoch="new"))
    with pytest.raises(GameGoneError):
        await games.update(old, "n1-1", b"1")
    assert await games.raise_generation(old) is None
    assert await games.save_snapshot(old, 1, "d", 0, b"state") is None
    assert await ids_in(games) == []


async def test_two_appenders_interleave_and_both_see_one_order(kv: KeyValueStore, prefix: str) -> None:
    nodes = [KvGameStateRepository(kv, prefix), KvGameStateRepository(kv, prefix)]
    meta = await nodes[0].create(new_meta())
    seen: list[list[object]] = [[], []]

    async def append(node: int) -> None:
        for number in range(25):
            await nodes[node].update(meta, f"n{node}-{number}", b"x")

    async def look(node: int) -> None:
        async with nodes[node].watch(meta, meta.revision) as watch:
            seen[node] = await receive_told(watch, 50)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for node in (0, 1):
                nursery.start_soon(look, node)
                nursery.start_soon(append, node)
    assert seen[0] == seen[1] == await log_of(nodes[0], await nodes[0].get("bazaar"))
    ids = [entry.id for entry in seen[0] if isinstance(entry, LogEntry)]
    for node in (0, 1):
        assert [each for each in ids if each.startswith(f"n{node}")] == [f"n{node}-{n}" for n in range(25)]


async def test_a_watch_goes_on_where_the_read_log_ends(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    await games.update(meta, "n1-1", b"1")
    stored = await games.get("bazaar")
    await games.update(meta, "n1-2", b"2")
    read = await log_of(games, stored)
    async with games.watch(stored.meta, stored.revision) as watch:
        await games.update(meta, "n1-3", b"3")
        told = await receive_told(watch, 2)
    assert [entry.id for entry in (*read, *told) if isinstance(entry, LogEntry)] == ["n1-1", "n1-2", "n1-3"]


async def test_a_watch_tells_entries_metas_and_the_end_but_no_snapshots_and_trims(
    games: KvGameStateRepository,
) -> None:
    meta = await games.create(new_meta())
    async with games.watch(meta, meta.revision) as watch:
        await games.update(meta, "n1-1", b"1")
        expected: list[object] = []
        newest = meta
        for generation in (2, 3):
            raised = await games.raise_generation(newest)
            assert raised is not None
            saved = await games.save_snapshot(raised, generation, f"d{generation}", 7, b"a longer state")
            assert saved is not None
            expected += [MetaChanged(raised.revision, raised), MetaChanged(saved.revision, saved)]
            newest = saved
        await games.delete("bazaar")
        again = await games.create(new_meta(epoch="new"))
        await games.update(again, "n1-2", b"not of this life")
        told = await receive_told(watch, 6)
        assert isinstance(told[0], LogEntry)
        assert told[1:5] == expected
        assert isinstance(told[5], GameDeleted)
        assert len(told) == 6
        with trio.move_on_after(0.2):
            while True:
                assert list(await watch.receive()) == []


async def test_the_list_and_its_watch_tell_which_games_come_and_go(games: KvGameStateRepository) -> None:
    one = await games.create(new_meta("one"))
    listed = await games.list()
    assert listed.metas == (one,)
    async with games.watch_list(listed.revision) as watch:
        two = await games.create(new_meta("two"))
        await games.update(one, "n1-1", b"1")
        told: list[GameListed] = []
        with trio.fail_after(DEADLINE_S):
            while len(told) < 1:
                told += await watch.receive()
            await games.delete("one")
            while len(told) < 2:
                told += await watch.receive()
    assert told == [GameListed("two", two), GameListed("one", None)]


async def test_a_log_that_was_trimmed_or_deleted_while_it_was_read_is_compacted(
    games: KvGameStateRepository, kv: KeyValueStore, prefix: str
) -> None:
    newest = await games.create(new_meta())
    for _ in range(2):
        for number in range(7):
            await games.update(newest, f"n1-{newest.generation}{number}", b"x")
        raised = await games.raise_generation(newest)
        assert raised is not None
        newest = raised
    pages = games.entries(await games.get("bazaar"))
    assert len(await anext(pages)) == 3
    for generation in (4, 5):
        raised = await games.raise_generation(newest)
        assert raised is not None
        saved = await games.save_snapshot(raised, generation, f"d{generation}", 7, b"state")
        assert saved is not None
        newest = saved
    with pytest.raises(CompactedError):
        async for _ in pages:
            pass

    stored = await games.get("bazaar")
    await kv.transaction([], [Delete(KeyRange.prefix(f"{prefix}/"))])
    with pytest.raises(CompactedError):
        await log_of(games, stored)


async def test_an_entry_of_more_than_a_mebibyte_is_an_error(games: KvGameStateRepository) -> None:
    meta = await games.create(new_meta())
    with pytest.raises(StoreRefusedError, match="1048577"):
        await games.update(meta, "n1-1", bytes((1 << 20) + 1))
    await games.update(meta, "n1-2", bytes(1 << 20))
    assert await ids_in(games) == ["n1-2"]


async def test_a_list_watch_that_could_not_read_a_game_tells_it_the_next_time(kv: KeyValueStore, prefix: str) -> None:
    faulty = FaultyStore(kv)
    games = KvGameStateRepository(faulty, prefix)
    revision = (await games.list()).revision
    async with games.watch_list(revision) as watch:
        made = await games.create(new_meta())
        faulty.unreadable = 1
        with trio.fail_after(DEADLINE_S):
            told: list[GameListed] = []
            failures = 0
            while not told:
                try:
                    told += await watch.receive()
                except StoreUnavailableError:
                    failures += 1
    assert (told, failures) == ([GameListed("bazaar", made)], 1)
