from __future__ import annotations

import pytest
import trio

from tests.contract.helpers import keys_in, put, receive_events
from tradegame.core.repositories import LeaseLostError
from tradegame.infra.kv.port import KeyRange, KeyValueStore, Put


async def test_a_lease_that_nobody_keeps_ends_and_its_keys_go_in_one_revision(kv: KeyValueStore, prefix: str) -> None:
    lease = await kv.grant(1)
    await put(kv, f"{prefix}/a", lease=lease)
    start = await put(kv, f"{prefix}/b", lease=lease)
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as watch:
        events = await receive_events(watch, 2)
    assert sorted((event.key[-1], event.value) for event in events) == [("a", None), ("b", None)]
    assert events[0].mod_revision == events[1].mod_revision
    assert await keys_in(kv, prefix) == []
    with pytest.raises(LeaseLostError):
        await kv.keep_alive(lease)


async def test_a_lease_lives_while_it_is_kept_alive(kv: KeyValueStore, prefix: str) -> None:
    kept, left = await kv.grant(2), await kv.grant(2)
    await put(kv, f"{prefix}/kept", lease=kept)
    start = await put(kv, f"{prefix}/left", lease=left)

    async def keep() -> None:
        while True:
            await trio.sleep(0.15)
            assert await kv.keep_alive(kept) == 2

    async with kv.watch(KeyRange(f"{prefix}/left"), start) as watch, trio.open_nursery() as nursery:
        nursery.start_soon(keep)
        await receive_events(watch, 1)
        # The one that nobody kept is over, and so is the other's first life.
        await trio.sleep(0.5)
        assert await keys_in(kv, prefix) == [f"{prefix}/kept"]
        nursery.cancel_scope.cancel()


async def test_revoking_deletes_the_keys_at_once(kv: KeyValueStore, prefix: str) -> None:
    lease = await kv.grant(60)
    await put(kv, f"{prefix}/a", lease=lease)
    start = await put(kv, f"{prefix}/b")
    async with kv.watch(KeyRange.prefix(f"{prefix}/"), start) as watch:
        await kv.revoke(lease)
        (event,) = await receive_events(watch, 1)
    assert (event.key, event.value, event.mod_revision) == (f"{prefix}/a", None, start + 1)
    assert await keys_in(kv, prefix) == [f"{prefix}/b"]


async def test_revoking_an_unknown_lease_is_no_error(kv: KeyValueStore) -> None:
    lease = await kv.grant(60)
    await kv.revoke(lease)
    await kv.revoke(lease)


async def test_a_put_on_a_lease_that_is_over_fails_with_the_whole_transaction(kv: KeyValueStore, prefix: str) -> None:
    lease = await kv.grant(60)
    await kv.revoke(lease)
    revision = await put(kv, f"{prefix}/before")
    with pytest.raises(LeaseLostError):
        await kv.transaction([], [Put(f"{prefix}/a", b"1"), Put(f"{prefix}/b", b"1", lease)])
    result = await kv.range(KeyRange.prefix(prefix))
    assert [pair.key for pair in result.pairs] == [f"{prefix}/before"]
    assert result.revision == revision


async def test_keeping_a_revoked_lease_alive_tells_that_it_is_lost(kv: KeyValueStore) -> None:
    lease = await kv.grant(60)
    assert await kv.keep_alive(lease) == 60
    await kv.revoke(lease)
    with pytest.raises(LeaseLostError):
        await kv.keep_alive(lease)


async def test_a_key_written_without_its_lease_outlives_it(kv: KeyValueStore, prefix: str) -> None:
    lease = await kv.grant(60)
    await put(kv, f"{prefix}/a", b"1", lease)
    (pair,) = (await kv.range(KeyRange(f"{prefix}/a"))).pairs
    assert pair.lease == lease
    await put(kv, f"{prefix}/a", b"2")
    await kv.revoke(lease)
    (pair,) = (await kv.range(KeyRange(f"{prefix}/a"))).pairs
    assert (pair.value, pair.lease) == (b"2", 0)


async def test_leases_have_ids_of_their_own(kv: KeyValueStore) -> None:
    leases = [await kv.grant(60) for _ in range(5)]
    assert len(set(leases)) == 5
    assert 0 not in leases
    for lease in leases:
        await kv.revoke(lease)
