"""The player's open orders: changed, and cancelled all at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.pages import Play
from tests.support.player import Player
from tests.support.process import ServerProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def server(serve: Serve) -> ServerProcess:
    return serve()


@pytest.fixture
def ann(newcomer: Newcomer, server: ServerProcess) -> Play:
    """At the page, with a resting ask of 5 wood at 500."""
    ann = Play(newcomer(), server.http).enter("Ann")
    ann.choose("wood")
    ann.rest("Sell", 5, 500)
    expect(button(ann, "Change ask of 5 wood at 500")).to_be_visible()
    return ann


@pytest.fixture
def ben(server: ServerProcess) -> Iterator[Player]:
    """Without a page."""
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        yield ben


def button(ann: Play, name: str) -> Locator:
    return ann.region("Your orders").get_by_role("button", name=name, exact=True)


def change(ann: Play, which: str, **fields: int) -> None:
    button(ann, f"Change {which}").click()
    dialog = ann.page.get_by_role("dialog")
    for name, value in fields.items():
        dialog.get_by_label(name).fill(str(value))
    dialog.get_by_role("button", name="Change", exact=True).click()


def test_an_order_gets_another_price_or_quantity(ann: Play, ben: Player) -> None:
    change(ann, "ask of 5 wood at 500", Price=510)
    change(ann, "ask of 5 wood at 510", Quantity=3)
    expect(button(ann, "Change ask of 3 wood at 510")).to_be_visible()
    expect(button(ann, "Change ask of 3 wood at 510")).to_have_text("510")
    assert [510, 3] in ben.ask("book", game="bazaar", good="wood")["asks"]


def test_an_order_that_is_left_as_it_is_is_not_sent(ann: Play) -> None:
    seq = ann.seq
    change(ann, "ask of 5 wood at 500")
    button(ann, "Change ask of 5 wood at 500").click()
    ann.page.get_by_role("button", name="Leave it").click()
    button(ann, "Change ask of 5 wood at 500").click()
    ann.page.keyboard.press("Escape")
    expect(ann.page.get_by_role("dialog")).to_have_count(0)
    ann.say("done")
    ann.until_seq(seq + 1)
    assert ann.seq == seq + 1


def test_what_an_order_trades_at_its_new_price_is_said_and_so_is_a_refusal(ann: Play, ben: Player) -> None:
    ben.ask("order", game="bazaar", good="wood", side="bid", qty=2, price=400)
    change(ann, "ask of 5 wood at 500", Price=400)
    expect(ann.page.locator(".toast").filter(has_text="Sold 2 wood.")).to_be_visible()
    change(ann, "ask of 3 wood at 400", Quantity=1_000_000)
    expect(ann.page.locator(".toast.bad")).to_contain_text("That takes 1,000,000 wood, and you have 8 free.")
    expect(button(ann, "Change ask of 3 wood at 400")).to_be_visible()


def test_all_orders_are_cancelled_by_one_command(ann: Play) -> None:
    for price in (501, 502):
        ann.rest("Sell", 1, price)
    expect(ann.region("Your orders").get_by_role("button", name=re.compile("^Cancel ask"))).to_have_count(3)
    seq = ann.seq
    button(ann, "Cancel all").click()
    expect(ann.region("Your orders")).to_contain_text("No open orders.")
    ann.until_seq(seq + 1)
    assert ann.seq == seq + 1
