"""The host's calls: make and delete games, open and close them, announce, kick."""

from __future__ import annotations

import trio
from attrs import frozen

from tradegame.core.domain import views
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Outcome, Rejected
from tradegame.core.games.service import GameService
from tradegame.core.repositories import SessionRepository
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.bounds import PhaseName
from tradegame.protocol.commands import Announce, Command, Reveal, SetPhase
from tradegame.protocol.errors import (
    RULE_ERRORS,
    UnknownPlayerError,
)
from tradegame.protocol.state import GameSummary

DEADLINE_S = 10.0


@frozen
class AdministerUseCase:
    """Everything here waits for the store, at most ``DEADLINE_S``: then it raises trio.TooSlowError."""

    games: GameService
    log: SubmitUseCase
    sessions: SessionRepository

    async def create(self, definition: GameDefinition, key: str | None = None) -> GameSummary:
        """Make a game, once for its key; returns its line of the list. Raises GameThereError, KeyReusedError, and
        EpochOverError if it was made with that key, and deleted.
        """
        with trio.fail_after(DEADLINE_S):
            host = await self.games.create(definition, key)
        return views.summary(host.game.state)

    async def delete(self, game: str, key: str | None = None) -> None:
        """Delete a game, once for its key. Raises UnknownGameError, KeyReusedError."""
        with trio.fail_after(DEADLINE_S):
            await self.games.delete(game, key)

    async def set_phase(self, game: str, phase: PhaseName, key: str | None = None) -> Outcome:
        """``lobby``, ``open`` or ``closed``, once for its key. Raises UnknownGameError."""
        return await self._execute(game, SetPhase(phase=phase, key=key))

    async def announce(
        self, game: str, text: str, good: str | None, anchor_bps: int, key: str | None = None
    ) -> Outcome:
        """Publish news, once for its key. Raises UnknownGameError and UnknownGoodError."""
        return await self._execute(game, Announce(text=text, good=good, anchor_bps=anchor_bps, key=key))

    async def reveal(self, game: str, key: str | None = None) -> Outcome:
        """Let everybody read the results of closed rounds, once for its key. Raises UnknownGameError."""
        return await self._execute(game, Reveal(key=key))

    async def kick(self, player: str) -> None:
        """Close the player's connections on every node and accept none of the tokens again. Raises
        UnknownPlayerError.
        """
        with trio.fail_after(DEADLINE_S):
            if not await self.sessions.remove_player(player):
                raise UnknownPlayerError(f"no player {player!r}")

    async def _execute(self, game: str, command: Command) -> Outcome:
        """Raises the rule's error, if a rule refused it."""
        outcome = await self.log.execute(game, command)
        if isinstance(outcome.result, Rejected):
            raise RULE_ERRORS[outcome.result.code](outcome.result.message)
        return outcome
