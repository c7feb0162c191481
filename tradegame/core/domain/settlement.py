"""Goods that settle: at the close every unit is paid at a value that was drawn at the opening, and that nobody knows.

Each player is told, in private, of values that it is not: together they know more than any one does. After Plott and
Sunder, "Rational expectations and the aggregation of diverse information", Econometrica 56 (1988).
"""

from __future__ import annotations

from itertools import islice

from attrs import field, frozen

from tradegame.core.domain.account import HOUSE, MINT
from tradegame.core.domain.chance import draw_between
from tradegame.core.domain.definition import SettlementDefinition
from tradegame.core.domain.events import Whispered
from tradegame.core.domain.marking import MarkService
from tradegame.core.domain.state import OPEN, Effects, GameState, Hint, SettlementState

HINTS_AT_ONCE = 500
"""How many players are told of a hint in one step: 500 take 2 ms."""


@frozen
class SettlementService:
    """Draws values, gives hints, and pays."""

    state: GameState
    marks: MarkService
    _definitions: dict[str, SettlementDefinition] = field(init=False)

    @_definitions.default
    def _goods_that_settle(self) -> dict[str, SettlementDefinition]:
        goods = self.state.definition.goods.items()
        return {good: fields.settlement for good, fields in goods if fields.settlement is not None}

    def open(self, effects: Effects) -> None:
        """A round opens: new values, and no hint of them yet."""
        for name, player in self.state.players.items():
            if player.hints:
                player.hints = ()
                effects.accounts[name] = None
        for good, definition in self._definitions.items():
            self.state.chance, index = draw_between(self.state.chance, 0, len(definition.values) - 1)
            self.state.markets[good].settlement = SettlementState(definition.values[index])

    def next_hint(self) -> int | None:
        """When the next hint is due, in ms; None: none is left in this round."""
        due = self._next()
        return None if due is None else due[0]

    def hint(self, until: int, effects: Effects) -> None:
        """Tell players of one more value that it is not: those who come next in the order of dealing.

        It stays due until everybody knows. Who joins meanwhile comes last.
        """
        due = self._next()
        assert due is not None
        _, good, settlement = due
        told = list(islice(self.state.dealt, settlement.told, settlement.told + HINTS_AT_ONCE))
        for name in told:
            self._tell(name, good, settlement, effects)
        settlement.told += len(told)
        effects.spent += len(told)
        if settlement.told == len(self.state.dealt):
            settlement.hints, settlement.told = settlement.hints + 1, 0

    def catch_up(self, name: str, effects: Effects) -> None:
        """One who comes late is told what he would have been."""
        for good, settlement in self._drawn():
            for _ in range(settlement.hints):
                self._tell(name, good, settlement, effects)

    def forget(self, name: str) -> None:
        """One of those who take part is about to be removed."""
        place = list(self.state.dealt).index(name)
        for _, settlement in self._drawn():
            if place < settlement.told:
                settlement.told -= 1

    def pay(self, effects: Effects) -> None:
        """The round is over and no order is open: every unit, whoever holds it, is paid."""
        state = self.state
        mint = state.accounts[MINT]
        for good, settlement in self._drawn():
            for name, account in state.accounts.items():
                if name == MINT:
                    continue
                qty = account.goods[good]
                account.cash += qty * settlement.value
                mint.cash -= qty * settlement.value
                account.goods[good] -= qty
                mint.goods[good] += qty
                effects.accounts[name] = None
            state.settled[good] = settlement.value
            state.markets[good].settlement = None
            self.marks.settle(good, settlement.value, effects)

    def _next(self) -> tuple[int, str, SettlementState] | None:
        state = self.state
        due: tuple[int, str, SettlementState] | None = None
        if state.phase == OPEN and state.opened_at is not None:
            for good, settlement in self._drawn():
                hints_at_s = sorted(self._definitions[good].hints_at_s)
                if settlement.hints < len(hints_at_s):
                    at = state.opened_at + state.idle_ms + hints_at_s[settlement.hints] * 1000
                    if due is None or at < due[0]:
                        due = at, good, settlement
        return due

    def _tell(self, name: str, good: str, settlement: SettlementState, effects: Effects) -> None:
        state, player = self.state, self.state.players[name]
        told = [hint.value for hint in player.hints if hint.good == good]
        values = self._definitions[good].values
        left = [value for value in values if value != settlement.value and value not in told]
        state.chance, index = draw_between(state.chance, 0, len(left) - 1)
        hint = Hint(good, left[index], effects.at)
        player.hints = (*player.hints, hint)
        effects.whispers.append(Whispered(HOUSE, name, hint.text))
        effects.accounts[name] = None

    def _drawn(self) -> list[tuple[str, SettlementState]]:
        """The goods whose value is drawn, and not paid yet."""
        settlements = [(good, self.state.markets[good].settlement) for good in self._definitions]
        return [(good, settlement) for good, settlement in settlements if settlement is not None]
