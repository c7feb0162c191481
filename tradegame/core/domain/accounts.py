"""Accounts come and go: what it takes to open one, and to close it without a trace of what it owned."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.account import MINT, Account
from tradegame.core.domain.blotter import CANCELLED
from tradegame.core.domain.departures import DepartureService
from tradegame.core.domain.naming import NamingService
from tradegame.core.domain.private_values import PrivateValuesService
from tradegame.core.domain.settlement import SettlementService
from tradegame.core.domain.state import Effects, GameState
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.pushes import Joined, Removed

ROBOT_NAME = "Robot {}"
"""Nobody else may be called so: see `tradegame.protocol.names`."""


@frozen
class AccountService:
    state: GameState
    trading: TradingService
    naming: NamingService
    private_values: PrivateValuesService
    settlement: SettlementService
    departures: DepartureService

    def open(self, name: str, called: str, skeleton: str, effects: Effects, *, robot: bool = False) -> None:
        """A new account, which owns nothing. ``called``: what the player wants to be called."""
        state = self.state
        player = self.naming.call(called, skeleton)
        player.ever = state.remembered
        state.players[name] = player
        state.accounts[name] = Account.empty(list(state.markets))
        effects.events.append(Joined(name, player.name, robot))
        effects.accounts[name] = None

    def open_robot(self, name: str | None, effects: Effects) -> None:
        """A robot's, which gets the lowest number that no other one has. ``name`` None: the server runs it."""
        state, number = self.state, 1
        taken = {state.players[robot].name for robot in state.robots}
        while (called := ROBOT_NAME.format(number)) in taken or f"robot-{number}" in state.players:
            number += 1
        state.robots[name or f"robot-{number}"] = name is None
        self.open(name or f"robot-{number}", called, called, effects, robot=True)

    def close(self, name: str, effects: Effects) -> None:
        """Take a player's account away. What it owns goes to the mint, its orders with it.

        What the player has traded in this round others have: those units stay in demand and supply.
        """
        state = self.state
        player, account, mint = state.players[name], state.accounts[name], state.accounts[MINT]
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
        state.robots.pop(name, None)
        state.seats.pop(name, None)
        state.winners = [winner for winner in state.winners if winner != name]
        if player.group:
            state.grouped[player.group - 1] -= 1
        state.known -= len(player.keys)
        del state.players[name], state.accounts[name]
        state.gone += 1
        effects.accounts[name] = None
        effects.events.append(Removed(name))
