"""The host's calls: make and delete games, open and close them, announce, kick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import frozen

from tradegame.core.domain import views
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Outcome, Rejected
from tradegame.core.repositories import SessionRepository
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.games import GameService
from tradegame.protocol.bounds import PhaseName
from tradegame.protocol.commands import Announce, Command, SetPhase
from tradegame.protocol.errors import (
    RULE_ERRORS,
    CommandTimeoutError,
    TradeGameError,
    UnknownPlayerError,
)
from tradegame.protocol.state import GameSummary

DEADLINE_S = 10.0


@frozen
class AdministerUseCase:
    """Everything here waits for the store, at most ``DEADLINE_S``."""

    games: GameService
    sessions: SessionRepository

    async def create(self, definition: GameDefinition) -> GameSummary:
        """Make a game; returns its line of the list. Raises GameThereError."""
        with _deadline():
            host = await self.games.create(definition)
        return views.summary(host.game.state)

    async def delete(self, game: str) -> None:
        """Raises UnknownGameError."""
        with _deadline():
            await self.games.delete(game)

    async def set_phase(self, game: str, phase: PhaseName) -> int:
        """``lobby``, ``open`` or ``closed``; returns the ``seq``. Raises UnknownGameError."""
        return await self._command(self.games.host(game), SetPhase(phase=phase))

    async def announce(self, game: str, text: str, good: str | None, anchor_bps: int) -> int:
        """Publish news; returns the ``seq``. Raises UnknownGameError and UnknownGoodError."""
        return await self._command(self.games.host(game), Announce(text=text, good=good, anchor_bps=anchor_bps))

    async def kick(self, player: str) -> None:
        """Close the player's connections on every node and accept none of the tokens again. Raises
        UnknownPlayerError.
        """
        with _deadline():
            if not await self.sessions.remove_player(player):
                raise UnknownPlayerError(f"no player {player!r}")

    async def _command(self, host: GameHost, command: Command) -> int:
        outcome: Outcome | TradeGameError | None = None
        answered = trio.Event()

        def answer(result: Outcome | TradeGameError) -> None:
            nonlocal outcome
            outcome = result
            answered.set()

        host.submit(command, answer)
        await answered.wait()  # the host answers within its command timeout
        if isinstance(outcome, TradeGameError):
            raise outcome
        assert isinstance(outcome, Outcome)
        if isinstance(outcome.result, Rejected):
            raise RULE_ERRORS[outcome.result.code](outcome.result.message)
        return outcome.result.seq


@contextmanager
def _deadline() -> Iterator[None]:
    """Like ``trio.fail_after``, but raises the protocol's error."""
    with trio.move_on_after(DEADLINE_S) as scope:
        yield
    if scope.cancelled_caught:
        raise CommandTimeoutError("the store took too long")
