from __future__ import annotations

import pytest
import trio

from tests.contract.helpers import keys_in, put
from tradegame.core.repositories import StoreRefusedError
from tradegame.infra.kv.port import Compare, Delete, Get, KeyRange, KeyValueStore, Put


async def test_a_write_takes_the_next_revision_and_the_key_remembers_both(kv: KeyValueStore, prefix: str) -> None:
    first = await put(kv, f"{prefix}/a", b"1")
    second = await put(kv, f"{prefix}/a", b"\x00\xff2")
    assert second == first + 1
    result = await kv.range(KeyRange(f"{prefix}/a"))
    (pair,) = result.pairs
    assert (pair.value, pair.create_revision, pair.mod_revision, pair.lease) == (b"\x00\xff2", first, second, 0)
    assert result.revision == second


async def test_a_key_made_again_has_a_new_create_revision(kv: KeyValueStore, prefix: str) -> None:
    await put(kv, f"{prefix}/a")
    await kv.transaction([], [Delete(KeyRange(f"{prefix}/a"))])
    third = await put(kv, f"{prefix}/a")
    (pair,) = (await kv.range(KeyRange(f"{prefix}/a"))).pairs
    assert (pair.create_revision, pair.mod_revision) == (third, third)


async def test_a_whole_transaction_is_one_revision(kv: KeyValueStore, prefix: str) -> None:
    before = await put(kv, f"{prefix}/old")
    result = await kv.transaction(
        [], [Put(f"{prefix}/a", b"1"), Put(f"{prefix}/b", b"2"), Delete(KeyRange(f"{prefix}/old"))]
    )
    assert result.revision == before + 1
    pairs = (await kv.range(KeyRange.prefix(prefix))).pairs
    assert [(pair.key, pair.mod_revision) for pair in pairs] == [
        (f"{prefix}/a", before + 1),
        (f"{prefix}/b", before + 1),
    ]


async def test_a_comparison_with_the_mod_revision_decides_the_branch(kv: KeyValueStore, prefix: str) -> None:
    key = f"{prefix}/a"
    first = await put(kv, key, b"1")
    right = await kv.transaction([Compare(key, first)], [Put(key, b"2")], [Get(KeyRange(key))])
    assert right.succeeded
    wrong = await kv.transaction([Compare(key, first)], [Put(key, b"3")], [Get(KeyRange(key))])
    assert not wrong.succeeded
    assert [pair.value for pair in wrong.pairs[0]] == [b"2"]
    assert wrong.revision == right.revision


async def test_revision_zero_means_absent(kv: KeyValueStore, prefix: str) -> None:
    key = f"{prefix}/a"
    assert (await kv.transaction([Compare(key, 0)], [Put(key, b"1")])).succeeded
    assert not (await kv.transaction([Compare(key, 0)], [Put(key, b"2")])).succeeded
    await kv.transaction([], [Delete(KeyRange(key))])
    assert (await kv.transaction([Compare(key, 0)], [])).succeeded


async def test_every_comparison_must_hold(kv: KeyValueStore, prefix: str) -> None:
    first = await put(kv, f"{prefix}/a")
    result = await kv.transaction(
        [Compare(f"{prefix}/a", first), Compare(f"{prefix}/b", first)], [Put(f"{prefix}/c", b"")]
    )
    assert not result.succeeded
    assert await keys_in(kv, prefix) == [f"{prefix}/a"]


async def test_the_failure_branch_writes_too(kv: KeyValueStore, prefix: str) -> None:
    result = await kv.transaction([Compare(f"{prefix}/a", 5)], [], [Put(f"{prefix}/b", b"")])
    assert not result.succeeded
    (pair,) = (await kv.range(KeyRange(f"{prefix}/b"))).pairs
    assert pair.mod_revision == result.revision


async def test_gets_see_the_puts_before_them_and_answer_in_order(kv: KeyValueStore, prefix: str) -> None:
    result = await kv.transaction(
        [],
        [
            Get(KeyRange(f"{prefix}/a")),
            Put(f"{prefix}/a", b"1"),
            Get(KeyRange(f"{prefix}/a")),
            Get(KeyRange.prefix(f"{prefix}/")),
        ],
    )
    assert [[pair.value for pair in pairs] for pairs in result.pairs] == [[], [b"1"], [b"1"]]
    assert result.pairs[1][0].mod_revision == result.revision


async def test_what_writes_nothing_takes_no_revision(kv: KeyValueStore, prefix: str) -> None:
    first = await put(kv, f"{prefix}/a")
    nothing = await kv.transaction([], [Delete(KeyRange(f"{prefix}/absent"))])
    reading = await kv.transaction([Compare(f"{prefix}/a", first)], [Get(KeyRange(f"{prefix}/a"))])
    empty = await kv.transaction([], [])
    assert [nothing.revision, reading.revision, empty.revision] == [first] * 3


async def test_a_deleted_range_takes_what_is_in_it_and_no_more(kv: KeyValueStore, prefix: str) -> None:
    for name in ("a", "b", "b/1", "b/2", "b0", "c"):
        await put(kv, f"{prefix}/{name}")
    await kv.transaction([], [Delete(KeyRange.prefix(f"{prefix}/b/"))])
    assert await keys_in(kv, prefix) == [f"{prefix}/{name}" for name in ("a", "b", "b0", "c")]
    await kv.transaction([], [Delete(KeyRange(f"{prefix}/b", f"{prefix}/c"))])
    assert await keys_in(kv, prefix) == [f"{prefix}/a", f"{prefix}/c"]


async def test_of_many_that_want_one_absent_key_one_gets_it(kv: KeyValueStore, prefix: str) -> None:
    won: list[int] = []

    async def want(number: int) -> None:
        result = await kv.transaction([Compare(f"{prefix}/a", 0)], [Put(f"{prefix}/a", str(number).encode())])
        if result.succeeded:
            won.append(number)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(want, number)
    (pair,) = (await kv.range(KeyRange(f"{prefix}/a"))).pairs
    assert won == [int(pair.value)]


async def test_concurrent_writes_take_one_revision_each(kv: KeyValueStore, prefix: str) -> None:
    revisions: list[int] = []

    async def write(number: int) -> None:
        revisions.append(await put(kv, f"{prefix}/{number}"))

    first = await put(kv, f"{prefix}/first")
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for number in range(300):
                nursery.start_soon(write, number)
    assert sorted(revisions) == list(range(first + 1, first + 301))


async def test_a_mebibyte_in_a_hundred_operations_is_taken(kv: KeyValueStore, prefix: str) -> None:
    size = (1 << 20) // 100
    result = await kv.transaction([], [Put(f"{prefix}/{n:03d}", bytes(size)) for n in range(100)])
    assert result.succeeded
    pairs = (await kv.range(KeyRange.prefix(prefix))).pairs
    assert [len(pair.value) for pair in pairs] == [size] * 100


async def test_an_entry_of_a_mebibyte_comes_back_whole(kv: KeyValueStore, prefix: str) -> None:
    value = bytes(range(256)) * 4096
    await put(kv, f"{prefix}/a", value)
    (pair,) = (await kv.range(KeyRange(f"{prefix}/a"))).pairs
    assert pair.value == value


async def test_a_key_written_twice_in_one_transaction_is_an_error(kv: KeyValueStore, prefix: str) -> None:
    with pytest.raises(StoreRefusedError, match="twice"):
        await kv.transaction([], [Put(f"{prefix}/a", b"1"), Put(f"{prefix}/a", b"2")])
    assert await keys_in(kv, prefix) == []


async def test_more_than_a_hundred_operations_are_an_error(kv: KeyValueStore, prefix: str) -> None:
    with pytest.raises(StoreRefusedError, match="101"):
        await kv.transaction([], [Put(f"{prefix}/{n}", b"") for n in range(101)])
    assert await keys_in(kv, prefix) == []
