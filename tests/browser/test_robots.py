"""Robots on the pages: the host calls them, and nobody takes one for a person."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.pages import Host, Play, Watch
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN


def test_the_host_fills_a_game_up_with_robots_that_are_marked_on_every_page(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(wait_for_host=True)])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    play = Play(newcomer(), server.http).enter("Ann")
    robots, players = host.region("Robots"), host.region("Players")
    expect(robots).to_contain_text("No robot plays.")
    robots.get_by_label("Fill up to so many players").fill("3")
    robots.get_by_role("button", name="Save").click()
    expect(robots).to_contain_text("2 robots play.")
    expect(players.get_by_role("row", name=re.compile("^Robot 2 robot"))).to_be_visible()
    players.get_by_role("button", name="Kick Robot 2").click()
    dialog = host.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Remove")).to_be_visible()
    expect(dialog.get_by_role("button", name="Mute")).to_have_count(0)
    dialog.get_by_role("button", name="No").click()
    expect(play.show("Players")).to_contain_text("Robot 1 (robot)")
    host.phase("Open")
    wall = Watch(newcomer(), server.http).open()
    expect(wall.page.get_by_role("row", name=re.compile(r"Robot 1 \(robot\)"))).to_be_visible()
    host.page.reload()
    expect(robots.get_by_label("Fill up to so many players")).to_have_value("3")


def test_the_host_lets_a_robot_sit_in_until_its_player_is_back(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    play = Play(newcomer(), server.http).enter("Ann")
    players = host.region("Players")
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
    expect(players.get_by_role("row", name=re.compile("^Ben away"))).to_be_visible()
    players.get_by_role("button", name="Kick Ben").click()
    host.page.get_by_role("dialog").get_by_role("button", name="Let a robot sit in").click()
    expect(players.get_by_role("row", name=re.compile("^Ben a robot sits in"))).to_be_visible()
    expect(play.show("Players")).to_contain_text("Ben (a robot sits in)")
    with Player(server.url, token=ben.token) as back:
        back.ask("join", game="bazaar")
        expect(players.get_by_role("row", name=re.compile("^Ben here"))).to_be_visible()
        expect(play.region("Players")).not_to_contain_text("a robot sits in")
