"""Two people in two browsers trade, talk, and lose their server; a third watches; a host runs a classroom."""

from __future__ import annotations

import io
import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Route, expect

from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.pages import Host, Paper, Play, Watch, until
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN

pytestmark = pytest.mark.slow

UNSENT = "const UNSENT_MS = 5_000"


def test_two_people_trade_and_talk_in_two_browsers_and_go_on_after_the_server_was_killed_under_them(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, tmp_path: Path
) -> None:
    server = serve(f"embedded:{tmp_path / 'tradegame.db'}")
    ann, ben = Play(newcomer(), server.http), Play(newcomer(), server.http)
    ann.enter("Ann")
    ben.enter("Ben")
    wall = Watch(newcomer(), server.http).open()
    for page in (ann, ben):
        page.reads("Players", "Ann")
        page.reads("Players", "Ben")

    # Ann rests an ask for wood, which nobody but players trade; Ben sees it in the book and takes it.
    ann.choose("wood")
    ben.choose("wood")
    ann.rest("Sell", 3, 37)
    expect(ann.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()
    level = ben.show("Order book").get_by_role("button", name="Ask 37, 3 units")
    expect(level).to_be_visible()
    level.click()
    expect(ben.show("Ticket").get_by_role("spinbutton", name=re.compile("^(Limit|Worst) price"))).to_have_value("37")
    ben.trade("Buy", 2, 37)
    expect(ann.page.get_by_text("Your ask was taken: sold 2 wood for 74 coins.")).to_be_attached()

    for page in (ann, ben):
        page.reads("Trades", "37")
        expect(page.good("wood")).to_contain_text("37")
        expect(page.show("Order book").get_by_role("button", name="Ask 37, 1 unit", exact=False)).to_be_visible()
        expect(page.show("Standings")).to_contain_text("Ann")
        expect(page.show("Standings")).to_contain_text("Ben")
        chart_shows(page, "wood", 37)
    ben.reads("Portfolio", "9,926")
    ann.reads("Portfolio", "10,074")
    expect(wall.region("Trades")).to_contain_text("37")
    expect(wall.region("Standings")).to_contain_text("Ann")

    ann.say("wood is dear today")
    ben.reads("Chat", "wood is dear today")
    ben.say("only for you", to="Ann")
    ann.reads("Chat", "only for you")
    expect(wall.page.locator("body")).not_to_contain_text("only for you")

    everybody: tuple[Paper, ...] = (ann, ben, wall)
    # The server is gone at once, and comes back on the same store and port: nobody reloads.
    for paper in everybody:
        paper.page.evaluate("window.sameDocument = true")
    with conduct.server_down():
        server.kill()
        for paper in everybody:
            paper.dropped()
        server.start()
        for paper in everybody:
            paper.live()
    for paper in everybody:
        assert paper.page.evaluate("window.sameDocument"), "the page was loaded again"

    ben.rest("Buy", 4, 41)  # takes the last of Ann's ask at 37, and rests
    ann.reads("Trades", "37")
    ann.trade("Sell", 1, 41)
    for paper in everybody:
        paper.reads("Trades", "41")
    ann.say("and on we go")
    ben.reads("Chat", "and on we go")
    for page in (ann, ben):
        chart_shows(page, "wood", 41)

    # The pages have what the server has: at some moment, for what a unit of wood counts for is renewed as time passes.
    with Player(server.url, "clerk") as clerk:

        def agree(page: Play) -> bool:
            told = page.show("Standings").inner_text()
            rows = {row["name"]: row["worth"] for row in clerk.ask("standings", game="bazaar")["standings"]}
            return all(f"{rows[name]:,}" in told for name in ("Ann", "Ben"))

        for page in (ann, ben):
            until(partial(agree, page), "the standings of the server", page=page.page)


def ink(chart: Locator) -> int:
    """How many of its pixels are coloured as candles and volumes are; the grid and the letters are grey."""
    with Image.open(io.BytesIO(chart.locator("canvas").first.screenshot())) as picture:
        _, saturation, _ = picture.convert("HSV").split()
    return sum(saturation.histogram()[80:])


def chart_shows(page: Play, good: str, price: int) -> None:
    """The chart is of the good, says the last price in words, and has a candle."""
    chart = page.show("Chart")
    expect(chart).to_contain_text(re.compile(good, re.IGNORECASE))
    expect(chart).to_contain_text(str(price))
    until(lambda: ink(chart) > 20, "a candle", page=page.page)


def patient(route: Route) -> None:
    """What takes longer than 5 s, on a busy machine, happens all the same."""
    response = route.fetch()
    text = response.text()
    assert UNSENT in text
    route.fulfill(response=response, body=text.replace(UNSENT, "const UNSENT_MS = 600_000"))


def test_an_order_that_the_drop_left_without_an_answer_is_settled_by_its_key(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, tmp_path: Path
) -> None:
    server = serve(f"embedded:{tmp_path / 'tradegame.db'}")
    page = newcomer()
    page.route("**/tradegame.js", patient)
    ann = Play(page, server.http).enter("Ann")
    ann.choose("wood")
    button = ann.fill_ticket("Sell", "Rest", 2, 55)
    with conduct.server_down():
        server.pause()
        button.click()
        server.kill()
        ann.dropped()
        server.start()
        ann.live()
    orders = ann.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))
    expect(orders).to_have_count(1)
    orders.click()
    expect(orders).to_have_count(0)


def test_a_host_makes_a_classroom_from_the_preset_opens_and_closes_a_round_and_reads_the_debrief(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve("memory:")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    new.get_by_role("combobox", name="Preset").select_option("classroom")
    new.get_by_role("button", name="Create game").click()
    expect(host.region("Games")).to_contain_text(re.compile("classroom", re.IGNORECASE))

    game = "classroom"
    host.page.goto(f"{server.http}/host?game={game}")
    expect(host.region("Rounds")).to_be_visible()
    ann = Play(newcomer(), server.http).enter("Ann", game)
    ben = Play(newcomer(), server.http).enter("Ben", game)
    host.phase("Open")
    good = min(state(server.url, game)["goods"])
    for page in (ann, ben):
        until(lambda: state(server.url, game)["phase"] == "open", "open", page=page.page)
        page.choose(good)
    # Ann came first: she is a buyer, and Ben sells.
    ann.reads("For you alone", "You buy")
    ben.reads("For you alone", "You sell")
    expect(ben.show("Ticket").get_by_role("radio", name="Sell")).to_be_checked()
    ben.rest("Sell", 1, 1)
    ben.page.get_by_role("button", name="Send it all the same").click()  # no unit costs as little
    expect(ben.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()
    ann.trade("Buy", 1, 1)
    ann.reads("Trades", "1")
    host.phase("Close")
    until(lambda: state(server.url, game)["phase"] == "closed", "closed", page=host.page)
    debrief = host.region("Debrief")
    for text in ("1 unit in 1 trade", "Ann", "Ben"):
        expect(debrief).to_contain_text(text)
    (played,) = httpx.get(f"{server.http}/v1/games/{game}/debrief").json()["rounds"]
    if played["max_surplus"]:  # the values are drawn, and one draw in twenty leaves nothing to gain
        expect(debrief).to_contain_text(re.compile("efficiency", re.IGNORECASE))

    wall = Host(newcomer(), server.http)
    wall.page.goto(f"{server.http}/host?game={game}&debrief")
    expect(wall.region("Debrief")).to_contain_text("Ann")


def state(url: str, game: str) -> dict[str, Any]:
    with Player(url, "clerk") as clerk:
        found: dict[str, Any] = clerk.ask("join", game=game, spectate=True)["state"]
        return found
