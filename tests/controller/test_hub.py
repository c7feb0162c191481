"""The hub before a crowd: in slices, everybody all frames once and in order, whoever comes and goes meanwhile."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
from attrs import Factory, define
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.controller.test_outbox import Valve
from tests.controller.wire import split_frames
from tests.support.domain import Table
from tradegame.controller.websocket import codec
from tradegame.controller.websocket.catch_up import STUCK_S
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.hub import Hub
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.slices import SLICE_S
from tradegame.controller.websocket.subscriptions import Subscriber
from tradegame.core.admission.budgets import ANSWER_BYTES, Budgets
from tradegame.core.domain.events import Applied
from tradegame.core.games.history import FrameHistory
from tradegame.core.games.host import GameHost
from tradegame.core.membership.presence import Presence
from tradegame.core.repositories import ConnectionsChanged, LiveConnection
from tradegame.core.repositories.sessions import PlayerRecord
from tradegame.core.use_cases.clients import Client
from tradegame.core.use_cases.robot_tokens import RobotSeat
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.commands import SetPhase
from tradegame.protocol.requests import PlaceOrder, Say

WRITE_S = 0.0005
"""What a write takes here, on the simulated clock."""


@define(eq=False)
class Host:
    """As much of a game's host as the hub asks of one."""

    table: Table
    history: FrameHistory = Factory(FrameHistory)
    id: str = "bazaar"
    followers: int = 0
    crowd_s: float = 0.0
    here: list[str] = Factory(list)
    """Who plays, by connections."""

    @property
    def game(self) -> Any:
        return self.table.game

    @property
    def meta(self) -> Any:
        return type("Meta", (), {"epoch": "e"})

    @property
    def arrivals(self) -> Any:
        return type("Arrivals", (), {"came": self.here.append, "left": self.here.remove})

    def follow(self, by: int) -> None:
        self.followers += by


@define
class Register:
    """``put_in``: the connections that were registered, in order."""

    put_in: dict[str, None] = Factory(dict)

    def put(self, connection: LiveConnection) -> None:
        self.put_in[connection.id] = None

    def drop(self, *_: object) -> None: ...


@define(eq=False)
class World:
    clock: MockClock
    hub: Hub
    host: Host
    sinks: dict[str, Valve] = Factory(dict)
    subscribers: dict[str, Subscriber] = Factory(dict)
    ends: dict[str, int] = Factory(dict)

    def subscriber(self, name: str, *, limit: int = 100_000, seat: RobotSeat | None = None, **valve: Any) -> Subscriber:
        """``seat``: a robot in it, instead of a player of this name."""
        clock = self.clock

        class Slow(Valve):
            def try_write(self, data: bytes | memoryview) -> int:
                clock.jump(WRITE_S)
                return super().try_write(data)

        sink = self.sinks[name] = Slow(**valve)
        client = Client(name, "10.0.0.1", Budgets(20, 40), 0)
        outbox = Outbox(sink, limit, lambda: self.ends.setdefault(name, 4001))
        subscriber = self.subscribers[name] = Subscriber(client, outbox, lambda code, reason: self._end(name, code))
        self.hub.enter(subscriber)
        player = PlayerRecord(name if seat is None else seat.player, name, 0)
        self.hub.welcome(client, SignedIn(player, f"s-{name}" if seat is None else "", "token", seat))
        return subscriber

    def _end(self, name: str, code: int) -> None:
        self.ends.setdefault(name, code)

    def follow(self, name: str, *, plays: bool = True) -> None:
        host, seq = cast("GameHost", self.host), self.host.game.state.seq
        self.hub.follow(self.subscribers[name].client, host, seq, plays=plays)

    def apply(self, *commands: Any) -> Applied:
        applied = self.host.table.entry(*commands)
        frame = None if applied.frame is None else self.host.history.append(applied.frame)
        self.hub.applied(cast("GameHost", self.host), applied, frame)
        return applied

    def say(self, text: str) -> None:
        self.apply(Say(player="ann", text=text))
        self.hub.settled(cast("GameHost", self.host))

    def seen(self, name: str, push: str = "events") -> list[dict[str, Any]]:
        frames, torn = split_frames(self.sinks[name].out)
        assert torn == b""
        return [each for each in map(json.loads, (payload for _, payload in frames)) if each.get("push") == push]

    def seqs(self, name: str) -> list[int]:
        return [each["seq"] for each in self.seen(name)]


@asynccontextmanager
async def world_of(clock: MockClock, players: int = 3) -> AsyncIterator[World]:
    table = Table.of("ann", *[f"p{number}" for number in range(players)])
    hub = Hub(Presence(), cast("Any", Register()), "east", 8)
    world = World(clock, hub, Host(table))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.run)
        nursery.start_soon(hub.catch_up.run)
        yield world
        nursery.cancel_scope.cancel()


async def test_a_crowd_is_served_in_slices_and_each_gets_every_frame_once(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        names = [f"m{number}" for number in range(200)]
        for name in names:
            world.subscriber(name)
            world.follow(name)
        first = world.host.game.state.seq + 1
        begun = trio.current_time()
        world.say("one")
        assert trio.current_time() - begun < 4 * SLICE_S  # the loop is free again, and most have nothing yet
        assert 0 < sum(bool(world.seqs(name)) for name in names) < 100
        world.subscriber("newcomer")
        world.follow("newcomer")
        world.hub.leave(world.subscribers["m150"])
        world.say("two")
        world.say("three")
        await wait_all_tasks_blocked()
        for name in names:
            if name != "m150":
                assert world.seqs(name) == [first, first + 1, first + 2], name
        assert world.seqs("newcomer") == [first + 1, first + 2]
        assert world.seqs("m150") == []
        world.say("four")
        await wait_all_tasks_blocked()
        assert 199 * WRITE_S <= world.host.crowd_s < 250 * WRITE_S  # so that its host lets more gather
        for name in [*world.subscribers]:
            world.hub.leave(world.subscribers[name])
        assert world.host.crowd_s == 0


async def test_who_is_answered_has_frame_account_and_reply_at_once(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        for number in range(200):
            world.subscriber(f"m{number}")
            world.follow(f"m{number}")
        world.apply(Say(player="ann", text="hi"))
        world.hub.post(world.subscribers["m199"], b'\x81\x0a{"id":"x"}')
        world.hub.settled(cast("GameHost", world.host))
        (write,) = world.sinks["m199"].writes
        assert b'"said"' in write
        assert write.endswith(b'{"id":"x"}')


async def test_a_newcomer_between_an_entry_and_its_showing_gets_its_frame_in_the_state_alone(
    autojump_clock: MockClock,
) -> None:
    async with world_of(autojump_clock) as world:
        world.subscriber("old")
        world.follow("old")
        world.subscriber("new")
        world.apply(Say(player="ann", text="hi"))
        world.follow("new")  # as a join does, when it is answered
        world.hub.settled(cast("GameHost", world.host))
        await wait_all_tasks_blocked()
        assert len(world.seqs("old")) == 1
        assert world.seqs("new") == []


async def test_who_does_not_keep_up_gets_the_frames_at_its_pace_and_is_not_closed(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        slow = world.subscriber("slow", limit=5_000, room=100)
        world.follow("slow")
        first = world.host.game.state.seq + 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(slow.outbox.run_writer)
            for number in range(100):
                world.say(f"{number} " + "x" * 400)
            assert slow.outbox.statistics().queued_bytes < 7_000
            for _ in range(400):
                world.sinks["slow"].let(1_000)
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        assert world.seqs("slow") == list(range(first, first + 100))
        assert world.ends == {}


async def test_who_takes_nothing_is_closed(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        world.subscriber("deaf", limit=5_000, room=100)
        world.follow("deaf")
        for number in range(100):
            world.say(f"{number} " + "x" * 400)
        await trio.sleep(STUCK_S - 1)
        assert world.ends == {}
        await trio.sleep(2)
        assert world.ends == {"deaf": 4001}


async def test_many_accounts_are_pushed_in_slices_each_as_it_is_then(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock, players=200) as world:
        for number in range(200):
            world.subscriber(f"p{number}")
            world.follow(f"p{number}")
        world.apply(SetPhase(phase="closed"))
        world.hub.settled(cast("GameHost", world.host))
        await wait_all_tasks_blocked()
        for name in world.sinks:
            world.sinks[name].writes.clear()
        begun = trio.current_time()
        world.apply(SetPhase(phase="open"))
        world.hub.settled(cast("GameHost", world.host))
        assert trio.current_time() - begun < 4 * SLICE_S
        assert sum(bool(world.seen(f"p{number}", "account")) for number in range(200)) < 100
        await wait_all_tasks_blocked()
        for number in range(200):
            (push,) = world.seen(f"p{number}", "account")
            assert push["seq"] == world.host.game.state.seq


async def test_a_game_that_ends_says_goodbye_in_slices_after_its_last_frame(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        for number in range(200):
            world.subscriber(f"m{number}")
            world.follow(f"m{number}")
        world.say("last")
        begun = trio.current_time()
        world.hub.ended(cast("GameHost", world.host))
        assert trio.current_time() - begun < 8 * SLICE_S
        await wait_all_tasks_blocked()
        for number in range(200):
            frames, _ = split_frames(world.sinks[f"m{number}"].out)
            assert [json.loads(payload)["push"] for _, payload in frames] == ["events", "gone"]
        assert world.host.followers == 0


async def test_the_full_list_of_who_is_online_is_encoded_once_for_all_who_come(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = 0
    encode = codec.encode_presence

    def counted(*args: Any) -> bytes:
        nonlocal encoded
        encoded += 1
        return encode(*args)

    monkeypatch.setattr(codec, "encode_presence", counted)
    async with world_of(autojump_clock) as world, trio.open_nursery() as nursery:
        nursery.start_soon(world.hub.presence_feed.run)
        for number in range(100):
            world.subscriber(f"m{number}")
            world.follow(f"m{number}")
        await trio.sleep(5)
        assert all(len(world.seen(f"m{number}", "presence")) == 1 for number in range(100))
        assert encoded == 1
        nursery.cancel_scope.cancel()


async def test_who_was_told_of_somebody_before_the_full_list_hears_with_it_that_they_left(
    autojump_clock: MockClock,
) -> None:
    async with world_of(autojump_clock) as world, trio.open_nursery() as nursery:
        feed = world.hub.presence_feed
        nursery.start_soon(feed.run)

        def registered(*names: str, gone: tuple[str, ...] = ()) -> None:
            saved = tuple(LiveConnection(name, "east", name, ("bazaar",), 0) for name in names)
            world.hub.presence.change(ConnectionsChanged(saved, gone))
            feed.changed()

        world.subscriber("ann")
        world.follow("ann")
        registered("bob", "cid")
        await trio.sleep(0.5)
        registered("ann", gone=("bob",))
        await trio.sleep(0.5)
        told, full = world.seen("ann", "presence")
        assert told["online"] == ["bob", "cid"]
        assert (sorted(full["online"]), full["offline"]) == (["ann", "cid"], ["bob"])
        world.subscriber("dan")
        world.follow("dan")
        registered("dan")
        await trio.sleep(0.5)
        assert [each["offline"] for each in world.seen("dan", "presence")] == [[]]
        nursery.cancel_scope.cancel()


async def test_a_list_of_who_is_online_is_made_anew_after_news_while_nobody_followed(
    autojump_clock: MockClock,
) -> None:
    async with world_of(autojump_clock) as world, trio.open_nursery() as nursery:
        feed = world.hub.presence_feed
        nursery.start_soon(feed.run)

        def registered(name: str) -> None:
            saved = (LiveConnection(name, "east", name, ("bazaar",), 0),)
            world.hub.presence.change(ConnectionsChanged(saved, ()))
            feed.changed()

        world.subscriber("ann")
        world.follow("ann")
        registered("ann")
        await trio.sleep(0.5)
        world.hub.restarted(cast("GameHost", world.host))
        registered("bob")
        registered("cid")
        await trio.sleep(0.5)
        world.subscriber("cid")
        world.follow("cid")
        await trio.sleep(0.5)
        assert [sorted(each["online"]) for each in world.seen("cid", "presence")] == [["ann", "bob", "cid"]]
        nursery.cancel_scope.cancel()


async def test_a_session_is_ended_without_looking_at_everybody(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        for number in range(10):
            world.subscriber(f"m{number}")
        assert world.hub.roster.sessions() == [f"s-m{number}" for number in range(10)]
        world.hub.roster.subscribers = cast("Any", None)
        world.hub.roster.end_session("s-m3", 4502, "over")
        assert world.ends == {"m3": 4502}


async def test_who_plays_is_here_and_who_only_looks_on_is_not(autojump_clock: MockClock) -> None:
    async with world_of(autojump_clock) as world:
        subscriber = world.subscriber("ann")
        world.follow("ann", plays=False)
        assert world.host.here == []
        for _ in range(2):
            world.follow("ann")
            assert world.host.here == ["ann"]
        world.follow("ann", plays=False)
        assert world.host.here == ["ann"]
        world.hub.unfollow(subscriber.client, "bazaar")
        assert world.host.here == []
        world.follow("ann")
        world.hub.leave(subscriber)
        assert world.host.here == []


async def test_an_idle_follower_is_written_to_at_once_and_a_lagging_one_in_its_turn(autojump_clock: MockClock) -> None:
    """The walk's short way is for those alone who have the frame before, and for whom nothing waits."""
    async with world_of(autojump_clock) as world:
        for name in ("idle", "full", "gone"):
            world.subscriber(name, limit=2_000)
            world.follow(name)
        world.sinks["full"].room = 10
        first = world.host.game.state.seq + 1
        world.say("one " + "x" * 200)
        world.hub.unfollow(world.subscribers["gone"].client, "bazaar")
        full = world.subscribers["full"]
        for number in range(30):
            world.say(f"{number} " + "x" * 200)
        assert next(iter(full.games.values())).lagging
        async with trio.open_nursery() as nursery:
            nursery.start_soon(full.outbox.run_writer)
            world.sinks["full"].let(1 << 20)
            await trio.sleep(1)
            world.say("last")
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        assert world.seqs("idle") == world.seqs("full") == list(range(first, first + 32))
        assert world.seqs("gone") == [first]
        assert world.ends == {}


async def test_accounts_that_others_change_close_nobody_and_the_newest_arrives(autojump_clock: MockClock) -> None:
    """Who reads slowly was closed for what others sent: accounts, which took the room that was left beside frames."""
    async with world_of(autojump_clock) as world:
        world.subscriber("p0", limit=4_000, room=0)
        world.follow("p0")
        for number in range(60):
            world.apply(
                Say(player="ann", text="x" * 300), PlaceOrder(player="p0", good="grain", side="bid", qty=1, price=1)
            )
            world.hub.settled(cast("GameHost", world.host))
            if number % 10 == 0:
                await trio.sleep(0.1)
        assert world.ends == {}
        world.sinks["p0"].let(10**9)
        outbox = world.subscribers["p0"].outbox
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.run_writer)
            await trio.sleep(3)
            nursery.cancel_scope.cancel()
        assert world.ends == {}
        accounts = world.seen("p0", "account")
        assert 0 < len(accounts) < 60
        assert accounts[-1]["account"]["held_cash"] == world.host.game.state.accounts["p0"].held_cash
        assert world.seqs("p0")[-1] == world.host.game.state.seq


async def test_a_long_list_of_who_is_online_is_paid_for_by_its_bytes(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    charged: list[tuple[str, float]] = []
    monkeypatch.setattr(Client, "charge", lambda self, cost: charged.append((self.connection, cost)))
    async with world_of(autojump_clock) as world:
        many = tuple(f"p-{number:030}" for number in range(1_000))
        for name in ("p0", "p1"):
            world.subscriber(name)
            world.follow(name)
        wire = text_frame(codec.encode_presence("bazaar", many, ()))
        cast("Any", world.hub.presence_feed)._lists["bazaar"] = wire
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.hub.presence_feed.run)
            await trio.sleep(5)
            nursery.cancel_scope.cancel()
        assert charged == [(name, len(wire) / ANSWER_BYTES) for name in ("p0", "p1")]


async def test_a_robot_in_a_seat_is_shown_the_account_and_no_whisper_and_is_not_registered(
    autojump_clock: MockClock,
) -> None:
    async with world_of(autojump_clock) as world:
        seat = RobotSeat("g", "epoch", "p0", "p0")
        for name, of in (("ann", None), ("p0", None), ("robot", seat)):
            world.subscriber(name, seat=of)
            world.follow(name, plays=of is None)
        world.apply(
            Say(player="ann", text="psst", to="p0"), PlaceOrder(player="p0", good="grain", side="bid", qty=1, price=1)
        )
        world.hub.settled(cast("GameHost", world.host))
        await trio.sleep(1)
        assert [len(world.seen(name, "whisper")) for name in ("ann", "p0", "robot")] == [1, 1, 0]
        assert [len(world.seen(name, "account")) for name in ("p0", "robot")] == [1, 1]
        assert world.hub.roster.sessions() == ["s-ann", "s-p0"]
        world.hub.leave(world.subscribers["robot"])
        assert list(cast("Any", world.hub.register).put_in) == ["ann", "p0"]
