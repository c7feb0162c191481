"""A desk: the price, the chart and the book come first, and what happens is seen to happen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.chromium import DESK
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.pages import Play, switch, until
from tests.browser.test_phone import CLASS, together
from tests.support.player import Player

LAPTOP: ViewportSize = {"width": 1366, "height": 650}

SIZES_OF_TEXT = """() => [...document.querySelectorAll(".play *")]
    .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .sort((one, other) => parseFloat(getComputedStyle(other).fontSize) - parseFloat(getComputedStyle(one).fontSize))
    .map((e) => e.className)"""
"""The classes of all that says something, the largest first."""

CUT = """() => [...document.querySelectorAll(".play :is(button, label, th, h2, select, option:checked, dt, dd)")]
    .filter((e) => e.checkVisibility() && getComputedStyle(e).position !== "absolute").flatMap((e) => {
        if (e.tagName === "OPTION") return [];
        if (e.tagName !== "SELECT") return e.scrollWidth > e.clientWidth + 1 && e.clientWidth ? [e.textContent] : [];
        const pen = document.createElement("canvas").getContext("2d");
        const style = getComputedStyle(e);
        pen.font = style.font;
        const room = e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 16;
        return pen.measureText(e.selectedOptions[0].text).width > room ? [e.selectedOptions[0].text] : [];
    })"""
"""The labels that are cut off: 16 pixels of a select are for its arrow."""

LIT = """(() => {
  window.lit = [];
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (...given) {
    lit.push(this.className);
    return animate.apply(this, given);
  };
})();"""
"""What lights up."""


def fill(player: Player, *, levels: int) -> None:
    """``levels`` asks of wood from 100 on and as many bids from 99 down, of one unit each."""
    player.ask("join", game="bazaar")
    for step in range(levels):
        player.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=100 + step)
        player.ask("order", game="bazaar", good="wood", side="bid", qty=1, price=99 - step)


@pytest.mark.parametrize("viewport", [DESK, LAPTOP], ids=["1280", "1366"])
def test_the_last_price_is_the_biggest_and_the_book_is_ten_levels_deep(
    newcomer: Newcomer, serve: Serve, viewport: ViewportSize
) -> None:
    server = serve(games=[bazaar(open_orders=100, goods={"wood": {"endowment": 20}})])
    ann = Play(newcomer(viewport=viewport), server.http).enter("Ann")
    book = ann.region("Order book")
    asks = book.get_by_role("list", name=re.compile("^Asks")).get_by_role("button")
    bids = book.get_by_role("list", name=re.compile("^Bids")).get_by_role("button")
    with Player(server.url, "Ben") as ben:
        fill(ben, levels=12)
        expect(asks).to_have_count(10)
        expect(bids).to_have_count(10)
        expect(asks.last).to_have_accessible_name("Ask 100, 1 unit")
        expect(asks.first).to_have_accessible_name("Ask 109, 1 unit")
        expect(bids.last).to_have_accessible_name("Bid 90, 1 unit")
        # a level behind the best five makes no frame, and is seen all the same
        ben.ask("order", game="bazaar", good="wood", side="bid", qty=4, price=91)
        expect(bids.nth(8)).to_have_accessible_name("Bid 91, 5 units")
        for level in (asks.first, bids.last):
            level.click(trial=True)
        with Player(server.url, "Cem") as cem:
            cem.ask("join", game="bazaar")
            cem.ask("buy", game="bazaar", good="wood", qty=3)
        expect(asks.last).to_have_accessible_name("Ask 103, 1 unit")
    expect(ann.region("Chart").locator(".last")).to_have_text("102")
    first, second = ann.page.evaluate(SIZES_OF_TEXT)[:2]
    assert "last" in first
    assert "last" not in second
    plot = ann.region("Chart").bounding_box()
    assert plot is not None
    area = plot["width"] * plot["height"]
    for other in ("Portfolio", "Your orders", "Chat", "Goods"):
        box = ann.region(other).bounding_box()
        assert box is not None
        assert box["width"] * box["height"] < area, other


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("viewport", [DESK, LAPTOP], ids=["1280", "1366"])
def test_no_label_is_cut(newcomer: Newcomer, serve: Serve, viewport: ViewportSize, locale: str) -> None:
    server = serve()
    page = newcomer(viewport=viewport, locale=locale)
    page.goto(f"{server.http}/?game=bazaar")
    page.locator("#name").fill("Ann")
    page.locator("form button.primary").click()
    Play(page, server.http).live()
    switch(page.locator(".ticket input[value=rest]"))
    for price in ("20", "21"):
        page.locator("#price").fill(price)
        page.locator(".ticket .big").click()
    expect(page.locator("[data-on=orders] tbody tr")).to_have_count(2)
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert page.evaluate(CUT) == []


def test_standings_players_and_trades_are_tabs_beside_the_chat(newcomer: Newcomer, serve: Serve) -> None:
    ann = Play(newcomer(), serve().http).enter("Ann")
    expect(ann.region("Chat")).to_be_visible()
    expect(ann.region("Standings")).to_be_hidden()
    tab = ann.page.get_by_role("tab", name="Chat")
    tab.focus()
    for name in ("Trades", "Standings", "Players"):
        ann.page.keyboard.press("ArrowRight")
        expect(ann.page.get_by_role("tab", name=name, exact=True)).to_be_focused()
        expect(ann.region(name)).to_be_visible()
        expect(ann.region("Chat")).to_be_hidden()
    ann.page.get_by_role("tab", name="Players").press("Tab")
    ann.page.locator("body").press("/")  # the key for the chat brings it to the front
    expect(ann.region("Chat").get_by_role("textbox", name="Message")).to_be_focused()


def test_who_comes_after_the_close_has_nothing_yet_is_told_when_and_has_no_rank(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 3_600})])
    Play(newcomer(), server.http).enter("Ben")
    turn(server, "closed")
    late = Play(newcomer(), server.http).enter("Ann")
    late.reads("Portfolio", "dealt at the opening")
    late.reads("Standings", "Ben")
    expect(late.show("Standings")).not_to_contain_text("Ann")
    turn(server, "open")
    late.reads("Portfolio", "10,000")
    late.reads("Standings", "Ann")


def test_a_market_order_has_its_average_and_its_worst_price_told_before(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    ann = Play(newcomer(), server.http).enter("Ann")
    ann.choose("wood")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("order", game="bazaar", good="wood", side="ask", qty=5, price=100)
        ben.ask("order", game="bazaar", good="wood", side="ask", qty=5, price=300)
        ann.fill_ticket("Buy", "Now", 5)
        ticket = ann.region("Ticket")
        expect(ticket).to_contain_text("Costs about 500 coins for 5 wood. Each at 100.")
        ann.fill_ticket("Buy", "Now", 6)
        expect(ticket).to_contain_text("Costs about 800 coins for 6 wood. 133.33 each on average, 300 at worst.")


def test_who_sees_an_empty_market_is_told_what_to_do(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[CLASS])
    ann = Play(newcomer(), server.http).enter("Ann", "class")
    with together(server, ann):
        for region in ("Chart", "Order book"):
            expect(ann.region(region)).to_contain_text("Be the first: bid below 150.")
        expect(ann.region("Your orders")).to_contain_text("place a limit order")


def test_who_would_lose_by_a_changed_order_is_asked(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[CLASS])
    ann = Play(newcomer(), server.http).enter("Ann", "class")
    with together(server, ann) as ben:
        ben.ask("order", game="class", good="wheat", side="ask", qty=1, price=160)
        ann.rest("Buy", 1, 30)
        expect(ann.page.locator(".toast").filter(has_text="1 wheat rests at 30.")).to_be_visible()
        bid = ann.region("Your orders").get_by_role("button", name="Change bid of 1 wheat at 30")
        bid.click()
        dialog = ann.page.get_by_role("dialog")
        dialog.get_by_label("Price").fill("170")
        dialog.get_by_role("button", name="Change", exact=True).click()
        asked = ann.page.get_by_role("alertdialog", name="Lose 10 coins?")
        asked.get_by_role("button", name="Do not send it").click()
        expect(bid).to_be_visible()
        assert ben.ask("me", game="class")["held_goods"]["wheat"] == 1
        ann.rest("Buy", 3, 130)
        asked = ann.page.get_by_role("alertdialog", name="Lose 40 coins?")
        expect(asked).to_contain_text("Only 1 of 3 units are worth the price to you.")
        asked.get_by_role("button", name="Do not send it").click()
        turn(server, "closed", "class")
        expect(ann.region("Your orders")).to_contain_text("The round is over, and all open orders with it.")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_opening_closing_news_and_fills_light_up(newcomer: Newcomer, serve: Serve, motion: str) -> None:
    server = serve()
    page = newcomer()
    page.emulate_media(reduced_motion="reduce" if motion == "reduce" else "no-preference")
    page.add_init_script(LIT)
    ann = Play(page, server.http).enter("Ann")
    moves = motion == "no-preference"

    def next_is(what: str) -> None:
        if moves:
            until(lambda: what in " ".join(page.evaluate("lit.splice(0)")), what, page=page)

    ask(server, "POST", "/games/bazaar/news", {"text": "A ship is overdue"})
    expect(ann.region("News")).to_contain_text("overdue")
    next_is("ticker")
    ann.choose("grain")
    ann.trade("Buy", 1)
    expect(page.locator(".toast")).to_contain_text("Bought 1 grain")
    next_is("portfolio")
    turn(server, "closed")
    expect(page.locator(".play")).to_have_attribute("data-phase", "closed")
    next_is("bar")
    if not moves:
        assert page.evaluate("lit") == []
