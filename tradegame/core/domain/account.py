"""Accounts. Whatever comes into or leaves the world goes through ``mint``, so every sum over all accounts is zero."""

from __future__ import annotations

from attrs import Factory, define

from tradegame.core.domain.blotter import Blotter
from tradegame.core.domain.book import Order

HOUSE = "house"
FEES = "fees"
MINT = "mint"


@define
class Account:
    """In coins and units: ``cash`` and ``goods`` are free, ``held_cash`` and ``held_goods`` are held by open orders.

    ``orders``: the open ones, by number, oldest first. ``blotter``: what a player did in this round, or in a lobby in
    the last one; None before there is anything, and always for the game's own accounts.
    """

    cash: int
    goods: dict[str, int]
    held_goods: dict[str, int]
    held_cash: int = 0
    orders: dict[int, Order] = Factory(dict)
    blotter: Blotter | None = None

    @classmethod
    def empty(cls, goods: list[str]) -> Account:
        return cls(0, dict.fromkeys(goods, 0), dict.fromkeys(goods, 0))
