"""Chat: in the log like everything else, so it is ordered, resumable and said exactly once."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.events import Whispered
from tradegame.core.domain.state import Effects, GameState
from tradegame.protocol.commands import Tell, Unsay
from tradegame.protocol.errors import MutedError, UnknownMessageError, UnknownPlayerError
from tradegame.protocol.ops import HOST
from tradegame.protocol.pushes import Said, Unsaid
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Sent
from tradegame.protocol.requests import Say
from tradegame.protocol.state import Message


@frozen
class ChatService:
    state: GameState

    def say(self, command: Say, effects: Effects) -> Sent:
        """To everyone, kept among the last messages; or to one player, kept nowhere."""
        if not self.state.chat:
            raise MutedError(why("chat_off"))
        if self.state.players[command.player].muted:
            raise MutedError(why("muted_by_host"))
        if command.to is None:
            self.state.said += 1
            effects.events.append(Said(command.player, command.text, self.state.said))
            self.state.messages.append(Message(command.player, command.text, effects.at, self.state.said))
        elif command.to not in self.state.players:
            raise UnknownPlayerError(f"no player {command.to!r} in this game")
        else:
            effects.whispers.append(Whispered(command.player, command.to, command.text))
        return Sent(seq=0)

    def tell(self, command: Tell, effects: Effects) -> Sent:
        """What the host says to one player, whatever the chat is."""
        if command.account not in self.state.players:
            raise UnknownPlayerError(f"no player {command.account!r} in this game")
        effects.whispers.append(Whispered(HOST, command.account, command.text))
        return Sent(seq=0)

    def unsay(self, command: Unsay, effects: Effects) -> Sent:
        """Delete a message that is kept."""
        messages = self.state.messages
        place = next((place for place, each in enumerate(messages) if each.number == command.message), None)
        if place is None:
            raise UnknownMessageError(f"no message {command.message} is kept")
        del messages[place]
        effects.events.append(Unsaid(command.message))
        return Sent(seq=0)
