"""Every word of the pages is in the catalogues, and no layout breaks by a longer language or one from the right."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.chromium import PHONE
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.pages import Paper, switch
from tests.browser.pseudo import TAG, catalogue, foreign, speak
from tests.browser.test_accessibility import classroom, clean, lively
from tests.browser.test_report import CLASS, NAMES, lesson, opened
from tests.browser.test_widths import SIZES, whole
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

OWN = [
    *("The bazaar", "bazaar", "Class", "classroom", "grain", "iron", "wood", "wheat"),
    *("Ann", "Carla", "Dele", "Who has wood?", "A ship is overdue", "tradegame", "/host"),
]
"""What the games' texts are, as their host and players wrote them."""


@pytest.fixture
def page(newcomer: Newcomer) -> Page:
    page = newcomer()
    speak(page)
    return page


def words(key: str) -> re.Pattern[str]:
    """The text of a key on the page, whatever its parameters."""
    text = catalogue()[key]
    assert isinstance(text, str)
    return re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(text)))


def button(page: Page, key: str) -> Any:
    return page.get_by_role("button", name=words(key)).first


def check(page: Page, where: str, *own: str) -> None:
    """Nothing is said outside of the catalogues, and at no width anything is cut off."""
    assert foreign(page, [*OWN, *own]) == [], where
    narrow = page.viewport_size
    assert narrow is not None
    for width, height in SIZES:
        page.set_viewport_size(ViewportSize(width=width, height=height))
        page.wait_for_timeout(50)
        assert Paper(page, "").width_over() == 0, (where, width)
        whole(page.locator("body"), (width, height))
    page.set_viewport_size(narrow)


def host(server: ServerProcess, path: str, **fields: Any) -> None:
    ask(server, "POST", f"/games/bazaar/{path}", fields)


def enter(page: Page, server: ServerProcess, game: str = "bazaar") -> None:
    page.goto(f"{server.http}/?game={game}")
    page.locator("#name").fill("Ann")
    page.locator("form button.primary[type=submit]").click()
    expect(page.locator("html")).to_have_attribute("data-connection", "live")
    expect(page.locator(".play")).to_be_visible()


def test_the_browsers_language_is_spoken_and_another_one_can_be_chosen_and_is_kept(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve()
    page = newcomer(locale="de-AT")
    page.goto(f"{server.http}/?game=bazaar")
    root = page.locator("html")
    expect(root).to_have_attribute("lang", "de")
    expect(root).to_have_attribute("dir", "ltr")
    expect(page.get_by_text("Dein Name")).to_be_visible()
    page.get_by_label("Sprache").select_option(label="English")
    expect(page.get_by_text("Your name")).to_be_visible()
    page.reload()
    expect(root).to_have_attribute("lang", "en")
    page.get_by_label("Language").select_option(label="Deutsch")
    expect(page.get_by_text("Dein Name")).to_be_visible()
    assert page.evaluate("localStorage.getItem('tradegame.language')") is None, "the browser's own is no choice"


def test_numbers_are_written_as_the_browsers_region_writes_them(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    for locale, cash in (("de-DE", "10.000"), ("de-CH", re.compile("10[’']000")), ("en-GB", "10,000")):
        page = newcomer(locale=locale)
        enter(page, server)
        expect(page.locator(".portfolio")).to_contain_text(cash)


def test_no_other_language_is_seen_first(page: Page, serve: Serve) -> None:
    """Nor another direction: both are there before the body is, and no text before the words."""
    server = serve()
    held: list[Any] = []
    page.route(f"**/languages/{TAG}.json", lambda route: held.append(route))
    page.goto(f"{server.http}/", wait_until="domcontentloaded")
    expect(page.locator("html")).to_have_attribute("lang", TAG)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.wait_for_timeout(500)
    assert page.locator("body").inner_text().strip() == ""
    held[0].fulfill(body=json.dumps(catalogue()), content_type="application/json")
    expect(page.locator("#name")).to_be_visible()


def test_words_that_cannot_be_loaded_are_asked_for_again(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve()
    page = newcomer()
    page.route("**/languages/en.json", lambda route: route.abort())
    with conduct.allowing(r"languages/en\.json", "Failed to load resource"):
        page.goto(f"{server.http}/?game=bazaar")
        page.unroute("**/languages/en.json")
        expect(page.get_by_text("Your name")).to_be_visible()


def test_the_play_page_has_every_word_from_the_catalogues(page: Page, serve: Serve) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 3_600, "closed_s": 3_600, "repeat": 3}), classroom()])
    lively(server)
    page.goto(f"{server.http}/")
    expect(page.locator(".choices li")).to_have_count(2)
    check(page, "the choice of a game")
    page.goto(f"{server.http}/?game=none")
    check(page, "no such game", "none")
    page.goto(f"{server.http}/?game=bazaar")
    expect(page.locator("#name")).to_be_visible()
    check(page, "the name form")
    enter(page, server)
    page.get_by_role("button", name="wood").first.click()
    ticket = page.locator(".ticket form")
    switch(ticket.locator("input[value=rest]"))
    for price in (500, 501):
        ticket.locator("#qty").fill("2")
        ticket.locator("#price").fill(str(price))
        switch(ticket.locator("input[value=sell]"))
        ticket.locator("button[type=submit]").click()
    expect(page.locator("[data-on=orders] tbody tr")).to_have_count(2)
    switch(ticket.locator("input[value=now]"))
    switch(ticket.locator("input[value=buy]"))
    ticket.locator("button[type=submit]").click()
    expect(page.locator(".toast").first).to_be_visible()
    check(page, "play, open")
    for side, kind, qty in (("buy", "now", "900"), ("sell", "now", "900"), ("buy", "rest", "9"), ("sell", "rest", "")):
        switch(ticket.locator(f"input[value={side}]"))
        switch(ticket.locator(f"input[value={kind}]"))
        ticket.locator("#qty").fill(qty)
        assert foreign(page, OWN) == []
    for opens, closes in ((".amend", "Escape"), ("button[title]:has-text('?')", "Escape")):
        page.locator(opens).first.click()
        check(page, f"the dialog of {opens}")
        page.keyboard.press(closes)
    button(page, "leave.title").click()
    check(page, "leaving")
    page.keyboard.press("Escape")
    host(server, "pause", paused=True)
    expect(page.locator(".clock [data-phase=paused]")).to_be_visible()
    check(page, "play, paused")
    for phase in ("closed", "lobby"):
        turn(server, phase)
        expect(page.locator(f".clock [data-phase={phase}]")).to_be_visible()
        check(page, f"play, {phase}")
    host(server, "access", chat=False)
    expect(page.locator(".chat input")).to_be_disabled()
    assert foreign(page, OWN) == []
    (player,) = (
        each["player"] for each in ask(server, "GET", "/games/bazaar/roster")["players"] if each["name"] == "Ann"
    )
    ask(server, "DELETE", f"/games/bazaar/players/{player}")
    expect(page.locator(".card")).to_be_visible()
    check(page, "removed")


def test_private_values_and_hints_have_every_word_from_the_catalogues(page: Page, serve: Serve) -> None:
    settled = {"oil": {"settlement": {"values": [10, 20, 30, 40], "hints_at_s": [0]}, "endowment": 3}}
    server = serve(games=[classroom(), {"id": "pit", "cash": 1_000, "goods": settled}])
    for game in ("classroom", "pit"):
        enter(page, server, game)
        expect(page.locator(".private")).to_be_visible()
        check(page, game, "pit", "oil")
        page.evaluate("localStorage.removeItem('tradegame.token')")


def test_the_wall_has_every_word_from_the_catalogues(page: Page, serve: Serve) -> None:
    server = serve()
    page.goto(f"{server.http}/watch/none")
    expect(page.locator(".card")).to_be_visible()
    check(page, "no such game", "none")
    lively(server)
    page.goto(f"{server.http}/watch/bazaar")
    expect(page.locator(".wall")).to_be_visible()
    expect(page.locator(".wall tbody tr").first).to_be_visible()
    check(page, "the wall, open")
    turn(server, "closed")
    expect(page.locator(".cover table")).to_be_visible()
    check(page, "the wall, closed")
    turn(server, "lobby")
    expect(page.locator(".cover .invitation")).to_be_visible()
    check(page, "the wall, in the lobby")


def test_the_hosts_page_has_every_word_from_the_catalogues(page: Page, serve: Serve) -> None:
    server = serve(games=[bazaar(), classroom()])
    lively(server)
    presets = httpx.get(f"{server.http}/v1/presets").json()["presets"]
    own = [text for each in presets for text in (each["title"], each["about"], *each["definition"]["goods"])]
    page.goto(f"{server.http}/host?game=bazaar")
    expect(page.locator("#token")).to_be_visible()
    check(page, "the host's sign-in")
    page.locator("#token").fill(ADMIN_TOKEN)
    page.locator("form button.primary[type=submit]").click()
    expect(page.locator(".host .rounds")).to_be_visible()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    check(page, "host", *own)
    page.get_by_role("button", name=re.compile("Carla")).last.click()
    check(page, "kicking", *own)
    page.keyboard.press("Escape")
    button(page, "records.delete_game").click()
    check(page, "deleting", *own)
    page.keyboard.press("Escape")
    turn(server, "closed")
    expect(page.locator(".debrief .results")).to_be_visible()
    check(page, "host, after a round", *own)
    page.goto(f"{server.http}/host?game=bazaar&debrief")
    expect(page.locator(".debrief .results")).to_be_visible()
    check(page, "the debrief on the wall")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["/?game=bazaar", "/watch/bazaar", "/host", "/host?game=bazaar&debrief"])
def test_axe_finds_nothing_from_right_to_left(newcomer: Newcomer, serve: Serve, where: str) -> None:
    server = serve()
    lively(server)
    page = newcomer(viewport=PHONE)
    speak(page)
    page.goto(f"{server.http}{where}")
    page.wait_for_timeout(1_500)
    clean(page, where)


def test_a_players_report_has_every_word_from_the_catalogues(page: Page, serve: Serve) -> None:
    links = lesson(serve(games=[CLASS]), rounds=2)
    opened(page, links["ann"])
    check(page, "a report", "A class", "class", "wheat", *NAMES)
