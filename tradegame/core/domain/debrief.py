"""What a round came to: prices against the equilibrium that the private values imply, efficiency, each one's gain.

The efficiency is the gains that trade made over the most that it could have made: Smith (1962); Gode and Sunder,
"Allocative efficiency of markets with zero-intelligence traders", JPE 101 (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from tradegame.core.domain.private_values import BUYER, SELLER
from tradegame.core.domain.state import GameState, Market

PLAYERS_KEPT = 1_000
SCHEDULE_KEPT = 500


@frozen
class Schedules:
    """Every unit's value to a buyer, dearest first, and cost to a seller, cheapest first: of those who take part.

    And of removed players what they had traded.
    """

    demand: tuple[int, ...]
    supply: tuple[int, ...]

    @classmethod
    def of(cls, state: GameState) -> Schedules:
        players = [state.players[player] for player in state.dealt]
        demand = [value for player in players if player.role == BUYER for value in player.values]
        supply = [value for player in players if player.role == SELLER for value in player.values]
        return cls(tuple(sorted(demand + state.bought, reverse=True)), tuple(sorted(supply + state.sold)))

    @property
    def qty(self) -> int:
        """How many units change hands where supply meets demand."""
        return sum(1 for value, cost in zip(self.demand, self.supply, strict=False) if value >= cost)

    @property
    def surplus(self) -> int:
        """The most that trade can make, in coins."""
        return sum(max(0, value - cost) for value, cost in zip(self.demand, self.supply, strict=False))

    @property
    def prices(self) -> tuple[int, int] | None:
        """The lowest and the highest price at which so many are wanted as are offered; None: nothing can be traded."""
        qty = self.qty
        if not qty:
            return None
        low, high = self.supply[qty - 1], self.demand[qty - 1]
        if qty < len(self.demand):
            low = max(low, self.demand[qty])
        if qty < len(self.supply):
            high = min(high, self.supply[qty])
        return low, high


def round_result(state: GameState, surplus: int | None, gains: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """A closed round, as plain JSON data. ``surplus``: what trade made, by private values; None in a game without.

    ``gains``: each player's id, what he began with, and what he has, in coins.
    """
    schedules = Schedules.of(state) if state.definition.private_values is not None else None
    most = None if schedules is None else schedules.surplus
    rows = [
        {
            "player": player,
            "name": state.players[player].name,
            "role": state.players[player].role,
            "start": start,
            "worth": worth,
            "gain": worth - start,
            **({"robot": True} if player in state.robots else {}),
            **({"stand_in": True} if player in state.seats else {}),
        }
        for player, start, worth in sorted(gains, key=lambda row: row[1] - row[2])[:PLAYERS_KEPT]
    ]
    return {
        "round": state.round,
        "opened_at": state.opened_at,
        "closed_at": state.clock,
        "efficiency_bps": surplus * 10_000 // most if surplus is not None and most else None,
        "surplus": surplus,
        "max_surplus": most,
        "goods": {good: _good(state, good, market, schedules) for good, market in state.markets.items()},
        "players": rows,
    }


def _good(state: GameState, good: str, market: Market, schedules: Schedules | None) -> dict[str, Any]:
    ohlcv = market.ohlcv
    private = state.definition.private_values
    mine = schedules if private is not None and private.good == good else None
    prices = None if mine is None else mine.prices
    return {
        "trades": ohlcv.trades,
        "volume": ohlcv.volume,
        "notional": ohlcv.notional,
        "open": ohlcv.open,
        "high": ohlcv.high,
        "low": ohlcv.low,
        "close": ohlcv.close,
        "settled": state.settled.get(good),
        "mark": market.mark.price,
        "mark_source": market.mark.source,
        "equilibrium": None
        if mine is None or prices is None
        else {"low": prices[0], "high": prices[1], "qty": mine.qty},
        "demand": [] if mine is None else list(mine.demand[:SCHEDULE_KEPT]),
        "supply": [] if mine is None else list(mine.supply[:SCHEDULE_KEPT]),
        "tape": [list(trade) for trade in market.recent][-ohlcv.trades :] if ohlcv.trades else [],
    }
