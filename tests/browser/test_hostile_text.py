"""Text from players and from the host's headlines is text, whatever is in it: it runs nothing and moves nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, PHONE
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar, house
from tests.browser.pages import Host, Paper, Play, Watch, until
from tests.support.player import Player, Refused
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

pytestmark = pytest.mark.slow

MARKUP = '<img src=x onerror="window.ran=1">'
SCRIPT = "<script>window.ran=1</script><svg onload=alert(1)>"
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}olleh\N{RIGHT-TO-LEFT OVERRIDE} 42 \N{RIGHT-TO-LEFT ISOLATE}still open"
ARABIC = "مرحبا بالعالم 123"
WORD = "W" * 500
EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈" * 30
ZALGO = "".join(letter + "\u0300\u0301\u0302\u0303\u0334\u0335" * 3 for letter in "he comes")
TEMPLATE = "${window.ran=1}{{constructor.constructor('window.ran=1')()}}%s%d javascript:alert(1)"

TEXTS = (MARKUP, SCRIPT, OVERRIDE, ARABIC, WORD, EMOJI, ZALGO, TEMPLATE)
NAMES = (
    "<img src=x onerror=ran=1>",
    "W" * 32,
    "<b>bold</b>&amp;",
    "👩‍👩‍👧‍👦 family",
    "مرحبا",
    "\N{RIGHT-TO-LEFT OVERRIDE}nna",
    "z\u0334\u0335\u0300\u0301\u0302" * 5,
)

CUT_OFF = """() => [...document.querySelectorAll("body *")].filter((e) => {
    const style = getComputedStyle(e);
    return e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && style.overflowX !== "visible"
        && style.textOverflow !== "ellipsis" && !e.matches("input, select, textarea, nav, .visually-hidden");
}).map((e) => `${e.tagName}.${e.className} in ${e.closest("section")?.ariaLabel}: ${e.scrollWidth} px`)"""
"""What is wider than its place and has no ellipsis to say so, but for what is a strip to scroll along."""

WHERE = """text => [...document.querySelectorAll("body *")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.includes(text)))
    .filter((e) => e.getClientRects().length && e.tagName !== "OPTION")
    .map((e) => [e.tagName, e.closest("[dir=auto]") !== null, getComputedStyle(e).unicodeBidi])"""
"""The visible elements in which the text stands: whether its direction is found out, and whether it is kept inside."""


@pytest.fixture
def server(serve: Serve) -> ServerProcess:
    """A game whose title, text and news are as hostile as its players' names and chat."""
    game = bazaar(
        title=(MARKUP + "T" * 100)[:64],
        about=f"{SCRIPT} {OVERRIDE} {'A' * 500}",
        goods={"grain": {"house": house(22)}, "w" * 32: {"endowment": 10}},
    )
    return serve("memory:", games=[game])


def fill(server: ServerProcess) -> list[str]:
    """Names, chat and news; returns the names that the server let in."""
    taken = []
    for number, name in enumerate(NAMES):
        try:
            with Player(server.url, name) as player:
                player.ask("join", game="bazaar")
                player.ask("say", game="bazaar", text=TEXTS[number % len(TEXTS)])
                player.ask("order", game="bazaar", good="w" * 32, side="ask", qty=1, price=1_000_000_000 - number)
                taken.append(name)
        except Refused as refused:
            if refused.code != "bad_request":  # a name that cannot be printed is none
                raise
    with Player(server.url, "Ann") as ann:
        ann.ask("join", game="bazaar")
        for text in TEXTS:
            ann.ask("say", game="bazaar", text=text[:500])
    assert {NAMES[0], NAMES[1]} <= set(taken)
    return taken


def announce(server: ServerProcess, text: str) -> None:
    httpx.post(
        f"{server.http}/v1/games/bazaar/news",
        json={"text": text},
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        timeout=30,
    ).raise_for_status()


def does_no_harm(paper: Paper) -> None:
    page = paper.page
    assert page.evaluate("window.ran") is None, "a script ran"
    assert page.locator("[onerror], [onload]").or_(page.locator("b", has_text="bold")).count() == 0, (
        "text became markup"
    )
    assert page.evaluate(CUT_OFF) == [], "something is pushed out of its panel"
    assert paper.width_over() == 0, f"the page is {paper.width_over()} px wider than its window: {widest(page)}"


def widest(page: Page) -> Any:
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .slice(0, 5).map((e) => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`)"""
    )


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["1280", "390"])
def test_hostile_text_does_no_harm_on_play(newcomer: Newcomer, server: ServerProcess, viewport: Any) -> None:
    names = fill(server)
    play = Play(newcomer(viewport=viewport), server.http).enter(NAMES[0])
    for text in TEXTS:
        shown(play, "Chat", text)
    for text in TEXTS:
        announce(server, text[:200])
        shown(play, "News", text[:200])
        does_no_harm(play)
    for name in names:
        shown(play, "Players", name)
    play.show("Standings")
    does_no_harm(play)
    play.choose("w" * 32)
    for region in ("Goods", "Chart", "Order book", "Ticket", "Your orders", "Portfolio", "Chat", "Standings", "Trades"):
        play.show(region)
        does_no_harm(play)
    # Its own, typed and sent, with who wrote the worst of it still there.
    for text in (MARKUP, OVERRIDE, WORD):
        play.say(text)
    does_no_harm(play)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["1280", "390"])
def test_hostile_text_does_no_harm_on_watch_and_host(newcomer: Newcomer, server: ServerProcess, viewport: Any) -> None:
    names = fill(server)
    watch = Watch(newcomer(viewport=viewport), server.http).open()
    expect(watch.region("Standings")).to_contain_text(names[0])
    does_no_harm(watch)
    host = Host(newcomer(viewport=viewport), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    for name in names:
        shown(host, "Players", name)
    does_no_harm(host)
    host.phase("Close")
    expect(host.region("Debrief")).to_contain_text(names[0])
    does_no_harm(host)
    wall = Host(newcomer(viewport=viewport), server.http)
    wall.page.goto(f"{server.http}/host?game=bazaar&debrief")
    expect(wall.region("Debrief")).to_contain_text(names[0])
    does_no_harm(wall)


def test_a_name_is_shown_in_an_element_that_keeps_its_direction_to_itself(
    newcomer: Newcomer, server: ServerProcess
) -> None:
    with Player(server.url, "مرحبا") as player:
        player.ask("join", game="bazaar")
        player.ask("say", game="bazaar", text=OVERRIDE)
    play = Play(newcomer(), server.http).enter("Ann")
    shown(play, "Chat", OVERRIDE)
    for text in ("مرحبا", OVERRIDE):
        found = play.page.evaluate(WHERE, text)
        assert found, f"{text!r} is nowhere"
        for tag, auto, bidi in found:
            assert auto or bidi in ("isolate", "plaintext", "isolate-override"), (tag, auto, bidi)


def shown(paper: Paper, region: str, text: str) -> None:
    """Wait until it stands there, letter by letter."""
    box = paper.show(region)
    until(lambda: text in (box.text_content() or ""), f"{text[:60]!r} in {region}", page=paper.page)
