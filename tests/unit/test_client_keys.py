"""What a client says so that late copies are told from new commands. In memory, on a clock that jumps."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.fake_server import FakeGame, FakeServer
from tradegame import client as tg
from tradegame.client.keys import Told
from tradegame.protocol.bounds import KEYS_REMEMBERED

DOCS = Path(__file__).parents[2] / "docs"
UNKNOWN = {"code": "unavailable", "message": "the store did not answer", "definite": False}
BUSY = {"code": "rate_limited", "message": "slower", "definite": True, "retry_after_ms": 500}


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    return await nursery.start(FakeServer().run)  # type: ignore[no-any-return]


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[tg.Client]:
    async with tg.connect("ws://fake/ws", dial=server.dial, seed=1, name="ann", call_deadline=20.0) as client:
        with trio.fail_after(300):
            yield client


def said(server: FakeServer, op: str) -> list[tuple[int, str]]:
    return [(request["since"], request["epoch"]) for request in server.requests(op)]


def others(game: FakeGame, count: int, player: str = "p1") -> None:
    """So many keys of the same player come by other connections, and this client is not told."""
    for number in range(count):
        game.outcomes[player, f"other-{game.accounts[player]['keys']}-{number}"] = {"seq": 0}
    game.accounts[player] = {**game.accounts[player], "keys": game.accounts[player]["keys"] + count}
    for name in game.remembered(player)[:-KEYS_REMEMBERED]:
        del game.outcomes[name]


async def test_a_command_says_what_the_client_was_told_by_joins_answers_and_accounts(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    for _ in range(3):
        await game.say("x")
    assert said(server, "say") == [(0, "e1"), (1, "e1"), (2, "e1")]
    account = {**server.games["bazaar"].accounts["p1"], "keys": 9}
    server.games["bazaar"].accounts["p1"]["keys"] = 9
    await server.push({"push": "account", "game": "bazaar", "seq": 3, "account": account}, "p1")
    await game.until(lambda game: game.me is not None and game.me.keys == 9)
    await game.say("x")
    assert said(server, "say")[-1] == (9, "e1")


async def test_every_copy_that_may_be_carried_out_says_the_same(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", UNKNOWN, "drop")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        await server.until_received("buy")
        await game.say("newer")
    assert len(said(server, "buy")) > 2
    assert (
        len(
            {(request["key"], *copy) for request, copy in zip(server.requests("buy"), said(server, "buy"), strict=True)}
        )
        == 1
    )


async def test_one_that_was_surely_not_taken_in_says_the_newest_when_it_goes_again(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", BUSY)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(game.buy, "grain", 1)
        await server.until_received("buy")
        await game.say("newer")
    assert [since for since, _ in said(server, "buy")] == [0, 1]


async def test_the_only_copy_that_is_stale_did_nothing_and_the_command_is_made_anew(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    others(server.games["bazaar"], 300)
    assert not (await game.buy("grain", 1)).replayed
    assert [since for since, _ in said(server, "buy")] == [0, 300]
    first, second = server.requests("buy")
    assert first["key"] != second["key"]


async def test_a_stale_copy_of_a_command_in_doubt_is_told_and_not_made_anew(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "ignore")
    with trio.move_on_after(1) as given_up:
        await game.buy("grain", 1, key="mine")
    assert given_up.cancelled_caught
    server.plan("sell", "lose")
    others(server.games["bazaar"], 300)
    with pytest.raises(tg.TradeError) as caught:
        await game.buy("grain", 1, key=tg.Key("mine", 0, "e1"))
    assert (caught.value.code, caught.value.definite, caught.value.key) == ("stale", False, "mine")
    assert server.games["bazaar"].effects == [("buy", "mine")]


async def test_a_command_whose_answer_was_lost_and_is_stale_when_asked_again_is_in_doubt(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "doubt")
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _() -> None:
            with pytest.raises(tg.TradeError) as caught:
                await game.buy("grain", 1)
            assert (caught.value.code, caught.value.definite) == ("stale", False)

        await server.until_received("buy")
        others(server.games["bazaar"], 300)
    assert [op for op, _ in server.games["bazaar"].effects] == ["buy"]


async def test_an_error_in_doubt_has_all_that_the_same_copy_says(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    await game.say("x")
    server.plan("buy", "ignore")
    with pytest.raises(tg.TradeError) as caught:
        await game.buy("grain", 1)
    key = caught.value.key
    assert key is not None
    assert (key.since, key.epoch) == (1, "e1")
    await game.say("newer")
    assert (await game.buy("grain", 1, key=key)).replayed
    assert {(request["key"], request["since"]) for request in server.requests("buy")} == {(str(key), 1)}


async def test_the_text_of_a_key_in_doubt_stands_for_the_same_copy(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    server.plan("buy", "ignore")
    with pytest.raises(tg.TradeError, match="timeout"):
        await game.buy("grain", 1, key="mine")
    server.plan("sell", "ignore")
    with trio.move_on_after(1):
        await game.sell("grain", 1, key="cancelled")
    others(server.games["bazaar"], 300)
    await game.say("x")
    for call, key in ((game.buy, "mine"), (game.sell, "cancelled")):
        with pytest.raises(tg.TradeError, match="stale") as caught:
            await call("grain", 1, key=key)
        assert not caught.value.definite
    assert [op for op, _ in server.games["bazaar"].effects] == ["buy", "sell", "say"]


async def test_a_key_that_was_written_down_is_the_same_copy_in_another_process(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    key = game.new_key()
    written = {"key": str(key), "since": key.since, "epoch": key.epoch}
    server.plan("buy", "drop")
    with trio.move_on_after(0.5):
        await game.buy("grain", 1, key=key)
    async with tg.connect("ws://fake/ws", dial=server.dial, seed=2, token=client.token) as later:
        again = await later.join("bazaar")
        assert (await again.buy("grain", 1, key=tg.Key(**written))).replayed
        others(server.games["bazaar"], 300)
        with pytest.raises(tg.TradeError, match="stale"):
            await again.buy("grain", 1, key=tg.Key(**written))
    assert len(server.games["bazaar"].effects) == 1


async def test_a_game_that_was_made_anew_gets_no_command_of_the_old_one(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    await game.say("old")
    server.games["bazaar"] = FakeGame("bazaar")
    server.games["bazaar"].epoch = "e2"
    server.games["bazaar"].accounts["p1"] = {"keys": 0}
    with pytest.raises(tg.TradeError) as caught:
        await game.cancel("o1")
    assert (caught.value.code, caught.value.definite) == ("epoch_over", True)
    assert server.games["bazaar"].effects == []
    server.games["bazaar"].accounts.clear()
    await server.push({"push": "gone", "game": "bazaar", "epoch": "e1"})
    await game.until(lambda game: game.state.epoch == "e2")
    await game.say("new")
    assert said(server, "say")[-1] == (0, "e2")


async def test_a_store_that_went_back_is_believed(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock
) -> None:
    game = await client.join("bazaar")
    for _ in range(5):
        await game.say("x")
    server.games["bazaar"].accounts["p1"]["keys"] = 2
    await game.say("y")
    assert [since for since, _ in said(server, "say")][-2:] == [5, 2]


async def test_to_a_server_of_before_nothing_is_said_that_it_does_not_know(
    server: FakeServer, client: tg.Client, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = FakeServer._join

    def without(self: FakeServer, peer: Any, frame: Any) -> Any:
        replies = joined(self, peer, frame)
        replies[0]["ok"]["me"] = {name: value for name, value in replies[0]["ok"]["me"].items() if name != "keys"}
        return replies

    monkeypatch.setattr(FakeServer, "_join", without)
    monkeypatch.setattr(FakeServer, "_refused", lambda self, peer, frame: None)
    game = await client.join("bazaar")
    await game.cancel("o1")
    assert not {"since", "epoch"} & server.requests("cancel")[0].keys()


@pytest.mark.parametrize("fate", ["lose", "drop", "ignore", "doubt"])
async def test_the_outbox_of_the_documentation_buys_once_wherever_it_is_killed(
    server: FakeServer,
    client: tg.Client,
    autojump_clock: MockClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fate: str,
) -> None:
    (text,) = re.findall(r"```python\n(outbox = .*?)```", (DOCS / "bots.md").read_text(), re.S)
    code = compile(text, "bots.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {name: getattr(tg, name) for name in ("Key", "TradeError")}
    monkeypatch.chdir(tmp_path)
    await client.join("bazaar")

    async def start() -> None:
        told = {"connect": partial(tg.connect, dial=server.dial, seed=1), "token": client.token}
        await eval(code, {**names, **told, "Path": Path, "json": json})

    server.plan("buy", fate)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(start)
        await server.until_received("buy")
        nursery.cancel_scope.cancel()  # it is killed
    assert (tmp_path / "outbox.json").exists()
    others(server.games["bazaar"], 20)
    await start()
    assert [op for op, _ in server.games["bazaar"].effects] == ["buy"]
    assert not (tmp_path / "outbox.json").exists()


def test_what_was_told_never_falls_but_for_another_epoch() -> None:
    told = Told()
    assert told.now("g") == (None, None)
    told.joined("g", "e1", 5)
    told.joined("g", "e1", 3)
    told.answered("g", "e1", 4, went_back=False)
    assert told.now("g") == (5, "e1")
    told.answered("g", "e1", 7, went_back=False)
    told.answered("g", "e0", 9, went_back=False)
    assert told.now("g") == (7, "e1")
    told.joined("g", "e2", 0)
    told.answered("g", "e1", 8, went_back=False)
    assert told.now("g") == (0, "e2")
