"""What the host does about people: who may have an account, who may speak."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.account import MINT
from tradegame.core.domain.blotter import CANCELLED
from tradegame.core.domain.departures import DepartureService
from tradegame.core.domain.naming import NamingService
from tradegame.core.domain.private_values import PrivateValuesService
from tradegame.core.domain.settlement import SettlementService
from tradegame.core.domain.state import Effects, GameState
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.commands import Mute, Readmit, Remove, SetAccess
from tradegame.protocol.errors import GameFullError, NotAdmittedError, RuleError, UnknownPlayerError
from tradegame.protocol.pushes import AccessChanged, Removed
from tradegame.protocol.replies import Sent


@frozen
class ModerationService:
    state: GameState
    trading: TradingService
    naming: NamingService
    private_values: PrivateValuesService
    settlement: SettlementService
    departures: DepartureService

    def remove(self, command: Remove, effects: Effects) -> Sent:
        """Take a player's account away. What it owns goes to the mint, its orders with it.

        What the player has traded in this round others have: those units stay in demand and supply.
        """
        state, name = self.state, command.account
        player = state.players.get(name)
        if player is None:
            raise UnknownPlayerError(f"no player {name!r} in this game")
        account, mint = state.accounts[name], state.accounts[MINT]
        self.trading.withdraw_all(list(account.orders.values()), effects, CANCELLED)
        if name in state.dealt:
            self.private_values.forget(player, account)
            self.settlement.forget(name)
            del state.dealt[name]
        mint.cash += account.cash
        for good, qty in account.goods.items():
            mint.goods[good] += qty
        self.naming.free(player)
        self.departures.forget(name)
        del state.players[name], state.accounts[name]
        state.removed[name] = player.name
        effects.accounts[name] = None
        effects.events.append(Removed(name))
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
        """Lock the game or switch the chat, and the other way. What is not said stays."""
        state = self.state
        before = state.locked, state.chat
        state.locked = state.locked if command.locked is None else command.locked
        state.chat = state.chat if command.chat is None else command.chat
        if (state.locked, state.chat) != before:
            effects.events.append(AccessChanged(state.locked, state.chat))
        return Sent(seq=0)


def refusal(state: GameState, player: str) -> RuleError | None:
    """Why a player without an account may have none, whatever the name; None: nothing speaks against it."""
    if player in state.removed:
        return NotAdmittedError("the host removed you from this game")
    if state.locked:
        return NotAdmittedError("the game is locked: the host lets nobody new in")
    if len(state.players) >= state.definition.max_players:
        return GameFullError.of(len(state.players))
    return None
