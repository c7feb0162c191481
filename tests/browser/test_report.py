"""A player's own report: how one gets to it, what it says, and that it fits a phone, a desk and a sheet of paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, PHONE, Scheme
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.hosting import ask, turn
from tests.browser.pages import Host, Play, until
from tests.browser.test_accessibility import clean
from tests.browser.test_widths import SIZES, whole
from tests.support.command_line import tradegame
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
NAMES = "ann", "</script><b>bob", "cid", "dee"
CLASS: dict[str, Any] = {
    "id": "class",
    "title": "A class",
    "goods": {"wheat": {}},
    "private_values": {"good": "wheat", "values": [[90, 50], [60, 40]], "costs": [[30, 20], [70, 65]]},
    "wait_for_host": True,
}


def lesson(server: ServerProcess, rounds: int = 3) -> dict[str, str]:
    """A class plays some rounds; reports are shown, and revealed. Returns everybody's link."""
    people = [Player(server.url, name) for name in NAMES]
    for player in people:
        player.ask("join", game="class")
    for _ in range(rounds):
        turn(server, "open", "class")
        for seller, buyer, price in ((1, 0, 50), (1, 2, 45), (3, 0, 66), (3, 2, 70)):
            people[seller].ask("order", game="class", good="wheat", side="ask", qty=1, price=price)
            people[buyer].ask("buy", game="class", good="wheat", qty=1)
        turn(server, "closed", "class")
    for player in people:
        player.close()
    ask(server, "POST", "/games/class/access", {"reports": True})
    ask(server, "POST", "/games/class/reveal")
    rows = httpx.get(f"{server.http}/v1/games/class/reports.csv", headers=HOST).text.splitlines()[1:]
    return {name: row.rpartition(",")[2] for name, row in zip(NAMES, rows, strict=True)}


def opened(page: Page, link: str) -> Page:
    page.goto(link)
    expect(page.locator("main.report")).to_be_visible()
    return page


def test_whoever_played_comes_from_the_end_of_a_round_to_a_link_that_works_elsewhere(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve(games=[CLASS])
    page = newcomer(viewport=PHONE)
    ann = Play(page, server.http).enter("Ann", "class")
    turn(server, "open", "class")
    until(lambda: ask(server, "GET", "/games/class/roster")["players"][0]["dealt"], "the deal", page=page)
    with Player(server.url, "bob") as bob:
        bob.ask("join", game="class")
        bob.ask("order", game="class", good="wheat", side="ask", qty=1, price=50)
        ann.trade("Buy", 1)
        turn(server, "closed", "class")
    expect(ann.show("Chart").get_by_text("is over")).to_be_visible()
    link = page.get_by_role("link", name="Your report")
    expect(link).to_have_count(0)
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "class")
    records = host.region("Records")
    records.get_by_role("button", name="Show reports to players").click()
    expect(records.get_by_role("button", name="Hide reports from players")).to_be_visible()
    with host.page.expect_download() as download:
        records.get_by_role("link", name="Download report links").click()
    assert download.value.suggested_filename == "class-reports.csv"
    link.click()
    expect(page.get_by_role("heading", name="Your report: Ann")).to_be_visible()
    expect(page.get_by_text("You were a buyer. What a unit was worth to you: 90 · 50.")).to_be_visible()
    expect(page.locator("path.own.buy")).to_have_count(1)
    expect(page.get_by_text("once the host reveals the results")).to_be_visible()
    assert re.fullmatch(r".*/report/class#p-\w{12}\.[\w-]{22}", page.url)
    at_home = opened(newcomer(), page.url)
    expect(at_home.get_by_role("heading", name="Your report: Ann")).to_be_visible()
    expect(at_home.get_by_role("columnheader", name="Possible")).to_have_count(0)
    ask(server, "POST", "/games/class/reveal")
    at_home.reload()
    row = at_home.get_by_role("row", name=re.compile("^Round 1"))
    expect(row).to_contain_text("1 of 2")
    with conduct.allowing(r"status of 404", r"/report: 404"):
        records.get_by_role("button", name="Hide reports from players").click()
        at_home.reload()
        expect(at_home.get_by_text("The host does not show reports yet")).to_be_visible()


def test_who_has_no_link_or_a_wrong_one_is_told_what_to_do(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve(games=[CLASS])
    link = lesson(server, 1)["ann"]
    page = newcomer()
    page.goto(f"{server.http}/report/class")
    expect(page.get_by_text("Open this page by your own link")).to_be_visible()
    with conduct.allowing(r"status of 401", r"/report: 401"):
        page.goto(f"{link[:-3]}abc")
        expect(page.get_by_text("This link is not right")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="Your report: ann")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_report_is_whole_at_every_width(newcomer: Newcomer, serve: Serve, locale: str) -> None:
    server = serve(games=[CLASS])
    page = opened(newcomer(locale=locale), lesson(server)["ann"])
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        expect(page.locator("main.report")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        whole(page.locator("body"), (width, height))


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_nothing_in_a_report(newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme) -> None:
    server = serve(games=[CLASS])
    page = newcomer(viewport=viewport, scheme=scheme, bypass_csp=True)
    clean(opened(page, lesson(server)["</script><b>bob"]), "a report")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lesson_of_three_rounds_is_one_sheet_of_paper_and_light(
    newcomer: Newcomer, serve: Serve, scheme: Scheme
) -> None:
    server = serve(games=[CLASS])
    page = opened(newcomer(scheme=scheme), lesson(server)["ann"])
    page.evaluate("addEventListener('beforeprint', () => { window.printed = document.documentElement.dataset.theme })")
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    assert page.evaluate("window.printed") == "light"
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_pages_from_the_command_line_need_no_server_and_load_nothing(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, tmp_path: Path
) -> None:
    server = serve(games=[CLASS])
    lesson(server)
    log = tmp_path / "class.jsonl"
    log.write_bytes(httpx.get(f"{server.http}/v1/games/class/log", headers=HOST).content)
    result = tradegame("export", str(log), "-o", str(tmp_path / "pages"), "--pages")
    assert result.exit_code == 0, result.output
    pages = [file for file in (tmp_path / "pages").iterdir() if file.suffix == ".html"]
    assert len(pages) == len(NAMES)
    told = set()
    with conduct.allowing("^file:///"):
        for file in pages:
            page = newcomer(locale="de-DE")
            page.goto(file.as_uri())
            expect(page.locator("main.report")).to_be_visible()
            told.add(page.get_by_role("heading", level=2).first.inner_text().removeprefix("Dein Bericht: "))
            expect(page.locator("svg[role=img]")).to_have_count(3)
            assert page.locator("b").count() == 0
    assert told == set(NAMES)
