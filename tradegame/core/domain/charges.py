"""What a trade costs besides its price: the taker's fee, each side's tax; and between which prices orders are taken."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.account import Account
from tradegame.core.domain.book import ASK, BID, Order, Walk
from tradegame.core.domain.state import GameState
from tradegame.protocol.bounds import SideName
from tradegame.protocol.errors import InsufficientCashError, OutsidePriceLimitsError
from tradegame.protocol.reasons import why
from tradegame.protocol.replies import Released


@frozen
class ChargeService:
    """By the terms of the present round, in coins."""

    state: GameState

    def fee(self, notional: int) -> int:
        """What the taker pays for all trades of one command: ``ceil(notional * fee_bps / 10000)``."""
        return -(-notional * self.state.terms.fee_bps // 10_000)

    def of(self, good: str, side: SideName, walk: Walk) -> int:
        """The fee and the tax that the taker on this side pays for a walk."""
        terms = self.state.terms.goods[good]
        return self.fee(walk.notional) + walk.filled * (terms.buyer_tax if side == BID else terms.seller_tax)

    def each(self, good: str, price: int) -> int:
        """What a resting bid holds for each unit: its price, and the tax."""
        return price + self.state.terms.goods[good].buyer_tax

    def held(self, order: Order) -> Released:
        """What an order holds, and releases once it is gone."""
        if order.side == BID:
            return Released(order.qty * self.each(order.good, order.price), 0)
        return Released(0, order.qty)

    def hold(self, account: Account, order: Order, qty: int) -> None:
        """Move what ``qty`` units of the order hold from free to held; back, when negative."""
        if order.side == BID:
            cash = qty * self.each(order.good, order.price)
            account.cash -= cash
            account.held_cash += cash
        else:
            account.goods[order.good] -= qty
            account.held_goods[order.good] += qty

    def check_price(self, good: str, price: int) -> None:
        """Raises OutsidePriceLimitsError."""
        terms = self.state.terms.goods[good]
        if price < terms.floor:
            raise OutsidePriceLimitsError(why("below_floor", good=good, floor=terms.floor))
        if price > terms.ceiling:
            raise OutsidePriceLimitsError(why("above_ceiling", good=good, ceiling=terms.ceiling))

    def check_proceeds(self, good: str, walk: Walk, account: Account) -> int:
        """What the seller pays for a walk. A price covers the tax, but maybe not the fee, too.

        Raises InsufficientCashError.
        """
        charges = self.of(good, ASK, walk)
        if charges > walk.notional + account.cash:
            needed = charges - walk.notional
            raise InsufficientCashError(why("needs_cash_for_charges", needed=needed, free=account.cash))
        return charges
