"""Private values and costs: every trader knows what a unit is worth to himself, and nobody else does.

Induced values, after Smith, "An experimental study of competitive market behavior", JPE 70 (1962), and "Experimental
economics: induced value theory", AER 66 (1976). A seller's cost is what the unit is worth to himself, so that one
mechanism serves both sides: at the close each unit is redeemed at its holder's marginal value.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tradegame.core.domain.account import MINT, Account
from tradegame.core.domain.chance import draw
from tradegame.core.domain.definition import PrivateValuesDefinition
from tradegame.core.domain.state import Effects, GameState, Player

BUYER: Final = "buyer"
SELLER: Final = "seller"


@frozen
class PrivateValuesService:
    """Gives traders their side and their values, and redeems what they hold."""

    state: GameState

    @property
    def _definition(self) -> PrivateValuesDefinition | None:
        return self.state.definition.private_values

    def assign(self, player: Player) -> None:
        """Sides in turn, in the order of joining: as many buyers as sellers, or one more. Once, for good."""
        if self._definition is not None:
            traders = len(self.state.players)
            player.role = SELLER if traders % 2 else BUYER
            self._draw(self._definition, player, traders // 2)

    def new_round(self) -> None:
        """Where the definition wants it, everybody draws anew."""
        definition = self._definition
        if definition is not None and definition.redraw:
            for number, player in enumerate(self.state.players.values()):
                self._draw(definition, player, number // 2)

    def endowment(self, player: Player) -> int:
        """How many units of the good a seller begins a round with; a buyer with none."""
        return len(player.values) if player.role == SELLER else 0

    def redeem(self, effects: Effects) -> None:
        """The round is over and no order is open: each unit becomes what it is worth to who holds it."""
        if self._definition is None:
            return
        good, mint = self._definition.good, self.state.accounts[MINT]
        for name, player in self.state.players.items():
            account = self.state.accounts[name]
            qty = account.goods[good]
            if qty:
                paid = redemption(player.values, qty)
                account.cash += paid
                mint.cash -= paid
                account.goods[good] = 0
                mint.goods[good] += qty
        effects.accounts.update(dict.fromkeys(self.state.players))

    def _draw(self, definition: PrivateValuesDefinition, player: Player, number: int) -> None:
        """``number``: the how-manieth of his side. Values descend: the first unit is worth most."""
        fixed = definition.costs if player.role == SELLER else definition.values
        if fixed:
            drawn = list(fixed[number % len(fixed)])
        else:
            low, width = definition.low, definition.high - definition.low + 1
            self.state.chance, bits = draw(self.state.chance, definition.units)
            drawn = [low + each % width for each in bits]
        player.values = tuple(sorted(drawn, reverse=True))


def redemption(values: tuple[int, ...], qty: int) -> int:
    """What ``qty`` units are worth to one whose marginal values these are, in coins; what is past them, nothing."""
    return sum(values[:qty])


def are_secret(state: GameState) -> bool:
    """Whether private values stay in force and the host did not reveal them: then nothing that tells them is public."""
    private = state.definition.private_values
    return private is not None and private.lasting and not state.revealed


def owned_value(state: GameState, player: Player, account: Account) -> int | None:
    """What the player's units of the good with private values are worth to him; None in a game without."""
    definition = state.definition.private_values
    if definition is None:
        return None
    return redemption(player.values, account.goods[definition.good] + account.held_goods[definition.good])
