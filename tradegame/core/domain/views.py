"""What may be shown of a game, as plain JSON data in the protocol's words. Reading changes nothing."""

from __future__ import annotations

from typing import Any

from tradegame.core.domain.book import ASK, BID
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.errors import NotJoinedError, UnknownGoodError
from tradegame.core.domain.events import Level
from tradegame.core.domain.state import BEST_LEVELS, CLOSED, GameState, Market
from tradegame.core.domain.worth import start, worth


def public_state(state: GameState) -> dict[str, Any]:
    """A ``state``: five levels a side, the recent trades, the players, the last messages and news, the game's rules."""
    return {
        **fixed(state),
        **phase(state),
        "goods": {name: good(market) for name, market in state.markets.items()},
        "players": {player: {"name": fields.name} for player, fields in state.players.items()},
        **messages(state),
        **news(state),
    }


def fixed(state: GameState) -> dict[str, Any]:
    """What of a ``state`` is the same for all the game's life."""
    definition = state.definition
    return {"title": definition.title, "about": definition.about, "rules": rules(definition)}


def phase(state: GameState) -> dict[str, Any]:
    """What of a ``state`` changes with the phase."""
    return {
        "phase": state.phase,
        "round": state.round,
        "ends_at": state.ends_at,
        "opened_at": state.opened_at,
        "settled": dict(state.settled) if state.phase == CLOSED else {},
    }


def best(market: Market) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """The best five levels of bids and of asks, best first."""
    return market.book.levels(BID, BEST_LEVELS), market.book.levels(ASK, BEST_LEVELS)


def good(market: Market) -> dict[str, Any]:
    """One good of a ``state``. ``recent`` changes with ``volume`` alone."""
    bids, asks = best(market)
    return {"last": market.last, "bids": bids, "asks": asks, "volume": market.volume, "recent": list(market.recent)}


def messages(state: GameState) -> dict[str, Any]:
    """The ``messages`` of a ``state``."""
    return {"messages": [{"player": each.player, "text": each.text, "at": each.at} for each in state.messages]}


def news(state: GameState) -> dict[str, Any]:
    """The ``news`` of a ``state``."""
    return {"news": [{"text": each.text, "good": each.good, "at": each.at} for each in state.news]}


def rules(definition: GameDefinition) -> dict[str, Any]:
    """What of a definition a player may know; the house's plans he may not."""
    private, rounds = definition.private_values, definition.rounds
    return {
        "cash": definition.cash,
        "fee_bps": definition.fee_bps,
        "open_orders": definition.open_orders,
        "rounds": None
        if rounds is None
        else {
            "lobby_s": rounds.lobby_s,
            "open_s": rounds.open_s,
            "closed_s": rounds.closed_s,
            "repeat": rounds.repeat,
        },
        "goods": {
            good: {
                "endowment": fields.endowment,
                "house": fields.house is not None,
                "private_values": private is not None and private.good == good,
                "settlement": None if fields.settlement is None else list(fields.settlement.values),
            }
            for good, fields in definition.goods.items()
        },
    }


def account(state: GameState, player: str) -> dict[str, Any]:
    """The player's ``account``. Raises NotJoinedError."""
    if player not in state.players:
        raise NotJoinedError("join the game first")
    owned, fields = state.accounts[player], state.players[player]
    shown: dict[str, Any] = {
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
        "worth": worth(state, player),
        "start": start(state, player),
        "score": fields.score,
    }
    if (private := state.definition.private_values) is not None:
        shown["role"] = fields.role
        shown["values"] = {private.good: list(fields.values)}
    if any(good.settlement is not None for good in state.definition.goods.values()):
        shown["hints"] = [
            {"good": hint.good, "not": hint.value, "text": hint.text, "at": hint.at} for hint in fields.hints
        ]
    return shown


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
    """The richest ``limit`` players. Equal worth is equal rank; who joined first stands first.

    With private values, what a player has would tell them: there the worth is the score, the gains of closed rounds.
    """
    hidden = state.definition.private_values is not None
    worths = [(fields.score if hidden else worth(state, name), name) for name, fields in state.players.items()]
    worths.sort(key=lambda item: -item[0])
    rows: list[dict[str, Any]] = []
    for index, (value, player) in enumerate(worths[:limit]):
        rank = rows[-1]["rank"] if rows and rows[-1]["worth"] == value else index + 1
        fields = state.players[player]
        rows.append({"rank": rank, "player": player, "name": fields.name, "worth": value, "score": fields.score})
    return rows


def debrief(state: GameState, *, host: bool = False) -> dict[str, Any]:
    """The results of the last closed rounds, oldest first: see `debrief.round_result`.

    What would tell private values that another round may be played by is left out, but for the ``host``.
    """
    if host or not _values_in_force(state):
        return {"rounds": list(state.results)}
    return {"rounds": [_without_values(result) for result in state.results]}


def _values_in_force(state: GameState) -> bool:
    private, rounds = state.definition.private_values, state.definition.rounds
    if private is None or not private.lasting:
        return False
    return rounds is None or not rounds.repeat or state.round < rounds.repeat or state.phase != CLOSED


def _without_values(result: dict[str, Any]) -> dict[str, Any]:
    """A seller's ``start`` is what he has units for, and ``worth`` is that and the gain."""
    goods = {good: {**fields, "demand": [], "supply": []} for good, fields in result["goods"].items()}
    players = [{**row, "start": None, "worth": None} for row in result["players"]]
    return {**result, "goods": goods, "players": players}


def summary(state: GameState) -> dict[str, Any]:
    """One line of the list of games."""
    return {
        "game": state.definition.id,
        "title": state.definition.title,
        "phase": state.phase,
        "round": state.round,
        "ends_at": state.ends_at,
        "players": len(state.players),
        "goods": list(state.markets),
        "epoch": state.epoch,
        "seq": state.seq,
    }
