"""The pictures of the docs: ``python -m tests.browser.screenshots [DIRECTORY [SECONDS]]``, docs/images by default.

A server of its own with a market that has been going on for a while, a classroom that has played a round, and the
pages of both on a desk and on a phone, by day and by night. Each is taken as a newcomer sees it: the page was just
loaded, and nothing was pressed since that would draw it anew.
"""

from __future__ import annotations

import csv
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import DESK, PHONE, Scheme, chromium, new_context
from tests.browser.games import house
from tests.browser.pages import Host, Play, Watch, until
from tests.browser.traffic import Traffic
from tests.support.player import Player, Refused
from tests.support.process import REPOSITORY, ServerProcess
from tests.support.server import ADMIN_TOKEN

PRICES = {"spice": 240, "iron": 90, "wool": 48, "wood": 35, "grain": 22}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LIVELY_S = 270.0
"""So long the market is left to itself before the first picture: there must be candles to see."""

STEPS = 14
"""So often a pupil changes the offer."""

TALK = (
    ("Ines", "Morning all. Who has wool?"),
    ("Jonas", "Two bales at 49, take them or leave them"),
    ("Kwame", "iron is going to run, you'll see"),
    ("Ines", "you said that yesterday"),
    ("Leila", "house is thin on spice, careful with market orders"),
    ("Mateo", "Anyone for a swap, grain for wood?"),
    ("Kwame", "told you: 93"),
)
NEWS = (
    ("A ship with spice is overdue.", "spice"),
    ("The mill has burnt down: bakers look for flour, not for grain.", "grain"),
    ("The guild buys iron for the new bridge.", "iron"),
)


def market() -> dict[str, Any]:
    goods = {
        good: {"endowment": 40, "house": house(price, spread=max(2, price // 50), size=5, levels=4, drift_bps=200)}
        for good, price in PRICES.items()
    }
    rounds = {"lobby_s": 0, "open_s": 900, "closed_s": 60, "repeat": 0}
    return {
        "id": "bazaar",
        "title": "The bazaar",
        "about": "Buy cheap, sell dear, and keep an ear on the news.",
        "cash": 50_000,
        "open_orders": 60,
        "goods": goods,
        "rounds": rounds,
    }


class Stage:
    """A server with everybody on it."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.reports: dict[str, str] = {}
        self.guests = iter(("Yuki", "Omar", "Zoë", "Sanne"))

    def announce(self) -> None:
        for text, good in NEWS:
            self.call("POST", "/v1/games/bazaar/news", {"text": text, "good": good})

    def monday(self) -> None:
        """A game that waits for its players."""
        presets = {each["id"]: each["definition"] for each in self.call("GET", "/v1/presets")["presets"]}
        waits = {"id": "monday", "title": "Monday, second lesson", "wait_for_host": True, "rounds": None}
        definition = {**presets["classroom"], **waits}
        self.call("POST", "/v1/games", {key: value for key, value in definition.items() if value is not None})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(
            method,
            self.server.http + path,
            json=body,
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

    def classroom(self, seconds: float) -> None:
        """Twelve pupils play a round of the preset by its values for so long; it closes, and there is a debrief."""
        presets = {each["id"]: each["definition"] for each in self.call("GET", "/v1/presets")["presets"]}
        definition = {**presets["classroom"], "rounds": None}
        self.call("POST", "/v1/games", {key: value for key, value in definition.items() if value is not None})
        (good,) = definition["goods"]
        names = ["Ada", "Ben", "Cem", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "June", "Kai", "Lou"]
        with ExitStack() as stack:
            pupils = [stack.enter_context(Player(self.server.url, name)) for name in names]
            for pupil in pupils:
                pupil.ask("join", game="classroom")
            if self.call("GET", "/v1/games/classroom")["phase"] != "open":
                self.call("POST", "/v1/games/classroom/phase", {"phase": "open"})
            for step in range(STEPS):
                for pupil in pupils:
                    self._offer(pupil, good, step)
                    time.sleep(seconds / STEPS / len(pupils))
        self.call("POST", "/v1/games/classroom/phase", {"phase": "closed"})
        self.call("POST", "/v1/games/classroom/access", {"reports": True})
        links = httpx.get(
            f"{self.server.http}/v1/games/classroom/reports.csv",
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
            timeout=30,
        )
        self.reports = {
            row["name"]: row["link"] for row in csv.DictReader(links.content.decode("utf-8-sig").splitlines())
        }

    def _offer(self, pupil: Player, good: str, step: int) -> None:
        """Asks for much at first, and is content with ever less: never with a loss."""
        account = pupil.ask("me", game="classroom")
        values = account["values"][good]
        for order in account["orders"]:
            pupil.ask("cancel", game="classroom", order=order["order"])
        held = account["goods"].get(good, 0) + account["held_goods"].get(good, 0)
        give = 0.5 * (1 - step / (STEPS - 1))
        try:
            if account["role"] == "seller" and held:
                price = round(values[held - 1] * (1 + give))
                pupil.ask("order", game="classroom", good=good, side="ask", qty=1, price=max(1, price))
            elif account["role"] == "buyer" and held < len(values):
                price = round(values[held] * (1 - give))
                pupil.ask("order", game="classroom", good=good, side="bid", qty=1, price=max(1, price))
        except Refused as refused:
            if refused.code not in ("insufficient_cash", "insufficient_goods"):
                raise


@contextmanager
def opened(browser: Browser, viewport: Any, scheme: Scheme) -> Iterator[Page]:
    context = new_context(browser, viewport=viewport, scheme=scheme)
    try:
        yield context.new_page()
    finally:
        context.close()


def play(page: Page, stage: Stage) -> None:
    """Somebody who trades too: with orders of their own, and something in the ticket."""
    player = Play(page, stage.server.http).enter(next(stage.guests))
    token = page.evaluate("localStorage.getItem('tradegame.token')")
    with Player(stage.server.url, None, token=token) as self:
        self.ask("join", game="bazaar", spectate=True)
        state = self.ask("join", game="bazaar")["state"]["goods"]
        last = {good: each["last"] or PRICES[good] for good, each in state.items()}
        for good, qty in (("iron", 12), ("spice", 4), ("wool", 9)):
            self.ask("buy", game="bazaar", good=good, qty=qty)
        for good, side, qty, off in (("spice", "bid", 6, 0.93), ("spice", "ask", 3, 1.07), ("iron", "ask", 4, 1.1)):
            self.ask("order", game="bazaar", good=good, side=side, qty=qty, price=round(last[good] * off))
    page.reload()
    player.live()
    page.wait_for_timeout(6_000)  # worth over time
    player.fill_ticket("Buy", "Now", 5)
    if page.viewport_size and page.viewport_size["width"] < 600:
        player.show("Chart")
    page.evaluate("scrollTo(0, 0)")


def watch(page: Page, stage: Stage) -> None:
    Watch(page, stage.server.http).open()
    page.wait_for_timeout(4_000)


def lobby(page: Page, stage: Stage) -> None:
    """The wall before the lesson: how to join."""
    page.goto(f"{stage.server.http}/watch/monday")
    expect(page.get_by_role("img", name="QR")).to_be_visible()


def host(page: Page, stage: Stage) -> None:
    desk = Host(page, stage.server.http).sign_in(ADMIN_TOKEN, "bazaar")
    expect(desk.region("Rounds")).to_be_visible()
    page.wait_for_timeout(4_000)


def debrief(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.server.http}/host?game=classroom&debrief")
    shown = Host(page, stage.server.http).region("Debrief")
    expect(shown).to_contain_text("Ada")
    until(lambda: "%" in shown.inner_text(), "the efficiency", page=page)


def report(page: Page, stage: Stage) -> None:
    (round_,) = stage.call("GET", "/v1/games/classroom/debrief")["rounds"]
    link = urlsplit(stage.reports[round_["players"][0]["name"]])
    page.goto(f"{stage.server.http}{link.path}#{link.fragment}")
    expect(page.locator("main.report")).to_be_visible()


PAGES = {"play": play, "lobby": lobby, "watch": watch, "host": host, "debrief": debrief, "report": report}


def shrink(path: Path) -> None:
    """The same picture to the eye, packed as small as it goes: in at most 256 colours."""
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def main(directory: Path, seconds: float = LIVELY_S) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        flags = {"server.advertise": "ws://192.0.2.7:8765/ws"}  # where a school's network would show it
        server = stack.enter_context(ServerProcess("memory:", scratch, games=[market()], flags=flags))
        stage = Stage(server)
        browser = stack.enter_context(chromium(stack.enter_context(sync_playwright())))
        stack.enter_context(Traffic.on(server.url, PRICES, per_s=6, talk=TALK))
        stage.classroom(seconds)
        stage.announce()
        stage.monday()
        for viewport, scheme in itertools.product((DESK, PHONE), SCHEMES):
            for name, show in PAGES.items():
                with opened(browser, viewport, scheme) as page:
                    show(page, stage)
                    path = directory / f"{name}-{viewport['width']}-{scheme}.png"
                    page.screenshot(path=path, animations="disabled")
                    shrink(path)
                    print(f"{path} {path.stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "images", *map(float, sys.argv[2:3]))
