"""Who chose `cancel_on_disconnect` and has no connection left, on any node, goes into the log.

Each node compares the game with the register, again and again: so it also finds who left while no node lived, and whose
order came in after them. A node that errs is put right: whoever is connected arrives again (see `arrivals`).
"""

from __future__ import annotations

import random
from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.core.games.arrivals import Arrivals
from tradegame.core.games.replica import Replica
from tradegame.core.games.submissions import Submission
from tradegame.protocol.commands import Command, Depart
from tradegame.protocol.errors import TradeGameError

LOOK_S = 1.0
"""How often a node looks, on average: at random, so that mostly one of them tells of a departure."""
HELD_S = 4.0
"""After a longer pause between two looks, nothing that was seen before it counts: this node stood still."""
AWAY_S = 2.0
"""Who comes back within this time has not departed: so a client that goes to another node adds nothing to the log."""
LOOKED_AT_ONCE = 1_000
DEPART_AT_ONCE = 200


@define(eq=False)
class Departures:
    """One game's players who are nowhere. ``absent``: whether the register has no connection of a player in this game.
    ``doubted``: whether the replica may be behind; then nobody is missed. Only ``run`` waits.
    """

    replica: Replica
    execute: Callable[[Command], Submission]
    arrivals: Arrivals
    absent: Callable[[str], bool]
    doubted: Callable[[], bool]
    _missed: dict[str, float] = field(factory=dict, init=False)
    """Since when, on trio's clock in s."""
    _looked_at: float = field(default=0.0, init=False)

    async def run(self) -> None:
        """Append who departed, until cancelled. One command at a time, so that players' commands go in between."""
        while True:
            await trio.sleep(LOOK_S * random.uniform(0.5, 1.5))
            await self._look()
            try:
                while players := self._next():
                    await self.execute(Depart(players=players))
            except TradeGameError:  # whether it happened or not: the next look tells
                continue

    async def _look(self) -> None:
        """Find who is missed, and since when; and who departed and is here."""
        now = trio.current_time()
        before = self._missed if now - self._looked_at < HELD_S else {}
        self._missed, self._looked_at = {}, now
        for number, player in enumerate(list(self.replica.game.state.cancel_on_disconnect), 1):
            if self._is_missed(player):
                self._missed[player] = before.get(player, now)
            else:
                self.arrivals.look_after(player)
            if number % LOOKED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    def _is_missed(self, player: str) -> bool:
        """Whether the log should be told that this player departed. Who has no open order is not missed."""
        state = self.replica.game.state
        return (
            player in state.cancel_on_disconnect
            and player not in state.departed
            and player not in state.seats
            and bool(state.accounts[player].orders)
            and not self.arrivals.here(player)
            and self.absent(player)
            and not self.doubted()
        )

    def _next(self) -> tuple[str, ...]:
        """The next who have been missed for long enough."""
        players, long_ago = list[str](), trio.current_time() - AWAY_S
        for player in list(self._missed):
            if self._missed[player] <= long_ago:
                del self._missed[player]
                if self._is_missed(player):
                    players.append(player)
            if len(players) == DEPART_AT_ONCE:
                break
        return tuple(players)
