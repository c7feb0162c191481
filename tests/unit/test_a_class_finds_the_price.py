"""A class at the double auction: half buy, half sell, nobody thinks, and the market finds the price all the same.

Gode and Sunder, "Allocative efficiency of markets with zero-intelligence traders", JPE 101 (1993), found 97 to 100 %.

Here is neither socket nor clock: the rules, the bots' decisions and a seed. ``tests/e2e/test_classroom.py`` plays the
same game over sockets, and says nothing about how well.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.support import views
from tests.support.domain import BEGIN, Table
from tradegame.bots import ZeroIntelligence
from tradegame.bots.base import Quote, Withdraw
from tradegame.client.state import State
from tradegame.client.wire import decode
from tradegame.core.domain.game import Game
from tradegame.infra.config.definitions import parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.protocol.commands import SetPhase
from tradegame.protocol.replies import Ordered
from tradegame.protocol.requests import CancelOrder, PlaceOrder
from tradegame.protocol.state import Account

DECISIONS_EACH = 75
WORST_BPS = 9_000


@pytest.mark.parametrize(("students", "mean_bps"), [(10, 9_600), pytest.param(40, 9_700, marks=pytest.mark.slow)])
def test_a_class_of_bots_that_do_not_think_realises_most_of_the_gains(students: int, mean_bps: int) -> None:
    """Rounds of ten vary by 3 %: ten of them are 97 % in the mean, give or take one."""
    found = [efficiency_bps(students, seed) for seed in range(10)]
    assert min(found) > WORST_BPS, found
    assert sum(found) / len(found) > mean_bps, found


@pytest.mark.parametrize(
    ("treatment", "off"),
    [
        ({"buyer_tax": 40}, 0.1),
        ({"seller_tax": 40}, 0.1),
        ({"fee_bps": 1_000}, 0.1),
        ({"ceiling": 80}, 0.2),  # whoever quotes at random between a cost and the ceiling is below it
        ({"floor": 120}, 0.2),
    ],
)
def test_whatever_a_round_takes_or_limits_no_bot_loses_and_the_price_is_near_the_theory(
    treatment: dict[str, int], off: float
) -> None:
    found = list[float]()
    for seed in range(6):
        told = played(20, seed, treatments=[{"from_round": 1, **treatment}])
        assert min(player["gain"] for player in told["players"]) >= 0
        (good,) = told["goods"].values()
        theory = (good["equilibrium"]["low"] + good["equilibrium"]["high"]) / 2
        found.append(good["notional"] / good["volume"] / theory - 1)
    assert abs(sum(found) / len(found)) < off, found


def efficiency_bps(students: int, seed: int) -> int:
    return int(played(students, seed)["efficiency_bps"])


def played(students: int, seed: int, **terms: object) -> dict[str, Any]:
    """What the debrief tells of one round, in which they decide in an order that chance gives."""
    definition = {name: value for name, value in presets()["classroom"].items() if name != "rounds"} | terms
    table = Table(Game.create(parse_game_definition(definition), "epoch", BEGIN, seed))
    bots = {f"student-{number}": ZeroIntelligence(f"{seed} {number}") for number in range(students)}
    for player in bots:
        table.join(player)
    table.do(SetPhase(phase="open"))
    state, chance = State(), Random(seed)
    state.replace(views.public_state(table.game.state), "epoch", 0)
    for _ in range(DECISIONS_EACH * students):
        player = chance.choice(list(bots))
        table.at += 10
        for action in bots[player].decide(state, account(table, player)):
            match action:
                case Quote():
                    order = PlaceOrder(
                        player=player, good=action.good, side=action.side, qty=action.qty, price=action.price
                    )
                    assert isinstance(table.do(order), Ordered)
                case Withdraw():
                    table.do(CancelOrder(player=player, order=action.order))
    table.do(SetPhase(phase="closed"))
    told: dict[str, Any] = views.debrief(table.game.state, host=True)["rounds"][-1]
    return told


def account(table: Table, player: str) -> Account:
    """As its owner's client has it."""
    return decode(Account, views.account(table.game.state, player))
