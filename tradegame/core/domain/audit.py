"""What must hold in every state of a game, checked from scratch."""

from __future__ import annotations

from tradegame.core.domain.account import KEYS_REMEMBERED, MINT, Account
from tradegame.core.domain.book import ASK, BID, Book, Order
from tradegame.core.domain.state import GameState


def audit(state: GameState) -> list[str]:
    """Every violation, in words; an empty list for a sound state."""
    found: list[str] = []
    if total := sum(account.cash + account.held_cash for account in state.accounts.values()):
        found.append(f"cash sums to {total}, not 0")
    for good in state.markets:
        total = sum(account.goods[good] + account.held_goods[good] for account in state.accounts.values())
        if total:
            found.append(f"{good} sums to {total}, not 0")
    for name, account in state.accounts.items():
        found += _account(name, account)
    for good, market in state.markets.items():
        found += _book(good, market.book, state.accounts)
    for player, fields in state.players.items():
        if len(fields.keys) > KEYS_REMEMBERED:
            found.append(f"{player} has {len(fields.keys)} keys remembered")
        if player not in state.accounts:
            found.append(f"{player} has no account")
    return found


def _account(name: str, account: Account) -> list[str]:
    found = []
    amounts = [account.held_cash, *account.held_goods.values()]
    if name != MINT:
        amounts += [account.cash, *account.goods.values()]
    if min(amounts) < 0:
        found.append(f"{name} owns less than nothing")
    orders = account.orders.values()
    found += [f"{name} has the order {order.id} of {order.player}" for order in orders if order.player != name]
    if (bids := sum(order.qty * order.price for order in orders if order.side == BID)) != account.held_cash:
        found.append(f"{name} holds {account.held_cash} coins for bids of {bids}")
    for good, held in account.held_goods.items():
        asks = sum(order.qty for order in orders if order.side == ASK and order.good == good)
        if asks != held:
            found.append(f"{name} holds {held} {good} for asks of {asks}")
    return found


def _book(good: str, book: Book, accounts: dict[str, Account]) -> list[str]:
    found = []
    bid, ask = book.best(BID), book.best(ASK)
    if bid is not None and ask is not None and bid >= ask:
        found.append(f"{good} is crossed: bid {bid}, ask {ask}")
    resting: dict[int, Order] = {}
    for side in (BID, ASK):
        levels: dict[int, int] = {}
        for order in book.orders(side):
            resting[order.number] = order
            levels[order.price] = levels.get(order.price, 0) + order.qty
            if order.qty <= 0:
                found.append(f"{order.id} rests with {order.qty} units")
        if tuple(levels.items()) != book.levels(side, len(levels) + 1):
            found.append(f"the {side} levels of {good} do not sum up their orders")
    owned = {
        number: order for account in accounts.values() for number, order in account.orders.items() if order.good == good
    }
    if owned != resting:
        found.append(f"the book of {good} and its owners do not know the same orders")
    return found
