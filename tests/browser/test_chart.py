"""The chart: how wide its candles are, whatever the page has gone through, and what its times are, wherever it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.chromium import DESK, PHONE
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.pages import Play, Watch, until
from tests.browser.past import STEP_S, Bars, Past
from tests.support.player import Player
from tests.support.process import ServerProcess

LAPTOP: ViewportSize = {"width": 1366, "height": 650}
WALL: ViewportSize = {"width": 1920, "height": 1080}
ONE_GOOD: dict[str, Any] = bazaar(goods={"wood": {"endowment": 10}})

UNSEEN = """(() => {
  const [frame, Observer] = [requestAnimationFrame, ResizeObserver];
  let held = [];
  window.requestAnimationFrame = (call) => (held ? held.push(() => frame(call)) : frame(call));
  window.ResizeObserver = class extends Observer {
    observe(...given) { held ? held.push(() => super.observe(...given)) : super.observe(...given); }
  };
  let hidden = true;
  Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
  window.comeForward = () => {
    hidden = false;
    const calls = held;
    held = null;
    for (const call of calls) call();
    document.dispatchEvent(new Event("visibilitychange"));
  };
})();"""
"""A tab behind another one: nothing is drawn or laid out in it until it comes forward."""


def opened(page: Page, server: ServerProcess, kind: str) -> None:
    if kind == "play":
        Play(page, server.http).enter("Ann")
    else:
        Watch(page, server.http).open()


def well(page: Page, trades: int) -> None:
    """Wait until the candles are as they should be."""
    faults: list[str | None] = [None]

    def looks() -> bool:
        faults.append(Bars.of(page).fault(trades))
        return faults[-1] is None

    try:
        until(looks, "candles as they should be", deadline_s=5, page=page)
    except AssertionError as late:
        raise AssertionError(faults[-1]) from late


@pytest.mark.parametrize(
    ("kind", "goods", "trades"),
    [("play", "one", 200), ("play", "three", 12), ("watch", "one", 12), ("watch", "three", 200)],
)
def test_candles_can_be_seen_after_a_load_and_a_reload(
    newcomer: Newcomer, serve: Serve, kind: str, goods: str, trades: int
) -> None:
    server = serve(games=[ONE_GOOD if goods == "one" else bazaar()])
    page = newcomer()
    Past(trades).of(page)
    opened(page, server, kind)
    well(page, trades)
    page.reload()
    Watch(page, server.http).live()
    expect(page.get_by_role("region", name="Chart")).to_be_visible()
    well(page, trades)


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP, WALL], ids=["phone", "laptop", "wall"])
@pytest.mark.parametrize("kind", ["play", "watch"])
def test_candles_can_be_seen_on_every_screen(
    newcomer: Newcomer, serve: Serve, kind: str, viewport: ViewportSize
) -> None:
    page = newcomer(viewport=viewport)
    Past(200).of(page)
    opened(page, serve(games=[ONE_GOOD]), kind)
    well(page, 200)


@pytest.mark.parametrize("trades", [12, 200])
def test_candles_can_be_seen_after_the_window_has_changed(newcomer: Newcomer, serve: Serve, trades: int) -> None:
    page = newcomer(viewport=LAPTOP)
    Past(trades).of(page)
    opened(page, serve(games=[ONE_GOOD]), "watch")
    for viewport in (PHONE, WALL, DESK, WALL, PHONE, LAPTOP):
        page.set_viewport_size(viewport)
        well(page, trades)


@pytest.mark.parametrize("kind", ["play", "watch"])
def test_candles_can_be_seen_in_a_tab_that_was_loaded_behind_another_one(
    newcomer: Newcomer, serve: Serve, kind: str
) -> None:
    page = newcomer()
    page.add_init_script(UNSEEN)
    Past(60).of(page)
    opened(page, serve(games=[ONE_GOOD]), kind)
    page.wait_for_timeout(500)
    page.evaluate("comeForward()")
    well(page, 60)


@pytest.mark.parametrize("kind", ["play", "watch"])
def test_candles_can_be_seen_on_a_page_that_was_not_displayed_at_first(
    newcomer: Newcomer, serve: Serve, kind: str
) -> None:
    server = serve(games=[ONE_GOOD])
    page = newcomer()
    Past(60).of(page)
    page.goto(f"{server.http}/{'?game=' if kind == 'play' else 'watch/'}bazaar")
    if kind == "play":
        page.get_by_role("textbox", name="Your name").fill("Ann")
        page.evaluate(
            """document.querySelector("form").requestSubmit(); document.querySelector("#app").hidden = true"""
        )
    else:
        page.evaluate("document.querySelector('#app').hidden = true")
    Watch(page, server.http).live()
    page.locator(".plot canvas").first.wait_for(state="attached")
    page.wait_for_timeout(300)
    page.evaluate("document.querySelector('#app').hidden = false")
    well(page, 60)
    page.evaluate("document.querySelector('#app').hidden = true")
    page.wait_for_timeout(300)
    page.evaluate("document.querySelector('#app').hidden = false")
    well(page, 60)


def test_candles_can_be_seen_when_the_chart_was_behind_a_tab_of_the_page(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[ONE_GOOD])
    page = newcomer(viewport=PHONE)
    Past(60).of(page)
    play = Play(page, server.http).enter("Ann")
    play.show("Chat")
    page.evaluate("dispatchEvent(new CustomEvent('themechange'))")  # drawn anew while it has no width
    page.wait_for_timeout(300)
    play.show("Chart")
    well(page, 60)


WRITTEN = """window.written = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...given) {
  window.written.push(String(text));
  if (window.written.length > 1000) window.written.shift();
  return write.call(this, text, ...given);
};"""
"""What is written on canvases."""

SUMMER_ENDS = datetime(2026, 10, 25, 1, 0, tzinfo=UTC).timestamp()
"""In Berlin it is 3:00, and so 2:00 again."""


def trade(server: ServerProcess, price: int) -> None:
    with Player(server.url, "Cem") as seller, Player(server.url, "Dana") as buyer:
        for player in (seller, buyer):
            player.ask("join", game="bazaar")
        seller.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=price)
        buyer.ask("buy", game="bazaar", good="wood", qty=1)


def times(page: Page) -> list[str]:
    """The times of day on the axis, without their seconds."""
    found = page.evaluate("window.written.splice(0)")
    return [match[0] for text in found if (match := re.match(r"\d\d:\d\d", text))]


@pytest.mark.parametrize("kind", ["play", "watch"])
def test_the_chart_goes_on_when_local_time_goes_back(newcomer: Newcomer, serve: Serve, kind: str) -> None:
    server = serve(games=[ONE_GOOD])
    page = newcomer()
    past = Past(20, ended=SUMMER_ENDS - 60).of(page)
    opened(page, server, kind)
    well(page, 20)
    past.ago_ms -= 120_000  # now it is winter
    trade(server, 103)
    until(lambda: len(Bars.of(page).wide) == 21, "the candle of the trade", page=page)
    past.ago_ms -= 600_000
    page.reload()
    expect(page.get_by_role("region", name="Chart")).to_be_visible()
    well(page, 20)


def test_the_chart_shows_both_hours_that_are_called_the_same(newcomer: Newcomer, serve: Serve) -> None:
    page = newcomer()
    page.add_init_script(WRITTEN)
    Past(60, ended=SUMMER_ENDS + 7 * 60).of(page)
    opened(page, serve(games=[ONE_GOOD]), "watch")
    well(page, 60)
    assert {"02:55", "02:00", "02:05"} <= set(times(page))


def test_the_chart_follows_the_device_into_another_zone(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[ONE_GOOD])
    page = newcomer(zone=None)
    page.add_init_script(WRITTEN)
    device = page.context.new_cdp_session(page)
    device.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    past = Past(60, ended=datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()).of(page)
    opened(page, server, "watch")
    well(page, 60)
    assert {each[:2] for each in times(page)} == {"20", "21"}
    device.send("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    past.ago_ms -= STEP_S * 1_000
    trade(server, 103)
    until(lambda: len(Bars.of(page).wide) >= 60, "the candle of the trade", page=page)
    well(page, 61)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(lambda: {"08:00"} <= set(times(page)), "the new zone's time", page=page)
