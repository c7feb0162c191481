from __future__ import annotations

from attrs import evolve

from tests.contract.helpers import put
from tradegame.infra.kv.port import KeyRange, KeyValueStore


async def test_a_single_key_is_not_its_prefix(kv: KeyValueStore, prefix: str) -> None:
    await put(kv, f"{prefix}/a")
    await put(kv, f"{prefix}/ab")
    result = await kv.range(KeyRange(f"{prefix}/a"))
    assert [pair.key for pair in result.pairs] == [f"{prefix}/a"]
    assert not result.more


async def test_keys_come_in_the_order_of_their_utf8_bytes(kv: KeyValueStore, prefix: str) -> None:
    names = ["a", "Z", "a/b", "a-", "é", "😀", "\uffee", "a0"]
    for name in names:
        await put(kv, f"{prefix}/{name}")
    pairs = (await kv.range(KeyRange.prefix(prefix))).pairs
    assert [pair.key for pair in pairs] == sorted((f"{prefix}/{name}" for name in names), key=str.encode)


async def test_a_limit_keeps_the_first_of_the_order_and_says_that_there_is_more(kv: KeyValueStore, prefix: str) -> None:
    for name in ("d", "c", "b", "a"):
        await put(kv, f"{prefix}/{name}")
    by_key = await kv.range(KeyRange.prefix(prefix), limit=3)
    assert ([pair.key[-1] for pair in by_key.pairs], by_key.more) == (["a", "b", "c"], True)
    exact = await kv.range(KeyRange.prefix(prefix), limit=4)
    assert (len(exact.pairs), exact.more) == (4, False)


async def test_keys_alone_come_without_values_and_with_all_else(kv: KeyValueStore, prefix: str) -> None:
    for name in ("a", "b"):
        await put(kv, f"{prefix}/{name}")
    whole = await kv.range(KeyRange.prefix(prefix), limit=1)
    bare = await kv.range(KeyRange.prefix(prefix), limit=1, keys_only=True)
    assert bare == evolve(whole, pairs=(evolve(whole.pairs[0], value=b""),))


async def test_pages_by_key_give_all_that_was_there_once_while_more_is_written(kv: KeyValueStore, prefix: str) -> None:
    written = [await put(kv, f"{prefix}/{number:02d}") for number in range(17)]
    read: list[int] = []
    rest, more = KeyRange.prefix(f"{prefix}/"), True
    while more:
        page = await kv.range(rest, limit=5)
        read += [pair.mod_revision for pair in page.pairs if pair.mod_revision <= written[-1]]
        rest, more = KeyRange(f"{page.pairs[-1].key}\0", rest.end), page.more
        for place in ("00-", "08-", "16-"):
            await put(kv, f"{prefix}/{place}{len(read)}")
    assert read == written


async def test_a_sound_store_has_nothing_unreadable(kv: KeyValueStore, prefix: str) -> None:
    await put(kv, f"{prefix}/a")
    found = await kv.range(KeyRange.prefix(f"{prefix}/"), tolerant=True)
    assert (len(found.pairs), found.unreadable) == (1, ())


async def test_an_empty_range_still_tells_the_revision(kv: KeyValueStore, prefix: str) -> None:
    revision = await put(kv, f"{prefix}-elsewhere")
    result = await kv.range(KeyRange.prefix(f"{prefix}/"))
    assert (result.pairs, result.revision, result.more) == ((), revision, False)
