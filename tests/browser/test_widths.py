"""At every width, and on a phone on its side: nothing is cut off, and no word stands on its head."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.hosting import ask
from tests.browser.pages import Host, Play, Watch
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN

SIZES = (
    (390, 844),
    (768, 1024),
    (800, 600),
    (844, 390),
    (1024, 768),
    (1099, 800),
    (1100, 800),
    (1366, 650),
    (1920, 1080),
)

CRAMPED = """e => [...e.querySelectorAll(".people td > .clip, .people button")].filter((part) =>
    part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1).map((e) => e.textContent)"""
"""The names and buttons in the tables of people that are not shown in full."""

SHOWN = """const shown = (part) => part.getBoundingClientRect().width > 0 && !part.closest(".visually-hidden, .skip")
    && getComputedStyle(part).position !== "absolute";"""

CUT = f"""e => {{ {SHOWN}
    return [...e.querySelectorAll("h2, th, td, button, label, .tag, header .end")].filter((part) => {{
        const [box, panel] = [part, part.closest(".panel, .strip") ?? e].map((each) => each.getBoundingClientRect());
        return shown(part) && !part.closest(".strip") && (box.left < panel.left - 1 || box.right > panel.right + 1);
    }}).map((part) => part.textContent);
}}"""
"""What stands outside of its panel's sides, and so is not seen."""

BROKEN = f"""e => {{ {SHOWN}
    return [...e.querySelectorAll("h2, th, button, .tag, .foot *")].filter((part) => {{
        const [box, letter] = [part.getBoundingClientRect(), parseFloat(getComputedStyle(part).fontSize)];
        const words = part.children.length ? "" : part.textContent.trim();
        const lines = part.tagName === "BUTTON" ? 4 : 2.6;
        return shown(part) && words.length > 3 && box.width < 5 * letter && box.height > lines * letter;
    }}).map((part) => part.textContent);
}}"""
"""What is broken into a few letters a line."""


def whole(page: Locator, size: tuple[int, int]) -> None:
    assert page.evaluate(CUT) == [], size
    assert page.evaluate(BROKEN) == [], size


def test_the_play_page_is_whole_at_every_width(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    ann = Play(page, server.http).enter("Ann")
    ann.choose("wood")
    ann.rest("Sell", 5, 300)
    ann.rest("Sell", 4, 301)
    for width, height in SIZES:
        page.set_viewport_size(ViewportSize(width=width, height=height))
        page.reload()
        ann.live()
        assert ann.width_over() == 0, (width, height)
        ticket = ann.show("Ticket")
        button = ticket.locator("button[type=submit]")
        button.scroll_into_view_if_needed()
        button.click(trial=True)  # nothing lies over it
        whole(page.locator("body"), (width, height))
        orders = ann.show("Your orders")
        for name in ("Cancel ask of 5 wood at 300", "Cancel all"):
            orders.get_by_role("button", name=name, exact=True).click(trial=True)
        whole(page.locator("body"), (width, height))
        names = ann.show("Goods").locator(".name")
        assert names.evaluate_all("all => all.every((e) => e.scrollWidth <= e.clientWidth)"), (width, height)
        chart = ann.show("Chart").locator(".plot").bounding_box()
        assert chart is not None
        assert chart["height"] >= 150, (width, height)
        assert chart["width"] >= 300, (width, height)


def test_the_hosts_page_is_whole_at_every_width(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Anna-Magdalena von und zu Hohenfels"[:32]) as anna, Player(server.url, "Ben") as ben:
        for player in (anna, ben):
            player.ask("join", game="bazaar")
        ask(server, "DELETE", f"/games/bazaar/players/{ben.id}")
        page = newcomer()
        host = Host(page, server.http).sign_in(ADMIN_TOKEN, "bazaar")
        for width, height in SIZES:
            page.set_viewport_size(ViewportSize(width=width, height=height))
            page.reload()
            expect(host.region("Players").get_by_role("button", name="Readmit Ben")).to_be_visible()
            assert host.width_over() == 0, (width, height)
            whole(page.locator(".host > .main"), (width, height))


def test_rosters_and_what_comes_of_them_are_whole_at_every_width(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    table = f"label,name,group,team\n{'L' * 64},{'N' * 32},{'g' * 32},{'t' * 32}\n1,Ann\n"
    ask(server, "POST", "/games/bazaar/roster", {"csv": table, "by_number": True, "pattern": "#" * 64})
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    page = newcomer()
    for width, height in SIZES:
        for each in (host.page, page):
            each.set_viewport_size(ViewportSize(width=width, height=height))
        host.page.goto(f"{server.http}/host?game=bazaar")
        expect(host.region("Roster").get_by_role("button", name="New link for 1")).to_be_visible()
        assert host.width_over() == 0, (width, height)
        host.page.goto(f"{server.http}/host?game=bazaar&sheet")
        expect(host.page.get_by_role("listitem")).to_have_count(2)
        assert host.width_over() == 0, (width, height)
        page.goto(f"{server.http}/")
        expect(page.get_by_role("textbox", name="Your number")).to_be_visible()
        assert Play(page, server.http).width_over() == 0, (width, height)


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_the_host_reads_whole_names_at_every_width(newcomer: Newcomer, serve: Serve, locale: str) -> None:
    server = serve()
    names = "1,Anna-Magdalena Hohenfels,,\n2,Jürgen Weißmüller,,"
    ask(server, "POST", "/games/bazaar/roster", {"csv": f"{names}\n,Konstantin Oberhuber,,"})
    link = ask(server, "GET", "/games/bazaar/links")["links"][0]["url"]
    with Player(server.url, hello=False) as anna, Player(server.url, "Konstantin Oberhuber") as konstantin:
        anna.ask("hello", token=link.partition("#seat=")[2])
        for player in (anna, konstantin):
            player.ask("join", game="bazaar")
        page = newcomer(locale=locale)
        page.goto(f"{server.http}/host?game=bazaar#token={ADMIN_TOKEN}")
        for width, height in SIZES:
            page.set_viewport_size(ViewportSize(width=width, height=height))
            expect(page.locator(".people td > .clip", has_text="Hohenfels")).to_have_count(2)
            expect(page.locator(".people td > .clip", has_text="Oberhuber")).to_have_count(1)
            assert page.locator(".people td > .clip").count() == 6
            assert page.locator("body").evaluate(CRAMPED) == [], (width, height)
            sides = "all => all.filter((e) => e.scrollWidth > e.clientWidth).length"
            assert page.locator(".scroll:has(> .people)").evaluate_all(sides) == 0, (width, height)


def test_a_phone_on_its_side_shows_the_ticket_with_its_button(newcomer: Newcomer, serve: Serve) -> None:
    page = newcomer()
    ann = Play(page, serve().http).enter("Ann")
    page.set_viewport_size(ViewportSize(width=844, height=390))
    button = ann.show("Ticket").locator("button[type=submit]")
    box, bar = button.bounding_box(), page.get_by_role("navigation", name="Sections").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["y"] + box["height"] <= bar["y"]
    expect(ann.region("Order book")).to_be_visible()


def test_the_wall_is_whole_at_every_width(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("buy", game="bazaar", good="grain", qty=2)
        ben.ask("say", game="bazaar", text="The guild buys iron for the new bridge over the river.")
        wall = Watch(page, server.http).open()
        for width, height in SIZES:
            page.set_viewport_size(ViewportSize(width=width, height=height))
            page.reload()
            wall.live()
            expect(wall.region("Trades").get_by_role("row").nth(1)).to_be_visible()
            assert wall.width_over() == 0, (width, height)
            whole(page.locator("body"), (width, height))
            chart = wall.region("Chart").locator(".plot").bounding_box()
            assert chart is not None
            assert 150 <= chart["height"] <= 1_000, (width, height)
