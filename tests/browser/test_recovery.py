"""Nobody reloads a projector: pages say what is the case, and go on by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conduct import KILLED, Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.middleman import Manner, Middleman, between
from tests.browser.pages import Host, Paper, Play, Watch, until
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

pytestmark = pytest.mark.slow

NO_SUCH_GAME = r"/v1/games/\w+(/debrief)?: 404"
NOT_FOUND = r"Failed to load resource: the server responded with a status of 404"
BAD_GATEWAY = r"502"
UNAUTHORIZED = r"/v1/admin: 401|status of 401"
HANDSHAKE = r"WebSocket connection to '[^']*/ws' failed"


def shown(page: Page) -> Locator:
    """The wall, with its market."""
    return page.get_by_role("region", name="Chart").get_by_role("heading").first


def said(page: Page, text: str) -> None:
    """Whether it is the page's only message or stands over it."""
    expect(page.get_by_role("status").or_(page.get_by_role("alert")).filter(has_text=text).first).to_be_visible()


def restart(server: ServerProcess, page: Page) -> None:
    """Kill the server and start it again; the page says what is the case, and goes on."""
    server.kill()
    said(page, "No server answers")
    server.start()
    expect(page.locator(".trouble")).to_be_hidden()


def test_the_wall_shows_a_game_as_soon_as_there_is_one(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[])
    page = newcomer()
    page.goto(f"{server.http}/watch/bazaar")
    expect(page.get_by_role("alert")).to_contain_text(
        "There is no game “bazaar” here. As soon as there is, it is shown."
    )
    ask(server, "POST", "/games", bazaar())
    expect(shown(page)).to_be_visible()


def test_the_wall_shows_a_game_that_is_deleted_and_made_anew(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    Watch(page, server.http).open()
    ask(server, "DELETE", "/games/bazaar")
    expect(page.get_by_role("alert")).to_contain_text("There is no game “bazaar” here")
    ask(server, "POST", "/games", bazaar(goods={"cheese": {"endowment": 3}}))
    expect(page.get_by_role("button", name="cheese")).to_be_visible()
    expect(page.get_by_role("button", name="grain")).to_have_count(0)


@pytest.mark.parametrize("times", [1, 2])
def test_the_wall_goes_on_when_the_server_has_forgotten_everything(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, times: int
) -> None:
    server = serve()
    page = newcomer()
    wall = Watch(page, server.http).open()
    with conduct.allowing(KILLED, HANDSHAKE):
        for _ in range(times):
            restart(server, page)
            expect(shown(page)).to_be_visible()
            wall.live()
            turn(server, "closed")
            expect(wall.region("Chart").get_by_role("heading", name="Round 1 is over")).to_be_visible()


def test_the_debrief_on_the_wall_goes_on_too(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve(games=[])
    page = newcomer()
    with conduct.allowing(NO_SUCH_GAME, NOT_FOUND, KILLED):
        page.goto(f"{server.http}/host?game=bazaar&debrief")
        said(page, "There is no game “bazaar” here")
        ask(server, "POST", "/games", bazaar())
        expect(page.get_by_role("region", name="Debrief")).to_contain_text("After the first round closes")
        server.kill()
        said(page, "No server answers")
        server.start()
        said(page, "There is no game “bazaar” any more")
        ask(server, "POST", "/games", bazaar())
        turn(server, "closed")
        expect(page.get_by_role("region", name="Debrief")).to_contain_text("Players")
        expect(page.locator(".trouble")).to_be_hidden()


def test_the_hosts_desk_goes_on_when_the_server_has_forgotten_everything(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve(games=[bazaar(), bazaar(id="other", title="The other")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "other")
    with conduct.allowing(KILLED, HANDSHAKE):
        restart(server, host.page)
    expect(host.page.get_by_role("heading", name="The other")).to_be_visible()
    host.live()
    host.phase("Close")
    expect(host.region("Rounds")).to_contain_text("Closed")


def test_a_host_whose_token_is_of_another_store_is_asked_for_the_new_one(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    """Each store has a token of its own, where none is configured."""
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    with conduct.allowing(KILLED, HANDSHAKE, UNAUTHORIZED):
        server.kill()
        said(host.page, "No server answers")
        server.change({"admin.token": "of-another-store"})
        server.start()
        said(host.page, "That is not the admin token of this server.")
        host.page.get_by_label("Admin token").fill("of-another-store")
        host.page.get_by_role("button", name="Sign in").click()
    host.live()
    host.phase("Close")
    expect(host.region("Rounds")).to_contain_text("Closed")


def test_a_player_plays_on_when_the_server_has_forgotten_everything(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve()
    play = Play(newcomer(), server.http).enter("Ann")
    with conduct.allowing(KILLED, HANDSHAKE):
        restart(server, play.page)
        expect(play.page.get_by_role("banner").get_by_text("Ann", exact=True)).to_be_visible()
        play.live()
    play.trade("Buy", 1)
    play.reads("Portfolio", "9,97")


def test_a_player_is_in_again_when_the_game_is(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    play = Play(newcomer(), server.http).enter("Ann")
    ask(server, "DELETE", "/games/bazaar")
    said(play.page, "This game is over")
    ask(server, "POST", "/games", bazaar())
    play.live()
    expect(play.region("Goods")).to_be_visible()


def test_who_comes_too_early_is_let_in_when_the_game_begins(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[])
    page = newcomer()
    page.goto(f"{server.http}/?game=bazaar")
    expect(page.get_by_text("No game is on.")).to_be_visible()
    ask(server, "POST", "/games", bazaar(title="The late one"))
    expect(page.get_by_role("textbox", name="Your name")).to_be_visible()


@pytest.fixture
def proxy(serve: Serve, conduct: Conduct) -> Iterator[Middleman]:
    with between(serve().port) as middleman:
        conduct.origins.add(middleman.http)
        yield middleman


def begin_play(page: Page, server: str) -> None:
    page.goto(f"{server}/?game=bazaar")
    page.get_by_role("textbox", name="Your name").fill("Ann")
    page.get_by_role("button", name="Play", exact=True).click()


def begin_watch(page: Page, server: str) -> None:
    page.goto(f"{server}/watch/bazaar")


def begin_host(page: Page, server: str) -> None:
    page.goto(f"{server}/host?game=bazaar")
    page.get_by_label("Admin token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Sign in").click()


BEGINNINGS: dict[str, Callable[[Page, str], None]] = {"play": begin_play, "watch": begin_watch, "host": begin_host}
OBSTACLES: dict[Manner, str] = {
    "no upgrade": "a proxy in front must hand on Upgrade",
    "another host": "server.origins",
    "silent": "no WebSocket to it opens",
}


@pytest.mark.parametrize("manner", OBSTACLES)
@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_page_says_why_its_websocket_does_not_open_and_comes_up_when_it_does(
    newcomer: Newcomer, proxy: Middleman, conduct: Conduct, kind: str, manner: Manner
) -> None:
    page = newcomer()
    proxy.manner = manner
    with conduct.allowing(HANDSHAKE):
        BEGINNINGS[kind](page, proxy.http)
        expect(page.locator(".trouble")).to_contain_text(OBSTACLES[manner])
        proxy.manner = "through"
        Paper(page, proxy.http).live()
        expect(page.locator(".trouble")).to_be_hidden()


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_page_whose_proxy_loses_the_server_says_so_and_goes_on(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, kind: str
) -> None:
    server = serve()
    with conduct.allowing(BAD_GATEWAY, HANDSHAKE, KILLED), between(server.port) as proxy:
        conduct.origins.add(proxy.http)
        page = newcomer()
        BEGINNINGS[kind](page, proxy.http)
        paper = Paper(page, proxy.http)
        paper.live()
        proxy.manner = "away"
        server.kill()
        expect(page.locator(".trouble")).to_contain_text("The host has to see whether the server runs")
        server.start()
        proxy.manner = "through"
        expect(page.locator(".trouble")).to_be_hidden()
        paper.live()


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_page_that_is_opened_while_a_proxy_finds_no_server_comes_up(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, kind: str
) -> None:
    server = serve()
    page = newcomer()
    BEGINNINGS[kind](page, server.http)
    paper = Paper(page, server.http)
    paper.live()
    with conduct.allowing(BAD_GATEWAY):
        page.route("**/v1/*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
        page.reload()
        said(page, "The host has to see whether the server runs")
        page.unroute_all()
        paper.live()
    expect(page.locator(".trouble")).to_be_hidden()


@pytest.mark.parametrize("part", ["common/chart.js", "css/base.css"])
def test_a_page_of_which_a_part_could_not_be_loaded_is_loaded_again(
    newcomer: Newcomer, serve: Serve, conduct: Conduct, part: str
) -> None:
    server = serve()
    page = newcomer()
    with conduct.allowing("503"):
        page.route(f"**/{part}", lambda route: route.fulfill(status=503), times=1)
        begin_watch(page, server.http)
        Paper(page, server.http).live()
        until(lambda: page.evaluate("getComputedStyle(document.body).margin === '0px'"), "its style", page=page)
    expect(shown(page)).to_be_visible()
