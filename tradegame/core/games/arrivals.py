"""Who is here when a round opens, and who comes later, goes into the log: a round deals to them alone. So does who is
here though the log has it that they departed (see `departures`).

Presence is not in the log, so each node tells of its own connections. To tell twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.core.domain.state import OPEN
from tradegame.core.games.freshness import REREAD_S
from tradegame.core.games.replica import Replica
from tradegame.core.games.submissions import Submission
from tradegame.protocol.commands import Arrive, Command
from tradegame.protocol.errors import TradeGameError

ARRIVE_AT_ONCE = 200
"""So many players arrive in one command: to deal to them takes some 2 ms of every node."""


@define(eq=False)
class Arrivals:
    """One game's players on this node. ``came`` and ``left`` are called for each connection that plays, ``look`` after
    each entry. Only ``run`` waits.
    """

    replica: Replica
    execute: Callable[[Command], Submission]
    _here: dict[str, int] = field(factory=dict, init=False)
    """By player, how many connections."""
    _waiting: dict[str, None] = field(factory=dict, init=False)
    _opened: tuple[int, int | None] | None = field(default=None, init=False)
    """The round that was seen to be open, and when it opened: the same number may be opened again."""
    _work: trio.Event = field(factory=trio.Event, init=False)

    def came(self, player: str) -> None:
        """A connection of this player follows the game."""
        self._here[player] = self._here.get(player, 0) + 1
        self._waiting[player] = None
        self._work.set()

    def left(self, player: str) -> None:
        """It follows the game no more."""
        self._here[player] -= 1
        if not self._here[player]:
            del self._here[player]

    def here(self, player: str) -> bool:
        """Whether this node has a connection of the player that plays."""
        return player in self._here

    def look_after(self, player: str) -> None:
        """If the log has it that this player departed, and they are here, they arrive."""
        if player in self._here and player in self.replica.game.state.departed:
            self._waiting[player] = None
            self._work.set()

    def look(self) -> None:
        """If a round has opened, everybody who is here arrives."""
        state = self.replica.game.state
        opened = (state.round, state.opened_at) if state.phase == OPEN else None
        if opened != self._opened:
            self._opened = opened
            if opened is not None:
                self._waiting.update(dict.fromkeys(self._here))
                self._work.set()

    async def run(self) -> None:
        """Append who arrives, until cancelled. One command at a time, so that players' commands go in between."""
        while True:
            while not (players := self._next()):
                self._work = trio.Event()
                await self._work.wait()
            try:
                await self.execute(Arrive(players=players))
            except TradeGameError:  # whether it happened or not: it is told again of those who need it
                self._waiting.update(dict.fromkeys(players))
                await trio.sleep(REREAD_S)

    def _next(self) -> tuple[str, ...]:
        """The next who are here, and have departed, or have an account and were not dealt to in the open round."""
        state, players = self.replica.game.state, list[str]()
        while self._waiting and len(players) < ARRIVE_AT_ONCE:
            player = next(iter(self._waiting))
            del self._waiting[player]
            waits = state.phase == OPEN and player in state.players and player not in state.dealt
            if player in self._here and (waits or player in state.departed):
                players.append(player)
        return tuple(players)
