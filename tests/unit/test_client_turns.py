"""A server forgets: whose key may be forgotten is not passed by others. In memory, on a clock that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.fake_server import FakeGame, FakeServer
from tradegame import client as tg
from tradegame.client.turns import WINDOW

BUSY = {"code": "rate_limited", "message": "slower", "definite": True, "retry_after_ms": 500}
UNKNOWN = {"code": "unavailable", "message": "the store did not answer", "definite": False}
MANY = 300
"""More than a server remembers."""


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    return await nursery.start(FakeServer().run)  # type: ignore[no-any-return]


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[tg.Client]:
    async with tg.connect("ws://fake/ws", dial=server.dial, seed=1, name="ann") as client:
        with trio.fail_after(120):  # on the test's clock, which jumps only where the test itself asks for it
            yield client


def keys(server: FakeServer, op: str) -> list[str]:
    return [request["key"] for request in server.requests(op)]


async def sell_many(game: tg.Game) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(MANY):
            nursery.start_soon(game.sell, "grain", 1)


async def test_a_command_that_stays_unknown_while_many_others_are_given_happens_once(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "doubt", *[UNKNOWN] * 6)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        await server.until_received("buy")
        nursery.start_soon(sell_many, game)
    effects = [op for op, _ in server.games["bazaar"].effects]
    assert (effects.count("buy"), effects.count("sell")) == (1, MANY)


async def test_of_an_unsettled_command_only_so_many_newer_ones_are_sent_until_its_deadline(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "ignore")
    began = trio.current_time()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _() -> None:
            with pytest.raises(tg.TradeError, match="timeout"):
                await game.buy("grain", 1)

        await server.until_received("buy")
        await trio.sleep(5)  # those behind it have a deadline, too
        nursery.start_soon(sell_many, game)
        await trio.sleep(24)
        assert len(keys(server, "sell")) == WINDOW - 1
        await server.until_received("sell", MANY)
    assert trio.current_time() - began == pytest.approx(30, abs=0.5)


async def test_a_command_that_is_given_up_holds_nobody_up(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "ignore")
    with trio.move_on_after(3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(game.buy, "grain", 1)
            await trio.sleep_forever()
    began = trio.current_time()
    await sell_many(game)
    assert trio.current_time() - began < 1


async def test_reads_and_other_games_do_not_wait_for_a_games_unsettled_command(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    server.games["other"] = FakeGame("other")
    game, other = await client.join("bazaar"), await client.join("other")
    server.plan("buy", "ignore")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        nursery.start_soon(sell_many, game)
        await server.until_received("sell", WINDOW - 1)
        with trio.fail_after(1):
            await game.book("grain")
            await other.say("hello")
        nursery.cancel_scope.cancel()


async def test_what_was_surely_not_taken_in_lets_all_others_pass(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", BUSY | {"retry_after_ms": 20_000})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        await server.until_received("buy")
        with trio.fail_after(1):
            await sell_many(game)
        assert len(keys(server, "buy")) == 1


async def test_who_was_asked_first_goes_first_though_it_was_refused_meanwhile(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", BUSY)
    server.plan("say", "ignore")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        await server.until_received("buy")
        with trio.move_on_after(5):
            async with trio.open_nursery() as blocking:
                blocking.start_soon(game.say, "this is never answered")
                await server.until_received("say")
                nursery.start_soon(sell_many, game)
                await trio.sleep_forever()
    ops = [frame["op"] for frame in server.received if frame["op"] in ("buy", "sell")]
    assert ops[: WINDOW + 1] == ["buy", *["sell"] * (WINDOW - 1), "buy"]


async def test_nothing_new_is_sent_while_what_may_have_happened_is_refused_by_the_rate(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "doubt", *[BUSY] * 3)
    new: list[Any] = [(game.sell, "grain", 1), (game.say, "hello"), (game.book, "grain")]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        await server.until_received("buy", 2)
        for call in new:
            nursery.start_soon(*call)
    ops = [frame["op"] for frame in server.received if frame["op"] not in ("hello", "join")]
    assert ops[:5] == ["buy"] * 5
    assert sorted(ops[5:]) == ["book", "say", "sell"]


async def test_on_a_new_connection_what_may_have_happened_goes_first_and_in_its_order(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("sell", *["ignore"] * WINDOW)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sell_many, game)
        await server.until_received("sell", WINDOW)
        nursery.start_soon(game.say, "new")
        await trio.sleep(1)
        await server.break_all()
    sells = keys(server, "sell")
    assert sells[WINDOW : 2 * WINDOW] == sells[:WINDOW]
    ops = [frame["op"] for frame in server.received if frame["op"] in ("sell", "say")]
    assert ops.index("say") >= 2 * WINDOW
    assert len([op for op, _ in server.games["bazaar"].effects if op == "sell"]) == MANY
