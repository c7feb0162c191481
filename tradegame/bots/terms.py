"""What a trade costs in this round besides its price, and between which prices orders are taken.

Every strategy that decides by what a unit is worth asks here at which price it loses nothing.
"""

from __future__ import annotations

from attrs import frozen

from tradegame.client.state import State
from tradegame.protocol.bounds import MAX_PRICE
from tradegame.protocol.rules import GoodTerms

WHOLE_BPS = 10_000


@frozen
class Terms:
    """Of one good: the taker's fee, each side's tax on a unit, and the price limits."""

    fee_bps: int = 0
    buyer_tax: int = 0
    seller_tax: int = 0
    floor: int = 1
    ceiling: int = MAX_PRICE

    def worth(self, price: int) -> int:
        """Of a unit where this is its price: midway between what its buyer pays and what its seller gets."""
        return price + (self.buyer_tax - self.seller_tax) // 2

    def highest_bid(self, value: int, *, rests: bool = False) -> int:
        """At which whoever gets so much out of a unit loses nothing; what ``rests`` pays no fee. 0: at no price."""
        price = (value - self.buyer_tax) * WHOLE_BPS // (WHOLE_BPS + (0 if rests else self.fee_bps))
        return min(price, self.ceiling) if price >= self.floor else 0

    def lowest_ask(self, cost: int, *, rests: bool = False) -> int:
        """At which whoever gives so much up with a unit loses nothing. 0: at no price."""
        left_bps = WHOLE_BPS - (0 if rests else self.fee_bps)
        if left_bps <= 0:
            return 0
        price = -(-(cost + self.seller_tax) * WHOLE_BPS // left_bps)
        return max(price, self.floor) if price <= self.ceiling else 0

    def paid(self, price: int, *, rests: bool = False) -> int:
        """What a unit takes that is bought at this price."""
        return price + self.buyer_tax - (0 if rests else -price * self.fee_bps // WHOLE_BPS)


def terms_of(state: State, good: str) -> Terms:
    """Those of the round: of its treatment, and else of the rules."""
    treatment = state.treatment
    if treatment is None:
        return Terms(state.rules.fee_bps)
    own = treatment.goods.get(good, GoodTerms())
    return Terms(
        state.rules.fee_bps if treatment.fee_bps is None else treatment.fee_bps,
        own.buyer_tax,
        own.seller_tax,
        own.floor or 1,
        own.ceiling or MAX_PRICE,
    )
