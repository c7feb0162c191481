"""What the pages show of secrets: results that are the host's until revealed, and trades that name nobody."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import turn
from tests.browser.pages import Host, Play, Watch
from tests.browser.test_watch import WALL
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN

LASTING = {"id": "auction", "cash": 1_000, "goods": {"wheat": {}}, "private_values": {"good": "wheat"}}


def test_what_tells_values_that_last_is_the_hosts_until_it_is_revealed(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[LASTING])
    ann = Play(newcomer(), server.http).enter("Ann", "auction")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="auction")
        turn(server, "closed", "auction")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "auction")
    drawn = re.compile("^Supply and demand")
    expect(host.page.get_by_role("img", name=drawn)).to_be_visible()
    expect(host.region("Results").get_by_role("columnheader", name="Began with").first).to_be_visible()
    wall, watch = newcomer(viewport=WALL), Watch(newcomer(viewport=WALL), server.http)
    wall.goto(f"{server.http}/host?game=auction&debrief")
    debrief = wall.get_by_role("region", name="Debrief", exact=True)
    expect(debrief).to_contain_text("are a secret")
    expect(debrief.get_by_role("img", name=drawn)).to_have_count(0)
    expect(wall.get_by_role("region", name="Results")).to_have_count(0)
    watch.open("auction")
    for page in (ann, watch):
        expect(page.region("Chart")).to_contain_text("the host's to reveal")
    expect(watch.region("Standings")).to_contain_text("the host's to reveal")
    expect(ann.region("Chart")).to_contain_text("You earned 0 coins")

    host.page.get_by_role("button", name="Reveal").click()
    host.page.get_by_role("dialog").get_by_role("button", name="Reveal").click()
    expect(host.page.get_by_role("button", name="Reveal")).to_have_count(0)
    expect(debrief.get_by_role("img", name=drawn)).to_be_visible()
    for row in (ann.region("Chart"), watch.region("Chart"), watch.region("Standings"), wall):
        expect(row.get_by_role("row", name=re.compile("^1 Ben")).first).to_be_visible()


def test_in_an_anonymous_game_a_player_sees_which_trades_were_their_own(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(anonymous=True)])
    ann = Play(newcomer(), server.http).enter("Ann")
    ann.choose("wood")
    ann.rest("Sell", 2, 37)
    expect(ann.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("buy", game="bazaar", good="wood", qty=2)
    expect(ann.page.get_by_text("Your ask was taken: sold 2 wood for 74 coins.")).to_be_visible()
    mine = ann.show("Your orders")
    mine.get_by_role("tab", name="Trades").click()
    sold = mine.get_by_role("row", name=re.compile("sold wood – 2"))
    expect(sold).to_contain_text("37")
    expect(sold).not_to_contain_text("Ben")
    expect(ann.show("Standings").get_by_role("columnheader", name="Earned")).to_be_visible()
    wall = Watch(newcomer(viewport=WALL), server.http).open()
    wall.page.get_by_role("button", name=re.compile("^wood")).click()
    expect(wall.region("Trades")).to_contain_text("37")
    ann.page.reload()
    ann.live()
    mine = ann.show("Your orders")
    mine.get_by_role("tab", name="Trades").click()
    expect(mine.get_by_role("row", name=re.compile("sold wood – 2"))).to_be_visible()


def test_the_news_to_come_are_listed_on_the_hosts_page_alone(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(news=[{"at_s": 3_000, "text": "A storm", "good": "iron", "anchor_bps": 2_500}])])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    expect(host.region("News")).to_contain_text("iron: A storm (+25.0%)")
    ann = Play(newcomer(), server.http).enter("Ann")
    expect(ann.page.locator("body")).not_to_contain_text("A storm")
