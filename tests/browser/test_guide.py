"""The instructions, the quiz and "I am ready"; and what the host sees of it, of who is lost and who has not traded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, PHONE, Scheme
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.pages import Host, Play, until
from tests.browser.pseudo import TAG, foreign, speak
from tests.browser.test_accessibility import clean, looks
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN

AUCTION: dict[str, Any] = {
    "id": "class",
    "title": "The class",
    "goods": {"wheat": {}},
    "private_values": {"good": "wheat"},
    "wait_for_host": True,
}
PIT: dict[str, Any] = {
    "id": "pit",
    "title": "The pit",
    "goods": {"oil": {"endowment": 5, "settlement": {"values": [40, 80, 120, 160, 200], "hints_at_s": [0]}}},
    "wait_for_host": True,
}
QUIZ: list[dict[str, Any]] = [
    {
        "text": "What do you earn by a unit?",
        "choices": ["its price", "price less value, or value less price"],
        "right": 1,
    },
    {"text": "Who sees your values?", "choices": ["only you", "everybody"], "right": 0},
]


def come(page: Page, server: Any, name: str, game: str) -> Play:
    """Enter a game whose instructions are then shown."""
    page.goto(f"{server.http}/?game={game}")
    page.get_by_role("textbox", name="Your name").fill(name)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("dialog", name="Instructions")).to_be_visible()
    return Play(page, server.http)


def row_of(host: Host, name: str) -> Any:
    return host.region("Players").get_by_role("row").filter(has=host.page.get_by_role("button", name=name, exact=True))


def test_three_screens_and_i_am_ready_and_again_from_the_help(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[AUCTION])
    page = newcomer(instructed=False)
    come(page, server, "Ada", "class")
    dialog = page.get_by_role("dialog", name="Instructions")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "class")
    expect(host.region("Players")).to_contain_text("Not ready: 1")
    for screen in ("Your own values", "You make the price", "What you earn"):
        expect(dialog.get_by_role("heading", name=screen)).to_be_visible()
        expect(dialog.locator("svg")).to_have_count(1)
        if screen != "What you earn":
            dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_contain_text("2 of 3")
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="I am ready").click()
    expect(dialog).not_to_be_visible()
    expect(row_of(host, "Ada")).to_contain_text("ready")
    expect(host.region("Players")).not_to_contain_text("Not ready")
    page.reload()
    expect(page.get_by_role("region", name="Goods")).to_be_attached()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Help").click()
    page.get_by_role("dialog", name="Help").get_by_role("button", name="Instructions").click()
    expect(dialog.get_by_role("heading", name="Your own values")).to_be_visible()


@pytest.mark.parametrize("quiz", [[], QUIZ], ids=["", "quiz"])
def test_who_skips_them_is_not_shown_them_again_and_is_ready_unless_there_is_a_quiz(
    newcomer: Newcomer, serve: Serve, quiz: list[dict[str, Any]]
) -> None:
    server = serve(games=[{**AUCTION, "quiz": quiz}])
    page = newcomer(instructed=False)
    play = come(page, server, "Ada", "class")

    def ready() -> bool:
        (row,) = ask(server, "GET", "/games/class/roster")["players"]
        return bool(row.get("ready"))

    page.get_by_role("button", name="Skip").click()
    until(lambda: quiz or ready(), "ready", page=page)
    page.reload()
    play.live()
    expect(page.get_by_role("region", name="Goods")).to_be_attached()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert ready() is not bool(quiz)


def test_where_a_quiz_comes_first_and_there_is_none_one_trades(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(quiz_first=True)])
    play = Play(newcomer(), server.http).enter("Ada", "bazaar")
    play.trade("Buy", 1)
    play.reads("Goods", "have 1")


def test_a_quiz_tells_what_was_wrong_and_may_come_before_the_trade(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(quiz=QUIZ, quiz_first=True)])
    page = newcomer(instructed=False)
    play = come(page, server, "Ada", "bazaar")
    dialog = page.get_by_role("dialog", name="Instructions")
    page.get_by_role("button", name="Skip").click()
    ticket = page.get_by_role("region", name="Ticket")
    expect(ticket).to_contain_text("First answer the questions")
    for button in ticket.locator(".quick button").all():
        expect(button).to_be_disabled()
    expect(ticket.locator("button[type=submit]")).not_to_be_visible()
    ticket.get_by_role("button", name="To the questions").click()
    for _ in range(3):
        dialog.get_by_role("button", name="Next").click()
    dialog.get_by_label("its price").check()
    dialog.get_by_role("button", name="I am ready").click()
    expect(dialog.get_by_role("heading", name="A few questions")).to_be_visible()  # the second is not answered
    dialog.get_by_label("only you").check()
    dialog.get_by_role("button", name="I am ready").click()
    expect(dialog.get_by_role("status")).to_contain_text("1 of 2 are right")
    expect(dialog.get_by_role("group", name="What do you earn")).to_contain_text("wrong")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    expect(row_of(host, "Ada")).to_contain_text("1 of 2 answers right")
    dialog.get_by_label("price less value").check()
    dialog.get_by_role("button", name="I am ready").click()
    expect(dialog).not_to_be_visible()
    expect(row_of(host, "Ada")).to_contain_text("2 of 2 answers right")
    expect(ticket.get_by_role("button", name="To the questions")).not_to_be_visible()
    play.trade("Buy", 1)
    expect(row_of(host, "Ada")).not_to_contain_text("has not traded")


@looks
def test_axe_finds_nothing_on_the_instructions_and_the_quiz(
    newcomer: Newcomer, serve: Serve, viewport: Any, scheme: Scheme
) -> None:
    server = serve(games=[bazaar(quiz=QUIZ)])
    page = newcomer(viewport=viewport, scheme=scheme, instructed=False)
    come(page, server, "Ada", "bazaar")
    dialog = page.get_by_role("dialog", name="Instructions")
    for screen in range(1, 4):
        clean(page, f"instructions, screen {screen}")
        dialog.get_by_role("button", name="Next").click()
    dialog.get_by_label("its price").check()
    dialog.get_by_label("only you").check()
    clean(page, "the quiz")
    dialog.get_by_role("button", name="I am ready").click()
    expect(dialog.get_by_role("status")).to_contain_text("1 of 2 are right")
    clean(page, "the quiz, answered")


def test_the_host_sees_who_is_lost_and_who_has_not_traded_and_helps(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Eve") as eve:
        eve.ask("join", game="bazaar")
        eve.ask("buy", game="bazaar", good="grain", qty=1)
        play = Play(newcomer(), server.http).enter("Ben")
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        players = host.region("Players")
        expect(row_of(host, "Ben")).to_contain_text("has not traded in this round")
        players.get_by_role("button", name="Not traded: 1").click()
        expect(row_of(host, "Eve")).to_have_count(0)
        for _ in range(10):
            eve.refused("cancel", game="bazaar", order="o999")
        players.get_by_role("button", name="Lost: 1").click()
        expect(row_of(host, "Eve")).to_contain_text("10 refusals in a row")
        expect(row_of(host, "Ben")).to_have_count(0)
        eve.ask("sell", game="bazaar", good="grain", qty=1)
        expect(players).not_to_contain_text("Lost")
        row_of(host, "Ben").get_by_role("button", name="Ben", exact=True).click()
        dialog = host.page.get_by_role("dialog")
        dialog.get_by_label("Say something to this person alone").fill("Buy grain!")
        dialog.get_by_role("button", name="Send").click()
        expect(play.page.get_by_text("the host: Buy grain!")).to_be_visible()
        play.trade("Buy", 1)
        expect(row_of(host, "Ben")).not_to_contain_text("has not traded")


def test_the_host_ends_a_game_by_hand_and_everybody_sees_who_won(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(goods={"wood": {"endowment": 10, "mark": "last"}})])
    with Player(server.url, "Eve") as eve:
        eve.ask("join", game="bazaar")
        play = Play(newcomer(), server.http).enter("Ben")
        wall = newcomer()
        wall.goto(f"{server.http}/watch/bazaar")
        for price in (10, 50):
            eve.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=price)
            play.trade("Buy", 1, 100)
            until(lambda: eve.ask("orders", game="bazaar")["open"] == [], "traded", page=play.page)
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        host.region("Rounds").get_by_role("button", name="End the game").click()
        host.page.get_by_role("dialog").get_by_role("button", name="End the game").click()
        for page in (play.page, wall):
            expect(page.get_by_text("The game is over").first).to_be_visible()
            expect(page.locator(".winners").first).to_have_text("Ben")
        expect(play.page.get_by_text(re.compile("In all rounds together you earned [+]"))).to_be_visible()
        expect(host.region("Rounds").get_by_role("button", name="End the game")).to_be_hidden()
        expect(host.region("Rounds").get_by_text("The game is over")).to_be_visible()
        turn(server, "open")
        expect(host.region("Rounds").get_by_role("button", name="End the game")).to_be_visible()


@pytest.mark.parametrize("game", [bazaar(quiz=QUIZ), AUCTION, PIT], ids=["market", "auction", "forecast"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 768, "height": 700}, DESK], ids=["390", "768", "1280"])
def test_the_instructions_fit_in_a_language_that_is_longer(
    newcomer: Newcomer, serve: Serve, game: dict[str, Any], viewport: Any
) -> None:
    server = serve(games=[game])
    page = newcomer(viewport=viewport, instructed=False)
    speak(page)
    page.goto(f"{server.http}/?game={game['id']}")
    page.locator("#name").fill("Ada")
    page.locator(".card button.primary").click()
    dialog = page.locator("dialog.guide")
    expect(dialog).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", TAG)
    own = ["Ada", game["title"], *game["goods"], *(text for each in QUIZ for text in (each["text"], *each["choices"]))]
    for _ in range(4 if "quiz" in game else 3):
        assert foreign(page, own) == []
        assert dialog.evaluate("(box) => box.scrollWidth - box.clientWidth") <= 0
        button = dialog.locator("button.primary:visible")
        expect(button).to_be_in_viewport()
        if button.get_attribute("type") == "button":
            button.click()
