"""What nodes tell the log of a game's robots: how many are needed, who is away, and who must be dealt to.

Of all nodes one does it, for each game: the register of nodes says which, to all alike (see `runs_here`). While nodes
see different registers two may do it, or none; to tell the log twice changes nothing, and the next look makes it good.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

import trio
from attrs import define, field

from tradegame.core.domain.groups import group_of
from tradegame.core.domain.robots import robots_needed, servers
from tradegame.core.domain.state import OPEN, GameState
from tradegame.core.games.host import GameHost
from tradegame.core.games.service import GameService
from tradegame.protocol.commands import Arrive, Command, Depart, SitIn, Staff
from tradegame.protocol.errors import TradeGameError

LOOK_S = 1.0
"""How often a node looks, on average."""
STEADY_S = 1.5
"""Robots come or go once the same number has been right for so long: a page that is loaded anew changes nothing."""
PEOPLE_FIRST_S = 3.0
"""Robots are dealt to after everybody who is here, or after so long: so they take the sides that are left."""
LEFT_S = 3.0
"""A program that said it is a robot has left the game once it was not connected for so long."""
DEALT_AT_ONCE = 200


class Attendance(Protocol):
    """Who is connected, on all nodes. Robots of the server's are not in it."""

    def playing(self, game: str) -> Collection[str]:
        """Who follows the game as a player."""
        ...

    def followed(self, game: str) -> bool:
        """Whether anybody follows the game, if only to look on."""
        ...


def runs_here(node: str, nodes: Iterable[str], *what: str) -> bool:
    """Whether this is the one of ``nodes`` that does something, by rendezvous hashing (Thaler and Ravishankar 1998):
    when a node goes, only what it did goes elsewhere. False if this node is none of them.
    """
    name = "/".join(what)
    return max(nodes, key=lambda each: hashlib.sha256(f"{each}/{name}".encode()).digest(), default=None) == node


@define(eq=False)
class _Seen:
    """Of one game. Times are trio's, in s. ``wanted``: how many robots, since ``since``. ``round``: opened at."""

    wanted: int = 0
    since: float = 0.0
    round: int = 0
    opened_at: float = 0.0
    away: dict[str, float] = field(factory=dict)
    left: dict[str, float] = field(factory=dict)


@define(eq=False)
class RobotKeeper:
    """``nodes``: the ids of the nodes that live. Only ``run`` waits."""

    games: GameService
    attendance: Attendance
    node: str
    nodes: Callable[[], Sequence[str]]
    _seen: dict[GameHost, _Seen] = field(factory=dict, init=False)

    async def run(self) -> None:
        """Tell the logs of all games, until cancelled."""
        while True:
            await trio.sleep(LOOK_S * random.uniform(0.5, 1.5))
            hosts = [host for host in self.games.hosts.values() if host.running and not host.doubted]
            self._seen = {host: self._seen.get(host, _Seen()) for host in hosts if self._concerns(host)}
            for host, seen in list(self._seen.items()):
                for command in self._news(host, seen):
                    try:
                        await host.execute(command)
                    except TradeGameError:  # whether it happened or not: the next look tells
                        break
                    if isinstance(command, SitIn):  # who is back before the next look has not been away since then
                        seen.away.pop(command.account, None)

    def _concerns(self, host: GameHost) -> bool:
        """Whether there is anything to do, and this node does it."""
        state = host.game.state
        asked = state.plan.fills or state.plan.sit_in_after_s is not None or state.robots or state.seats
        return bool(asked) and runs_here(self.node, self.nodes(), host.id)

    def _plays_on(self, state: GameState, player: str) -> bool:
        """Whether who came by this entrance still has an account in their group."""
        group = self.games.hosts.get(group_of(state, player) or "")
        return group is not None and player in group.game.state.players

    def _news(self, host: GameHost, seen: _Seen) -> list[Command]:
        state, now, here = host.game.state, trio.current_time(), self.attendance.playing(host.id)
        news: list[Command] = []
        if self.attendance.followed(host.id) and state.plan.fills:
            wanted = robots_needed(state, here)
            if wanted != seen.wanted:
                seen.wanted, seen.since = wanted, now
            if wanted != state.plan.wanted and now - seen.since >= STEADY_S:
                news.append(Staff(robots=wanted))
        if state.phase != OPEN or state.ends_at is None:
            programs = [
                player
                for player, ours in state.robots.items()
                if not (ours or player in here or self._plays_on(state, player))
            ]
            seen.left = {player: seen.left.get(player, now) for player in programs}
            if left := tuple([player for player, since in seen.left.items() if now - since >= LEFT_S][:DEALT_AT_ONCE]):
                news.append(Depart(players=left))
        returned = [player for player, seat in state.seats.items() if seat.by_itself and player in here]
        if returned:
            news.append(Arrive(players=tuple(returned[:DEALT_AT_ONCE])))
        news += [SitIn(account=player, by_itself=True) for player in _gone(state, seen, here, now)]
        if state.phase == OPEN and (players := _undealt(state, seen, here, now)):
            news.append(Arrive(players=players, by_robot=True))
        return news


def _gone(state: GameState, seen: _Seen, here: Collection[str], now: float) -> list[str]:
    """Who takes part in the open round and has been away for as long as the host said."""
    after_s = state.plan.sit_in_after_s
    if after_s is None or state.phase != OPEN:
        seen.away.clear()
        return []
    people = [player for player in state.dealt if player not in state.robots and player not in state.seats]
    seen.away = {player: seen.away.get(player, now) for player in people if player not in here}
    return [player for player, since in seen.away.items() if now - since >= after_s]


def _undealt(state: GameState, seen: _Seen, here: Collection[str], now: float) -> tuple[str, ...]:
    """The robots and those who have one in their seat to whom the open round has not dealt, once it is their turn."""
    if seen.round != state.round:
        seen.round, seen.opened_at = state.round, now
    waits = any(player in state.players and player not in state.dealt for player in here)
    if waits and now - seen.opened_at < PEOPLE_FIRST_S:
        return ()
    return tuple([player for player in (*servers(state), *state.seats) if player not in state.dealt][:DEALT_AT_ONCE])
