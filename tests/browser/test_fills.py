"""One's own trades and what they made: right after a reload, and whatever happened while the page was closed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.pages import Play
from tests.browser.test_widths import SIZES
from tests.support.player import Player


def own_trades(page: Play) -> Locator:
    orders = page.show("Your orders")
    orders.get_by_role("tab", name="Trades").click()
    return orders


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_page_shows_what_was_traded_while_it_was_closed(newcomer: Newcomer, serve: Serve, anonymous: bool) -> None:
    server = serve(games=[bazaar(anonymous=anonymous)])
    page = newcomer()
    ann = Play(page, server.http).enter("Ann")
    ann.choose("wood")
    ann.rest("Sell", 5, 37)
    expect(ann.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()
    page.goto("about:blank")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("buy", game="bazaar", good="wood", qty=2)
        page.goto(f"{server.http}/?game=bazaar")
        ann.live()
        row = own_trades(ann).get_by_role("row", name=re.compile("sold wood – 2 37"))
        expect(row).to_have_count(1)
        expect(page.locator(".toast")).to_have_text("While this page was closed, you had 1 trade.")
        gains = ann.region("Portfolio").get_by_role("row", name=re.compile(r"wood sold 2 at 37\.00 .*\+74"))
        expect(gains).to_be_visible()
        ben.ask("buy", game="bazaar", good="wood", qty=1)
        ben.ask("order", game="bazaar", good="wood", side="bid", qty=9, price=30)
    expect(page.get_by_text("Your ask was taken: sold 1 wood for 37 coins.")).to_be_visible()
    told = own_trades(ann).get_by_role("row", name=re.compile(rf"sold wood {'–' if anonymous else 'Ben'} 1 37"))
    expect(told).to_have_count(1)
    for _ in range(2):  # before and after a reload
        expect(own_trades(ann).get_by_role("row", name=re.compile("sold wood"))).to_have_count(2)
        expect(ann.region("Portfolio").get_by_role("row", name=re.compile(r"wood sold 3 at 37\.00"))).to_be_visible()
        expect(told).to_have_count(1)
        page.reload()
        ann.live()
        expect(own_trades(ann).get_by_role("row", name=re.compile("sold wood"))).to_have_count(2)
        page.wait_for_timeout(500)  # so that what the server tells has come
        expect(page.locator(".toast")).to_have_count(0)  # all of it is known


def test_gains_can_be_read_at_every_width(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(cash=1_000_000)])
    page = newcomer()
    ann = Play(page, server.http).enter("Ann")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("order", game="bazaar", good="wood", side="ask", qty=10, price=90_000)
        ann.choose("wood")
        ann.trade("Buy", 10)
    ann.choose("grain")
    ann.trade("Buy", 12)
    ann.trade("Sell", 12)
    for width, height in SIZES:
        page.set_viewport_size(ViewportSize(width=width, height=height))
        gains = ann.show("Portfolio").get_by_role("group", name="Gain by good")
        expect(gains.get_by_role("row")).to_have_count(3)
        assert gains.evaluate("e => e.scrollWidth <= e.clientWidth"), (width, height)


def test_who_has_not_traded_sees_no_gains(newcomer: Newcomer, serve: Serve) -> None:
    ann = Play(newcomer(), serve().http).enter("Ann")
    expect(ann.region("Portfolio")).to_contain_text("this round")
    expect(ann.region("Portfolio").get_by_role("table")).to_have_count(0)
    expect(own_trades(ann)).to_contain_text("No trade of yours in this round.")
