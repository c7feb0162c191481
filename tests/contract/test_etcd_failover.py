"""The etcd store beside broken endpoints: what fails over, what is never sent twice, and that nothing hangs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.contract.helpers import DEADLINE_S
from tests.support.etcd import EtcdCluster, EtcdServer
from tradegame.cluster.processes.ports import quiet_ports
from tradegame.core.repositories.errors import (
    HistoryLostError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from tradegame.infra.etcd import EtcdClient, EtcdSettings, open_etcd
from tradegame.infra.kv.port import Compare, Get, KeyRange, Put


@pytest.fixture
async def server() -> AsyncIterator[EtcdServer]:
    """One of its own for each test, since these do it harm."""
    async with EtcdServer() as server:
        yield server


async def put(client: EtcdClient, key: str, value: bytes = b"") -> int:
    return (await client.transaction([], [Put(key, value)])).revision


async def put_in_the_end(client: EtcdClient, key: str) -> None:
    """However slow the machine and however impatient the client."""
    while True:
        with suppress(StoreUnavailableError):
            await put(client, key)
            return


async def until_ready(client: EtcdClient, deadline_s: float = DEADLINE_S) -> None:
    with trio.fail_after(deadline_s):
        while client.ready() is not None:  # noqa: ASYNC110 - it is there to be asked, nothing announces it
            await trio.sleep(0.02)


async def until_not_ready(client: EtcdClient, deadline_s: float = DEADLINE_S) -> str:
    with trio.fail_after(deadline_s):
        while (reason := client.ready()) is None:  # noqa: ASYNC110 - as above
            await trio.sleep(0.02)
    return reason


def dead_endpoint() -> str:
    return f"127.0.0.1:{quiet_ports(1)[0]}"


@pytest.mark.slow
async def test_no_call_waits_for_a_thread_to_start(server: EtcdServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """gRPC starts one for a call when none is under way; after a member was away, too, there is one again."""
    started = 0
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        nonlocal started
        started += 1
        start(thread)

    async with open_etcd(EtcdSettings((server.endpoint,))) as client:
        for _ in range(2):
            await until_ready(client)
            await put(client, "a")
            monkeypatch.setattr(threading.Thread, "start", counted)
            for _ in range(20):
                await put(client, "a")
            monkeypatch.undo()
            assert started == 0
            await trio.to_thread.run_sync(server.kill)
            await until_not_ready(client)
            await trio.to_thread.run_sync(server.start)


async def test_an_endpoint_where_nobody_listens_is_passed_over(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((dead_endpoint(), server.endpoint))) as client:
        with trio.fail_after(DEADLINE_S):
            await put(client, "a", b"1")
        assert (await client.range(KeyRange("a"))).pairs[0].value == b"1"


async def test_an_endpoint_that_is_silent_is_passed_over_by_a_write_that_has_not_been_sent(server: EtcdServer) -> None:
    async with EtcdServer() as silent:
        silent.pause()
        async with open_etcd(EtcdSettings((silent.endpoint, server.endpoint), timeout_s=4)) as client:
            with trio.fail_after(DEADLINE_S):
                result = await client.transaction([Compare("a", 0)], [Put("a", b"1")])
            assert result.succeeded


async def test_calls_stay_with_the_endpoint_that_works(server: EtcdServer) -> None:
    async with EtcdServer() as silent:
        silent.pause()
        async with open_etcd(EtcdSettings((silent.endpoint, server.endpoint), timeout_s=4)) as client:
            await put_in_the_end(client, "a")
            with trio.fail_after(DEADLINE_S):
                for _ in range(20):
                    await put(client, "a")


async def test_a_write_that_reaches_no_endpoint_has_definitely_not_happened() -> None:
    async with open_etcd(EtcdSettings((dead_endpoint(), dead_endpoint()), timeout_s=0.5)) as client:
        with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError) as caught:
            await put(client, "a")
    assert caught.value.definite


async def test_a_restart_that_is_short_is_waited_for(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=5)) as client:
        await put(client, "a")
        await trio.to_thread.run_sync(server.kill)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, server.start)
            await client.range(KeyRange("a"))


async def test_a_write_to_an_etcd_that_stops_answering_has_an_unknown_outcome(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=0.5)) as client:
        await put_in_the_end(client, "before")
        server.pause()
        with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError) as caught:
            await client.transaction([Compare("a", 0)], [Put("a", b"1")])
        assert not caught.value.definite
        with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError) as caught:
            await client.range(KeyRange("a"))
        assert caught.value.definite
    server.resume()
    async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=DEADLINE_S)) as client:
        # The caller finds out, and whatever it was, it was at most once.
        found = await client.transaction([Compare("a", 0)], [], [Get(KeyRange("a"))])
        assert found.succeeded or found.pairs[0][0].value == b"1"


async def test_a_write_of_unknown_outcome_is_not_sent_to_another_endpoint() -> None:
    async with EtcdServer() as first, EtcdServer() as second:
        # Two stores that know nothing of each other show where a write went.
        async with open_etcd(EtcdSettings((first.endpoint, second.endpoint), timeout_s=5)) as client:
            await put(client, "before")
            first.pause()
            with pytest.raises(StoreUnavailableError) as caught:
                await put(client, "a")
            assert not caught.value.definite
        async with open_etcd(EtcdSettings((second.endpoint,))) as client:
            assert (await client.range(KeyRange("a"))).pairs == ()


async def test_a_read_only_transaction_is_as_repeatable_as_a_read() -> None:
    async with EtcdServer() as first, EtcdServer() as second:
        async with open_etcd(EtcdSettings((second.endpoint,))) as client:
            await put(client, "elsewhere")  # so that it is as far as the first, as a member of the same cluster is
        async with open_etcd(EtcdSettings((first.endpoint, second.endpoint))) as client:
            await put(client, "before")
            first.pause()
            result = await client.transaction([Compare("before", 0)], [Get(KeyRange("before"))])
            assert result.pairs == ((),)


async def test_a_killed_member_of_a_cluster_is_passed_over() -> None:
    async with EtcdCluster(3) as cluster:
        async with open_etcd(EtcdSettings(cluster.endpoints, timeout_s=5)) as client:
            await put(client, "a", b"1")
            await trio.to_thread.run_sync(cluster.members[0].kill)
            assert (await client.range(KeyRange("a"))).pairs[0].value == b"1"
            await put(client, "a", b"2")
            assert (await client.range(KeyRange("a"))).pairs[0].value == b"2"


@pytest.mark.slow
async def test_a_cluster_without_a_majority_is_not_ready_until_it_has_one() -> None:
    async with EtcdCluster(3) as cluster:
        async with open_etcd(EtcdSettings(cluster.endpoints)) as client:
            await until_ready(client)
            for member in cluster.members[1:]:
                await trio.to_thread.run_sync(member.kill)
            assert await until_not_ready(client)
            with pytest.raises(StoreUnavailableError):
                await client.range(KeyRange("a"))
            await trio.to_thread.run_sync(cluster.members[1].start)
            await until_ready(client)
            await put(client, "a")


@pytest.mark.slow
async def test_an_etcd_that_is_gone_makes_the_store_unready_until_it_is_back(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,))) as client:
        assert client.ready() == "etcd has not answered yet"
        await until_ready(client)
        server.pause()
        assert server.endpoint in await until_not_ready(client)
        server.resume()
        await until_ready(client, 5)


async def test_a_store_that_went_back_is_used_no_more(server: EtcdServer, tmp_path: Path) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=5)) as client:
        await put(client, "a", b"1")
        await trio.to_thread.run_sync(server.stop)
        backup = server.save(tmp_path / "backup")
        await trio.to_thread.run_sync(server.start)
        await put(client, "a", b"2")
        await trio.to_thread.run_sync(server.stop)
        server.restore(backup)
        await trio.to_thread.run_sync(server.start)
        with trio.fail_after(10), pytest.raises(HistoryLostError, match="was at"):
            await client.range(KeyRange("a"))
        with pytest.raises(HistoryLostError):
            await put(client, "a", b"3")
        assert "backup" in (client.ready() or "")
    async with open_etcd(EtcdSettings((server.endpoint,))) as client:
        assert (await client.range(KeyRange("a"))).pairs[0].value == b"1"


async def test_a_cancelled_call_ends_at_once(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=30)) as client:
        await put(client, "a")
        server.pause()
        with trio.fail_after(DEADLINE_S):
            for call in (
                lambda: client.range(KeyRange("a")),
                lambda: client.transaction([], [Put("a", b"")]),
                lambda: client.grant(5),
                lambda: client.keep_alive(5),
                lambda: client.revoke(5),
            ):
                with trio.move_on_after(0.1) as scope:
                    await call()
                assert scope.cancelled_caught


async def test_closing_the_client_waits_for_nothing(server: EtcdServer) -> None:
    with trio.fail_after(DEADLINE_S):
        async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=30)) as client:
            await put(client, "a")
            async with client.watch(KeyRange.prefix("a"), 0) as watch:
                await watch.receive()
                server.pause()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.range, KeyRange("a"))
                    nursery.start_soon(watch.receive)
                    await trio.testing.wait_all_tasks_blocked(0.05)
                    nursery.cancel_scope.cancel()


async def test_a_closed_client_says_so(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,))) as client:
        await put(client, "a")
    with trio.fail_after(DEADLINE_S), pytest.raises(StoreUnavailableError, match="closed"):
        await client.range(KeyRange("a"))


async def test_what_the_body_raises_comes_out_in_no_group(server: EtcdServer) -> None:
    async def fail() -> None:
        async with open_etcd(EtcdSettings((server.endpoint,))) as client:
            async with client.watch(KeyRange("a"), 0):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def test_a_full_etcd_refuses_writes_and_still_reads() -> None:
    async with EtcdServer(["--quota-backend-bytes=1000000"]) as small:
        async with open_etcd(EtcdSettings((small.endpoint,))) as client:
            # etcd learns its size when it commits to disk, ten times a second: until then it takes everything.
            async def fill() -> None:
                for number in itertools.count():
                    await put(client, f"k{number}", bytes(100_000))

            with trio.fail_after(DEADLINE_S), pytest.raises(StoreFullError) as caught:
                await fill()
            assert caught.value.definite
            assert (await client.range(KeyRange("k0"))).pairs
            await until_ready(client)


async def test_a_request_that_etcd_calls_wrong_is_no_outage(server: EtcdServer) -> None:
    async with open_etcd(EtcdSettings((server.endpoint,))) as client:
        with trio.fail_after(DEADLINE_S), pytest.raises(StoreError) as caught:
            await client.transaction([], [Put("", b"")])
        assert isinstance(caught.value, StoreRefusedError)
        assert caught.value.definite
        assert client.ready() is None
