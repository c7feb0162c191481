"""What a robot may, and what a node tells the log of a game's robots."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, cast, get_args
from unittest.mock import Mock

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.support.domain import Table
from tradegame.bots import KINDS
from tradegame.core.domain.definition import RoundsDefinition
from tradegame.core.domain.game import Game
from tradegame.core.domain.groups import group_of
from tradegame.core.games.service import GameService
from tradegame.core.use_cases import robots as robots_module
from tradegame.core.use_cases.robot_tokens import RobotSeat, RobotTokens, check
from tradegame.core.use_cases.robots import PEOPLE_FIRST_S, STEADY_S, RobotKeeper, runs_here
from tradegame.core.use_cases.sessions import SessionService
from tradegame.protocol.bounds import StrategyName
from tradegame.protocol.commands import Arrive, Command, Depart, Join, SetRobots, SitIn, Staff
from tradegame.protocol.errors import MutedError, NotAdmittedError, UnavailableError
from tradegame.protocol.ops import PlayerCommand, Request
from tradegame.protocol.requests import REQUESTS, BuyGood, GamesRequest, JoinRequest, MeRequest, PingRequest, Say

SEAT = RobotSeat("bazaar", "epoch", "p-ann", "ann")


# The right of a robot


async def test_a_robot_signs_in_as_the_seats_player_without_a_session_until_its_token_is_revoked() -> None:
    tokens, stored = RobotTokens(), Mock()
    token = tokens.issue(SEAT)
    sessions = SessionService(stored, 60, lambda: 7, robots=tokens)
    signed_in = await sessions.sign_in(None, token)
    assert (signed_in.player.id, signed_in.player.name, signed_in.session, signed_in.seat) == (
        "p-ann",
        "ann",
        "",
        SEAT,
    )
    assert not stored.mock_calls
    tokens.revoke(token)
    tokens.revoke(token)
    assert tokens.find(token) is None


def refused(request: Request) -> str:
    try:
        check(SEAT, request)
    except (NotAdmittedError, MutedError) as error:
        return error.code
    return ""


def test_a_robot_only_trades_and_looks_and_in_its_game_alone() -> None:
    assert refused(Say(game="bazaar", text="hi")) == "muted"
    assert refused(GamesRequest()) == "not_admitted"
    assert refused(JoinRequest(game="bazaar", spectate=True)) == "not_admitted"
    for choice in (True, False):
        assert refused(JoinRequest(game="bazaar", cancel_on_disconnect=choice)) == "not_admitted"
    allowed = (PingRequest(), JoinRequest(game="bazaar", key="k"), BuyGood(game="bazaar", good="grain", qty=1))
    assert [refused(request) for request in allowed] == ["", "", ""]
    assert refused(MeRequest(game="pit")) == "not_admitted"
    for op, kind in REQUESTS.items():
        if issubclass(kind, PlayerCommand) and kind is not Say:
            command = Mock(spec=kind, game="pit")
            assert refused(command) == "not_admitted", op


def test_every_strategy_of_the_protocol_is_a_kind_of_bot() -> None:
    assert set(get_args(StrategyName)) == set(KINDS)


# Who runs what


def test_of_all_nodes_one_runs_a_robot_and_the_others_keep_theirs_when_it_goes() -> None:
    nodes, robots = ["east", "west", "north"], [f"robot-{number}" for number in range(200)]
    owner = {robot: [node for node in nodes if runs_here(node, nodes, "g", robot)] for robot in robots}
    assert all(len(owners) == 1 for owners in owner.values())
    assert {node for (node,) in owner.values()} == set(nodes)
    left = nodes[1:]
    for robot, (node,) in owner.items():
        if node in left:
            assert runs_here(node, left, "g", robot)
    assert not runs_here("east", left, "g", "robot-1")
    assert not runs_here("east", [], "g", "robot-1")


# What the log is told


@define(eq=False)
class FakeHost:
    """A game whose log takes what it is told at once."""

    table: Table
    id: str = "bazaar"
    running: bool = True
    doubted: bool = False
    told: list[Command] = field(factory=list)
    fails: bool = False

    @property
    def game(self) -> Game:
        return self.table.game

    async def execute(self, command: Command) -> None:
        await trio.lowlevel.checkpoint()
        if self.fails:
            raise UnavailableError("no store")
        self.told.append(command)
        self.table.do(command)


@define
class Room:
    """Who is connected."""

    here: list[str] = field(factory=list)
    watched: bool = True

    def playing(self, game: str) -> Collection[str]:
        return self.here

    def followed(self, game: str) -> bool:
        return self.watched


Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Let a node look at a game for so many seconds; returns what it told."""
    monkeypatch.setattr(robots_module.random, "uniform", lambda low, high: 1.0)

    async def run(host: FakeHost, room: Room, seconds: float, *others: FakeHost) -> list[Command]:
        games = cast("GameService", Mock(hosts={each.id: each for each in (host, *others)}))
        before = len(host.told)
        with trio.move_on_after(seconds):
            await RobotKeeper(games, room, "east", lambda: ["east"]).run()
        return host.told[before:]

    return run


def lobby(*players: str, **fields: Any) -> FakeHost:
    return FakeHost(Table.of(*players, rounds=RoundsDefinition(open_s=600, lobby_s=600, repeat=0), **fields))


async def test_robots_are_staffed_once_the_number_is_steady_and_while_somebody_looks(
    run: Run, autojump_clock: MockClock
) -> None:
    host, room = lobby("ann", "bob"), Room(["ann"])
    assert await run(host, room, 9) == []
    host.table.do(SetRobots(fill_to=3))
    room.watched = False
    assert await run(host, room, 9) == []
    room.watched = True
    assert await run(host, room, STEADY_S - 0.1) == []
    assert await run(host, room, 9) == [Staff(robots=2)]
    room.here = ["ann", "bob"]
    assert await run(host, room, 9) == [Staff(robots=1)]
    host.doubted = True
    room.here = []
    assert await run(host, room, 9) == []


async def test_what_failed_is_told_again(run: Run, autojump_clock: MockClock) -> None:
    host, room = lobby("ann"), Room(["ann"])
    host.table.do(SetRobots(fill_to=3))
    host.fails = True
    assert await run(host, room, 9) == []
    host.fails = False
    assert await run(host, room, 9) == [Staff(robots=2)]


async def test_robots_are_dealt_to_after_the_people_or_when_those_do_not_come(
    run: Run, autojump_clock: MockClock
) -> None:
    host, room = lobby("ann"), Room(["ann"])
    host.table.do(SetRobots(fill_to=2))
    host.table.do(Staff(robots=1))
    host.table.phase("open")
    assert await run(host, room, PEOPLE_FIRST_S - 0.5) == []
    assert await run(host, room, PEOPLE_FIRST_S + 2) == [Arrive(players=("robot-1",), by_robot=True)]
    host.table.phase("closed")
    host.table.phase("lobby")
    host.table.phase("open")
    host.table.arrive("ann")
    assert await run(host, room, 1.5) == [Arrive(players=("robot-1",), by_robot=True)]


async def test_who_is_away_in_an_open_round_gets_a_stand_in_and_loses_it_when_connected(
    run: Run, autojump_clock: MockClock
) -> None:
    host, room = lobby("ann", "bob", "cid"), Room(["ann", "bob"])
    host.table.do(SetRobots(sit_in_after_s=5))
    host.table.phase("open")
    host.table.arrive("ann", "bob")
    room.here = ["ann"]
    assert await run(host, room, 5) == []
    assert await run(host, room, 9) == [SitIn(account="bob", by_itself=True)]
    room.here = ["ann", "bob"]
    assert await run(host, room, 3) == [Arrive(players=("bob",))]
    assert host.game.state.seats == {}
    host.table.phase("closed")
    room.here = []
    assert await run(host, room, 20) == []


async def test_a_program_that_said_it_is_a_robot_is_told_to_have_left(run: Run, autojump_clock: MockClock) -> None:
    host, room = lobby("ann"), Room(["ann", "p-bot"])
    host.table.do(Join(player="p-bot", name="bot", robot=True))
    assert await run(host, room, 9) == []
    room.here = ["ann"]
    host.table.phase("open")
    assert await run(host, room, 9) == []
    host.table.phase("closed")
    assert await run(host, room, 9) == [Depart(players=("p-bot",))]
    assert host.game.state.robots == {}


async def test_a_program_leaves_the_entrance_after_its_group_which_is_its_own_for_good(
    run: Run, autojump_clock: MockClock
) -> None:
    """It left the entrance while it played in a group, came again, and had an account in another one, too."""
    host, room = lobby(groups=("east", "west")), Room([])
    host.table.do(Join(player="p-bot", name="bot", robot=True))
    group = FakeHost(Table.of(), group_of(host.game.state, "p-bot") or "")
    group.table.do(Join(player="p-bot", name="bot", robot=True))
    group.doubted = True  # only the entrance is looked at
    assert await run(host, room, 9, group) == []
    group.table.depart("p-bot")
    assert group.game.state.players == {}
    assert await run(host, room, 9, group) == [Depart(players=("p-bot",))]


async def test_who_is_back_before_the_next_look_gets_no_other_stand_in(
    run: Run, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the register of nodes is late they are not here yet, and were not away for long either."""
    host, room = lobby("ann", "bob"), Room(["ann"])
    host.table.do(SetRobots(sit_in_after_s=5))
    host.table.phase("open")
    host.table.arrive("ann", "bob")
    execute = FakeHost.execute

    async def back_at_once(host: FakeHost, command: Command) -> None:
        await execute(host, command)
        host.table.arrive("bob")

    monkeypatch.setattr(FakeHost, "execute", back_at_once)
    assert await run(host, room, 9) == [SitIn(account="bob", by_itself=True)]
