"""The ticket sends what it says, and nothing that was not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.pages import Play, until
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

pytestmark = pytest.mark.slow

LIMIT = re.compile("^(Limit|Worst) price")


@pytest.fixture
def server(serve: Serve) -> ServerProcess:
    return serve()


@pytest.fixture
def ann(newcomer: Newcomer, server: ServerProcess) -> Play:
    """At the page."""
    return Play(newcomer(), server.http).enter("Ann")


@pytest.fixture
def ben(server: ServerProcess) -> Iterator[Player]:
    """Without a page."""
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        yield ben


def offer(player: Player, qty: int, price: int) -> str:
    """A resting ask of wood: its id."""
    order: str = player.ask("order", game="bazaar", good="wood", side="ask", qty=qty, price=price)["order"]
    return order


def traded(server: ServerProcess) -> int:
    """How much grain was traded."""
    with Player(server.url, "clerk") as clerk:
        volume: int = clerk.ask("join", game="bazaar", spectate=True)["state"]["goods"]["grain"]["volume"]
    return volume


def limit_of(play: Play) -> Locator:
    return play.region("Ticket").get_by_role("spinbutton", name=LIMIT)


@pytest.mark.parametrize("limit", ["1.5", "0", "-3", "1e2", "99999999999"])
def test_a_limit_that_is_none_is_refused_and_not_left_out(ann: Play, ben: Player, limit: str) -> None:
    offer(ben, 5, 1_000)
    ann.choose("wood")
    button = ann.fill_ticket("Buy", "Now", 1, 1)
    field = limit_of(ann)
    field.fill(limit)
    expect(field).to_have_attribute("aria-invalid", "true")
    button.click()
    expect(field).to_be_focused()
    expect(ann.page.locator(".toast.bad")).to_contain_text("whole number")
    assert ben.ask("me", game="bazaar")["held_goods"]["wood"] == 5


def test_the_price_under_the_finger_is_the_one_that_is_sent_and_the_quantity_is_on_the_button(
    ann: Play, ben: Player
) -> None:
    cheap = offer(ben, 5, 40)
    offer(ben, 5, 50)
    ann.choose("wood")
    ann.page.locator("#qty").fill("3")
    tile = ann.page.get_by_role("button", name="Buy 3 at 40")
    expect(tile).to_contain_text("Buy 3")
    tile.hover()
    ann.page.mouse.down()
    ben.ask("cancel", game="bazaar", order=cheap)
    expect(ann.page.get_by_role("button", name="Buy 3 at 50")).to_be_visible()
    ann.page.mouse.up()
    expect(ann.page.get_by_text("Nobody sells wood for 40 or less right now").first).to_be_visible()


def test_ones_own_orders_are_not_counted_on(ann: Play, ben: Player) -> None:
    offer(ben, 9, 100)
    ann.choose("wood")
    ann.rest("Sell", 5, 20)
    button = ann.fill_ticket("Buy", "Now", 5)
    ticket = ann.region("Ticket")
    limit_of(ann).fill("")
    expect(ticket).to_contain_text("Costs about 500 coins for 5 wood.")
    expect(ticket).to_contain_text("Cancels your ask of 5 at 20.")
    button.click()
    expect(ann.page.get_by_text("Bought 5 wood for 500 coins.")).to_be_attached()


def test_two_presses_while_the_server_thinks_are_one_order_and_the_page_says_that_it_waits(
    ann: Play, server: ServerProcess
) -> None:
    ann.choose("grain")
    ann.fill_ticket("Buy", "Now", 1)
    button = ann.region("Ticket").locator("button[type=submit]")
    server.pause()
    try:
        button.click()
        button.click(force=True)
        button.click(force=True)
        expect(button).to_have_text("Sending …")
        expect(ann.page.locator(".status")).to_have_text("1 unanswered …")
    finally:
        server.resume()
    expect(button).to_have_text("Buy")
    expect(ann.region("Goods")).to_contain_text("have 1")
    assert traded(server) == 1


def test_who_does_nothing_earns_nothing_however_prices_move(ann: Play, server: ServerProcess) -> None:
    with Player(server.url, "Ben") as ben, Player(server.url, "Cem") as cem:
        for player in (ben, cem):
            player.ask("join", game="bazaar")
        for price in (50, 80):
            offer(ben, 1, price)
            cem.ask("buy", game="bazaar", good="wood", qty=1)
    ann.reads("Portfolio", "10,000")
    ann.reads("Portfolio", "0 this round")


def test_the_cancel_under_the_finger_stays_that_of_its_order(ann: Play, ben: Player) -> None:
    ann.choose("wood")
    for price in (300, 301, 302):
        ann.rest("Sell", 1, price)
    cancel = ann.region("Your orders").get_by_role("button", name="Cancel ask of 1 wood at 301")
    cancel.focus()
    ben.ask("buy", game="bazaar", good="wood", qty=1)
    expect(ann.region("Your orders").get_by_role("button", name=re.compile("^Cancel ask"))).to_have_count(2)
    expect(cancel).to_be_focused()
    ann.page.keyboard.press("Enter")
    expect(cancel).to_have_count(0)
    until(
        lambda: ann.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Cancel ask of 1 wood at 302",
        "the focus on the next one",
        page=ann.page,
    )


TAPPED_TWICE = """(crosses) => crosses.slice(0, 2).forEach((each) =>
    each.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1, clientX: 50, clientY: 50 })))"""
"""At one place: the second order has moved up to where the first one was."""


def test_a_double_tap_cancels_one_order(ann: Play) -> None:
    ann.choose("wood")
    for price in (300, 301, 302):
        ann.rest("Sell", 1, price)
    crosses = ann.region("Your orders").get_by_role("button", name=re.compile("^Cancel ask"))
    expect(crosses).to_have_count(3)
    crosses.evaluate_all(TAPPED_TWICE)
    expect(crosses).to_have_count(2)
    ann.page.wait_for_timeout(300)
    expect(crosses).to_have_count(2)
    crosses.first.focus()
    ann.page.keyboard.press("Enter")
    expect(crosses).to_have_count(1)


def test_a_game_made_anew_under_the_same_name_is_another_game(ann: Play, server: ServerProcess) -> None:
    ann.page.context.set_offline(True)
    host = httpx.Client(base_url=server.http, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    with host:
        host.delete("/v1/games/bazaar").raise_for_status()
        host.post("/v1/games", json={"id": "bazaar", "goods": {"tin": {"endowment": 3}}}).raise_for_status()
    ann.page.context.set_offline(False)
    expect(ann.region("Goods")).to_contain_text("tin")
    ann.live()


def test_a_level_of_the_book_is_the_price_and_no_quantity(ann: Play, ben: Player) -> None:
    offer(ben, 9, 100)
    ann.choose("wood")
    ann.fill_ticket("Sell", "Rest", 3)
    ticket = ann.region("Ticket")
    quantity = ticket.get_by_role("spinbutton", name="Quantity")
    price = limit_of(ann)
    level = ann.region("Order book").get_by_role("button", name=re.compile("^Ask 100"))
    level.click()
    expect(price).to_have_value("100")
    expect(quantity).to_have_value("3")
    expect(ticket.get_by_role("radio", name="Sell")).to_be_checked()
    ann.fill_ticket("Sell", "Now", 3)
    level.click()  # who takes an ask buys
    expect(ticket.get_by_role("radio", name="Buy")).to_be_checked()
    expect(quantity).to_have_value("3")
    quantity.fill("")
    level.click()
    expect(quantity).to_have_value("9")


def test_a_market_order_has_a_limit_that_is_seen_and_can_be_changed(ann: Play, ben: Player) -> None:
    cheap = offer(ben, 5, 100)
    offer(ben, 5, 300)
    ann.choose("wood")
    button = ann.fill_ticket("Buy", "Now", 5)
    ticket = ann.region("Ticket")
    limit = limit_of(ann)
    expect(limit).to_have_value("102")
    expect(ticket).to_contain_text("No unit at more than 102.")
    quantity = ticket.get_by_role("spinbutton", name="Quantity")
    quantity.fill("6")
    expect(limit).to_have_value("306")
    quantity.fill("5")
    expect(limit).to_have_value("102")
    # the market moves between the look and the press: the page is not drawn meanwhile, once pending frames are
    ann.page.evaluate(
        "new Promise((done) => { const frame = requestAnimationFrame;"
        " window.requestAnimationFrame = () => 0; frame(() => frame(done)); })"
    )
    seq = ann.seq
    ben.ask("cancel", game="bazaar", order=cheap)
    ann.until_seq(seq + 1)
    button.click()
    expect(ann.page.locator(".toast.bad")).to_be_visible()
    assert ben.ask("me", game="bazaar")["held_goods"]["wood"] == 5


def test_a_limit_of_ones_own_stays_until_it_is_for_something_else(ann: Play) -> None:
    ann.choose("grain")
    ann.fill_ticket("Buy", "Now", 1, 77)
    limit = limit_of(ann)
    ann.fill_ticket("Buy", "Now", 2)
    expect(limit).to_have_value("77")
    ann.fill_ticket("Sell", "Now", 2)
    expect(limit).not_to_have_value("77")
    ann.fill_ticket("Sell", "Now", 2, 55)
    ann.choose("iron")
    expect(limit).not_to_have_value("55")
    ann.fill_ticket("Sell", "Rest", 2)
    expect(limit).to_have_value("")


def test_what_is_pressed_while_the_server_is_away_is_withdrawn_and_said_to_be(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, tmp_path: Path
) -> None:
    server = serve(f"embedded:{tmp_path / 'away.db'}")
    ann = Play(newcomer(), server.http).enter("Ann")
    ann.choose("wood")
    ann.rest("Sell", 2, 500)
    own = ann.region("Your orders")
    expect(own.get_by_role("button", name=re.compile("^Cancel ask"))).to_have_count(1)
    ann.choose("grain")
    button = ann.fill_ticket("Buy", "Now", 3)
    with conduct.server_down():
        server.kill()
        ann.dropped()
        button.click()
        own.get_by_role("button", name=re.compile("^Cancel ask")).click()
        ann.say("Is anybody there?")
        told = ann.page.locator(".toast.bad")
        expect(told.filter(has_text="It could not be sent in time: it was withdrawn")).to_have_count(3)
        expect(ann.region("Chat").get_by_role("textbox", name="Message")).to_have_value("Is anybody there?")
        expect(button).to_have_text("Buy")
        server.start()
        ann.live()
    assert traded(server) == 0


def test_what_was_sent_and_not_answered_is_settled_when_the_server_is_back(ann: Play, server: ServerProcess) -> None:
    ann.choose("grain")
    button = ann.fill_ticket("Buy", "Now", 3)
    server.pause()
    try:
        button.click()
        ann.page.wait_for_timeout(6_000)  # by now it must not happen any more
    finally:
        server.resume()
    told = ann.page.locator(".toast")
    expect(told.filter(has_text=re.compile("it was withdrawn|Bought 3 grain"))).to_be_visible()
    withdrawn = told.filter(has_text="it was withdrawn").count() > 0
    assert traded(server) == (0 if withdrawn else 3)


def test_ones_own_trades_are_there_after_a_reload_and_nobody_elses(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    ann = Play(page, server.http).enter("Ann")
    ann.choose("grain")
    ann.trade("Buy", 3)
    own = ann.region("Your orders")
    own.get_by_role("tab", name="Trades").click()
    expect(own.get_by_role("row", name=re.compile("bought grain the house 3"))).to_be_visible()
    page.reload()
    ann.live()
    own.get_by_role("tab", name="Trades").click()
    expect(own.get_by_role("row", name=re.compile("bought grain the house 3"))).to_be_visible()
    ben = Play(newcomer(), server.http).enter("Ben")
    ben.region("Your orders").get_by_role("tab", name="Trades").click()
    expect(ben.region("Your orders")).to_contain_text("No trade of yours")
    page.evaluate("localStorage.setItem('tradegame.trades', '[{\"game\": 1}, null')")
    page.reload()  # what is none is nothing
    ann.live()


def test_a_buy_that_is_pressed_without_a_network_is_not_carried_out_later(
    ann: Play, server: ServerProcess, conduct: Conduct
) -> None:
    ann.choose("grain")
    button = ann.fill_ticket("Buy", "Now", 3)
    ann.page.wait_for_load_state("networkidle")
    with conduct.allowing("net::ERR_INTERNET_DISCONNECTED"):
        ann.page.context.set_offline(True)
        ann.dropped()
        button.click()
        expect(ann.page.locator(".toast.bad")).to_contain_text("It could not be sent in time: it was withdrawn")
        ann.page.context.set_offline(False)
        ann.live()
    ann.say("back")
    ann.reads("Chat", "back")
    assert traded(server) == 0
