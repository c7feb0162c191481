"""The pages below a path, as a proxy may show them: they ask for nothing outside of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.support.server import ADMIN_TOKEN
from tradegame.core.domain.codes import code_of


def test_below_a_path_every_page_finds_all_that_it_needs(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve(games=[bazaar()], flags={"server.path_prefix": "/trade"})
    below = f"{server.http}/trade"
    page = newcomer()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))

    page.goto(below)
    page.get_by_label("Name").fill("Ann")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("region", name="Book")).to_be_visible()
    assert page.url == f"{below}/?game=bazaar"

    page.goto(f"{below}/watch/bazaar")
    address = f"{below.removeprefix('http://')}/{code_of('bazaar')}"
    expect(page.get_by_role("contentinfo")).to_contain_text(address)
    page.goto(f"http://{address.lower()}")  # it is typed, and found
    expect(page.get_by_role("region", name="Book")).to_be_visible()
    assert page.url == f"{below}/?game=bazaar"

    with conduct.allowing(r": 404$", "status of 404"):
        page.goto(f"{below}/{code_of('bazaar')}x")
        page.wait_for_url(f"{below}/?game=bazaar")  # mistyped: the only game there is

    page.goto(f"{below}/host")
    page.get_by_label("Admin token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="The bazaar").click()
    expect(page).to_have_url(f"{below}/host?game=bazaar")

    paths = {urlsplit(url).path for url in asked if not url.startswith(("data:", "blob:"))}
    assert {path for path in paths if not path.startswith("/trade")} == set()
    assert {"/trade/ws", "/trade/tradegame.js", "/trade/v1/games", "/trade/v1/admin"} <= paths
