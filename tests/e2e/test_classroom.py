"""A class at the double auction, over sockets: the debrief says what was seen of the trade.

How much of the gains they realise is for ``tests/unit/test_a_class_finds_the_price.py``: over sockets that hangs on how
old what a bot sees is, and so on the machine.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from tests.support.server import ADMIN_TOKEN, ServerThread
from tradegame.bots import ZeroIntelligence
from tradegame.client import Trade, connect
from tradegame.client.game import Game
from tradegame.infra.config.presets import presets

ROUNDS = 3
DEADLINE_S = 240


async def test_ten_students_play_a_round_that_the_host_opens_and_closes() -> None:
    await play(10, 1, pace=0.05, enough=400)


@pytest.mark.slow
async def test_forty_students_play_three_rounds() -> None:
    await play(40, ROUNDS, pace=0.25, enough=3_000)


async def play(students: int, rounds: int, *, pace: float, enough: int) -> None:
    """``enough``: so many decisions of all together, in a round."""
    table = {name: value for name, value in presets()["classroom"].items() if name != "rounds"}
    with ServerThread("memory:", games=[table]) as server:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with httpx.AsyncClient(base_url=server.http, headers=headers) as host:

            async def turn(phase: str) -> None:
                (await host.post("/v1/games/classroom/phase", json={"phase": phase})).raise_for_status()

            await turn("lobby")
            seen: list[Trade] = []
            with trio.fail_after(DEADLINE_S):
                async with trio.open_nursery() as nursery:
                    bots = [ZeroIntelligence(f"student-{number}", pace) for number in range(students)]
                    watching: Game = await nursery.start(watch, server.url, seen)
                    for number, bot in enumerate(bots):
                        await nursery.start(attend, server.url, f"student-{number}", bot)
                    for number in range(1, rounds + 1):
                        seen.clear()
                        before = sum(bot.tally.commands for bot in bots)
                        await turn("open")
                        while sum(bot.tally.commands for bot in bots) < before + enough:  # noqa: ASYNC110 - the bots count, and tell nobody
                            await trio.sleep(0.02)
                        await turn("closed")
                        await watching.until(lambda game: game.state.phase == "closed")
                        told = (await host.get("/v1/games/classroom/debrief")).json()["rounds"][-1]
                        check(told, seen, students)
                        if number < rounds:
                            await turn("lobby")
                    nursery.cancel_scope.cancel()


async def attend(
    url: str, name: str, bot: ZeroIntelligence, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    async with connect(url, name=name) as client:
        game = await client.join("classroom")
        task_status.started()
        await bot.run(game)


async def watch(url: str, seen: list[Trade], *, task_status: trio.TaskStatus[Game] = trio.TASK_STATUS_IGNORED) -> None:
    async with connect(url, name="onlooker") as client:
        game = await client.join("classroom", spectate=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect, game, seen)
            task_status.started(game)


async def collect(game: Game, seen: list[Trade]) -> None:
    async for event in game.events(buffer=100_000):
        if isinstance(event, Trade):
            seen.append(event)


def check(told: dict[str, Any], seen: list[Trade], students: int) -> None:
    """The debrief, against the trades that were shown to everybody."""
    wheat = told["goods"]["wheat"]
    assert len(told["players"]) == students
    assert (len(wheat["demand"]), len(wheat["supply"])) == (3 * students // 2, 3 * students // 2)
    assert (wheat["trades"], wheat["volume"]) == (len(seen), sum(trade.qty for trade in seen))
    assert wheat["notional"] == sum(trade.price * trade.qty for trade in seen)
    # who bought how much, by the tape alone, at what the best units would be worth
    pairs = list(zip(wheat["demand"], wheat["supply"], strict=True))
    assert told["max_surplus"] == sum(max(0, value - cost) for value, cost in pairs)
    assert told["surplus"] == sum(row["gain"] for row in told["players"])  # there is no fee: what trade made is theirs
    assert told["efficiency_bps"] == told["surplus"] * 10_000 // told["max_surplus"]
    print(f"efficiency {told['efficiency_bps'] / 100} %, {wheat['volume']} of {wheat['equilibrium']['qty']} units")
