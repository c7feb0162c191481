"""A node whose network to etcd is cut, slow, or resets connections: when it says so, and what its clients get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, field

from tests.e2e.test_staleness import events_logged, unready
from tests.robustness.proxy import Network, Weather
from tests.support.etcd import EtcdCluster, steadfast_etcd_binary
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import BAZAAR

NOT_READY_S = 10.0
BACK_S = 5.0
BUSY_S = 5.0
"""What a busy machine may take on top."""

run = trio.to_thread.run_sync


@define(eq=False)
class Stage:
    """A node that reaches etcd through a network of ours, and one that reaches it directly."""

    etcd: EtcdCluster
    weather: Weather
    far: ServerProcess
    near: ServerProcess
    said: list[str | None] = field(factory=lambda: ["not asked yet"])
    _changed: trio.Event = field(factory=trio.Event)

    async def ask_whether_ready(self) -> None:
        """Keep asking the far node; ``said`` is all that it said, each once until it changed."""
        while True:
            answer = await run(unready, self.far)
            if answer != self.said[-1]:
                self.said.append(answer)
                self._changed.set()
                self._changed = trio.Event()
            await trio.sleep(0.1)

    async def until(self, ready: bool, within_s: float) -> float:
        """Wait until the far node says that it is ready, or is not; how long that took."""
        begun = trio.current_time()
        with trio.fail_after(within_s):
            while (self.said[-1] is None) != ready:
                await self._changed.wait()
        return trio.current_time() - begun


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
async def stage(stack: ExitStack, tmp_path: Path) -> AsyncIterator[Stage]:
    cluster = stack.enter_context(EtcdCluster(3, binary=steadfast_etcd_binary()))
    network = Network.to(cluster.endpoints)
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        far = ServerProcess(network.url, tmp_path, name="far", games=[BAZAAR])
        near = ServerProcess(cluster.url, tmp_path, name="near", games=[BAZAAR])
        for each in (far, near):
            stack.callback(each.close)
            await run(each.start)
        stage = Stage(cluster, network.weather, far, near)
        nursery.start_soon(stage.ask_whether_ready)
        await stage.until(True, 20)
        yield stage
        nursery.cancel_scope.cancel()


def both(weather: Weather) -> None:
    weather.to_store.cut()
    weather.from_store.cut()


def asked_only(weather: Weather) -> None:
    weather.to_store.cut()


def answered_only(weather: Weather) -> None:
    weather.from_store.cut()


@pytest.mark.long
@pytest.mark.parametrize("cut", [both, asked_only, answered_only])
async def test_a_node_that_is_cut_off_says_so_sends_its_clients_away_and_comes_back_up_to_date(
    stage: Stage, stack: ExitStack, cut: Callable[[Weather], None]
) -> None:
    ann = stack.enter_context(await run(Player, stage.far.url, "ann"))
    bob = stack.enter_context(await run(Player, stage.near.url, "bob"))
    joined = await run(partial(ann.ask, "join", game="bazaar"))
    await run(partial(bob.ask, "join", game="bazaar"))
    cut(stage.weather)
    assert await stage.until(False, NOT_READY_S + BUSY_S) <= NOT_READY_S
    assert await run(ann.closed) == (1001, "this node has lost the store")
    refused = await run(_refused, stage.far.url)
    assert (refused["code"], refused["definite"]) == ("unavailable", False)
    moved = stack.enter_context(await run(partial(Player, stage.near.url, token=ann.token)))
    seen = max([joined["seq"], *(frame["seq"] for frame in ann.frames())])
    resumed = await run(partial(moved.ask, "join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen}))
    assert resumed["recovered"]
    last = (await run(partial(bob.ask, "say", game="bazaar", text="meanwhile")))["seq"]

    stage.weather.clear()
    assert await stage.until(True, BACK_S + BUSY_S) <= BACK_S
    back = stack.enter_context(await run(partial(Player, stage.far.url, token=ann.token)))
    again = await run(partial(back.ask, "join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen}))
    assert again["recovered"]
    frames = await run(back.until_seq, last)
    assert [frame["seq"] for frame in frames] == list(range(seen + 1, frames[-1]["seq"] + 1))
    await run(partial(back.ask, "say", game="bazaar", text="here again"))
    troubles = events_logged(stage.far, "etcd_watch_broke")
    assert len(troubles) <= 10  # told when it begins, not at every try


@pytest.mark.long
async def test_a_slow_network_makes_a_node_slow_and_nothing_else(stage: Stage, stack: ExitStack) -> None:
    ann = stack.enter_context(await run(Player, stage.far.url, "ann"))
    await run(partial(ann.ask, "join", game="bazaar"))
    stage.weather.to_store.delay_s = stage.weather.from_store.delay_s = 0.5
    for number in range(8):
        await run(partial(ann.ask, "say", game="bazaar", text=f"slow {number}"))
    again = stack.enter_context(await run(partial(Player, stage.far.url, token=ann.token)))
    await run(partial(again.ask, "join", game="bazaar"))
    assert stage.said == ["not asked yet", None]


@pytest.mark.long
async def test_connections_that_are_reset_all_the_time_lose_nothing(stage: Stage, stack: ExitStack) -> None:
    ann = stack.enter_context(await run(Player, stage.far.url, "ann"))
    bob = stack.enter_context(await run(Player, stage.near.url, "bob"))
    await run(partial(ann.ask, "join", game="bazaar"))
    await run(partial(bob.ask, "join", game="bazaar"))
    async with trio.open_nursery() as nursery:

        async def reset() -> None:
            while True:
                await trio.sleep(0.3)
                stage.weather.reset()

        nursery.start_soon(reset)
        for number in range(20):
            await run(partial(bob.ask, "say", game="bazaar", text=f"through it all {number}"))
            await trio.sleep(0.3)
        nursery.cancel_scope.cancel()
    last = (await run(partial(bob.ask, "say", game="bazaar", text="done")))["seq"]
    frames = [frame["seq"] for frame in await run(ann.until_seq, last)]
    assert frames == list(range(frames[0], last + 1))
    await stage.until(True, BACK_S + BUSY_S)


@pytest.mark.long
async def test_a_compaction_while_a_watch_is_stalled_costs_its_followers_no_frame(
    stage: Stage, stack: ExitStack
) -> None:
    ann = stack.enter_context(await run(Player, stage.far.url, "ann"))
    bob = stack.enter_context(await run(Player, stage.near.url, "bob"))
    await run(partial(ann.ask, "join", game="bazaar"))
    await run(partial(bob.ask, "join", game="bazaar"))
    for _ in range(2):
        stage.weather.from_store.cut()
        for number in range(10):
            last = (await run(partial(bob.ask, "say", game="bazaar", text=f"unseen {number}")))["seq"]
        revision = stage.etcd.members[0].ask("maintenance/status")["header"]["revision"]
        await run(partial(stage.etcd.members[0].ask, "kv/compaction", revision=revision, physical=True))
        await trio.sleep(1)
        stage.weather.reset()  # what was on its way is lost, and has to be read anew
        stage.weather.clear()
        await run(ann.until_seq, last)
    frames = [frame["seq"] for frame in ann.frames()]
    assert frames == list(range(frames[0], frames[-1] + 1))
    assert events_logged(stage.far, "etcd_watch_compacted")


@pytest.mark.slow
async def test_a_killed_leader_of_the_store_holds_commands_up_for_less_than_five_seconds(
    stage: Stage, stack: ExitStack
) -> None:
    players = [stack.enter_context(await run(Player, node.url, "p")) for node in (stage.far, stage.near) * 5]
    longest_s, answered, errors = [0.0] * len(players), 0, []

    async def trade(number: int, player: Player) -> None:
        nonlocal answered
        await run(partial(player.ask, "join", game="bazaar"))
        count = 0
        while True:
            count += 1
            begun, key = trio.current_time(), f"{number}-{count}"
            while "error" in (reply := await run(_say, player, key)):  # with its key, until it is known
                errors.append(reply["error"])
                await trio.sleep(0.1)
            longest_s[number] = max(longest_s[number], trio.current_time() - begun)
            answered += 1
            await trio.sleep(0.05)

    async with trio.open_nursery() as nursery:
        for number, player in enumerate(players):
            nursery.start_soon(trade, number, player)
        for _ in range(2):
            await trio.sleep(2)
            leader = await run(stage.etcd.leader)
            assert leader is not None
            await run(leader.kill)
            await trio.sleep(6)
            await run(leader.start)
        nursery.cancel_scope.cancel()
    assert answered > 100
    assert max(longest_s) < 5 + BUSY_S
    assert all(error["definite"] is False for error in errors)


def _say(player: Player, key: str) -> dict[str, Any]:
    return player.reply(player.send("say", game="bazaar", text=key, key=key))


def _refused(url: str) -> dict[str, Any]:
    with Player(url, hello=False) as player:
        return player.refused("hello", name="late")
