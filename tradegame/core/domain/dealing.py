"""What a round gives to its players and to the house, and what it takes from everybody before the next one."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from tradegame.core.domain.account import HOUSE, MINT
from tradegame.core.domain.private_values import PrivateValuesService
from tradegame.core.domain.recording import RecordingService
from tradegame.core.domain.settlement import SettlementService
from tradegame.core.domain.state import OPEN, Effects, GameState


@frozen
class DealingService:
    """Moves coins and goods between the mint and accounts."""

    state: GameState
    recording: RecordingService
    private_values: PrivateValuesService
    settlement: SettlementService

    def deal(self, players: Iterable[str], effects: Effects) -> None:
        """Let these players take part in the open round, who have an account and were not dealt to yet."""
        state = self.state
        if state.phase != OPEN:
            return
        fresh = [name for name in dict.fromkeys(players) if name in state.players and name not in state.dealt]
        for name in fresh:
            state.dealt[name] = None
            self.private_values.deal(state.players[name])
        self._endow(fresh)
        for name in fresh:
            self.recording.dealt(name)
            self.settlement.catch_up(name, effects)
            effects.accounts[name] = None

    def _endow(self, players: Iterable[str]) -> None:
        """Give players what the definition gives everyone, out of the mint."""
        state, definition, private = self.state, self.state.definition, self.state.definition.private_values
        mint, count, units = state.accounts[MINT], 0, 0
        given = [(good, fields.endowment) for good, fields in definition.goods.items() if fields.endowment]
        for count, name in enumerate(players, 1):  # noqa: B007 - counted for what the mint gives
            account = state.accounts[name]
            account.cash += definition.cash
            for good, qty in given:
                account.goods[good] += qty
            if private is not None:
                qty = self.private_values.endowment(state.players[name])
                account.goods[private.good] += qty
                units += qty
        mint.cash -= count * definition.cash
        for good, qty in given:
            mint.goods[good] -= count * qty
        if private is not None:
            mint.goods[private.good] -= units

    def take_everything(self) -> None:
        """What is in the world, and no order holds any of it, goes to the mint."""
        mint = self.state.accounts[MINT]
        for name, account in self.state.accounts.items():
            if name != MINT:
                mint.cash += account.cash
                account.cash = 0
                for good, qty in account.goods.items():
                    if qty:
                        mint.goods[good] += qty
                        account.goods[good] = 0

    def endow_house(self) -> None:
        """Fund the house, so that what it owns is there before the first round opens."""
        goods = self.state.definition.goods
        houses = {good: fields.house for good, fields in goods.items() if fields.house is not None}
        account, mint = self.state.accounts[HOUSE], self.state.accounts[MINT]
        for good, house in houses.items():
            account.cash += house.cash
            mint.cash -= house.cash
            account.goods[good] += house.stock
            mint.goods[good] -= house.stock
