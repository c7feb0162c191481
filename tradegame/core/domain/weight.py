"""What a command may cost at most, found without running it: so that an entry can be cut before it is appended."""

from __future__ import annotations

from tradegame.core.domain.account import Account
from tradegame.core.domain.book import ASK, BID, MAX_FILLS
from tradegame.core.domain.orders import amended, is_to_come, open_order
from tradegame.core.domain.state import GameState
from tradegame.protocol.bounds import SideName
from tradegame.protocol.commands import Announce, Arrive, Command, Remove, SetPhase
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, Say, SellGood

BYTES_A_UNIT = 128
"""A ``trade`` event is about as long as this in a frame; so much of a message weighs the same."""
ORDERS_A_UNIT = 8
"""So many orders that are withdrawn at once take about as long as a fill."""
PRICES_A_UNIT = 100_000
"""To move so many prices of a book takes about as long as a fill."""


_ANY_QTY = 1 << 62


def weight(state: GameState, command: Command, *, places: bool = True) -> int:
    """An upper bound, in fills (each about 10 us of every node's time, and an event), of what ``command`` does now.

    1 to ``MAX_FILLS`` + 1, but for ``arrive``: 1, and its players; and where all orders of a player may go: also those,
    by ``ORDERS_A_UNIT``. For an order, new or amended, or an immediate trade: 1, and the resting orders that it can
    meet at the present state; to amend one that nobody has placed yet: in any good, if its player ``places`` one before
    this command, which the state does not have yet. Where orders come or go: also the
    prices that move, by ``PRICES_A_UNIT``. For ``say``: by the length of its text in UTF-8. For a change of the phase,
    to remove a player, and for news that moves a price: the most. For anything else, and for what would be refused at
    once: 1.

    Takes a few us. An entry's earlier commands may change what a later one meets, but never to more than ``MAX_FILLS``.
    """
    if isinstance(command, BuyGood | SellGood):
        return 1 + _fills(state, command)
    if isinstance(command, PlaceOrder):
        return 1 + _fills(state, command) + _moved(state, command.good)
    if isinstance(command, AmendOrder):
        order = open_order(state, command.player, command.order)
        if order is None:
            return 1 + _most_fills(state, command.price) if places and is_to_come(state, command.order) else 1
        anew = amended(command, order)
        return 1 if anew is None else 1 + _fills(state, anew) + 2 * _moved(state, order.good)
    if isinstance(command, CancelOrder):
        order = open_order(state, command.player, command.order)
        return 1 if order is None else 1 + _moved(state, order.good)
    if isinstance(command, CancelAll):
        return 1 + _orders(state, command.player)
    if isinstance(command, Arrive):
        return 1 + len(command.players)
    if isinstance(command, Say):
        return 1 + min(len(command.text.encode()) // BYTES_A_UNIT, MAX_FILLS)
    if isinstance(command, Remove):
        return 1 + MAX_FILLS + _orders(state, command.account)
    moves = isinstance(command, SetPhase) or (isinstance(command, Announce) and command.anchor_bps)
    return 1 + MAX_FILLS if moves else 1


def _orders(state: GameState, player: str) -> int:
    account = state.accounts.get(player)
    if account is None or not account.orders:
        return 0
    return len(account.orders) // ORDERS_A_UNIT + 4 * sum(_moved(state, good) for good in state.markets)


def _moved(state: GameState, good: str) -> int:
    market = state.markets.get(good)
    return 0 if market is None else market.book.depth() // PRICES_A_UNIT


def _fills(state: GameState, command: BuyGood | SellGood | PlaceOrder) -> int:
    """With all that the player owns: what orders hold, an earlier command of the same entry may release."""
    account, market = state.accounts.get(command.player), state.markets.get(command.good)
    if account is None or market is None:
        return 0
    limit = command.price if isinstance(command, PlaceOrder) else command.limit
    if isinstance(command, BuyGood) or (isinstance(command, PlaceOrder) and command.side == BID):
        own = _own(account, command.good, ASK)
        return market.book.reach(ASK, command.qty + own, limit, None if own else account.cash + account.held_cash)
    owned = account.goods[command.good] + account.held_goods[command.good]
    if not owned or (isinstance(command, PlaceOrder) and command.qty > owned):
        return 0
    return market.book.reach(BID, min(command.qty, owned) + _own(account, command.good, BID), limit)


def _most_fills(state: GameState, price: int | None) -> int:
    """What an order would meet that comes to this price, of whichever good and side."""
    if price is None:
        return 0  # where it rests nobody else does on the other side
    most = 0
    for market in state.markets.values():
        for side in (BID, ASK):
            most = max(most, market.book.reach(side, _ANY_QTY, price))
            if most == MAX_FILLS:
                return most
    return most


def _own(account: Account, good: str, side: SideName) -> int:
    """The player's own units in the way do not trade: the walk goes on past them."""
    return sum(order.qty for order in account.orders.values() if order.side == side and order.good == good)
