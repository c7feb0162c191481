"""The wall: what it shows while nobody trades, whom it shows, and that it turns from good to good."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chromium import PHONE
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.pages import Play, Watch, until
from tests.support.player import Player
from tradegame.core.domain.codes import code_of

WALL = {"width": 1920, "height": 1080}
SOON = """const own = window.setInterval;
window.setInterval = (call, ms, ...more) => own(call, ms === 15000 ? 300 : ms, ...more);"""
"""The wall turns to the next good sooner."""

DENIED = """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
    get() { throw new DOMException("denied", "SecurityError"); },
});"""
"""A browser that lets no page keep anything."""


def test_the_wall_tells_in_the_lobby_how_to_join_and_at_the_close_who_gained_most(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve(games=[bazaar(about="Buy low, sell high."), bazaar(id="other")])
    turn(server, "lobby")
    wall = Watch(newcomer(), server.http).open()
    address = f"{server.http.removeprefix('http://')}/{code_of('bazaar')}"
    chart = wall.region("Chart")
    for text in ("The market opens soon", "Buy low, sell high.", address):
        expect(chart).to_contain_text(text)
    expect(wall.page.get_by_role("contentinfo")).to_contain_text(address)
    picture = chart.get_by_role("img", name="QR code of this address")
    expect(picture).to_be_in_viewport(ratio=1)
    until(lambda: picture.evaluate("each => each.naturalWidth > 0"), "the picture", page=wall.page)
    with Player(server.url, "Ann") as ann, Player(server.url, "Ben") as ben:
        for player in (ann, ben):
            player.ask("join", game="bazaar")
        turn(server, "open")
        expect(chart.get_by_role("heading", name="The market opens soon")).to_be_hidden()
        ann.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=7)
        ben.ask("buy", game="bazaar", good="grain", qty=9)
        ben.ask("sell", game="bazaar", good="grain", qty=9)  # and so he pays the house's spread
        turn(server, "closed")
    expect(chart.get_by_role("heading", name="Round 1 is over")).to_be_visible()
    expect(chart.get_by_role("row", name=re.compile("^1 Ann"))).to_be_visible()
    expect(chart.get_by_role("row", name=re.compile("^2 Ben"))).to_be_visible()


def test_what_a_round_came_to_is_asked_for_again_where_too_many_ask_at_once(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 3_600})])
    page = newcomer()
    busy = {"error": {"code": "rate_limited", "message": "too many requests from this address", "definite": True}}
    page.route("**/debrief", lambda route: route.fulfill(status=429, json=busy), times=2)
    wall = Watch(page, server.http).open()
    with conduct.allowing("429"):
        turn(server, "closed")
        expect(wall.region("Chart").get_by_role("heading", name="Round 1 is over")).to_be_visible(timeout=60_000)


def test_a_title_is_not_cut_while_there_is_room(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(title="The second market of the year")])
    wall = Watch(newcomer(viewport=WALL), server.http).open()
    title = wall.page.get_by_role("heading", level=1)
    expect(title).to_have_text("The second market of the year")
    assert title.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_the_wall_turns_from_good_to_good_until_somebody_chooses_one(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    page.add_init_script(SOON)
    wall = Watch(page, server.http).open()
    for good in ("iron", "wood", "grain"):
        expect(wall.region("Chart").get_by_role("heading", name=good)).to_be_visible()
    page.get_by_role("button", name=re.compile("^wood")).click()
    page.wait_for_timeout(1_000)  # three turns and more
    expect(wall.region("Chart").get_by_role("heading", name="wood")).to_be_visible()


def test_the_standings_are_as_many_as_the_wall_has_room_for(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    for number in range(40):
        with Player(server.url, f"player {number}") as player:
            player.ask("join", game="bazaar")
    wall = Watch(newcomer(viewport=WALL), server.http).open()
    body = wall.region("Standings").locator(".body")
    expect(body.get_by_role("row").nth(12)).to_be_attached()
    assert body.evaluate("e => e.scrollHeight <= e.clientHeight"), "some are out of sight"
    assert body.evaluate("e => e.clientHeight - e.firstElementChild.offsetHeight < 60"), "there is room for more"


def test_a_browser_that_keeps_nothing_shows_the_market_all_the_same(newcomer: Newcomer, serve: Serve) -> None:
    page = newcomer()
    page.add_init_script(DENIED)
    expect(Watch(page, serve().http).open().region("Standings")).to_be_visible()


def test_an_address_that_is_no_text_is_that_of_no_game(newcomer: Newcomer, serve: Serve) -> None:
    page = newcomer()
    page.goto(f"{serve().http}/watch/%ff")
    expect(page.get_by_role("alert")).to_contain_text("There is no game")
    expect(page.get_by_role("link", name="The bazaar")).to_be_visible()


def test_what_somebody_says_has_their_name_on_the_wall(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("say", game="bazaar", text="Buy wood!")
        wall = Watch(newcomer(), server.http).open()
        foot = wall.page.get_by_role("contentinfo")
        expect(foot).to_contain_text("Ben: Buy wood!")
        ben.ask("say", game="bazaar", text="Sell wood!")
        expect(foot).to_contain_text("Ben: Sell wood!")
        ask(server, "POST", "/games/bazaar/news", {"text": "It is dear", "good": "grain"})
        expect(foot).to_contain_text("grain: It is dear")


def test_the_foot_of_the_wall_is_read_line_by_line_on_a_phone(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("say", game="bazaar", text="The guild buys iron for the new bridge.")
        wall = Watch(newcomer(viewport=PHONE), server.http).open()
        news = wall.page.locator(".foot .news")
        expect(news).to_contain_text("bridge")
        box = news.bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["height"] < 80


def test_who_gained_as_much_has_the_same_rank_on_every_page(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    ann = Play(page, server.http).enter("Ann")
    with Player(server.url, "Ben") as ben, Player(server.url, "Cem") as cem:
        for player in (ben, cem):
            player.ask("join", game="bazaar")
        cem.ask("buy", game="bazaar", good="grain", qty=9)
        cem.ask("sell", game="bazaar", good="grain", qty=9)  # and so he pays the house's spread
    turn(server, "closed")
    expect(ann.region("Chart")).to_contain_text("came 1 of 3")
    wall = Watch(newcomer(), server.http).open()
    debrief = newcomer()
    debrief.goto(f"{server.http}/host?game=bazaar&debrief")
    for place in (ann.region("Chart"), wall.region("Chart"), debrief.get_by_role("region", name="Results")):
        ranks = [re.compile(rf"^{rank} {name}") for rank, name in ((1, "Ann"), (1, "Ben"), (3, "Cem"))]
        for rank in ranks:
            expect(place.get_by_role("row", name=rank)).to_be_visible()


def test_a_tax_is_told_before_and_while_it_holds_and_the_winner_at_the_end_has_a_moment(
    newcomer: Newcomer, serve: Serve
) -> None:
    rounds = {"lobby_s": 3_600, "open_s": 3_600, "closed_s": 3_600, "repeat": 2}
    goods = {"wood": {"endowment": 10, "mark": "last"}}
    tax = {"from_round": 2, "good": "wood", "buyer_tax": 3, "ceiling": 60}
    server = serve(games=[bazaar(goods=goods, rounds=rounds, treatments=[tax], practice=True)])
    wall = Watch(newcomer(), server.http).open()
    chart, ranked = wall.region("Chart"), wall.region("Standings")
    expect(chart).to_contain_text("This round is for practice: nothing of it counts.")
    play = Play(newcomer(), server.http).enter("ann")
    expect(play.page.get_by_role("timer")).to_contain_text("Practice")
    with Player(server.url, "bob") as bob:
        bob.ask("join", game="bazaar")
        for number in range(3):
            turn(server, "open")
            ticket = play.show("Ticket")
            if number < 2:
                expect(ticket).not_to_contain_text("tax")
            else:
                expect(ticket).to_contain_text("Whoever buys wood pays a tax of 3 a unit.")
                expect(ticket).to_contain_text("No order for wood above 60.")
            bob.ask("order", game="bazaar", good="wood", side="ask", qty=2, price=10)
            play.fill_ticket("Buy", "Now", 2).click()
            bob.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=50)
            play.fill_ticket("Buy", "Now", 1, 50).click()
            expect(play.page.get_by_role("status").or_(play.page.locator(".toast")).first).to_be_attached()
            trades = wall.region("Trades").get_by_role("row")
            expect(trades).to_have_count(1 + 2 * (number + 1))
            expect(trades.nth(1).locator(".up")).to_have_text("50")  # dearer than the one before it
            turn(server, "closed")
            if number == 0:
                expect(chart).to_contain_text("The practice round is over")
                expect(wall.region("Standings")).to_contain_text("The practice round counts for nothing.")
            if number == 1:
                expect(chart).not_to_contain_text("The game is over")
                turn(server, "lobby")
                expect(chart).to_contain_text("Whoever buys wood pays a tax of 3 a unit.")
            elif number == 0:
                turn(server, "lobby")
    expect(chart.locator(".over")).to_contain_text("The game is over")
    expect(chart.locator(".over .winners")).to_have_text("ann")
    assert ask(server, "GET", "/games/bazaar/standings?by=total")["standings"][0]["score"] == 80 + 71
    ranked.get_by_label("all rounds").check()
    expect(ranked).to_contain_text("Earned")
    expect(ranked.get_by_role("row").nth(1)).to_contain_text("151")
