"""What the host does about people: who may have an account, who may speak."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.accounts import AccountService
from tradegame.core.domain.robots import servers
from tradegame.core.domain.state import Effects, GameState
from tradegame.protocol.commands import Mute, Readmit, Remove, SetAccess
from tradegame.protocol.errors import GameFullError, NotAdmittedError, RuleError, UnknownPlayerError
from tradegame.protocol.pushes import AccessChanged
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Sent


@frozen
class ModerationService:
    state: GameState
    accounts: AccountService

    def remove(self, command: Remove, effects: Effects) -> Sent:
        """Take a player's account away. Who was moved, and robots, may come again; others if readmitted."""
        state, name = self.state, command.account
        if (player := state.players.get(name)) is None:
            raise UnknownPlayerError(f"no player {name!r} in this game")
        if not (command.moved or state.robots.get(name, False)):
            state.removed[name] = player.name
        self.accounts.close(name, effects)
        return Sent(seq=0)

    def readmit(self, command: Readmit, effects: Effects) -> Sent:
        """Who was removed may have an account again: a new one."""
        if self.state.removed.pop(command.account, None) is None:
            raise UnknownPlayerError(f"no player {command.account!r} was removed from this game")
        return Sent(seq=0)

    def mute(self, command: Mute, effects: Effects) -> Sent:
        player = self.state.players.get(command.account)
        if player is None:
            raise UnknownPlayerError(f"no player {command.account!r} in this game")
        if player.muted != command.muted:
            player.muted = command.muted
            effects.accounts[command.account] = None
        return Sent(seq=0)

    def set_access(self, command: SetAccess, effects: Effects) -> Sent:
        """Lock the game, switch the chat or the reports, and the other way. What is not said stays."""
        state = self.state
        before = state.locked, state.chat, state.reports
        state.locked = state.locked if command.locked is None else command.locked
        state.chat = state.chat if command.chat is None else command.chat
        state.reports = state.reports if command.reports is None else command.reports
        if (now := (state.locked, state.chat, state.reports)) != before:
            effects.events.append(AccessChanged(*now))
        return Sent(seq=0)


def check_admission(state: GameState, player: str) -> None:
    """Raises NotAdmittedError or GameFullError if a player without an account may have none, whatever the name."""
    if player in state.removed:
        raise NotAdmittedError(why("removed_by_host"))
    if state.locked:
        raise NotAdmittedError(why("game_locked"))
    most = state.definition.most_players * max(1, len(state.definition.groups))
    if (people := len(state.players) - len(servers(state))) >= most:
        raise GameFullError(why("players_full", players=people))


def is_admitted(state: GameState, player: str) -> bool:
    """Whether `check_admission` raises nothing."""
    try:
        check_admission(state, player)
    except RuleError:
        return False
    return True
