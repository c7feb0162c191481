"""Anything that a player may command, drawn at random, in proportions that keep a market going."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

OFTEN = {"buy": 4, "sell": 4, "order": 6, "amend": 2, "cancel": 3, "cancel_all": 0.5, "say": 3, "ready": 0.2}
"""How often each command is drawn, in proportion."""


def any_command(choose: Random, goods: Sequence[str], orders: list[str], text: str) -> dict[str, Any]:
    """The ``op`` and its fields.

    ``orders``: the ids of the player's resting ones; one that is cancelled or amended is taken from it.
    """
    op = choose.choices(list(OFTEN), list(OFTEN.values()))[0]
    good, side = choose.choice(goods), choose.choice(("bid", "ask"))
    qty, price, rarely = choose.randint(1, 5), choose.randint(15, 30), choose.random() < 0.1
    if choose.random() < 0.03:
        qty = 100
    fields: dict[str, Any] = {"op": op}
    match op:
        case "buy" | "sell":
            fields |= {"good": good, "qty": qty}
            if choose.random() < 0.5:
                fields["limit"] = price
            if rarely:
                fields["fill_or_kill"] = True
        case "order":
            fields |= {"good": good, "side": side, "qty": qty, "price": price}
        case "amend" | "cancel":
            fields["order"] = orders.pop(choose.randrange(len(orders))) if orders else "o1"
            if op == "amend":
                fields |= choose.choice(({"qty": qty}, {"price": price}, {"qty": qty, "price": price}))
        case "cancel_all":
            fields |= choose.choice(({}, {"good": good}, {"good": good}, {"good": good, "side": side}))
        case "ready":
            fields |= choose.choice(({}, {"answers": [choose.randint(0, 5), 0]}))
        case _:
            fields["text"] = text
    if op in ("order", "amend") and rarely:
        fields["post_only"] = True
    return fields
