"""The Python client among real nodes on a real etcd that are killed, stopped, ended and restarted under it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import trio
import trio.testing

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdServer
from tests.support.process import ServerProcess
from tests.support.server import BAZAAR, ServerThread
from tradegame import client as tg

DEADLINE_S = 60.0
Cluster = Callable[[int], list[ServerProcess]]
Node = TypeVar("Node", ServerProcess, ServerThread)


@pytest.fixture
def cluster(etcd: EtcdServer, tmp_path: Path) -> Iterator[Cluster]:
    """Starts so many nodes on one store."""
    url = fresh_etcd_url(etcd)
    with contextlib.ExitStack() as stack:

        def start(count: int) -> list[ServerProcess]:
            nodes = [ServerProcess(url, tmp_path, name=f"node{number}", games=[BAZAAR]) for number in range(count)]
            for node in nodes:
                stack.callback(node.close)
                node.launch()
            for node in nodes:
                node.wait_serving()
            return nodes

        yield start


class Trader:
    """Trades, one command after another, and writes down what it was told and what it saw."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.failed: list[tg.TradeError] = []
        self.key = 0

    async def trade(self, game: tg.Game, times: int = 1, pause_s: float = 0.0) -> None:
        """Say something, with a key of its own: the only command that no market can refuse."""
        for _ in range(times):
            self.key += 1
            began = trio.current_time()
            try:
                await game.say(f"number {self.key}", key=f"k{self.key}")
            except tg.TradeError as error:
                self.failed.append(error)
            self.took.append(trio.current_time() - began)
            await trio.sleep(pause_s)


@asynccontextmanager
async def playing(*urls: str, name: str = "ann") -> AsyncIterator[tuple[tg.Client, tg.Game, Trader]]:
    with trio.fail_after(DEADLINE_S):
        async with tg.connect(*urls, name=name) as client:
            yield client, await client.join("bazaar"), Trader()


async def said_by(game: tg.Game, events: tg.EventStream, last: str) -> list[tuple[int, str]]:
    """What this player said, as the events told it, up to the text ``last``; no frame may have been missed."""
    said: list[tuple[int, str]] = []
    while not said or said[-1][1] != last:
        event = await anext(events)
        assert not isinstance(event, tg.Reset | tg.Lagged)
        if isinstance(event, tg.Said) and event.player == game.client.player.id:
            said.append((event.seq, event.text))
    return said


def node_of(client: tg.Client, nodes: Sequence[Node]) -> Node:
    return next(node for node in nodes if node.url == client.status.url)


async def until_told_of(client: tg.Client, url: str, nodes: set[str]) -> None:
    """Wait until ``hello`` at this URL tells of exactly these nodes: the register's news takes a moment."""
    while True:
        async with tg.connect(url, token=client.token) as other:
            assert other.server.nodes[0] == url
            if set(other.server.nodes) == nodes:
                return
        await trio.sleep(0.1)


async def test_it_goes_on_at_a_node_it_was_only_told_of_when_its_own_is_killed(cluster: Cluster) -> None:
    east, west = cluster(2)
    async with playing(east.url) as (client, game, trader):
        await until_told_of(client, east.url, {east.url, west.url})
    async with playing(east.url, name="bob") as (client, game, trader):
        assert client.urls == (east.url, west.url)
        events = game.events()
        await trader.trade(game, 20)
        await trio.to_thread.run_sync(east.kill)
        await trader.trade(game, 20)
        assert node_of(client, [east, west]) is west
        assert trader.failed == []
        assert (await game.say("number 3", key="k3")).replayed
        said = await said_by(game, events, "number 40")
        assert [text for _, text in said] == [f"number {number}" for number in range(1, 41)]
        assert (client.statistics().failovers, client.player.name) == (1, "bob")


async def test_a_node_that_ends_in_order_sends_its_clients_on_at_once(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url) as one, ServerThread(url) as two:
        async with playing(one.url, two.url) as (client, game, trader):
            events = game.events()
            first = node_of(client, [one, two])
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, first.stop)
                while node_of(client, [one, two]) is first:
                    await trader.trade(game, pause_s=0.01)
            await trader.trade(game, 5)
            assert trader.failed == []
            said = await said_by(game, events, f"number {trader.key}")
            assert len(said) == trader.key
            other = two if first is one else one
            await until_told_of(client, other.url, {other.url})


async def test_a_frozen_node_is_left_within_seconds_and_what_it_does_later_has_no_second_effect(
    cluster: Cluster,
) -> None:
    nodes = cluster(2)
    async with playing(*(node.url for node in nodes)) as (client, game, trader):
        await trader.trade(game, 3)
        frozen = node_of(client, nodes)
        await trio.to_thread.run_sync(frozen.pause)
        bought = await game.buy("grain", 2, key="buy")
        assert node_of(client, nodes) is not frozen
        frozen.resume()
        await trader.trade(game, 3)
        again = await game.buy("grain", 2, key="buy")
        assert (again.replayed, again.cost) == (True, bought.cost)
        assert (await game.refresh_me()).goods["grain"] == 2
        assert trader.failed == []


async def test_a_token_in_hand_is_the_same_player_at_a_learned_node(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url) as east, ServerThread(url) as west:
        async with playing(east.url) as (client, _, _):
            async with tg.connect(west.url, token=client.token) as again:
                assert again.player == client.player


@pytest.mark.slow
async def test_a_client_that_was_itself_held_up_does_not_blame_its_node(cluster: Cluster) -> None:
    nodes = cluster(2)
    async with playing(*(node.url for node in nodes)) as (client, game, trader):
        await trader.trade(game, 3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trader.trade, game)
            await trio.testing.wait_all_tasks_blocked()
            time.sleep(8)  # noqa: ASYNC251 - the whole process stands still, as when it is stopped
        await trader.trade(game, 3)
        assert trader.failed == []
        assert client.statistics().reconnects == 0


@pytest.mark.slow
async def test_a_hundred_clients_of_a_killed_node_are_answered_elsewhere_within_seconds(cluster: Cluster) -> None:
    nodes = cluster(3)
    traders = [Trader() for _ in range(100)]
    over: list[float] = []
    went: dict[str, int] = {}
    ready, killed = trio.Event(), trio.Event()

    async def play(trader: Trader) -> None:
        async with tg.connect(nodes[0].url, nodes[1].url, nodes[2].url) as client:
            game = await client.join("bazaar")
            await trader.trade(game)
            if all(each.took for each in traders):
                ready.set()
            await killed.wait()
            began = trio.current_time()
            await trader.trade(game)
            over.append(trio.current_time() - began)
            went[client.status.url] = went.get(client.status.url, 0) + 1

    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            for trader in traders:
                nursery.start_soon(play, trader)
            await ready.wait()
            await trio.to_thread.run_sync(nodes[0].kill)
            killed.set()
    over.sort()
    print(f"first answer elsewhere: p50 {over[50]:.3f} s, p99 {over[98]:.3f} s, most {over[-1]:.3f} s; {went}")
    assert [trader.failed for trader in traders if trader.failed] == []
    assert min(went.get(node.url, 0) for node in nodes[1:]) > 20
    assert over[98] < 10  # 2 on a machine of its own


@pytest.mark.slow
async def test_a_rolling_restart_of_three_nodes_fails_no_command_and_leaves_no_gap(cluster: Cluster) -> None:
    nodes = cluster(3)
    traders = [Trader() for _ in range(30)]
    failovers: list[int] = []
    rolled = trio.Event()

    async def play(number: int, trader: Trader) -> None:
        async with tg.connect(nodes[number % 3].url, name=f"player {number}") as client:
            game = await client.join("bazaar")
            events = game.events(buffer=100_000)
            while not rolled.is_set():
                await trader.trade(game, pause_s=0.05)
            await trader.trade(game)
            said = await said_by(game, events, f"number {trader.key}")
            assert [text for _, text in said] == [f"number {number}" for number in range(1, trader.key + 1)]
            failovers.append(client.statistics().failovers)

    with trio.fail_after(240):
        async with trio.open_nursery() as nursery:
            for number, trader in enumerate(traders):
                nursery.start_soon(play, number, trader)
            for node in nodes:
                await trio.sleep(2)
                assert await trio.to_thread.run_sync(node.terminate) == 0
                await trio.to_thread.run_sync(node.start)
            await trio.sleep(1)
            rolled.set()
    took = sorted(each for trader in traders for each in trader.took)
    print(f"{len(took)} commands, p99 {took[len(took) * 99 // 100]:.3f} s, most {took[-1]:.3f} s, {failovers=}")
    assert [error for trader in traders for error in trader.failed] == []
    assert sum(failovers) >= len(traders)


async def test_what_is_advertised_is_what_hello_tells(etcd: EtcdServer) -> None:
    address = "wss://one.example.org/ws"
    with ServerThread(fresh_etcd_url(etcd), flags={"server.advertise": address}) as node:
        async with playing(node.url) as (client, _, _):
            assert client.server.nodes == (address,)
            assert client.urls == (node.url,)
