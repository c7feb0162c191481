"""Robots: players of the server's that fill up a game, and stand-ins in the seats of players who are away.

Other programs may be robots, too, if they say so: they play by themselves, and are gone once they are not connected.

The log has who is a robot, how many are needed and whose seat one has; the nodes run them, as clients of the public
protocol. Which node does is not in the log: each command of a robot says that it is one, and is refused where the log
has no robot. So a second copy of a robot can do no more than the first.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from tradegame.core.domain.accounts import AccountService
from tradegame.core.domain.blotter import CANCELLED
from tradegame.core.domain.private_values import BUYER, SELLER
from tradegame.core.domain.state import CLOSED, OPEN, Effects, GameState, Seat
from tradegame.protocol.bounds import ROBOTS_MOST
from tradegame.protocol.commands import Depart, SetRobots, SitIn, Staff
from tradegame.protocol.errors import UnknownPlayerError
from tradegame.protocol.pushes import SeatChanged
from tradegame.protocol.replies import Sent

NO_SEAT = "no robot has this seat any more"


@frozen
class RobotService:
    state: GameState
    accounts: AccountService

    def set_robots(self, command: SetRobots, effects: Effects) -> Sent:
        """What the host wants. Nodes then say how many that takes; without any, all robots go at once."""
        plan = self.state.plan
        plan.fill_to, plan.even_sides = command.fill_to, command.even_sides
        plan.strategy, plan.sit_in_after_s = command.strategy, command.sit_in_after_s
        plan.asked = True
        if not plan.fills:
            plan.wanted = 0
            self._leave(0, effects)
        if plan.sit_in_after_s is None:
            for player in [player for player, seat in self.state.seats.items() if seat.by_itself]:
                self.give_back(player, effects)
        return Sent(seq=0)

    def staff(self, command: Staff, effects: Effects) -> Sent:
        """So many robots are needed. They come and go before a round opens; into an open one they come only if the host
        asked for them in it, or there is no clock.
        """
        state = self.state
        state.plan.wanted = min(command.robots, ROBOTS_MOST) if state.plan.fills else 0
        if state.phase == OPEN:
            if state.definition.rounds is None or state.plan.asked:
                self._come(state.plan.wanted, effects)
        elif state.phase != CLOSED:  # what a round came to is shown as it was
            self._adjust(effects)
        return Sent(seq=0)

    def new_round(self, effects: Effects) -> None:
        """A round is over, and nobody owns anything. Robots take other sides, if that makes sides even."""
        self._adjust(effects)
        self.state.plan.asked = False
        if self.state.plan.even_sides and self.state.definition.private_values is not None:
            for name in servers(self.state):
                robot = self.state.players[name]
                robot.role, robot.values, robot.drawn = None, (), ()

    def sit_in(self, command: SitIn, effects: Effects) -> Sent:
        """A robot sits in for a player, or not any more. What a node says so never undoes what the host said."""
        state, player, seat = self.state, command.account, self.state.seats.get(command.account)
        if player not in state.players or player in state.robots:
            raise UnknownPlayerError(f"no player {player!r} in this game in whose seat a robot could be")
        if not command.sits:
            self.give_back(player, effects)
        elif seat is not None:
            if not command.by_itself:
                seat.strategy, seat.by_itself = command.strategy, False
        elif not command.by_itself or state.plan.sit_in_after_s is not None:
            strategy = state.plan.strategy if command.by_itself else command.strategy
            state.seats[player] = Seat(strategy, state.orders, command.by_itself)
            self.accounts.departures.back(player)
            effects.events.append(SeatChanged(player, True))
        return Sent(seq=0)

    def give_back(self, player: str, effects: Effects) -> None:
        """The seat is its player's again, if a robot had it. Orders that the robot placed are withdrawn: its player did
        not want them, and whatever they still bought would be the player's.
        """
        seat = self.state.seats.pop(player, None)
        if seat is not None:
            orders = self.state.accounts[player].orders
            placed = [order for order in orders.values() if order.number > seat.orders]
            self.accounts.trading.withdraw_all(placed, effects, CANCELLED)
            effects.events.append(SeatChanged(player, False))

    def connected(self, player: str, effects: Effects) -> None:
        """A node has a connection of the player's own: so nobody sits in for them by itself."""
        seat = self.state.seats.get(player)
        if seat is not None and seat.by_itself:
            self.give_back(player, effects)

    def depart(self, command: Depart, effects: Effects) -> Sent:
        """Robots that are not the server's, and have no connection left, leave nothing behind. A round that the clock
        will close they stay for: they are in its results.
        """
        state = self.state
        if state.phase != OPEN or state.ends_at is None:
            for name in command.players:
                if name in state.robots and not state.robots[name]:
                    self.accounts.close(name, effects)
        return self.accounts.departures.depart(command, effects)

    def _adjust(self, effects: Effects) -> None:
        self._leave(self.state.plan.wanted, effects)
        self._come(self.state.plan.wanted, effects)

    def _leave(self, stay: int, effects: Effects) -> None:
        """The newest first."""
        for name in reversed(servers(self.state)[stay:]):
            self.accounts.close(name, effects)

    def _come(self, wanted: int, effects: Effects) -> None:
        for _ in range(wanted - len(servers(self.state))):
            self.accounts.open_robot(None, effects)


def servers(state: GameState) -> list[str]:
    """The robots that the server runs, the oldest first."""
    return [name for name, ours in state.robots.items() if ours]


def played_by_server(state: GameState, player: str) -> bool:
    """Whether a robot of the server's may give this player's commands."""
    return player in state.seats or state.robots.get(player, False)


def robots_needed(state: GameState, here: Iterable[str]) -> int:
    """How many robots the host's plan takes, given who is ``here``; whoever has a robot in their seat counts, too.

    So does who left an open round in which they have private values: those stay in its demand and supply, and another
    player's would be added to them.
    Where sides cannot be even with as many robots as there may be, they are not.
    """
    plan, private = state.plan, state.definition.private_values
    counted = {**dict.fromkeys(here), **state.seats}
    if state.phase == OPEN and private is not None:
        counted |= dict.fromkeys(state.dealt)
    people = [player for player in counted if player in state.players]
    people = [player for player in people if not state.robots.get(player, False)]
    robots = max(0, plan.fill_to - len(people))
    if plan.even_sides:
        lacking = len(people) % 2
        if private is not None:  # who has no side yet gets that of which there are fewer
            roles = [state.players[player].role for player in people]
            lacking = abs(roles.count(BUYER) - roles.count(SELLER)) - roles.count(None)
            lacking = lacking if lacking >= 0 else -lacking % 2
        robots = max(robots, lacking)
        robots += (robots - lacking) % 2
    return min(robots, ROBOTS_MOST)
