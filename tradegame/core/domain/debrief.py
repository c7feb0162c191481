"""What a round came to: prices against the equilibrium that the private values imply, efficiency, each one's gain.

The efficiency is the gains that trade made over the most that it could have made: Smith (1962); Gode and Sunder,
"Allocative efficiency of markets with zero-intelligence traders", JPE 101 (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from attrs import frozen

from tradegame.core.domain.private_values import BUYER, SELLER
from tradegame.core.domain.state import OPEN, GameState, Market
from tradegame.core.domain.treatments import UNTREATED, GoodTerms

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
    def surplus(self) -> int:
        """The most that trade can make, in coins, whatever taxes and price limits keep from being traded.

        What of it is not made under a tax or a price limit is its deadweight loss (Harberger, "The measurement of
        waste", American Economic Review 54, 1964).
        """
        return sum(max(0, value - cost) for value, cost in zip(self.demand, self.supply, strict=False))

    def equilibrium(self, terms: GoodTerms = UNTREATED) -> dict[str, int] | None:
        """Where as many units are wanted as offered, under the taxes and price limits of a round; None: nowhere.

        ``low`` to ``high``: such prices, without taxes; ``qty`` units; ``surplus``: the most that these can make. Under
        a ceiling below these prices, ``qty`` is what is offered at the ceiling, under a floor above them, what is
        wanted at the floor. Who gets them is left open, and ``surplus`` supposes the best (see `treatments`).
        """
        wanted = [value - terms.buyer_tax for value in self.demand]
        offered = [cost + terms.seller_tax for cost in self.supply]
        qty = sum(1 for value, cost in zip(wanted, offered, strict=False) if value >= cost)
        if not qty:
            return None
        floor = terms.floor if terms.floor > UNTREATED.floor else 0
        low, high = max([offered[qty - 1], *wanted[qty : qty + 1]]), min([wanted[qty - 1], *offered[qty : qty + 1]])
        if low > terms.ceiling:
            low = high = terms.ceiling
            qty = sum(1 for cost in offered if cost <= terms.ceiling)
        elif high < floor:
            low = high = floor
            qty = sum(1 for value in wanted if value >= floor)
        if not qty:
            return None
        most = sum(self.demand[:qty]) - sum(self.supply[:qty])
        return {"low": max(low, floor), "high": min(high, terms.ceiling), "qty": qty, "surplus": most}


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
    kind = {"practice": True} if state.practice else {}
    treatment = {} if state.terms.told is None else {"treatment": msgspec.to_builtins(state.terms.told)}
    return {
        "round": state.round,
        **kind,
        **treatment,
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
    terms = state.terms.goods[good]
    tax = ohlcv.volume * (terms.buyer_tax + terms.seller_tax)
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
        **({"tax": tax} if tax else {}),
        "equilibrium": None if mine is None else mine.equilibrium(terms),
        "demand": [] if mine is None else list(mine.demand[:SCHEDULE_KEPT]),
        "supply": [] if mine is None else list(mine.supply[:SCHEDULE_KEPT]),
        "tape": [list(trade) for trade in market.recent][-ohlcv.trades :] if ohlcv.trades else [],
    }


def counted_results(state: GameState) -> list[dict[str, Any]]:
    """The results that stay. Of a round that nobody traded in the next one has the number."""
    uncounted = state.phase != OPEN and not state.counts
    return [result for result in state.results if not (uncounted and result["round"] == state.round)]
