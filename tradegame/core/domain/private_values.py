"""Private values and costs: every trader knows what a unit is worth to himself, and nobody else does.

Induced values, after Smith, "An experimental study of competitive market behavior", JPE 70 (1962), and "Experimental
economics: induced value theory", AER 66 (1976). A seller's cost is what the unit is worth to himself, so that one
mechanism serves both sides: at the close each unit is redeemed at its holder's marginal value.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from tradegame.core.domain.account import MINT, Account
from tradegame.core.domain.chance import draw
from tradegame.core.domain.definition import PrivateValuesDefinition, Schedule
from tradegame.core.domain.state import OPEN, Effects, GameState, Player
from tradegame.protocol.bounds import Role

BUYER: Final = "buyer"
SELLER: Final = "seller"


@frozen
class PrivateValuesService:
    """Gives traders their side and their values, and redeems what they hold."""

    state: GameState
    _sides: dict[Role, int] = field(init=False)
    """How many of each side take part in this round."""

    @_sides.default
    def _count(self) -> dict[Role, int]:
        roles = [self.state.players[name].role for name in self.state.dealt]
        return {BUYER: roles.count(BUYER), SELLER: roles.count(SELLER)}

    @property
    def _definition(self) -> PrivateValuesDefinition | None:
        return self.state.definition.private_values

    def open(self, effects: Effects) -> None:
        """A round opens, and nobody was dealt to yet. Until now everybody has seen the values of the last round.

        Where the definition wants it, everybody draws anew when dealt to. A list that was given stays: to hand it to
        another would tell them what its owner had.
        """
        self._sides.update({BUYER: 0, SELLER: 0})
        definition = self._definition
        if definition is None or not (definition.redraw or self.state.definition.treatments):
            return
        for name, player in self.state.players.items():
            if definition.redraw:
                player.drawn = ()
            values = self._values(player)
            if values != player.values:
                player.values = values
                effects.accounts[name] = None

    def deal(self, player: Player) -> None:
        """A side, for good, to whoever has none: that of which fewer take part. Values to whoever has none."""
        definition, state = self._definition, self.state
        if definition is not None:
            if player.role is None:
                player.role = SELLER if self._sides[SELLER] < self._sides[BUYER] else BUYER
                player.seat = state.sides[player.role]
                state.sides[player.role] += 1
            if not player.drawn and not self._lists(player):
                low, width = definition.low, definition.high - definition.low + 1
                state.chance, bits = draw(state.chance, definition.units)
                player.drawn = tuple(sorted([low + each % width for each in bits], reverse=True))
            player.values = self._values(player)
            self._sides[player.role] += 1

    def forget(self, player: Player, account: Account) -> None:
        """A player who took part is removed. What was traded others have: these units still count in the round."""
        definition, state = self._definition, self.state
        if definition is not None and player.role is not None:
            self._sides[player.role] -= 1
            if state.phase == OPEN:
                given, now = self.endowment(player), account.goods[definition.good]
                state.sold.extend(player.values[now:given])
                state.bought.extend(player.values[given:now])

    def endowment(self, player: Player) -> int:
        """How many units of the good a seller begins a round with; a buyer with none."""
        return len(player.values) if player.role == SELLER else 0

    def redeem(self, effects: Effects) -> None:
        """The round is over and no order is open: each unit becomes what it is worth to who holds it."""
        if self._definition is None:
            return
        good, mint = self._definition.good, self.state.accounts[MINT]
        for name in self.state.dealt:
            player, account = self.state.players[name], self.state.accounts[name]
            qty = account.goods[good]
            if qty:
                paid = redemption(player.values, qty)
                account.cash += paid
                mint.cash -= paid
                account.goods[good] = 0
                mint.goods[good] += qty
        effects.accounts.update(self.state.dealt)

    def _lists(self, player: Player) -> tuple[Schedule, ...]:
        """Of the player's side, which are given in this round."""
        return self.state.terms.costs if player.role == SELLER else self.state.terms.values

    def _values(self, player: Player) -> tuple[int, ...]:
        """What the player has in this round: their list, else what was drawn, shifted. The first unit is worth most."""
        lists, terms = self._lists(player), self.state.terms
        shift = terms.supply_shift if player.role == SELLER else terms.demand_shift
        given = lists[player.seat % len(lists)] if lists and player.role is not None else player.drawn
        return tuple([max(0, value + shift) for value in given]) if shift else given


def redemption(values: tuple[int, ...], qty: int) -> int:
    """What ``qty`` units are worth to one whose marginal values these are, in coins; what is past them, nothing."""
    return sum(values[:qty])


def are_secret(state: GameState) -> bool:
    """Whether private values stay in force and the host did not reveal them: then nothing that tells them is public."""
    return state.definition.values_last and not state.revealed


def public_winners(state: GameState) -> tuple[str, ...]:
    """Who is known to have won: nobody while it would tell private values."""
    return () if are_secret(state) else tuple(state.winners)


def owned_value(state: GameState, player: Player, account: Account) -> int | None:
    """What the player's units of the good with private values are worth to him; None in a game without."""
    definition = state.definition.private_values
    if definition is None:
        return None
    return redemption(player.values, account.goods[definition.good] + account.held_goods[definition.good])
