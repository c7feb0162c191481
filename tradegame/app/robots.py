"""The robots that this node runs: the bundled bots over the public client, each on a connection inside the process.

A robot signs in with a token that this node made for its seat (see `robot_tokens`), over a pair of sockets whose other
end is served like any client's. The log says which robots there are, the register of nodes which node runs one.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import structlog
import trio
from attrs import define, field, frozen

from tradegame.client.connect import connect
from tradegame.client.errors import ConnectionStopped, NotConnected, ProtocolError, TradeError
from tradegame.client.game import Game
from tradegame.controller.head import Head, Refusal, read_head
from tradegame.core.domain.robots import servers
from tradegame.core.games.service import GameService
from tradegame.core.use_cases.robot_tokens import RobotSeat, RobotTokens
from tradegame.core.use_cases.robots import Attendance, runs_here
from tradegame.protocol.bounds import StrategyName
from tradegame.utils.errors import innermost, log_fault

if TYPE_CHECKING:
    from tradegame.bots.base import Bot

log = structlog.get_logger(__name__)

LOOK_S = 0.5
"""How often it is looked which robots should run."""
UNSEEN_S = 10.0
"""Robots of a game stop once nobody has followed it for so long: nobody trades with nobody looking on."""
PACE_S = 3.0
"""Mean time between two decisions of a robot: about as long as somebody with a mouse takes."""
DECISIONS_PER_S = 40
"""Of all robots of a node together: where there are more, each takes longer."""
MOST = 200
"""Robots that a node runs at a time, whatever its games ask for: the first by game and player."""
RETRY_S = 2.0
URL = "ws://robots/ws"
ADDRESS = "robots"
"""Whose budget pays for their connections."""
_ENDS = TradeError, ConnectionStopped, NotConnected, ProtocolError, trio.ClosedResourceError
"""How a robot's connection ends where nothing is wrong with the robot."""
Serve = Callable[[trio.abc.Stream, Head, str], Awaitable[None]]


@frozen
class Robot:
    """A robot to run. ``strategy``: what it trades by; None: what suits the game."""

    seat: RobotSeat
    strategy: StrategyName | None


@define(eq=False)
class RobotRunner:
    """``nodes``: the ids of the nodes that live. ``serve`` serves a WebSocket from its head to its end; ``serving``:
    whether this node may serve at all now. Only ``run`` waits.
    """

    games: GameService
    attendance: Attendance
    node: str
    nodes: Callable[[], Sequence[str]]
    tokens: RobotTokens
    serve: Serve
    serving: Callable[[], bool]
    _running: dict[Robot, trio.CancelScope] = field(factory=dict, init=False)
    _bots: dict[Robot, Bot] = field(factory=dict, init=False)
    _followed_at: dict[str, float] = field(factory=dict, init=False)

    async def run(self) -> None:
        """Run the robots that are this node's, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(LOOK_S)
                robots = self._robots() if self.serving() else {}
                for robot, scope in self._running.items():
                    if robot not in robots:
                        scope.cancel()
                for robot in robots:
                    if robot not in self._running:
                        self._running[robot] = scope = trio.CancelScope()
                        nursery.start_soon(self._live, robot, scope)
                for bot in self._bots.values():
                    bot.pace = max(PACE_S, len(self._bots) / DECISIONS_PER_S)

    def _robots(self) -> dict[Robot, None]:
        """The robots that should run here now."""
        now, nodes, robots = trio.current_time(), self.nodes(), dict[Robot, None]()
        for name, host in sorted(self.games.hosts.items()):
            state = host.game.state if host.running and not host.doubted else None
            if state is None or not (state.robots or state.seats):
                self._followed_at.pop(name, None)
                continue
            if self.attendance.followed(name):
                self._followed_at[name] = now
            if now - self._followed_at.get(name, -math.inf) >= UNSEEN_S:
                continue
            strategies = {player: seat.strategy for player, seat in state.seats.items()}
            for player, strategy in {**dict.fromkeys(servers(state), state.plan.strategy), **strategies}.items():
                if len(robots) < MOST and runs_here(self.node, nodes, name, player):
                    robots[Robot(RobotSeat(name, state.epoch, player, state.players[player].name), strategy)] = None
        return robots

    async def _live(self, robot: Robot, scope: trio.CancelScope) -> None:
        """Play until cancelled, on one connection after another."""
        try:
            with scope:
                while True:
                    try:
                        await self._play(robot)
                    except* _ENDS as ended:
                        why = str(innermost(ended))
                        log.info("robot_interrupted", game=robot.seat.game, player=robot.seat.player, reason=why)
                    except* Exception as faults:  # noqa: BLE001 - a robot's edge: the node goes on without it
                        log_fault(log, "robot_failed", faults, game=robot.seat.game, player=robot.seat.player)
                    await trio.sleep(RETRY_S)
        finally:
            del self._running[robot]

    async def _play(self, robot: Robot) -> None:
        token = self.tokens.issue(robot.seat)
        try:
            async with trio.open_nursery() as nursery:

                async def dial(url: str) -> trio.abc.Stream:
                    return self._dial(nursery)

                async with connect(URL, token=token, dial=dial) as client:
                    game = await client.join(robot.seat.game)
                    bot = self._bots[robot] = _bot(robot, game)
                    await bot.run(game)
        finally:
            self.tokens.revoke(token)
            self._bots.pop(robot, None)

    def _dial(self, nursery: trio.Nursery) -> trio.abc.Stream:
        """Raises OSError if nobody is served now."""
        if not self.serving():
            raise OSError("this node does not serve now")
        ours, theirs = trio.socket.socketpair()
        nursery.start_soon(self._serve, trio.SocketStream(theirs))
        return trio.SocketStream(ours)

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            head = await read_head(stream)
            if head is not None:
                await self.serve(stream, head, ADDRESS)
        except* (Refusal, trio.BrokenResourceError, trio.ClosedResourceError) as left:
            log.debug("robot_disconnected", error=repr(left.exceptions[0]))
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)


def _bot(robot: Robot, game: Game) -> Bot:
    """What suits the game, if the host does not say: another kind for each, where any will do."""
    from tradegame.bots.kinds import KINDS, USUAL, suiting  # most nodes need none of it

    kind = suiting(game) if robot.strategy is None else KINDS[robot.strategy]
    if kind is None:
        kind = KINDS[USUAL[sum(robot.seat.player.encode()) % len(USUAL)]]
    return kind(f"{robot.seat.epoch}/{robot.seat.player}", PACE_S)
