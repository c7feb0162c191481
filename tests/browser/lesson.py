"""A lesson as a test drives it: ``tradegame serve``, a host whose presses are counted, and pupils with phones."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import segno
from attrs import Factory, define, frozen
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import Host, Play, until

ADDRESS = "192.0.2.7"
ROOT = f"http://{ADDRESS}:8765"
"""Where phones find the server, as in a school's network: the test's browser takes what goes there to this machine."""

PATIENCE_S = 120.0
TOGETHER = 8
"""So many phones load the page at the same time."""

EARNED = re.compile(r"^You earned (\S+) coins and came (\d+) of (\d+)\.$")


@frozen
class Served:
    """What ``tradegame serve`` said: the host's link, and where others play."""

    link: str
    root: str

    @property
    def origin(self) -> str:
        return self.link.partition("/host")[0]

    def get(self, path: str) -> httpx.Response:
        """What the host gets by HTTP."""
        bearer = {"Authorization": f"Bearer {urlsplit(self.link).fragment.removeprefix('token=')}"}
        return httpx.get(f"{self.origin}/v1{path}", headers=bearer, timeout=60).raise_for_status()


@contextlib.contextmanager
def tradegame_serve(folder: Path, port: int) -> Iterator[Served]:
    """The command, on a machine that others find at ``ROOT``; it ends in order with the block."""
    command = [sys.executable, "-m", "tradegame", "serve", "--port", str(port), "--preset", "classroom"]
    command += ["--store", "embedded:class.db", "--advertise", f"ws{ROOT.removeprefix('http')}/ws"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert server.stdout is not None
        said = [server.stdout.readline().split() for _ in range(3)]
        assert all(said), (folder / "server.log").read_text()
        yield Served(link=said[1][-1], root=said[2][-1])
        server.terminate()
        assert server.wait(PATIENCE_S) == 0
    finally:
        server.kill()
        server.communicate()


class Desk(Host):
    """The host's page, in the hands of somebody whose presses are counted."""

    presses = 0
    pastes = 0

    def press(self, target: Locator) -> None:
        target.click()
        self.presses += 1

    def button(self, region: str, name: str) -> None:
        self.press(self.region(region).get_by_role("button", name=name, exact=True))

    def paste(self, target: Locator, text: str) -> None:
        self.press(target)
        self.page.keyboard.insert_text(text)
        self.pastes += 1

    def tab(self, link: Locator) -> Page:
        """The tab that a link opens."""
        with self.page.expect_popup() as popup:
            self.press(link)
        return popup.value

    def player(self, name: str, state: str) -> None:
        """Wait until the player is said to be so."""
        row = self.region("Players").get_by_role("row", name=re.compile(f"^{name} {state}"))
        expect(row).to_be_visible()


class Pupil(Play):
    """Somebody with a phone. ``reads``: the instructions, and says to be ready; else they are skipped."""

    def __init__(self, page: Page, name: str, *, reads: bool) -> None:
        super().__init__(page, ROOT)
        self.name = name
        self.reads = reads

    def arrived(self) -> None:
        """Wait until they are in, under their name."""
        self.live(PATIENCE_S)
        expect(self.page.get_by_role("banner")).to_contain_text(self.name)

    def instructed(self) -> None:
        """What the page shows first is read, or skipped."""
        guide = self.page.get_by_role("dialog", name="Instructions")
        for button in ("Next", "Next", "I am ready") if self.reads else ("Skip",):
            guide.get_by_role("button", name=button).click()
        expect(guide).to_be_hidden()

    def units(self) -> Locator:
        """What each unit is worth to them, or costs them, on whichever part of the page."""
        return self.page.get_by_role("list", name="Your units", include_hidden=True)

    def offer(self) -> tuple[bool, int]:
        """Whether they buy, and what their next unit is worth to them or costs them."""
        buys = self.page.get_by_text(re.compile(r"^You buy\.")).count() > 0
        return buys, int(self.units().locator(".next").text_content() or "")

    def sees(self, price: int) -> None:
        """Wait until somebody offers a unit at this price."""
        ask = re.compile(f"^Ask {price}, 1 unit")
        expect(self.page.get_by_role("button", name=ask, include_hidden=True).first).to_be_attached()

    def takes(self, price: int) -> None:
        """Buy a unit at the best price, with one press."""
        self.show("Ticket").get_by_role("button", name=re.compile(f"^Buy 1 at {price}:")).click()

    def clock(self, text: str) -> None:
        """Wait until the clock says so."""
        expect(self.page.get_by_role("timer", name="Round clock")).to_contain_text(text)

    def result(self, heading: str) -> tuple[int, int, int]:
        """Their gain, their place, and of how many, as soon as the page has this heading."""
        expect(self.page.get_by_text(heading, exact=True).first).to_be_attached()
        told = EARNED.match(self.page.get_by_text(EARNED).first.text_content() or "")
        assert told is not None
        gain, rank, of = told.groups()
        return int(gain.replace("−", "-").replace(",", "")), int(rank), int(of)


@define
class Lesson:
    """What was done through the pages, and what they said. ``phone``: makes a new one. ``hasty``: who reads nothing."""

    served: Served
    game: str
    phone: Callable[[], Page]
    hasty: frozenset[str]
    pupils: dict[str, Pupil] = Factory(dict)
    deals: set[tuple[int, str, str, int]] = Factory(set)
    """Round, buyer, seller and price of each trade between two phones."""
    told: dict[tuple[int, str], tuple[int, int]] = Factory(dict)
    """By round and name: the gain and the place that the phone showed."""
    _units: dict[str, str] = Factory(dict)

    def get(self, path: str = "") -> httpx.Response:
        return self.served.get(f"/games/{self.game}{path}")

    @property
    def volume(self) -> int:
        """Units that were traded so far."""
        volume: int = self.get().json()["goods"]["wheat"]["volume"]
        return volume

    def come_in(self, doors: dict[str, tuple[str, str | None]]) -> None:
        """By name: the address that each opens, and the number that they type, or None."""
        for start in range(0, len(doors), TOGETHER):
            names = [*doors][start : start + TOGETHER]
            coming = [(Pupil(self.phone(), name, reads=name not in self.hasty), *doors[name]) for name in names]
            for pupil, address, _ in coming:
                pupil.page.goto(address, wait_until="commit")
            for pupil, _, number in coming:
                if number is not None:
                    pupil.page.get_by_role("textbox", name="Your number").fill(number)
                    pupil.page.get_by_role("button", name="Play", exact=True).click()
                pupil.arrived()
                pupil.instructed()
                self.pupils[pupil.name] = pupil

    def dealt(self) -> None:
        """Wait until everybody has other values than in the round before."""
        for name, pupil in self.pupils.items():
            expect(pupil.units()).not_to_have_text(self._units.get(name, ""))
            self._units[name] = pupil.units().text_content() or ""

    def offers(self, buying: bool) -> list[tuple[int, Pupil]]:
        """What their next unit is worth to each buyer, or costs each seller; the greatest first."""
        offers = [(pupil, *pupil.offer()) for pupil in self.pupils.values()]
        return sorted(((at, pupil) for pupil, buys, at in offers if buys is buying), key=lambda offer: -offer[0])

    def trade(self, number: int) -> Iterator[tuple[Pupil, Pupil]]:
        """Everybody trades a unit, pair after pair. Yields who is about to buy and from whom, with the offer in sight.

        The greatest value meets the dearest cost, so nearly all gain; who would not, offers in vain in the end.
        """
        pairs = [(*buyer, *seller) for buyer, seller in zip(self.offers(True), self.offers(False), strict=True)]
        for value, buyer, cost, seller in sorted(pairs, key=lambda pair: pair[0] < pair[2]):
            if value < cost:
                seller.rest("Sell", 1, 999)
                buyer.rest("Buy", 1, 1)
                continue
            before, price = self.volume, (value + cost) // 2
            seller.rest("Sell", 1, price)
            buyer.sees(price)
            yield buyer, seller
            buyer.takes(price)
            self.traded_since(before, buyer.page)
            self.deals.add((number, buyer.name, seller.name, price))

    def traded_since(self, volume: int, page: Page) -> None:
        """Wait until more units were traded than this; the page's events go on."""
        until(lambda: self.volume > volume, "a trade", PATIENCE_S, page)

    def ended(self, number: int, heading: str) -> None:
        """Everybody's phone says under this heading what the round came to."""
        for name, pupil in self.pupils.items():
            gain, rank, of = pupil.result(heading)
            assert of == len(self.pupils)
            self.told[number, name] = gain, rank

    def total(self, name: str) -> int:
        """Their gains of all rounds that count, by what their phone said."""
        return sum(gain for (number, who), (gain, _) in self.told.items() if who == name and number > 0)


def scanned(picture: str, *urls: str) -> str:
    """What a camera reads from a QR code, an SVG: the one of these URLs whose code it is."""
    codes = {_modules(segno.make_qr(url, error="m").svg_inline(border=4)): url for url in urls}
    return codes[_modules(picture)]


def _modules(picture: str) -> str:
    """The dark ones, as the picture draws them."""
    (dark,) = (path for path in re.findall(r"<path [^>]*>", picture) if "stroke=" in path)
    return dark.partition(' d="')[2].partition('"')[0]
