"""A phone: all that one trades with is on one screen, and the rest a press away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.pages import Play, switch, until
from tests.browser.test_widths import whole
from tests.support.player import Player
from tests.support.process import ServerProcess

SMALL: ViewportSize = {"width": 360, "height": 640}
SIDEWAYS: ViewportSize = {"width": 844, "height": 390}
SCREENS = [PHONE, SMALL, SIDEWAYS]

CLASS: dict[str, Any] = {
    "id": "class",
    "title": "A class",
    "cash": 1_000,
    "goods": {"wheat": {}},
    "private_values": {"good": "wheat", "values": [[150, 120, 80]], "costs": [[90, 60, 30]]},
    "wait_for_host": True,
}

SCROLLS = """() => [document.scrollingElement, document.querySelector(".desk")]
    .filter((e) => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1)
    .map((e) => `${e.tagName}.${e.className}: ${e.scrollHeight} px in ${e.clientHeight}`)"""

HEARD = """(() => {
  window.heard = [];
  window.felt = [];
  navigator.vibrate = (pattern) => felt.push(pattern);
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...given) {
    heard.push(this.frequency.value);
    return start.apply(this, given);
  };
})();"""
"""What the page plays, in Hz, and how it lets the phone vibrate."""


def together(server: ServerProcess, ann: Play, game: str = "class") -> Player:
    """Ann has entered first, and so buys; somebody else is there, too, who sells."""
    ben = Player(server.url, "Ben")
    ben.ask("join", game=game)
    turn(server, "open", game)
    expect(ann.page.locator(".play")).to_have_attribute("data-phase", "open")
    return ben


def strip(play: Play) -> Any:
    return play.region("You at a glance")


@pytest.mark.parametrize("size", SCREENS, ids=["390", "360", "sideways"])
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_one_trades_on_one_screen(newcomer: Newcomer, serve: Serve, size: ViewportSize, locale: str) -> None:
    server = serve(games=[CLASS])
    page = newcomer(viewport=size, locale=locale)
    page.goto(f"{server.http}/?game=class")
    page.locator("#name").fill("Ann")
    page.locator("form button.primary").click()
    ann = Play(page, server.http)
    ann.live()
    assert page.evaluate(SCROLLS) == []
    with together(server, ann) as ben:
        ben.ask("order", game="class", good="wheat", side="ask", qty=2, price=100)
        expect(page.locator(".quick .buy b")).to_have_text("100")
        for side in ("sell", "buy"):
            for kind in ("now", "rest"):
                for value in (side, kind):
                    switch(page.locator(f".ticket input[value={value}]"))
                assert page.evaluate(SCROLLS) == [], (side, kind)
        whole(page.locator("body"), (size["width"], size["height"]))
        for seen in (".strip", ".clock", ".quick .buy", ".stepper >> nth=1", ".ticket .big"):
            page.locator(seen).click(trial=True)
        turn(server, "closed", "class")
        expect(page.locator(".play")).to_have_attribute("data-phase", "closed")
        expect(page.locator(".units li")).to_have_count(3)
        assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")


def test_a_phone_on_its_side_shows_both_sides_of_the_book_and_tells_beside_the_ticket(
    newcomer: Newcomer, serve: Serve
) -> None:
    ann = Play(newcomer(viewport=SIDEWAYS), serve().http).enter("Ann")
    book = ann.page.locator(".book")
    best = book.locator(".asks li >> nth=-1"), book.locator(".spread"), book.locator(".bids li >> nth=0")
    for seen in best:
        expect(seen).to_be_in_viewport(ratio=1)
    for part in (book.locator(".asks"), book.locator(".bids")):
        assert part.evaluate("e => e.clientHeight") > 2 * best[0].evaluate("e => e.clientHeight")
    ann.page.locator(".quick .buy").click()
    toast, ticket = ann.page.locator(".toast"), ann.page.locator(".ticket")
    expect(toast).to_contain_text("Bought 1")
    told, asked = toast.bounding_box(), ticket.bounding_box()
    assert told is not None
    assert asked is not None
    assert told["x"] + told["width"] <= asked["x"]


def test_one_thumb_buys_at_the_best_ask_and_the_strip_tells_what_it_came_to(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[CLASS])
    ann = Play(newcomer(viewport=PHONE), server.http).enter("Ann", "class")
    with together(server, ann) as ben:
        expect(strip(ann)).to_contain_text(re.compile(r"buy.*Next is worth150.*Cash1,000.*This round0"))
        expect(ann.region("Chart")).to_contain_text("Be the first: bid below 150.")
        for price in (100, 140):
            ben.ask("order", game="class", good="wheat", side="ask", qty=1, price=price)
        ann.page.get_by_role("button", name="Buy 1 at 100: 1 offered").click()
        expect(strip(ann)).to_contain_text(re.compile(r"Next is worth120.*Cash900.*This round.*\+50"))
        assert ben.ask("me", game="class")["cash"] == 1_100
        turn(server, "closed", "class")
        expect(ann.region("For you alone").get_by_role("listitem")).to_have_text(["150", "120", "80"])
        expect(ann.region("For you alone").locator(".next")).to_have_text("120")
        expect(ann.region("Ticket")).to_be_hidden()
        turn(server, "lobby", "class")
        expect(ann.region("For you alone")).to_contain_text("What your units are worth is told when the round opens.")
        expect(strip(ann)).to_contain_text("Next is worth–")


@pytest.mark.parametrize("size", SCREENS, ids=["390", "360", "sideways"])
def test_who_would_lose_is_warned_and_asked(newcomer: Newcomer, serve: Serve, size: ViewportSize) -> None:
    server = serve(games=[CLASS])
    ann = Play(newcomer(viewport=size), server.http).enter("Ann", "class")
    page = ann.page
    with together(server, ann) as ben:
        ben.ask("order", game="class", good="wheat", side="ask", qty=1, price=160)
        dear = page.get_by_role("button", name="Buy 1 at 160: you lose 10")
        dear.click()
        asked = page.get_by_role("alertdialog", name="Lose 10 coins?")
        expect(asked.get_by_role("button", name="Do not send it")).to_be_focused()
        page.keyboard.press("Enter")
        expect(asked).to_be_hidden()
        assert ben.ask("me", game="class")["held_goods"]["wheat"] == 1
        button = ann.fill_ticket("Buy", "Rest", 1, 145)
        places = [each.bounding_box() for each in (dear, button)]
        ann.fill_ticket("Buy", "Rest", 1, 155)
        expect(ann.region("Ticket").locator(".loss")).to_have_text("By your own values you would lose 5.")
        assert [each.bounding_box() for each in (dear, button)] == places, "nothing moves under the finger"
        button.click()
        page.get_by_role("button", name="Do not send it").click()
        ann.fill_ticket("Buy", "Rest", 1, 145).click()  # not asked about
        until(lambda: ben.ask("book", game="class", good="wheat")["bids"] == [[145, 1]], "the bid", page=page)
        dear.click()
        page.get_by_role("button", name="Send it all the same").click()
        until(lambda: ben.ask("me", game="class")["cash"] == 1_160, "the trade", page=page)


def test_steppers_step_and_go_on_while_they_are_held(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar()])
    ann = Play(newcomer(viewport=PHONE), server.http).enter("Ann")
    page, ticket = ann.page, ann.region("Ticket")
    more, fewer = (ticket.get_by_role("button", name=f"Quantity, one {which}") for which in ("more", "less"))
    quantity = ticket.get_by_role("spinbutton", name="Quantity")
    more.click()
    more.click()
    expect(quantity).to_have_value("3")
    fewer.click()
    expect(quantity).to_have_value("2")
    more.hover()
    page.mouse.down()
    until(lambda: int(quantity.input_value()) >= 6, "it goes on", page=page)
    page.mouse.up()
    held = quantity.input_value()
    page.wait_for_timeout(300)
    expect(quantity).to_have_value(held)
    switch(ticket.get_by_role("radio", name="Limit"))
    price = ticket.get_by_role("spinbutton", name="Limit price")
    ticket.get_by_role("button", name="Price, one more").click()
    best = page.locator(".quick .sell b").inner_text()
    expect(price).to_have_value(best)  # the best bid, which is the side that it joins


def test_news_come_as_a_toast_where_there_is_no_room_for_a_line(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    ann = Play(newcomer(viewport=PHONE), server.http).enter("Ann")
    desk = Play(newcomer(), server.http).enter("Ben")
    ask(server, "POST", "/games/bazaar/news", {"text": "A ship is overdue"})
    expect(ann.page.locator(".toast")).to_have_text("News: A ship is overdue")
    expect(desk.region("News")).to_contain_text("A ship is overdue")
    expect(desk.page.locator(".toast")).to_have_count(0)
    expect(ann.show("News")).to_contain_text("A ship is overdue")


def test_a_fill_and_the_last_ten_seconds_are_heard_and_felt_once_they_are_switched_on(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve()
    page = newcomer(viewport=PHONE)
    page.add_init_script(HEARD)
    ann = Play(page, server.http).enter("Ann")
    ann.choose("wood")
    ann.rest("Sell", 5, 37)
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("buy", game="bazaar", good="wood", qty=1)
        expect(page.locator(".toast").filter(has_text="Your ask was taken")).to_be_visible()
        assert page.evaluate("[heard, felt]") == [[], []]
        switch = page.get_by_role("button", name="Sound and vibration")
        expect(switch).to_have_attribute("aria-pressed", "false")
        switch.click()
        assert page.evaluate("[heard.length, felt.length]") == [2, 1]
        ben.ask("buy", game="bazaar", good="wood", qty=1)
        until(lambda: page.evaluate("heard.length") == 4, "the sound of a fill", page=page)
        page.reload()
        ann.live()
        expect(switch).to_have_attribute("aria-pressed", "true")
        page.locator(".strip").click()  # browsers allow no sound before the first press
        ben.ask("buy", game="bazaar", good="wood", qty=1)
        until(lambda: page.evaluate("felt.length") == 1, "the vibration of a fill", page=page)
    assert page.evaluate("heard.length") == 2


def test_the_last_ten_seconds_tick(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 14, "closed_s": 600, "lobby_s": 0})])
    page = newcomer(viewport=PHONE)
    page.add_init_script(HEARD)
    page.add_init_script("localStorage.setItem('tradegame.signals', '1')")
    Play(page, server.http).enter("Ann")
    expect(page.locator(".play")).to_have_attribute("data-phase", "closed")
    heard = page.evaluate("heard")
    assert 5 <= len(heard) <= 10, heard  # as many as were left when the page was there
    assert heard[-3:] == [880, 880, 880]
    assert page.evaluate("felt.length") == len(heard)


def test_who_and_where_one_is_help_and_the_way_out_are_a_press_away(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    ann = Play(newcomer(viewport=SMALL), server.http).enter("Ann")
    page = ann.page
    you = ann.show("You")
    expect(you).to_contain_text("You are Ann, in The bazaar.")
    you.get_by_role("button", name="Help").click()
    expect(page.get_by_role("dialog", name="Help")).to_contain_text("A limit order waits in the order book")
    page.get_by_role("button", name="Close").click()
    you.get_by_role("button", name="Play as somebody else").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(page.get_by_role("textbox", name="Your name")).to_be_visible()


def test_open_orders_are_counted_and_are_on_a_screen_of_their_own(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    ann = Play(newcomer(viewport=PHONE), server.http).enter("Ann")
    token = ann.page.evaluate("localStorage.getItem('tradegame.token')")
    with Player(server.url, None, token=token) as self:
        self.ask("join", game="bazaar")
        for price in range(43, 52):
            self.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=price)
    section = ann.page.get_by_role("navigation", name="Sections").get_by_role("button", name="Orders")
    expect(section).to_have_text("Orders 9")
    section.click()
    expect(ann.region("Your orders").get_by_role("button", name=re.compile("^Cancel ask"))).to_have_count(9)
    assert ann.page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")


def installable(page: Page) -> tuple[Any, list[str]]:
    """The manifest as the browser reads it, and what it misses for an installation."""
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    missing = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert manifest["errors"] == []
    # Playwright's contexts are private windows
    return manifest, [each["errorId"] for each in missing if each["errorId"] != "in-incognito"]


@pytest.mark.parametrize("prefix", ["", "/trade"])
def test_the_page_can_be_installed(newcomer: Newcomer, serve: Serve, prefix: str) -> None:
    server = serve(flags={"server.path_prefix": prefix} if prefix else {})
    page = newcomer(viewport=PHONE, scheme="dark")
    page.goto(f"{server.http}{prefix}/")
    expect(page.locator("#name")).to_be_visible()
    manifest, missing = installable(page)
    assert missing == []
    assert f"{server.http}{prefix}/" in (manifest["manifest"]["startUrl"], manifest["manifest"]["scope"])
    for name, kind in (("icon-192.png", "image/png"), ("icon-512.png", "image/png"), ("icon.svg", "image/svg+xml")):
        answer = page.request.get(f"{server.http}{prefix}/static/{name}")
        assert answer.headers["content-type"] == kind
    theme = page.locator("meta[name=theme-color]")
    expect(theme).to_have_attribute("content", "#15191e")
    page.evaluate("localStorage.setItem('tradegame.theme', 'light')")
    page.reload()
    expect(theme).to_have_attribute("content", "#fff")


def test_standings_that_nobody_sees_are_not_asked_for(newcomer: Newcomer, serve: Serve) -> None:
    sent: list[str] = []

    def standings() -> int:
        return sum('"standings"' in frame for frame in sent)

    server = serve(games=[bazaar()])
    page = newcomer(viewport=PHONE)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    page.clock.install()
    ann = Play(page, server.http).enter("Ann")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ann.show("Standings")
        expect(ann.region("Standings")).to_contain_text("Ann")
        ann.show("Ticket")
        before = standings()
        page.clock.run_for(10_000)
        ben.ask("say", game="bazaar", text="later")
        expect(ann.show("Chat")).to_contain_text("later")
    assert standings() <= before + 1, "one may be under way"
    ann.show("Standings")
    page.clock.run_for(4_000)
    until(lambda: standings() > before + 1, "they are asked for again", page=page)


def test_messages_to_one_alone_are_counted_until_they_are_seen(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    ann = Play(newcomer(viewport=PHONE), server.http).enter("Ann")
    chat = ann.page.get_by_role("navigation", name="Sections").get_by_role("button", name=re.compile("^Chat"))
    (player,) = [row["player"] for row in ask(server, "GET", "/games/bazaar/roster")["players"]]
    for text in ("Buy grain!", "Or wood!"):
        ask(server, "POST", f"/games/bazaar/players/{player}/message", {"text": text})
    expect(chat).to_have_text("Chat 2")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("say", game="bazaar", text="to all")
        ben.ask("say", game="bazaar", text="to you", to=player)
    expect(chat).to_have_text("Chat 3")
    chat.click()
    expect(ann.region("Chat")).to_contain_text("Or wood!")
    expect(chat).to_have_text("Chat")


def test_who_has_anothers_name_is_told_the_one_in_this_game(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar()])
    with Player(server.url, "Ann") as first:
        first.ask("join", game="bazaar")
        ann = Play(newcomer(viewport=PHONE), server.http).enter("Ann")
        expect(ann.show("You")).to_contain_text("You are Ann (2), in The bazaar.")
