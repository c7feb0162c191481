"""The tests' own network does to a connection what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.robustness.proxy import Proxy


@asynccontextmanager
async def through_a_proxy() -> AsyncIterator[tuple[Proxy, trio.SocketStream]]:
    """A connection to a server that sends back what comes, through a proxy."""

    async def echo(stream: trio.SocketStream) -> None:
        try:
            async for data in stream:
                await stream.send_all(data)
        except trio.BrokenResourceError:
            return

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, echo, listeners)
        proxy = Proxy(f"127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        await nursery.start(proxy.run)
        with trio.fail_after(20):
            async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as stream:
                await stream.send_all(b"hello")
                assert await stream.receive_some() == b"hello"
                yield proxy, stream
        nursery.cancel_scope.cancel()


async def nothing_comes(stream: trio.SocketStream) -> bool:
    with trio.move_on_after(0.2):
        await stream.receive_some()
        return False
    return True


@pytest.mark.parametrize("way", ["to_store", "from_store"])
async def test_what_is_sent_while_a_way_is_cut_comes_once_it_is_mended(way: str) -> None:
    async with through_a_proxy() as (proxy, stream):
        getattr(proxy.weather, way).cut()
        await stream.send_all(b"late")
        assert await nothing_comes(stream)
        proxy.weather.clear()
        assert await stream.receive_some() == b"late"


async def test_while_it_is_cut_no_connection_ends_and_none_begins() -> None:
    async with through_a_proxy() as (proxy, stream):
        proxy.weather.to_store.cut()
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as another:
            await another.send_all(b"anybody?")
            assert await nothing_comes(another)
            assert await nothing_comes(stream)
            proxy.weather.clear()
            assert await another.receive_some() == b"anybody?"


async def test_a_slow_way_delays_both_the_way_there_and_back() -> None:
    async with through_a_proxy() as (proxy, stream):
        proxy.weather.to_store.delay_s = proxy.weather.from_store.delay_s = 0.2
        begun = trio.current_time()
        await stream.send_all(b"one ")
        await stream.send_all(b"two")
        data = b""
        while len(data) < 7:
            data += await stream.receive_some()
        assert data == b"one two"
        assert trio.current_time() - begun >= 0.4


async def test_a_reset_ends_every_connection_and_lets_new_ones_begin() -> None:
    async with through_a_proxy() as (proxy, stream):
        proxy.weather.reset()
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()
        async with await trio.open_tcp_stream("127.0.0.1", proxy.port) as another:
            await another.send_all(b"again")
            assert await another.receive_some() == b"again"


async def test_lost_answers_never_come() -> None:
    async with through_a_proxy() as (proxy, stream):
        await stream.send_all(b"first")
        assert await stream.receive_some() == b"first"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(proxy.lose_answers, 0.3)
            await trio.sleep(0.05)
            await stream.send_all(b"lost")
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some()
