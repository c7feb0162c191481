"""The client over real sockets: what memory streams cannot show. Nothing here waits for luck, only under deadlines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.support.fake_server import FakeServer
from tradegame import client as tg


@asynccontextmanager
async def serving(fake: FakeServer | None = None) -> AsyncIterator[tuple[FakeServer, str]]:
    fake = fake or FakeServer()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            server = await nursery.start(fake.serve)
            yield fake, f"ws://127.0.0.1:{server.port}/ws"
            nursery.cancel_scope.cancel()


async def test_it_trades_breaks_and_resumes_over_tcp() -> None:
    async with serving() as (fake, url), tg.connect(url, name="ann") as client:
        game = await client.join("bazaar")
        assert (await game.buy("grain", 2)).filled == 2
        fake.plan("buy", "drop")
        assert (await game.buy("grain", 2)).replayed
        await game.until(lambda game: game.state.goods["grain"].volume == 4)


async def test_a_url_without_a_path_means_ws() -> None:
    async with serving() as (_, url), tg.connect(url.removesuffix("/ws")) as client:
        assert client.status.url == url


async def test_closing_is_polite_and_quick() -> None:
    async with serving() as (fake, url):
        async with tg.connect(url) as client:
            await client.ping()
            ws = fake.peers[0].ws
            began = trio.current_time()
        assert trio.current_time() - began < 0.5
        await fake.until_peers(0)
        assert ws.closed is not None
        assert ws.closed.code == 1000


async def test_a_server_that_closes_before_the_handshake_is_not_waited_for() -> None:
    async def slam(stream: trio.SocketStream) -> None:
        await stream.aclose()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            await nursery.start(trio.serve_listeners, slam, listeners)
            port = listeners[0].socket.getsockname()[1]

            def told(status: tg.Status) -> None:
                if status.kind == "waiting":
                    assert "before the handshake" in status.reason
                    nursery.cancel_scope.cancel()

            async with tg.connect(f"ws://127.0.0.1:{port}/ws", on_status=told):
                pytest.fail("connected")


async def test_cancelling_the_block_ends_it_at_once() -> None:
    async with serving() as (_, url):
        with trio.move_on_after(0.2) as scope:
            async with tg.connect(url) as client:
                game = await client.join("bazaar")
                await game.until(lambda _: False)
        assert scope.cancelled_caught


async def test_a_cancelled_client_in_a_nursery_leaves_no_exception_group() -> None:
    async with serving() as (fake, url):

        async def play() -> None:
            async with tg.connect(url) as client:
                game = await client.join("bazaar")
                async with trio.open_nursery() as calls:
                    for _ in range(20):
                        calls.start_soon(game.buy, "grain", 1)
                    fake.plan("buy", *["ignore"] * 20)
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            await fake.until_received("buy", 5)
            nursery.cancel_scope.cancel()
