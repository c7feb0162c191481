"""The standings of one game: computed at most once a second, in slices, from what has changed since the last time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import islice

import trio
from attrs import define, field, frozen

from tradegame.core.domain import views
from tradegame.core.domain.private_values import are_secret
from tradegame.core.domain.state import GameState
from tradegame.core.domain.views import Placed
from tradegame.core.domain.worth import Holding, holding, marks
from tradegame.protocol import state as protocol
from tradegame.protocol.state import Standing

EVERY_S = 1.0
"""If something has changed, standings are at most this old."""
CELLS_A_SLICE = 1_024
"""Players times goods in a slice: under 1 ms."""
ROW_CELLS = 4
"""A player counts as so many goods at least."""
SLICES_MORE = 100
"""If more players change than are updated, as in a very busy game, the rest is done in one go after so many slices."""
RANKED = 100
"""The longest list that can be requested."""


@frozen
class Ranked:
    """The best players as of frame ``seq``; ``entries``: how many log entries had been applied then."""

    seq: int
    entries: int
    rows: list[Standing]


@define(eq=False)
class Standings:
    """``current`` returns the game's state as it is now; a different object after a rebuild.

    Keeps what each player had when last looked at. Changed players are updated in slices, and the last few in one go
    with the prices, so that everything is from one moment.
    """

    current: Callable[[], GameState]
    _state: GameState | None = field(default=None, init=False)
    _holdings: dict[str, Holding] = field(factory=dict, init=False)
    _touched: dict[str, None] = field(factory=dict, init=False)
    _ranked: dict[bool, tuple[Ranked, float]] = field(factory=dict, init=False)
    """By whether they are by total: the last ones, and when they were drawn up."""
    _turn: trio.Lock = field(factory=trio.Lock, init=False)

    def touched(self, players: Iterable[str]) -> None:
        """An entry changed these players' accounts."""
        if self._state is not None:  # otherwise everybody is looked at, when somebody first asks
            self._touched.update(dict.fromkeys(players))

    def known(self, *, total: bool = False) -> Ranked | None:
        """The last standings, of this round or by total, if they are new enough."""
        state = self.current()
        if total not in self._ranked or state is not self._state:
            return None
        ranked, at = self._ranked[total]
        fresh = ranked.entries == state.entries or trio.current_time() - at < EVERY_S
        return ranked if fresh else None

    def shown(self, ranked: Ranked, limit: int, *, host: bool = False) -> protocol.Standings:
        """A ``standings`` reply; to others than the ``host`` it lists nobody while that would tell private values."""
        state = self.current()
        secret = are_secret(state)
        rows = () if secret and not host else tuple(ranked.rows[:limit])
        return protocol.Standings(rows, ranked.seq, secret, state.practice)

    async def ranked(self, *, total: bool = False) -> Ranked:
        """The standings, at most a second old. Concurrent callers share the work."""
        async with self._turn:
            ranked = self.known(total=total)
            if ranked is None:
                ranked = await self._rank(total=total)
                self._ranked[total] = ranked, trio.current_time()
        return ranked

    @property
    def _rows(self) -> int:
        """Players in a slice."""
        return max(1, CELLS_A_SLICE // max(ROW_CELLS, len(self.current().markets)))

    async def _rank(self, *, total: bool) -> Ranked:
        state = await self._look()
        seq, entries = state.seq, state.entries
        at = marks(state)
        best: list[Placed] = []
        rows, most = enumerate(list(state.players if total else state.dealt)), self._rows
        while some := list(islice(rows, most)):
            fresh: list[Placed] = []
            for number, player in some:
                have = self._holdings.get(player) if player in state.dealt else None
                if total and player in state.players:
                    fresh += views.by_total(number, player, have or holding(state, player), at, dealt=have is not None)
                elif have is not None:
                    fresh.append((-have.worth(at), number, player, have.score))
            best = heapq.nsmallest(RANKED, [*best, *fresh])
            await trio.lowlevel.checkpoint()
        return Ranked(seq, entries, views.ranked(state, best, total=total))

    async def _look(self) -> GameState:
        """Update the changed players. No pause between the last of them and the return."""
        slices = 0
        while True:
            state = self.current()
            if state is not self._state:
                self._state = state
                self._holdings.clear()
                self._touched = dict.fromkeys(state.dealt)
                slices = 0
            most = self._rows
            few = len(self._touched) <= most
            if few or slices > len(state.players) // most + SLICES_MORE:
                self._take(state, len(self._touched))
                return state
            self._take(state, most)
            slices += 1
            await trio.lowlevel.checkpoint()

    def _take(self, state: GameState, most: int) -> None:
        for player in list(islice(self._touched, most)):
            del self._touched[player]
            if player in state.dealt:
                self._holdings[player] = holding(state, player)
            else:
                self._holdings.pop(player, None)
