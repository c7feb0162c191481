"""What was asked for long ago does not happen now: it is withdrawn, and said to be. On a clock that jumps."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trio
from msgspec import structs
from trio.testing import MockClock

from tests.robustness.garbage_requests import FIELDS
from tests.support.fake_server import NO_ORDER, FakeServer
from tradegame import client as tg
from tradegame.protocol.requests import KEYED, REQUESTS

UNKNOWN = {"code": "unavailable", "message": "the store did not answer", "definite": False}
BUSY = {"code": "rate_limited", "message": "slower", "definite": True, "retry_after_ms": 20_000}


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    return await nursery.start(FakeServer().run)  # type: ignore[no-any-return]


def connect(server: FakeServer, **options: Any) -> Any:
    wanted = {"name": "ann", "unsent_s": 5.0, "call_deadline": 600.0, **options}
    return tg.connect("ws://fake/ws", dial=server.dial, seed=1, **wanted)


@pytest.fixture
async def game(server: FakeServer) -> AsyncIterator[tg.Game]:
    async with connect(server) as client:
        with trio.fail_after(1_000):
            yield await client.join("bazaar")


def proper(op: str) -> Callable[[tg.Game], Awaitable[Any]]:
    """A call of this command, with what must be said."""
    fields = {field.name: FIELDS[field.name][1] for field in structs.fields(REQUESTS[op]) if field.required}
    return lambda game: getattr(game, op)(**fields)  # type: ignore[no-any-return]


COMMANDS = {op: proper(op) for op in sorted(KEYED - {"join"})}


async def gone(server: FakeServer) -> None:
    """Nobody is there any more, and the client knows."""
    await server.die()
    await server.until_dialled(server.dials + 1)


async def back_after(server: FakeServer, seconds: float) -> None:
    """Nobody is there for so long, then again."""
    await trio.sleep(seconds)
    server.refuse_dials = 0


@pytest.mark.parametrize("op", COMMANDS)
async def test_a_command_that_was_never_sent_is_withdrawn_for_certain(
    server: FakeServer, game: tg.Game, autojump_clock: MockClock, op: str
) -> None:
    await gone(server)
    began = trio.current_time()
    with pytest.raises(tg.TradeError) as caught:
        await COMMANDS[op](game)
    assert trio.current_time() - began == pytest.approx(5, abs=0.1)
    assert (caught.value.code, caught.value.definite) == ("unsent", True)
    assert caught.value.key
    server.refuse_dials = 0
    await game.book("grain")
    assert server.requests(op) == []


async def test_a_connection_that_is_back_in_time_carries_it_out(
    server: FakeServer, game: tg.Game, autojump_clock: MockClock
) -> None:
    await gone(server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(back_after, server, 0.2)
        assert (await game.buy("grain", 1)).filled == 1


async def test_what_only_reads_waits_for_its_deadline(
    server: FakeServer, game: tg.Game, autojump_clock: MockClock
) -> None:
    await gone(server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(back_after, server, 20.0)
        await game.book("grain")


@pytest.mark.parametrize("happened", [True, False])
async def test_what_is_in_doubt_and_late_is_settled_by_its_key_and_does_nothing_now(
    server: FakeServer, game: tg.Game, autojump_clock: MockClock, happened: bool
) -> None:
    server.plan("buy", "drop" if happened else "lose")
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _() -> None:
            await server.until_received("buy")
            server.refuse_dials = math.inf
            await back_after(server, 23.0)

        if happened:
            assert (await game.buy("grain", 1)).filled == 1
        else:
            with pytest.raises(tg.TradeError) as caught:
                await game.buy("grain", 1)
            assert (caught.value.code, caught.value.definite) == ("unsent", True)
        nursery.cancel_scope.cancel()
    (void,) = server.requests("cancel")
    assert (void["order"], void["key"]) == (NO_ORDER, server.requests("buy")[0]["key"])
    assert len(server.requests("buy")) == 1 + happened
    assert [op for op, _ in server.games["bazaar"].effects] == ["buy"] * happened
    assert game.me.goods["grain"] == int(happened)


async def test_a_store_that_does_not_answer_for_long_does_nothing_late_either(
    server: FakeServer, game: tg.Game, autojump_clock: MockClock
) -> None:
    server.always["buy"] = UNKNOWN
    with pytest.raises(tg.TradeError) as caught:
        await game.buy("grain", 1)
    assert (caught.value.code, caught.value.definite) == ("unsent", True)
    sent = len(server.requests("buy"))
    await trio.sleep(60)
    assert (len(server.requests("buy")), len(server.requests("cancel"))) == (sent, 1)


async def test_what_was_not_taken_in_for_the_rate_is_not_sent_again_late(
    server: FakeServer, game: tg.Game, autojump_clock: MockClock
) -> None:
    server.plan("buy", BUSY)
    with pytest.raises(tg.TradeError) as caught:
        await game.buy("grain", 1)
    assert (caught.value.code, caught.value.definite) == ("rate_limited", True)
    await trio.sleep(60)
    assert len(server.requests("buy")) == 1


async def test_without_that_patience_a_command_waits_for_its_deadline(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server, unsent_s=math.inf) as client:
        game = await client.join("bazaar")
        await gone(server)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(back_after, server, 23.0)
            assert (await game.buy("grain", 1)).filled == 1
