"""A pause: the clock stops, nobody trades, and all that is still to come in the phase comes as much later.

The host calls for one. And a node that slept comes back with one, where nobody else served the game: else a lid that
was closed for a minute in a lesson would end the round.
"""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.state import OPEN, Effects, GameState
from tradegame.protocol.commands import AddTime, Pause
from tradegame.protocol.errors import NotOpenError
from tradegame.protocol.pushes import ClockChanged
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Sent


@frozen
class PauseService:
    """Stops the clock, and lets it go on."""

    state: GameState

    def pause(self, command: Pause, effects: Effects) -> Sent:
        """The clock stops, or goes on."""
        state = self.state
        if not command.paused:
            self.go_on(effects)
        elif state.paused_at is None:
            if not self._runs():
                raise NotOpenError(why("nothing_to_pause", phase=state.phase))
            self._stop(effects)
        return Sent(seq=0)

    def go_on(self, effects: Effects) -> None:
        """The pause is over, if there is one."""
        state = self.state
        if state.paused_at is None:
            return
        missed, state.paused_at = state.clock - state.paused_at, None
        if state.ends_at is not None:
            state.ends_at += missed
        if state.phase == OPEN:
            state.idle_ms += missed
            state.news_coming = [(at + missed, number) for at, number in state.news_coming]
            for market in state.markets.values():
                if market.house is not None:
                    market.house.next_tick += missed
        effects.events.append(ClockChanged(state.ends_at))

    def add_time(self, command: AddTime, effects: Effects) -> Sent:
        state = self.state
        if state.ends_at is None:
            raise NotOpenError(why("no_end_to_move", phase=state.phase))
        state.ends_at += command.add_s * 1000
        effects.events.append(ClockChanged(state.ends_at, state.paused_at))
        return Sent(seq=0)

    def sleep(self, effects: Effects) -> None:
        """The node that served the game fell asleep now."""
        if self.state.paused_at is None and self._runs():
            self._stop(effects)

    def _runs(self) -> bool:
        return self.state.phase == OPEN or self.state.ends_at is not None

    def _stop(self, effects: Effects) -> None:
        self.state.paused_at = self.state.clock
        effects.events.append(ClockChanged(self.state.ends_at, self.state.paused_at))
