"""A lively market at a steady pace: ``python -m tests.browser.traffic ORDER`` until SIGTERM.

ORDER is JSON: ``url`` of a node, ``game``, ``goods {good: price}``, ``per_s`` (so often a second something happens),
``width`` (in so many goods at once, taken in turn), ``seed``, and ``talk [[name, text] …]``, which is said in the first
minute. Six players, each with a handful of resting orders, walk about the prices at random. At the end one line of
JSON says ``frames`` and ``seconds``: what a spectator was sent, and since when. A process of its own, so that neither
the browser nor the test waits for it.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

import trio
from attrs import Factory, define

from tests.support.process import REPOSITORY
from tradegame import client as tg

NAMES = ("Ines", "Jonas", "Kwame", "Leila", "Mateo", "Nour")
RESTING = 40
"""So many orders a player leaves in the books, the newest."""


@define
class Walk:
    """The price of a good: a walk of small steps that is drawn home when it has strayed."""

    home: int
    chance: random.Random
    price: float = Factory(lambda self: float(self.home), takes_self=True)

    def step(self) -> int:
        drawn = (self.home - self.price) * 0.002
        self.price += drawn + self.chance.gauss(0, self.home * 0.004)
        return max(2, round(self.price))


async def trade(order: dict[str, Any], chance: random.Random, games: list[tg.Game]) -> None:
    """For ever, ``per_s`` times a second: one order in each of the next ``width`` goods."""
    goods = list(order["goods"])
    walks = {good: Walk(price, chance) for good, price in order["goods"].items()}
    resting: dict[str, deque[str]] = {game.client.player.id: deque() for game in games}
    turn = 0

    async def one(good: str) -> None:
        game = chance.choice(games)
        price = walks[good].step()
        side: Literal["bid", "ask"] = chance.choice(("bid", "ask"))
        off = round(abs(chance.gauss(0, 1)) * max(1, price * 0.012)) * (1 if side == "ask" else -1)
        # One in three crosses the spread.
        price = max(1, price - off if chance.random() < 0.35 else price + off)
        with contextlib.suppress(tg.TradeError):  # out of cash, closed: another will trade
            placed = await game.order(good, side, chance.choice((1, 2, 3, 5, 8, 12)), price)
            if placed.resting:
                mine = resting[game.client.player.id]
                mine.append(placed.order)
                if len(mine) > RESTING:
                    await game.cancel(mine.popleft())

    async with trio.open_nursery() as nursery:
        due = trio.current_time()
        while True:
            for _ in range(order["width"]):
                if len(nursery.child_tasks) < 200:  # an overloaded server gets no more
                    nursery.start_soon(one, goods[turn % len(goods)])
                turn += 1
            due = max(due + 1 / order["per_s"], trio.current_time() - 1)
            await trio.sleep_until(due)


async def chat(talk: list[tuple[str, str]], games: dict[str, tg.Game]) -> None:
    for name, text in talk:
        await trio.sleep(60 / len(talk))
        await games[name].say(text)


async def run(order: dict[str, Any]) -> None:
    chance = random.Random(order["seed"])
    async with contextlib.AsyncExitStack() as stack:
        games = []
        for name in NAMES:
            client = await stack.enter_async_context(tg.connect(order["url"], name=name))
            games.append(await client.join(order["game"]))
        watcher = await stack.enter_async_context(tg.connect(order["url"], name="traffic"))
        watched = await watcher.join(order["game"], spectate=True)
        began, first = trio.current_time(), watched.state.seq
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            print("trading", flush=True)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trade, order, chance, games)
                nursery.start_soon(chat, order["talk"], dict(zip(NAMES, games, strict=True)))
                async for _ in signals:
                    break
                nursery.cancel_scope.cancel()
        print(json.dumps({"frames": watched.state.seq - first, "seconds": trio.current_time() - began}), flush=True)


@define
class Traffic:
    """The process, from the test's side."""

    process: subprocess.Popen[str]

    @classmethod
    @contextlib.contextmanager
    def on(
        cls,
        url: str,
        goods: dict[str, int],
        *,
        game: str = "bazaar",
        per_s: float = 20,
        width: int = 1,
        seed: int = 1,
        talk: tuple[tuple[str, str], ...] = (),
    ) -> Iterator[Traffic]:
        """Trades while the block lasts, or until ``stop``."""
        order = {"url": url, "game": game, "goods": goods, "per_s": per_s, "width": width, "seed": seed}
        order["talk"] = talk
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.traffic", json.dumps(order)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "trading\n", "the traffic did not start"
            yield cls(process)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def stop(self) -> float:
        """How many frames a second there were."""
        self.process.send_signal(signal.SIGTERM)
        told, _ = self.process.communicate(timeout=30)
        numbers = json.loads(told)
        return float(numbers["frames"] / numbers["seconds"])


if __name__ == "__main__":
    trio.run(run, json.loads(sys.argv[1]))
