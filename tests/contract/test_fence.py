"""A node's fence says for certain that an append did not happen. Over every store."""

from __future__ import annotations

import pytest
import trio

from tests.contract.faults import Fault, FaultyStore
from tests.contract.helpers import DEADLINE_S, ids_in, keys_in, new_meta
from tradegame.core.repositories import LeaseLostError, NodeInfo, StoreUnavailableError
from tradegame.infra.kv import KvConnectionRepository, KvGameStateRepository
from tradegame.infra.kv.fence import Fence
from tradegame.infra.kv.port import Compare, Delete, KeyRange, KeyValueStore, Put

NODE = NodeInfo("n1", "ws://127.0.0.1:1/ws", "0.1", 1_790_000_000_000, 1_790_000_000_001)


class Fenced:
    """A node with its fence, on a store that may be faulty."""

    def __init__(self, kv: KeyValueStore, prefix: str) -> None:
        self.kv, self.faulty, self.prefix = kv, FaultyStore(kv), prefix
        self.fence = Fence(prefix)
        self.games = KvGameStateRepository(self.faulty, prefix, deadline_s=2.0, fence=self.fence)
        self.node = KvConnectionRepository(kv, prefix, lease_s=60, fence=self.fence)

    async def lose_lease(self) -> None:
        """The lease is over, and the node does not know."""
        await self.kv.transaction([], [Delete(KeyRange(self.fence.key))])


@pytest.fixture
async def fenced(kv: KeyValueStore, prefix: str) -> Fenced:
    made = Fenced(kv, prefix)
    await made.node.register(NODE)
    return made


async def test_a_node_has_one_fence_on_its_lease_and_raises_it_anew_with_a_new_lease(fenced: Fenced) -> None:
    first = fenced.fence.revision
    assert await keys_in(fenced.kv, f"{fenced.prefix}/fences/") == [f"{fenced.prefix}/fences/n1"]
    await fenced.node.keep_alive(NODE)
    assert fenced.fence.revision == first > 0
    await fenced.lose_lease()
    fenced.fence.fell(first)
    with pytest.raises(LeaseLostError):
        await fenced.node.keep_alive(NODE)
    await fenced.node.register(NODE)
    assert fenced.fence.revision > first
    await fenced.node.unregister()
    assert (await keys_in(fenced.kv, f"{fenced.prefix}/fences/"), fenced.fence.revision) == ([], 0)


async def test_what_compares_a_fence_that_fell_never_lands(fenced: Fenced) -> None:
    meta = await fenced.games.create(new_meta())
    old = fenced.fence.compare
    await fenced.games.update(meta, "n1-1", b"1")
    await fenced.lose_lease()
    await fenced.node.register(NODE)
    late = await fenced.kv.transaction([Compare("late", 0), old], [Put("late", b"")])
    assert not late.succeeded


async def test_an_append_waits_for_the_next_fence_and_lands_once(fenced: Fenced) -> None:
    meta = await fenced.games.create(new_meta())
    await fenced.lose_lease()
    with trio.fail_after(DEADLINE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fenced.games.update, meta, "n1-1", b"1")
            while fenced.fence.revision:  # noqa: ASYNC110 - the store tells nobody
                await trio.sleep(0.01)
            await fenced.node.register(NODE)
    assert await ids_in(fenced.games) == ["n1-1"]


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.UNANSWERED])
async def test_of_an_append_whose_answer_was_lost_the_fence_tells_for_certain(fenced: Fenced, fault: Fault) -> None:
    meta = await fenced.games.create(new_meta())
    fenced.faulty.faults = [fault]
    fenced.faulty.meddles_at, fenced.faulty.meddle = fenced.faulty.transactions + 2, fenced.lose_lease
    if fault is Fault.UNANSWERED:
        assert (await fenced.games.update(meta, "n1-1", b"1")).meta == meta
    else:
        with pytest.raises(StoreUnavailableError) as caught:
            await fenced.games.update(meta, "n1-1", b"1")
        assert caught.value.definite
    assert await ids_in(fenced.games) == (["n1-1"] if fault is Fault.UNANSWERED else [])


async def test_without_a_fence_nothing_is_appended(kv: KeyValueStore, prefix: str) -> None:
    games = KvGameStateRepository(kv, prefix, deadline_s=0.2, fence=Fence(prefix))
    meta = await KvGameStateRepository(kv, prefix).create(new_meta())
    with pytest.raises(StoreUnavailableError, match="not registered") as caught:
        await games.update(meta, "n1-1", b"1")
    assert caught.value.definite
