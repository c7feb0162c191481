"""The state written down: plain JSON data, the same bytes for the same state, and its hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from attrs import astuple

from tradegame.core.domain import definition as definitions
from tradegame.core.domain.account import Account
from tradegame.core.domain.book import Order
from tradegame.core.domain.events import RESULTS
from tradegame.core.domain.game import Game
from tradegame.core.domain.state import (
    GameState,
    Hint,
    HouseState,
    Message,
    News,
    Player,
    RememberedKey,
    Session,
    SettlementState,
)

SNAPSHOT_SCHEMA = 2
_PLAIN = [
    "epoch",
    "clock",
    "chance",
    "chain",
    "seq",
    "entries",
    "commands",
    "phase",
    "round",
    "ends_at",
    "opened_at",
    "news_due",
    "orders",
]


def dump(game: Game) -> bytes:
    """The whole state as one JSON text. Orders of dicts that mean something are kept as lists."""
    state = game.state
    open_orders = [order for account in state.accounts.values() for order in account.orders.values()]
    data = {
        "schema": SNAPSHOT_SCHEMA,
        "definition": definitions.to_json(state.definition),
        **{name: getattr(state, name) for name in _PLAIN},
        "accounts": [
            [name, account.cash, account.held_cash, account.goods, account.held_goods]
            for name, account in state.accounts.items()
        ],
        "open": [astuple(order) for order in sorted(open_orders, key=lambda order: order.number)],
        "players": [
            [
                player,
                fields.name,
                [
                    [key, kept.digest, type(kept.result).__name__, *astuple(kept.result)]
                    for key, kept in fields.keys.items()
                ],
            ]
            for player, fields in state.players.items()
        ],
        "markets": [
            [
                good,
                market.last,
                market.volume,
                list(market.recent),
                None if market.house is None else astuple(market.house),
            ]
            for good, market in state.markets.items()
        ],
        "messages": [astuple(message) for message in state.messages],
        "news": [astuple(news) for news in state.news],
        "settled": state.settled,
        "results": list(state.results),
        "traders": [
            [name, player.role, player.values, player.score, [astuple(hint) for hint in player.hints]]
            for name, player in state.players.items()
        ],
        "sessions": [
            [good, astuple(market.session), None if market.settlement is None else astuple(market.settlement)]
            for good, market in state.markets.items()
        ],
    }
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


def load(value: bytes) -> Game:
    """The game that ``dump`` wrote down. Raises ValueError if it is not of a known schema."""
    data: dict[str, Any] = json.loads(value)
    if data.get("schema") != SNAPSHOT_SCHEMA:
        raise ValueError(f"a snapshot of schema {data.get('schema')}, where {SNAPSHOT_SCHEMA} is known")
    state = GameState.blank(definitions.from_json(data["definition"]), "", 0, 0, "")
    for name in _PLAIN:
        setattr(state, name, data[name])
    state.accounts = {
        name: Account(cash, goods, held_goods, held_cash)
        for name, cash, held_cash, goods, held_goods in data["accounts"]
    }
    for good, last, volume, recent, house in data["markets"]:
        market = state.markets[good]
        market.last, market.volume = last, volume
        market.recent.extend(tuple(trade) for trade in recent)
        market.house = None if house is None else HouseState(*house)
    for fields in data["open"]:
        order = Order(*fields)
        state.accounts[order.player].orders[order.number] = order
        state.markets[order.good].book.add(order)
    for player, name, keys in data["players"]:
        state.players[player] = Player(
            name, {key: RememberedKey(digest, RESULTS[kind](*rest)) for key, digest, kind, *rest in keys}
        )
    state.messages.extend(Message(*message) for message in data["messages"])
    state.news.extend(News(*news) for news in data["news"])
    state.settled = data["settled"]
    state.results.extend(data["results"])
    for name, role, values, score, hints in data["traders"]:
        trader = state.players[name]
        trader.role, trader.values, trader.score = role, tuple(values), score
        trader.hints = [Hint(*hint) for hint in hints]
    for good, session, settlement in data["sessions"]:
        market = state.markets[good]
        market.session = Session(*session)
        market.settlement = None if settlement is None else SettlementState(*settlement)
    return Game(state)


def digest(value: bytes) -> str:
    """The hash of a state, in hex: SHA-256 of what ``dump`` wrote."""
    return hashlib.sha256(value).hexdigest()


def state_hash(game: Game) -> str:
    """The same on every node that applied the same entries. Takes time in proportion to the state."""
    return digest(dump(game))
