"""The client among several nodes that die, freeze, go away or are of no use: in memory, on a clock that jumps."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.fake_server import FakeServer
from tradegame import client as tg

UNAVAILABLE = {"code": "unavailable", "message": "the store did not answer", "definite": False}
OVERLOADED = {"code": "overloaded", "message": "later", "definite": True, "retry_after_ms": 100}
REFUSED = {"code": "unauthorized", "message": "the token is unknown", "definite": True}


def url(name: str) -> str:
    return f"ws://{name}/ws"


async def cluster(nursery: trio.Nursery, *names: str) -> list[FakeServer]:
    """Nodes of one server, each telling of all."""
    nodes = [FakeServer(names[0])]
    nodes += [FakeServer(name, beside=nodes[0]) for name in names[1:]]
    for node in nodes:
        own = node.server_info["node"]
        node.server_info["nodes"] = [url(own), *(url(name) for name in names if name != own)]
        await nursery.start(node.run)
    return nodes


@pytest.fixture
async def three(nursery: trio.Nursery) -> list[FakeServer]:
    return await cluster(nursery, "a", "b", "c")


def connect(node: FakeServer, *names: str, seed: int = 1, **options: Any) -> Any:
    """A client that is given the URLs of these nodes, or only that of ``a``."""
    urls = [url(name) for name in names or ("a",)]
    return tg.connect(*urls, dial=node.dial_any, seed=seed, **({"name": "ann"} | options))


def at(client: tg.Client, nodes: list[FakeServer]) -> FakeServer:
    """The node that it is connected to."""
    return next(node for node in nodes if url(node.server_info["node"]) == client.status.url)


async def until_it_left(client: tg.Client, node: FakeServer) -> None:
    while client.status.url == url(node.server_info["node"]):  # noqa: ASYNC110 - on a clock that jumps
        await trio.sleep(0.1)


async def play_through(client: tg.Client, seconds: float, key_prefix: str = "k") -> list[float]:
    """Trade for so long, without a pause; how long each command took."""
    game, took = await client.join("bazaar"), []
    end = trio.current_time() + seconds
    for number in itertools.count():
        began = trio.current_time()
        if began >= end:
            return took
        await game.buy("grain", 1, key=f"{key_prefix}{number}")
        took.append(trio.current_time() - began)
        await trio.sleep(0.05)
    raise AssertionError


async def test_it_learns_the_other_nodes_from_hello(three: list[FakeServer], autojump_clock: MockClock) -> None:
    async with connect(three[0]) as client:
        assert client.server.nodes == (url("a"), url("b"), url("c"))
        assert client.urls == (url("a"), url("b"), url("c"))


async def test_when_its_node_is_killed_it_goes_on_at_another_without_gap_or_double(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    three[0].plan("buy", "", "", "drop")
    async with connect(three[0]) as client:
        game = await client.join("bazaar")
        seen: list[int] = []
        events = game.events()
        for number in range(3):
            if number == 2:
                three[0].refuse_dials = 10_000
            began = trio.current_time()
            await game.buy("grain", 1)
            assert trio.current_time() - began < 0.5
        assert at(client, three) is not three[0]
        assert (client.statistics().failovers, client.statistics().reconnects) == (1, 1)
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 3)
            while len(seen) < 3:
                event = await anext(events)
                if isinstance(event, tg.Trade):
                    seen.append(event.seq)
        assert seen == [1, 2, 3]
    assert len(three[0].games["bazaar"].effects) == 3


async def test_the_clients_of_a_node_that_dies_spread_over_the_others_in_time_and_place(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    came: list[float] = []
    went: Counter[str] = Counter()

    async def client(seed: int) -> None:
        async with connect(three[0], seed=seed) as one:
            await ready.arrive()
            await one.join("bazaar")  # answered by whoever takes it in
            came.append(trio.current_time())
            went[one.status.url] += 1

    class Ready:
        def __init__(self, count: int) -> None:
            self.count, self.all = count, trio.Event()

        async def arrive(self) -> None:
            self.count -= 1
            if not self.count:
                await three[0].die()
                self.all.set()
            await self.all.wait()

    ready = Ready(100)
    async with trio.open_nursery() as nursery:
        for seed in range(100):
            nursery.start_soon(client, seed)
    assert set(went) == {url("b"), url("c")}
    assert min(went.values()) > 25
    assert max(came) < 1
    assert len({round(when, 3) for when in came}) > 50


async def test_a_frozen_node_is_left_within_seconds_of_a_request_that_it_owes(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    async with connect(three[0]) as client:
        game = await client.join("bazaar")
        await trio.sleep(5)
        three[0].freeze()
        began = trio.current_time()
        assert (await game.buy("grain", 1, key="k")).filled == 1
        assert trio.current_time() - began < 6
        assert at(client, three) is not three[0]
        three[0].thaw()
        await trio.sleep(60)
        assert (await game.buy("grain", 1, key="k")).replayed
    assert len(three[0].games["bazaar"].effects) == 1


async def test_it_is_left_too_when_every_request_is_given_up_sooner(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    async with connect(three[0]) as client:
        game = await client.join("bazaar")
        three[0].freeze()
        with trio.fail_after(20):
            while at(client, three) is three[0]:
                with trio.move_on_after(0.5):
                    await game.book("grain")


async def test_a_frozen_node_is_left_while_nothing_is_asked(three: list[FakeServer], autojump_clock: MockClock) -> None:
    three[0].server_info["heartbeat_s"] = 20
    async with connect(three[0]) as client:
        await client.join("bazaar")
        three[0].freeze()
        began = trio.current_time()
        await until_it_left(client, three[0])
        assert trio.current_time() - began <= 41


async def test_a_frozen_node_does_not_hold_up_who_comes(three: list[FakeServer], autojump_clock: MockClock) -> None:
    three[0].freeze()
    async with connect(three[0], "a", "b") as client:
        assert client.status.url == url("b")
        assert trio.current_time() < 5


async def test_a_server_that_is_only_slow_is_not_left(three: list[FakeServer], autojump_clock: MockClock) -> None:
    three[0].plan("buy", "ignore")
    async with connect(three[0], call_deadline=9) as client:
        game = await client.join("bazaar")
        with pytest.raises(tg.TradeError, match="timeout"):
            await game.buy("grain", 1)
        assert client.statistics().reconnects == 0


@pytest.mark.parametrize("error", [UNAVAILABLE, OVERLOADED])
async def test_a_node_that_only_says_it_cannot_is_left_within_seconds_and_not_in_a_hot_loop(
    three: list[FakeServer], autojump_clock: MockClock, error: dict[str, Any]
) -> None:
    three[0].always["buy"] = error
    async with connect(three[0]) as client:
        took = await play_through(client, 60)
        assert max(took) < 5
        assert client.statistics().failovers == 1
        assert len(three[0].requests("buy")) < 40


async def test_when_no_node_can_it_asks_around_slowly_and_goes_on_when_one_can(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    for node in three:
        node.always["buy"] = UNAVAILABLE
    async with connect(three[0], call_deadline=400) as client:
        game = await client.join("bazaar")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(game.buy, "grain", 1)
            await trio.sleep(300)
            assert client.statistics().failovers < 60
            three[1].always.clear()
            with trio.fail_after(90):
                await game.until(lambda game: game.state.goods["grain"].volume == 1)


async def test_with_one_node_only_trouble_is_waited_out_where_it_is(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    (node,) = await cluster(nursery, "a")
    node.plan("buy", *[UNAVAILABLE] * 8)
    async with connect(node) as client:
        game = await client.join("bazaar")
        assert (await game.buy("grain", 1)).filled == 1
        assert client.statistics().reconnects == 0
        node.freeze()
        with pytest.raises(tg.TradeError, match="timeout"):
            await game.buy("grain", 1)
        assert client.status.kind == "connected"
        assert node.dials == 1


async def test_a_rolling_restart_fails_no_command_and_leaves_no_gap(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    async def roll() -> None:
        for node in three:
            await trio.sleep(5)
            node.refuse_dials = 10_000
            await node.close_all(1001, "the server is going away")
            await trio.sleep(2)
            node.refuse_dials = 0

    async with trio.open_nursery() as nursery, connect(three[0]) as client:
        game = await client.join("bazaar")
        events = game.events(buffer=100_000)
        nursery.start_soon(roll)
        took = await play_through(client, 30)
        assert max(took) < 2
        assert client.statistics().failovers >= 1
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == len(took))
        seqs, last = [], 0
        while last < len(took):
            event = await anext(events)
            assert not isinstance(event, tg.Reset | tg.Lagged)
            if isinstance(event, tg.Trade):
                seqs.append(last := event.seq)
        assert seqs == list(range(1, len(took) + 1))
    assert len(three[0].games["bazaar"].effects) == len(took)


async def test_nodes_that_come_later_take_over_from_those_it_began_with(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    nodes = await cluster(nursery, "a", "b", "c", "d")
    a, b, c, d = nodes
    a.server_info["nodes"] = [url("a"), url("b")]
    b.server_info["nodes"] = [url("b"), url("c"), url("d")]
    async with connect(a) as client:
        game = await client.join("bazaar")
        await a.die()
        await game.buy("grain", 1)
        assert client.urls == (url("a"), url("b"), url("c"), url("d"))
        await b.die()
        await game.buy("grain", 1)
        assert at(client, nodes) in (c, d)


async def test_when_all_are_gone_it_waits_with_back_off_and_takes_the_first_that_is_back(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    async with connect(three[0], call_deadline=1000) as client:
        game = await client.join("bazaar")
        for node in three:
            await node.die()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(game.buy, "grain", 1)
            await trio.sleep(120)
            assert 3 < sum(node.dials for node in three) < 300
            three[2].refuse_dials = 0
            with trio.fail_after(5):
                await game.until(lambda game: game.state.goods["grain"].volume == 1)


async def test_a_learned_address_that_is_somebody_elses_by_now_does_not_end_the_client(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    a, b = await cluster(nursery, "a", "b")
    b.always["hello"] = REFUSED
    async with connect(a) as client:
        game = await client.join("bazaar")
        await a.break_all()
        assert (await game.buy("grain", 1)).filled == 1
        assert at(client, [a, b]) is a
    assert b.dials == 1


async def test_a_game_that_stopped_on_its_node_is_followed_on_at_another(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    broken = {"code": "internal", "message": "this node stopped serving it", "definite": False}
    async with connect(three[0]) as client:
        game = await client.join("bazaar")
        three[0].always["join"] = broken
        await three[0].push({"push": "gone", "game": "bazaar", "epoch": "e1"})
        with trio.fail_after(30):
            await until_it_left(client, three[0])
            await trio.sleep(1)
            await three[0].publish({"type": "news", "text": "rain"})
            await game.until(lambda game: game.state.seq == 1)


async def test_a_game_that_was_deleted_says_so(three: list[FakeServer], autojump_clock: MockClock) -> None:
    async with connect(three[0]) as client:
        game = await client.join("bazaar")
        del three[0].games["bazaar"]
        for peer in three[0].peers:
            await peer.send({"push": "gone", "game": "bazaar", "epoch": "e1"})
        with pytest.raises(tg.TradeError, match="unknown_game"), trio.fail_after(30):
            await game.until(lambda _: False)


async def test_to_leave_a_silent_node_does_not_wait_for_its_goodbye(
    three: list[FakeServer], autojump_clock: MockClock
) -> None:
    times: dict[str, float] = {}

    def note(status: tg.Status) -> None:
        times.setdefault(f"{status.kind} {status.reason[:7]}", trio.current_time())

    async with connect(three[0], on_status=note) as client:
        game = await client.join("bazaar")
        three[0].freeze()
        began = trio.current_time()
        await game.buy("grain", 1)
        assert times["waiting nothing"] - began == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("retry", [True, False])
async def test_what_the_next_node_refuses_may_have_happened_at_the_one_that_died(
    three: list[FakeServer], autojump_clock: MockClock, retry: bool
) -> None:
    for node in three[1:]:
        node.always["buy"] = OVERLOADED
    three[0].plan("buy", "drop")  # done, and dead before it could answer
    async with connect(three[0], retry=retry, call_deadline=5) as client:
        game = await client.join("bazaar")
        three[0].always["buy"] = OVERLOADED
        with pytest.raises(tg.TradeError) as caught:
            await game.buy("grain", 1, key="k")
        assert not caught.value.definite
        assert len({request["key"] for node in three for request in node.requests("buy")}) == 1
        # What was never sent before is refused for certain.
        with pytest.raises(tg.TradeError) as caught:
            await game.buy("grain", 1, key="another")
        assert caught.value.definite
