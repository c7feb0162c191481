"""Chat: in the log like everything else, so it is ordered, resumable and said exactly once."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.events import Whispered
from tradegame.core.domain.state import Effects, GameState
from tradegame.protocol.errors import UnknownPlayerError
from tradegame.protocol.pushes import Said
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import Say
from tradegame.protocol.state import Message


@frozen
class ChatService:
    state: GameState

    def say(self, command: Say, effects: Effects) -> Sent:
        """To everyone, kept among the last messages; or to one player, kept nowhere."""
        if command.to is None:
            effects.events.append(Said(command.player, command.text))
            self.state.messages.append(Message(command.player, command.text, effects.at))
        elif command.to not in self.state.players:
            raise UnknownPlayerError(f"no player {command.to!r} in this game")
        else:
            effects.whispers.append(Whispered(command.player, command.to, command.text))
        return Sent(seq=0)
