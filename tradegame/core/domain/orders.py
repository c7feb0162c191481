"""A player's open orders: cancel or amend one, or cancel many at once."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.blotter import CANCELLED
from tradegame.core.domain.book import Order
from tradegame.core.domain.recording import ORDER_ID
from tradegame.core.domain.state import Effects, GameState
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.errors import UnknownGoodError
from tradegame.protocol.replies import AllCancelled, Cancelled, Ordered
from tradegame.protocol.requests import AmendOrder, CancelAll, CancelOrder, PlaceOrder


@frozen
class OrderService:
    """The orders that rest in one game."""

    state: GameState
    trading: TradingService

    def cancel(self, command: CancelOrder, effects: Effects) -> Cancelled:
        order = self._open_order(command.player, command.order)
        released = self.trading.charges.held(order)
        self.trading.withdraw(order, effects, CANCELLED)
        return Cancelled(command.order, released, seq=0)

    def amend(self, command: AmendOrder, effects: Effects) -> Ordered:
        """Fewer units at the same price keep their place; anything else is a new order in place of the old one."""
        self.trading.check_trading()
        order = self._open_order(command.player, command.order)
        anew = amended(command, order)
        if anew is not None:
            return self.trading.order(anew, effects, replaced=order)
        qty = order.qty if command.qty is None else command.qty
        if qty < order.qty:
            self._reduce(order, order.qty - qty, effects)
        return Ordered(order.id, 0, qty, self.state.accounts[command.player].cash, seq=0)

    def cancel_all(self, command: CancelAll, effects: Effects) -> AllCancelled:
        if command.good is not None and command.good not in self.state.markets:
            raise UnknownGoodError(f"no good {command.good!r} in this game")
        self.trading.check_open()
        orders = [
            order
            for order in self.state.accounts[command.player].orders.values()
            if command.good in (None, order.good) and command.side in (None, order.side)
        ]
        return AllCancelled(len(orders), self.trading.withdraw_all(orders, effects, CANCELLED), seq=0)

    def _open_order(self, player: str, order_id: str) -> Order:
        self.trading.check_open()
        order = open_order(self.state, player, order_id)
        if order is None:
            raise self.trading.recording.unknown(player, order_id)
        return order

    def _reduce(self, order: Order, qty: int, effects: Effects) -> None:
        """Take ``qty`` units off, fewer than are open, and release what they held. The order keeps its place."""
        self.trading.charges.hold(self.state.accounts[order.player], order, -qty)
        self.state.markets[order.good].book.reduce(order, qty)
        effects.books[order.good] = None
        effects.accounts[order.player] = None


def open_order(state: GameState, player: str, order_id: str) -> Order | None:
    """The player's open order of this id."""
    account = state.accounts.get(player)
    return account.orders.get(int(order_id[1:])) if account is not None and ORDER_ID.match(order_id) else None


def is_to_come(state: GameState, order_id: str) -> bool:
    """Whether no order has this id yet, and one may have it later."""
    return ORDER_ID.match(order_id) is not None and int(order_id[1:]) > state.orders


def amended(command: AmendOrder, order: Order) -> PlaceOrder | None:
    """The order that takes the place of ``order``; None where that one stays, with as many units or fewer."""
    qty = order.qty if command.qty is None else command.qty
    price = order.price if command.price is None else command.price
    if price == order.price and qty <= order.qty:
        return None
    return PlaceOrder(
        player=order.player, good=order.good, side=order.side, qty=qty, price=price, post_only=command.post_only
    )
