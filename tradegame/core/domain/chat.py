"""Chat: in the log like everything else, so it is ordered, resumable and said exactly once."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.commands import Say
from tradegame.core.domain.events import Accepted, Said, Whispered
from tradegame.core.domain.state import Effects, GameState, Message
from tradegame.protocol.errors import UnknownPlayerError


@frozen
class ChatService:
    state: GameState

    def say(self, command: Say, effects: Effects) -> Accepted:
        """To everyone, kept among the last messages; or to one player, kept nowhere."""
        if command.to is None:
            effects.events.append(Said(command.player, command.text))
            self.state.messages.append(Message(command.player, command.text, effects.at))
        elif command.to not in self.state.players:
            raise UnknownPlayerError(f"no player {command.to!r} in this game")
        else:
            effects.whispers.append(Whispered(command.player, command.to, command.text))
        return Accepted(0)
