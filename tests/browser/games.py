"""The games that the browser tests serve."""

from __future__ import annotations

from typing import Any

GOODS = ("grain", "wood", "wool", "iron", "spice", "salt", "copper", "silk", "tea", "wine")


def house(anchor: int, **fields: Any) -> dict[str, Any]:
    """A house that quotes about ``anchor`` and stays there."""
    return {
        "anchor": anchor,
        "spread": max(2, anchor // 30),
        "step": max(1, anchor // 60),
        "levels": 5,
        "size": 20,
        "stock": 1_000,
        "target": 1_000,
        "cash": 1_000_000,
        "slope": 1,
        "tick_s": 2,
        "drift_bps": 0,
        **fields,
    }


def bazaar(**fields: Any) -> dict[str, Any]:
    """Three goods: the house quotes grain and iron; only players trade wood, of which everyone has ten."""
    return {
        "id": "bazaar",
        "title": "The bazaar",
        "cash": 10_000,
        "open_orders": 20,
        "goods": {"grain": {"house": house(22)}, "iron": {"house": house(90)}, "wood": {"endowment": 10}},
        **fields,
    }


def games(**fields: Any) -> list[dict[str, Any]]:
    return [bazaar(**fields)]


def ten_goods(game: str = "bazaar") -> dict[str, Any]:
    """Ten goods that players alone trade, and who trades them is rich."""
    return bazaar(
        id=game,
        cash=100_000_000,
        open_orders=1_000,
        goods={good: {"endowment": 1_000_000} for good in GOODS},
    )
