"""What may be shown of a game, as plain JSON data in the protocol's words. Reading changes nothing."""

from __future__ import annotations

from typing import Any

from tradegame.core.domain.account import Account
from tradegame.core.domain.book import ASK, BID
from tradegame.core.domain.errors import NotJoinedError, UnknownGoodError
from tradegame.core.domain.state import BEST_LEVELS, GameState


def public_state(state: GameState) -> dict[str, Any]:
    """A ``state``: five levels a side, the recent trades, the players, the last messages."""
    return {
        "phase": state.phase,
        "round": state.round,
        "ends_at": state.ends_at,
        "goods": {
            good: {
                "last": market.last,
                "bids": market.book.levels(BID, BEST_LEVELS),
                "asks": market.book.levels(ASK, BEST_LEVELS),
                "volume": market.volume,
                "recent": list(market.recent),
            }
            for good, market in state.markets.items()
        },
        "players": {player: {"name": fields.name} for player, fields in state.players.items()},
        "messages": [{"player": message.player, "text": message.text, "at": message.at} for message in state.messages],
    }


def account(state: GameState, player: str) -> dict[str, Any]:
    """The player's ``account``. Raises NotJoinedError."""
    if player not in state.players:
        raise NotJoinedError("join the game first")
    owned = state.accounts[player]
    return {
        "cash": owned.cash,
        "held_cash": owned.held_cash,
        "goods": owned.goods,
        "held_goods": owned.held_goods,
        "orders": [
            {
                "order": order.id,
                "good": order.good,
                "side": order.side,
                "qty": order.qty,
                "price": order.price,
            }
            for order in owned.orders.values()
        ],
        "worth": worth(state, owned),
    }


def worth(state: GameState, owned: Account) -> int:
    """Cash, held or free, and every good at its last price; a good that has none is worth nothing yet."""
    total = owned.cash + owned.held_cash
    for good, market in state.markets.items():
        if market.last is not None:
            total += (owned.goods[good] + owned.held_goods[good]) * market.last
    return total


def book(state: GameState, good: str, depth: int) -> dict[str, Any]:
    """A ``book``, ``depth`` levels a side. Raises UnknownGoodError."""
    market = state.markets.get(good)
    if market is None:
        raise UnknownGoodError(f"no good {good!r} in this game")
    return {
        "good": good,
        "bids": market.book.levels(BID, depth),
        "asks": market.book.levels(ASK, depth),
        "last": market.last,
        "seq": state.seq,
    }


def standings(state: GameState, limit: int) -> list[dict[str, Any]]:
    """The richest ``limit`` players. Equal worth is equal rank; who joined first stands first."""
    worths = [(worth(state, state.accounts[player]), player) for player in state.players]
    worths.sort(key=lambda item: -item[0])
    rows: list[dict[str, Any]] = []
    for index, (value, player) in enumerate(worths[:limit]):
        rank = rows[-1]["rank"] if rows and rows[-1]["worth"] == value else index + 1
        rows.append({"rank": rank, "player": player, "name": state.players[player].name, "worth": value})
    return rows


def summary(state: GameState) -> dict[str, Any]:
    """One line of the list of games."""
    return {
        "game": state.definition.id,
        "title": state.definition.title,
        "phase": state.phase,
        "players": len(state.players),
        "goods": list(state.markets),
        "epoch": state.epoch,
        "seq": state.seq,
    }
