"""What was possible at the equilibrium, against all that could be done, and over all players."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradegame.core.domain.debrief import Schedules
from tradegame.core.domain.possible import equilibrium_price, possible
from tradegame.core.domain.private_values import redemption

values = st.lists(st.integers(0, 60), min_size=1, max_size=5).map(lambda drawn: tuple(sorted(drawn, reverse=True)))


@given(buyers=st.lists(values, max_size=6), sellers=st.lists(values, max_size=6))
def test_what_was_possible_for_all_is_the_most_that_trade_can_make(
    buyers: list[tuple[int, ...]], sellers: list[tuple[int, ...]]
) -> None:
    demand = tuple(sorted((value for each in buyers for value in each), reverse=True))
    schedules = Schedules(demand, tuple(sorted(cost for each in sellers for cost in each)))
    equilibrium = schedules.equilibrium()
    if equilibrium is None:
        assert schedules.surplus == 0
        return
    price = equilibrium_price(equilibrium)
    assert equilibrium["low"] <= price <= equilibrium["high"]
    made = sum(possible("buyer", each, price) for each in buyers)
    made += sum(possible("seller", each, price) for each in sellers)
    assert made == schedules.surplus


@given(values=values, price=st.integers(0, 70), role=st.sampled_from(["buyer", "seller"]), qty=st.integers(0, 5))
def test_no_trades_at_one_price_gain_more_than_was_possible_at_it(
    values: tuple[int, ...], price: int, role: Any, qty: int
) -> None:
    qty = min(qty, len(values))
    given_units = 0 if role == "buyer" else len(values)
    owned = qty if role == "buyer" else len(values) - qty
    gain = redemption(values, owned) - redemption(values, given_units) - (owned - given_units) * price
    most = possible(role, values, price)
    assert gain <= most
    best = sum(value > price if role == "buyer" else value < price for value in values)
    assert (qty != best) or gain == most
