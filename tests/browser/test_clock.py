"""The countdown: it is the server's, whatever becomes of the device's own clock."""

from __future__ import annotations

import time

from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask
from tests.browser.pages import Play, Watch, until

SETTABLE = """(() => {
  const own = Date.now;
  window.set = 0;
  Date.now = () => own() + window.set;
})();"""
"""A device whose clock can be set: its timers do not see it."""


def test_the_countdown_is_right_whatever_the_devices_clock_is_set_to(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 3_000, "closed_s": 600})])
    ends_at = ask(server, "GET", "/games/bazaar")["ends_at"]
    pages = [newcomer() for _ in range(2)]
    for page in pages:
        page.add_init_script(SETTABLE)
    Play(pages[0], server.http).enter("Ann")
    Watch(pages[1], server.http).open()
    for page in pages:

        def right() -> bool:
            minutes, seconds = page.get_by_role("timer").locator("b").inner_text().split(":")  # noqa: B023
            left = ends_at / 1_000 - time.time()
            return abs(int(minutes) * 60 + int(seconds) - left) < 2

        until(right, "the time that is left", page=page)
        for minutes in (-60, 5):
            page.evaluate(f"window.set = {minutes * 60_000}")
            end = time.monotonic() + 2
            while time.monotonic() < end:
                page.wait_for_timeout(300)
                until(right, "the time that is left", deadline_s=1, page=page)
