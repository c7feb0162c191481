"""axe-core finds nothing on any page, in any phase, behind any tab, light and dark, on a desk and on a phone."""

from __future__ import annotations

import itertools
import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, PHONE, Scheme
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask
from tests.browser.pages import Host, Paper, Play, Watch
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

IN_CI = {(1280, "light"), (390, "dark")}
"""What is looked at in the short form too."""

LOOKS = [
    pytest.param(
        viewport,
        scheme,
        id=f"{viewport['width']}-{scheme}",
        marks=[pytest.mark.slow] if (viewport["width"], scheme) in IN_CI else [],
    )
    for viewport, scheme in itertools.product((DESK, PHONE), ("light", "dark"))
]
looks = pytest.mark.parametrize(("viewport", "scheme"), LOOKS)


def clean(page: Page, where: str) -> None:
    """axe-core's rules for WCAG 2.2 A and AA and its best practices: no violation."""
    found = Axe().run(page).response["violations"]
    told = [
        f"{each['id']} ({each['impact']}): {each['help']}\n"
        + "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in each["nodes"][:5])
        for each in found
    ]
    assert not told, "\n".join([f"axe-core on {where}:", *told])


def lively(server: ServerProcess) -> None:
    """Trades, orders, chat and news, so that there is something to look at."""
    with Player(server.url, "Carla") as carla, Player(server.url, "Dele") as dele:
        for player in (carla, dele):
            player.ask("join", game="bazaar")
        for step in range(6):
            carla.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=30 + step)
            dele.ask("order", game="bazaar", good="wood", side="bid", qty=1, price=31 + step)
            dele.ask("buy", game="bazaar", good="grain", qty=2)
        carla.ask("say", game="bazaar", text="Who has wood?")
    host(server, "news", text="A ship is overdue", good="iron")


def host(server: ServerProcess, path: str, **fields: Any) -> None:
    httpx.post(
        f"{server.http}/v1/games/bazaar/{path}",
        json=fields,
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        timeout=30,
    ).raise_for_status()


def every_tab(paper: Paper, where: str) -> None:
    """The page as it is, with each of its sections shown, and with each of their tabs."""
    clean(paper.page, where)
    for section in [None, *paper.sections()]:
        if section is not None:
            section.click()
            clean(paper.page, f"{where}, section {section.inner_text()}")
        for tab in paper.tabs():
            tab.click()
            clean(paper.page, f"{where}, tab {tab.inner_text()}")
        for tab in paper.tabs()[:1]:
            tab.click()


@looks
def test_axe_finds_nothing_on_play(newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme) -> None:
    server = serve()
    lively(server)
    page = newcomer(viewport=viewport, scheme=scheme)
    page.goto(f"{server.http}/")
    expect(page.get_by_role("textbox", name="Your name")).to_be_visible()
    clean(page, "the name form")
    play = Play(page, server.http).enter("Ann")
    play.choose("wood")
    play.rest("Buy", 1, 20)
    play.reads("Your orders", "20")
    every_tab(play, "play, open")
    play.fill_ticket("Sell", "Now", 1)
    clean(page, "play, selling now")
    for phase in ("closed", "lobby"):
        host(server, "phase", phase=phase)
        expect(page.locator("body")).to_contain_text(re.compile(phase, re.IGNORECASE))
        every_tab(play, f"play, {phase}")


@looks
def test_axe_finds_nothing_on_play_with_private_values(
    newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme
) -> None:
    server = serve(games=[classroom()])
    play = Play(newcomer(viewport=viewport, scheme=scheme), server.http).enter("Ann", "classroom")
    every_tab(play, "play, classroom")


def classroom() -> dict[str, Any]:
    values = {"good": "wheat", "units": 3, "low": 20, "high": 180}
    return {"id": "classroom", "title": "Class", "cash": 1_000, "goods": {"wheat": {}}, "private_values": values}


@looks
def test_axe_finds_nothing_on_play_that_lost_its_server(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, viewport: Any, scheme: Scheme
) -> None:
    server = serve()
    play = Play(newcomer(viewport=viewport, scheme=scheme), server.http).enter("Ann")
    with conduct.server_down():
        server.kill()
        play.dropped()
        expect(play.page.locator(".trouble")).to_be_visible()
        clean(play.page, "play, reconnecting")
        server.start()
        play.live()
    (player,) = ask(server, "GET", "/games/bazaar")["players"]
    ask(server, "DELETE", f"/players/{player}")
    expect(play.page.get_by_role("button", name="Connect again")).to_be_visible()
    clean(play.page, "play, stopped")


@looks
def test_axe_finds_nothing_on_watch(newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme) -> None:
    server = serve()
    lively(server)
    watch = Watch(newcomer(viewport=viewport, scheme=scheme), server.http).open()
    every_tab(watch, "watch, open")
    host(server, "phase", phase="closed")
    expect(watch.page.locator("body")).to_contain_text(re.compile("closed", re.IGNORECASE))
    clean(watch.page, "watch, closed")


@looks
def test_axe_finds_nothing_on_host_and_debrief(newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme) -> None:
    server = serve(games=[bazaar(), classroom()])
    lively(server)
    page = newcomer(viewport=viewport, scheme=scheme)
    page.goto(f"{server.http}/host")
    expect(page.get_by_label("Admin token")).to_be_visible()
    clean(page, "the host's sign-in")
    desk = Host(page, server.http).sign_in(ADMIN_TOKEN, "bazaar")
    every_tab(desk, "host")
    kick = desk.show("Players").get_by_role("button", name="Kick Carla")
    kick.click()
    expect(page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))).to_be_visible()
    clean(page, "host, asking before it kicks")
    page.keyboard.press("Escape")
    desk.phase("Close")
    expect(desk.region("Debrief")).to_contain_text("Carla")
    every_tab(desk, "host, debrief")
    page.goto(f"{server.http}/host?game=bazaar&debrief")
    expect(desk.region("Debrief")).to_contain_text("Carla")
    clean(page, "the debrief on the wall")


@looks
def test_axe_finds_nothing_on_rosters_their_sheets_and_what_students_see_of_them(
    newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme
) -> None:
    server = serve()
    ask(server, "POST", "/games/bazaar/roster", {"csv": "label,name\nS1,Ann\nS2,Bob\n"})
    page = newcomer(viewport=viewport, scheme=scheme)
    page.goto(f"{server.http}/")
    expect(page.get_by_text("The host lets people in by a personal link")).to_be_visible()
    clean(page, "the door, by link")
    ask(server, "POST", "/games/bazaar/roster", {"csv": "label,name\nS1,Ann\nS2,Bob\n", "by_number": True})
    page.reload()
    page.get_by_text("I already play on another device").click()
    clean(page, "the door, by number")
    page.get_by_role("textbox", name="Your number").fill("S1")
    page.get_by_role("button", name="Play", exact=True).click()
    play = Play(page, server.http)
    play.live()
    play.show("Standings")
    device = page.get_by_role("button", name="Another device")
    device.or_(page.get_by_role("banner").get_by_role("button", name="Ann")).locator("visible=true").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("Good once")
    clean(page, "the code for another device")
    desk_page = newcomer(viewport=viewport, scheme=scheme)
    desk = Host(desk_page, server.http).sign_in(ADMIN_TOKEN, "bazaar")
    roster = desk.show("Roster")
    expect(roster.get_by_role("row", name="S1 Ann taken")).to_be_visible()
    clean(desk_page, "host, roster")
    roster.get_by_role("button", name="New link for S2").click()
    clean(desk_page, "host, asking before a new link")
    desk_page.get_by_role("dialog").get_by_role("button", name="New link").click()
    expect(desk_page.get_by_role("dialog").get_by_role("img")).to_be_visible()
    clean(desk_page, "host, a new link")
    desk_page.goto(f"{server.http}/host?game=bazaar&sheet")
    expect(desk_page.get_by_role("listitem")).to_have_count(2)
    clean(desk_page, "the sheet")
