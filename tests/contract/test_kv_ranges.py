from __future__ import annotations

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


async def test_by_revision_sorts_by_the_last_change(kv: KeyValueStore, prefix: str) -> None:
    for name in ("c", "a", "b", "c"):
        await put(kv, f"{prefix}/{name}")
    result = await kv.range(KeyRange.prefix(prefix), by_revision=True)
    assert [pair.key[-1] for pair in result.pairs] == ["a", "b", "c"]


async def test_a_limit_keeps_the_first_of_the_order_and_says_that_there_is_more(kv: KeyValueStore, prefix: str) -> None:
    for name in ("d", "c", "b", "a"):
        await put(kv, f"{prefix}/{name}")
    by_key = await kv.range(KeyRange.prefix(prefix), limit=3)
    assert ([pair.key[-1] for pair in by_key.pairs], by_key.more) == (["a", "b", "c"], True)
    by_revision = await kv.range(KeyRange.prefix(prefix), limit=3, by_revision=True)
    assert ([pair.key[-1] for pair in by_revision.pairs], by_revision.more) == (["d", "c", "b"], True)
    exact = await kv.range(KeyRange.prefix(prefix), limit=4, by_revision=True)
    assert (len(exact.pairs), exact.more) == (4, False)


async def test_bounds_on_the_revision_are_inclusive(kv: KeyValueStore, prefix: str) -> None:
    revisions = [await put(kv, f"{prefix}/{name}") for name in ("d", "c", "b", "a")]
    result = await kv.range(
        KeyRange.prefix(prefix),
        min_mod_revision=revisions[1],
        max_mod_revision=revisions[2],
        by_revision=True,
    )
    assert [pair.key[-1] for pair in result.pairs] == ["c", "b"]


async def test_pages_by_revision_give_everything_once_while_more_is_written(kv: KeyValueStore, prefix: str) -> None:
    written = [await put(kv, f"{prefix}/{number:02d}") for number in range(17)]
    until = written[-1]
    read: list[int] = []
    more = True
    while more:
        page = await kv.range(
            KeyRange.prefix(prefix),
            min_mod_revision=read[-1] + 1 if read else 0,
            max_mod_revision=until,
            limit=5,
            by_revision=True,
        )
        read += [pair.mod_revision for pair in page.pairs]
        more = page.more
        await put(kv, f"{prefix}/new-{len(read)}")
    assert read == written


async def test_an_empty_range_still_tells_the_revision(kv: KeyValueStore, prefix: str) -> None:
    revision = await put(kv, f"{prefix}-elsewhere")
    result = await kv.range(KeyRange.prefix(f"{prefix}/"))
    assert (result.pairs, result.revision, result.more) == ((), revision, False)
