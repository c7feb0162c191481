"""The watch of the etcd store through restarts, compactions and silence: no gap, no repeat, never mute."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
import trio
from attrs import define, field
from structlog.testing import capture_logs

from tests.support.etcd import EtcdCluster, EtcdServer, steadfast_etcd_binary
from tradegame.core.repositories.errors import CompactedError, LeaseLostError, StoreUnavailableError
from tradegame.infra.etcd import EtcdClient, EtcdSettings, open_etcd
from tradegame.infra.etcd.messages import rpc
from tradegame.infra.kv.port import Event, KeyRange, Put, Watch

KEYS = KeyRange.prefix("k/")


@pytest.fixture
async def server() -> AsyncIterator[EtcdServer]:
    async with EtcdServer() as server:
        yield server


@pytest.fixture
async def client(server: EtcdServer) -> AsyncIterator[EtcdClient]:
    async with open_etcd(EtcdSettings((server.endpoint,), timeout_s=5)) as client:
        yield client


async def put(client: EtcdClient, key: str, value: bytes = b"") -> int:
    return (await client.transaction([], [Put(key, value)])).revision


async def put_until_it_is_there(client: EtcdClient, key: str) -> None:
    """Through outages: writes the key again and again, so the watch may see it more than once."""
    while True:
        try:
            await put(client, key)
        except StoreUnavailableError:
            await trio.sleep(0.02)
        else:
            return


async def receive_up_to(watch: Watch, revision: int, deadline_s: float = 15) -> list[Event]:
    events: list[Event] = []
    with trio.fail_after(deadline_s):
        while not events or events[-1].mod_revision < revision:
            batch = await watch.receive()
            events += batch.events
            assert not events or batch.revision >= events[-1].mod_revision
    return events


async def compact(server: EtcdServer, revision: int) -> None:
    def ask() -> None:
        with grpc.insecure_channel(server.endpoint) as channel:
            request = rpc.CompactionRequest(revision=revision, physical=True)
            rpc.KVStub(channel).Compact(request, timeout=5, wait_for_ready=True)

    await trio.to_thread.run_sync(ask)


async def test_a_reader_sees_every_revision_once_through_kills() -> None:
    kills = 3
    seen: list[Event] = []

    async def write(client: EtcdClient) -> None:
        number = 0
        while kills:
            await put_until_it_is_there(client, f"k/{number}")
            number += 1
        await put(client, "k/last")

    async with (
        EtcdServer(binary=steadfast_etcd_binary()) as server,
        open_etcd(EtcdSettings((server.endpoint,), timeout_s=5)) as client,
    ):
        start = await put(client, "start")
        with trio.fail_after(30):
            async with client.watch(KEYS, start) as watch, trio.open_nursery() as nursery:
                nursery.start_soon(write, client)
                while not seen or seen[-1].key != "k/last":
                    seen += (await watch.receive()).events
                    if kills and len(seen) > 100 * (4 - kills):
                        await trio.to_thread.run_sync(server.kill)
                        await trio.to_thread.run_sync(server.start)
                        kills -= 1
    assert [event.mod_revision for event in seen] == list(range(start + 1, start + 1 + len(seen)))


async def test_a_compaction_of_what_a_broken_watch_missed_ends_it(server: EtcdServer, client: EtcdClient) -> None:
    start = await put(client, "start")
    async with Link.to(server) as link, open_etcd(EtcdSettings((link.endpoint,))) as far:
        async with far.watch(KEYS, start) as watch:
            first = await put(client, "k/1")
            assert [event.mod_revision for event in await receive_up_to(watch, first)] == [first]
            link.cut()
            await put(client, "k/2")
            await compact(server, await put(client, "k/3"))
            link.mend()
            with trio.fail_after(30), pytest.raises(CompactedError):
                await watch.receive()


async def test_what_a_broken_watch_missed_comes_when_the_connection_is_back(
    server: EtcdServer, client: EtcdClient
) -> None:
    start = await put(client, "start")
    async with Link.to(server) as link, open_etcd(EtcdSettings((link.endpoint,))) as far:
        async with far.watch(KEYS, start) as watch:
            await receive_up_to(watch, await put(client, "k/1"))
            link.cut()
            missed = [await put(client, f"k/{number}") for number in range(3)]
            link.mend()
            assert [event.mod_revision for event in await receive_up_to(watch, missed[-1])] == missed


@pytest.mark.slow
async def test_a_watch_whose_network_went_silent_is_opened_again(server: EtcdServer, client: EtcdClient) -> None:
    start = await put(client, "start")
    async with Link.to(server) as link, open_etcd(EtcdSettings((link.endpoint,))) as far:
        async with far.watch(KEYS, start) as watch:
            await receive_up_to(watch, await put(client, "k/1"))
            link.swallow()
            last = await put(client, "k/2")
            with trio.fail_after(30):
                while far.ready() is None:  # noqa: ASYNC110 - it is there to be asked, nothing announces it
                    await trio.sleep(0.02)
            link.mend()
            assert [event.mod_revision for event in await receive_up_to(watch, last)] == [last]


async def test_a_watch_from_before_a_compaction_is_refused(server: EtcdServer, client: EtcdClient) -> None:
    start = await put(client, "start")
    for number in range(3):
        last = await put(client, f"k/{number}")
    await compact(server, last)
    async with client.watch(KEYS, start) as watch:
        for _ in range(2):
            with trio.fail_after(30), pytest.raises(CompactedError):
                await watch.receive()
    assert client.ready() is None
    async with client.watch(KEYS, last - 1) as watch:
        assert [event.mod_revision for event in await receive_up_to(watch, last)] == [last]


async def test_a_reader_that_gives_up_waiting_loses_nothing(client: EtcdClient) -> None:
    start = await put(client, "start")
    async with client.watch(KEYS, start) as watch:
        for number in range(20):
            with trio.move_on_after(0.005):
                await watch.receive()
                pytest.fail("nothing was written")
            last = await put(client, f"k/{number}")
            assert [event.mod_revision for event in await receive_up_to(watch, last)] == [last]


async def test_a_watch_may_be_more_than_a_grpc_message_behind(client: EtcdClient) -> None:
    start = await put(client, "start")
    value = bytes(1_000_000)
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(put, client, f"k/{number}", value)
    async with client.watch(KEYS, start) as watch:
        events = await receive_up_to(watch, start + 20)
    assert all(event.value == value for event in events)


async def test_what_vanishes_with_its_lease_is_an_event(client: EtcdClient) -> None:
    lease = await client.grant(1)
    start = (await client.transaction([], [Put("k/leased", b"", lease)])).revision
    async with client.watch(KEYS, start) as watch:
        events = await receive_up_to(watch, start + 1)
    assert [(event.key, event.value) for event in events] == [("k/leased", None)]
    with pytest.raises(LeaseLostError):
        await client.keep_alive(lease)
    with pytest.raises(LeaseLostError):
        await client.transaction([], [Put("k/other", b""), Put("k/leased", b"", lease)])
    assert (await client.range(KeyRange("k/other"))).pairs == ()


@pytest.mark.slow
async def test_a_silent_watch_is_opened_elsewhere() -> None:
    async with EtcdCluster(3) as cluster:
        async with open_etcd(EtcdSettings(cluster.endpoints, timeout_s=5)) as client:
            start = await put(client, "start")
            async with client.watch(KEYS, start) as watch:
                first = await put(client, "k/1")
                await receive_up_to(watch, first)
                cluster.members[0].pause()
                second = await put_on(cluster.endpoints[1:], "k/2")
                events = await receive_up_to(watch, second, 10)
                assert [event.mod_revision for event in events] == [second]
                cluster.members[0].resume()


@define(eq=False)
class Link:
    """A way to a server that can be cut, or made to swallow everything."""

    _server: EtcdServer
    _listener: trio.SocketListener
    _whole: bool = True
    _open: set[trio.SocketStream] = field(factory=set)
    _flowing: trio.Event = field(factory=trio.Event)

    @classmethod
    @asynccontextmanager
    async def to(cls, server: EtcdServer) -> AsyncIterator[Link]:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        link = cls(server, listener)
        link._flowing.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, link._serve, [listener])
            yield link
            nursery.cancel_scope.cancel()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._listener.socket.getsockname()[1]}"

    def cut(self) -> None:
        """Close what is open, refuse what is new."""
        self._whole = False
        for stream in self._open:
            stream.socket.close()

    def swallow(self) -> None:
        """Keep connections and pass nothing on."""
        self._flowing = trio.Event()

    def mend(self) -> None:
        self._whole = True
        self._flowing.set()

    async def _serve(self, near: trio.SocketStream) -> None:
        if not self._whole:
            return
        host, port = self._server.endpoint.split(":")
        far = await trio.open_tcp_stream(host, int(port))
        ends = {near, far}
        self._open |= ends
        try:
            async with near, far, trio.open_nursery() as nursery:
                nursery.start_soon(self._pass_on, near, far, nursery.cancel_scope)
                nursery.start_soon(self._pass_on, far, near, nursery.cancel_scope)
        finally:
            self._open -= ends

    async def _pass_on(self, source: trio.SocketStream, sink: trio.SocketStream, done: trio.CancelScope) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some(65536):
                await self._flowing.wait()
                await sink.send_all(data)
        done.cancel()


async def put_on(endpoints: tuple[str, ...], key: str) -> int:
    async with open_etcd(EtcdSettings(endpoints, timeout_s=5)) as client:
        return await put(client, key)


@pytest.mark.slow
async def test_a_watch_with_nothing_to_tell_stays_open_and_live(client: EtcdClient) -> None:
    start = await put(client, "start")
    with capture_logs() as logs:
        async with client.watch(KEYS, start):
            with trio.move_on_after(8):
                while True:
                    await trio.sleep(0.1)
                    assert client.ready() is None
    assert logs == []


@pytest.mark.slow
async def test_a_reader_that_takes_its_time_is_no_silence_of_etcds(client: EtcdClient) -> None:
    start = await put(client, "start")
    with capture_logs() as logs:
        async with client.watch(KEYS, start) as watch:
            for number in range(600):
                last = await put(client, f"k/{number}", bytes(10_000))
            await trio.sleep(6)
            assert client.ready() is None
            events = await receive_up_to(watch, last)
    assert [event.mod_revision for event in events] == list(range(start + 1, last + 1))
    assert logs == []
