from __future__ import annotations

import trio

from tests.contract.helpers import DEADLINE_S, put, receive_events
from tradegame.infra.kv.port import Delete, KeyRange, KeyValueStore, Put, Watch


async def test_writes_and_deletions_come_in_order_with_their_revisions(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/a", b"0")
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as watch:
        await put(kv, f"{prefix}/a", b"1")
        await put(kv, f"{prefix}/b", b"2")
        await kv.transaction([], [Delete(KeyRange.prefix(f"{prefix}/"))])
        events = await receive_events(watch, 4)
    assert [(event.key[-1], event.value, event.mod_revision - start) for event in events] == [
        ("a", b"1", 1),
        ("b", b"2", 2),
        ("a", None, 3),
        ("b", None, 3),
    ]
    assert [event.create_revision for event in events[:2]] == [start, start + 2]


async def test_a_watch_from_the_past_tells_what_happened_since_without_gap_or_repeat(
    kv: KeyValueStore, prefix: str
) -> None:
    revisions = [await put(kv, f"{prefix}/{number}") for number in range(5)]
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), revisions[1]) as watch:
        past = await receive_events(watch, 3)
        assert [event.mod_revision for event in past] == revisions[2:]
        later = await put(kv, f"{prefix}/later")
        assert [event.mod_revision for event in await receive_events(watch, 1)] == [later]


async def test_deletions_of_the_past_are_told_too(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/a")
    await kv.transaction([], [Delete(KeyRange(f"{prefix}/a"))])
    async with kv.watch(KeyRange(f"{prefix}/a"), start) as watch:
        (event,) = await receive_events(watch, 1)
    assert (event.value, event.mod_revision) == (None, start + 1)


async def test_other_keys_are_not_told(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/a")
    async with kv.watch(KeyRange(f"{prefix}/b", f"{prefix}/d"), start) as watch:
        for name in ("a", "b", "bb", "c", "d", "e"):
            await put(kv, f"{prefix}/{name}")
        await put(kv, f"{prefix}/c", b"end")
        events = await receive_events(watch, 4)
    assert [event.key.removeprefix(f"{prefix}/") for event in events] == ["b", "bb", "c", "c"]


async def test_a_revision_is_never_torn_between_batches(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/start")
    seen: list[int] = []
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as watch:
        async with trio.open_nursery() as nursery:
            for number in range(30):
                puts = [Put(f"{prefix}/{number}/{part}", b"") for part in range(3)]
                nursery.start_soon(kv.transaction, [], puts)
        with trio.fail_after(DEADLINE_S):
            while len(seen) < 90:
                batch = await watch.receive()
                revisions = [event.mod_revision for event in batch.events]
                assert all(revisions.count(revision) == 3 for revision in revisions)
                assert revisions == sorted(revisions)
                assert not revisions or batch.revision >= revisions[-1]
                seen += revisions
    assert sorted(seen) == seen
    assert set(seen) == set(range(start + 1, start + 31))


async def test_a_watcher_that_lags_gets_everything_and_holds_up_nobody(kv: KeyValueStore, prefix: str) -> None:
    count = 1500
    start = await put(kv, f"{prefix}/start")

    async def write(first: int) -> None:
        for number in range(first, count, 50):
            await put(kv, f"{prefix}/{number}")

    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as slow:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                for first in range(50):
                    nursery.start_soon(write, first)
            last = await put(kv, f"{prefix}/last")
            events = await receive_events(slow, count + 1)
    assert [event.mod_revision for event in events] == list(range(start + 1, last + 1))


async def test_all_watchers_see_one_order(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/start")
    seen: list[list[tuple[str, int]]] = [[], []]

    async def look(watch: Watch, into: list[tuple[str, int]]) -> None:
        into += [(event.key, event.mod_revision) for event in await receive_events(watch, 100)]

    async def write(name: str) -> None:
        for number in range(50):
            await put(kv, f"{prefix}/{name}{number}")

    keys = KeyRange.prefix(f"{prefix}/")
    with trio.fail_after(60):
        async with kv.watch(keys, start) as one, kv.watch(keys, start) as other, trio.open_nursery() as nursery:
            nursery.start_soon(look, one, seen[0])
            nursery.start_soon(look, other, seen[1])
            nursery.start_soon(write, "a")
            nursery.start_soon(write, "b")
    assert seen[0] == seen[1]


async def test_a_write_that_was_acknowledged_is_on_its_way_to_the_watch(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/start")
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as watch:
        for number in range(20):
            revision = await put(kv, f"{prefix}/{number}")
            (event,) = await receive_events(watch, 1)
            assert event.mod_revision == revision


async def test_a_cancelled_receive_loses_nothing(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/start")
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as watch:
        revisions: list[int] = []
        written = 0
        with trio.fail_after(DEADLINE_S):
            while len(revisions) < 30:
                if written < 30:
                    await put(kv, f"{prefix}/{written}")
                    written += 1
                with trio.move_on_after(0 if written % 2 else 0.01):
                    batch = await watch.receive()
                    revisions += [event.mod_revision for event in batch.events]
    assert revisions == list(range(start + 1, start + 31))


async def test_a_quiet_watch_waits_and_can_be_left(kv: KeyValueStore, prefix: str) -> None:
    start = await put(kv, f"{prefix}/start")
    async with kv.watch(KeyRange.prefix(f"{prefix}/quiet/"), start) as watch:
        with trio.move_on_after(0.1) as scope:
            while True:
                assert (await watch.receive()).events == ()
        assert scope.cancelled_caught
    assert kv.ready() is None


async def test_what_the_watchs_body_raises_comes_out_as_it_is(kv: KeyValueStore, prefix: str) -> None:
    caught: list[Exception] = []
    try:
        async with kv.watch(KeyRange.prefix(prefix), await put(kv, prefix)):
            raise LookupError("mine")
    except LookupError as error:
        caught.append(error)
    assert [str(error) for error in caught] == ["mine"]
