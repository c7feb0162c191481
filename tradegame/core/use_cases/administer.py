"""The host's calls: make and delete games, open and close them, announce, kick, moderate."""

from __future__ import annotations

from collections.abc import Sequence

import trio
from attrs import frozen

from tradegame.core.domain import views
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Rejected
from tradegame.core.games.service import GameService
from tradegame.core.repositories import SessionRepository
from tradegame.core.use_cases.submit import SubmitUseCase
from tradegame.protocol.bounds import PLAYER_ID_LENGTH, PhaseName
from tradegame.protocol.commands import (
    Announce,
    Command,
    Mute,
    Remove,
    Reveal,
    SetAccess,
    SetPhase,
    SetRoster,
    Unsay,
)
from tradegame.protocol.errors import (
    RULE_ERRORS,
    UnknownPlayerError,
)
from tradegame.protocol.names import skeleton
from tradegame.protocol.state import GameSummary

DEADLINE_S = 10.0


@frozen
class AdministerUseCase:
    """Everything here waits for the store, at most ``DEADLINE_S``: then it raises trio.TooSlowError."""

    games: GameService
    log: SubmitUseCase
    sessions: SessionRepository

    async def create(self, definition: GameDefinition) -> GameSummary:
        """Make a game; returns its line of the list. Raises GameThereError."""
        with trio.fail_after(DEADLINE_S):
            host = await self.games.create(definition)
        return views.summary(host.game.state)

    async def delete(self, game: str) -> None:
        """Raises UnknownGameError."""
        with trio.fail_after(DEADLINE_S):
            await self.games.delete(game)

    async def set_phase(self, game: str, phase: PhaseName) -> int:
        """``lobby``, ``open`` or ``closed``; returns the ``seq``. Raises UnknownGameError."""
        return await self._execute(game, SetPhase(phase=phase))

    async def announce(self, game: str, text: str, good: str | None, anchor_bps: int) -> int:
        """Publish news; returns the ``seq``. Raises UnknownGameError and UnknownGoodError."""
        return await self._execute(game, Announce(text=text, good=good, anchor_bps=anchor_bps))

    async def remove(self, game: str, player: str) -> int:
        """Take a player's account in the game away, for good; returns the ``seq``. Raises UnknownPlayerError."""
        return await self._execute(game, Remove(account=_known(player)))

    async def mute(self, game: str, player: str, *, muted: bool) -> int:
        """Let a player not speak, or speak again; returns the ``seq``. Raises UnknownPlayerError."""
        return await self._execute(game, Mute(account=_known(player), muted=muted))

    async def unsay(self, game: str, message: int) -> int:
        """Delete a message; returns the ``seq``. Raises UnknownMessageError."""
        return await self._execute(game, Unsay(message=message))

    async def set_access(self, game: str, locked: bool | None, chat: bool | None) -> int:
        """Lock the game, switch the chat, or the other way; None leaves it as it is. Returns the ``seq``."""
        return await self._execute(game, SetAccess(locked=locked, chat=chat))

    async def set_roster(self, game: str, names: Sequence[str]) -> int:
        """The names that may join, each as often as it is there; none: all may. Returns the ``seq``."""
        return await self._execute(game, SetRoster(names=tuple((name, skeleton(name)) for name in names)))

    async def reveal(self, game: str) -> int:
        """Let everybody read the results of closed rounds; returns the ``seq``. Raises UnknownGameError."""
        return await self._execute(game, Reveal())

    async def kick(self, player: str) -> None:
        """Close the player's connections on every node and accept none of the tokens again. Raises
        UnknownPlayerError.
        """
        with trio.fail_after(DEADLINE_S):
            if not await self.sessions.remove_player(player):
                raise UnknownPlayerError(f"no player {player!r}")

    async def _execute(self, game: str, command: Command) -> int:
        outcome = await self.log.execute(game, command)
        if isinstance(outcome.result, Rejected):
            raise RULE_ERRORS[outcome.result.code](outcome.result.message)
        return outcome.result.seq


def _known(player: str) -> str:
    """Raises UnknownPlayerError for what no player's id can be: the log must not have it."""
    if not 1 <= len(player) <= PLAYER_ID_LENGTH:
        raise UnknownPlayerError(f"no player {player[:PLAYER_ID_LENGTH]!r}")
    return player
