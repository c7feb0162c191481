"""The pages as somebody uses them who knows them by their names alone: roles and labels, as a screen reader does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error, Locator, Page, expect

DEADLINE_S = 30.0
SUBMIT = {
    ("Buy", "Now"): "Buy",
    ("Sell", "Now"): "Sell",
    ("Buy", "Rest"): "Place bid",
    ("Sell", "Rest"): "Place ask",
}
"""What the ticket's button says."""


def switch(radio: Locator) -> None:
    """Choose what its label hides. The ticket may just be moving, so nothing is aimed at."""
    radio.dispatch_event("click")
    expect(radio).to_be_checked()


def until(holds: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S, page: Page | None = None) -> Any:
    """Ask until the answer is true, and return it; fails past the deadline. ``page``: whose events go on meanwhile."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            if answer := holds():
                return answer
            last = repr(answer)
        except Error as error:  # between two documents, say
            last = str(error)
        assert time.monotonic() < end, f"not within {deadline_s} s: {what} (last: {last})"
        if page is None:
            time.sleep(0.05)
        else:
            page.wait_for_timeout(50)


class Paper:
    """What all pages have."""

    def __init__(self, page: Page, server: str) -> None:
        self.page = page
        self.server = server

    def region(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def sections(self) -> list[Locator]:
        """On a small screen: the buttons that show one part of the page each."""
        buttons = self.page.get_by_role("navigation", name="Sections").get_by_role("button")
        return [each for each in buttons.all() if each.is_visible()]

    def tabs(self) -> list[Locator]:
        """The tabs of the regions that are in sight."""
        return [each for each in self.page.get_by_role("tab").all() if each.is_visible()]

    def show(self, name: str) -> Locator:
        """The region, made visible: it may be behind a tab, and on a small screen in another section."""
        region = self.region(name)
        for section in self.sections():
            if region.is_visible():
                break
            section.click()
        tab = self.page.get_by_role("tab", name=name, exact=True)
        if not region.is_visible() and tab.count():
            tab.last.click()
        expect(region).to_be_visible()
        return region

    def reads(self, region: str, text: str | re.Pattern[str]) -> None:
        """Wait until the region shows the text."""
        expect(self.show(region)).to_contain_text(text)

    def live(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until the page says that it is connected."""
        expect(self.page.locator("html")).to_have_attribute("data-connection", "live", timeout=deadline_s * 1000)

    def dropped(self) -> None:
        """Wait until the page says that it is not."""
        expect(self.page.locator("html")).to_have_attribute("data-connection", "reconnecting")

    @property
    def seq(self) -> int:
        """The newest frame's number."""
        return int(self.page.locator("html").get_attribute("data-seq") or 0)

    def until_seq(self, seq: int) -> None:
        until(lambda: self.seq >= seq, f"frame {seq}", page=self.page)

    def width_over(self) -> int:
        """By how many pixels the document is wider than the window."""
        over: int = self.page.evaluate("Math.max(0, document.documentElement.scrollWidth - window.innerWidth)")
        return over


class Play(Paper):
    """``/``, where one plays."""

    def enter(self, name: str, game: str = "bazaar") -> Play:
        """By the form, and wait until one is in."""
        self.page.goto(f"{self.server}/?game={game}")
        self.page.get_by_role("textbox", name="Your name").fill(name)
        self.page.get_by_role("button", name="Play", exact=True).click()
        self.live()
        expect(self.page.locator(".play")).to_be_visible()
        return self

    def choose(self, good: str) -> None:
        self.good(good).click()

    def good(self, good: str) -> Locator:
        """The button or option that chooses it."""
        region = self.show("Goods")
        name = re.compile(rf"^{re.escape(good)}\b", re.IGNORECASE)
        return (
            region.get_by_role("button", name=name)
            .or_(region.get_by_role("option", name=name))
            .or_(region.get_by_role("radio", name=name))
            .first
        )

    def fill_ticket(self, side: str, kind: str, quantity: int, price: int | None = None) -> Locator:
        """``side`` Buy or Sell, ``kind`` Now or Rest: the ticket filled, and the button that sends it."""
        ticket = self.show("Ticket")
        self._check(ticket, side)
        self._check(ticket, {"Now": "Market", "Rest": "Limit"}[kind])
        ticket.get_by_role("spinbutton", name="Quantity").fill(str(quantity))
        if price is not None:
            label = re.compile("^(Limit|Worst) price")
            ticket.get_by_role("spinbutton", name=label).fill(str(price))
        button = ticket.locator("button[type=submit]")
        expect(button).to_have_text(SUBMIT[side, kind])
        return button

    def _check(self, ticket: Locator, name: str) -> None:
        radio = ticket.get_by_role("radio", name=re.compile(f"^{name}\\b"))
        if not radio.is_checked():
            switch(radio)

    def trade(self, side: str, quantity: int, limit: int | None = None) -> None:
        """Now, from the ticket."""
        self.fill_ticket(side, "Now", quantity, limit).click()

    def rest(self, side: str, quantity: int, price: int) -> None:
        """A resting order, from the ticket."""
        self.fill_ticket(side, "Rest", quantity, price).click()

    def say(self, text: str, to: str | None = None) -> None:
        chat = self.show("Chat")
        if to is not None:
            chat.get_by_role("combobox", name="To").select_option(label=to)
        chat.get_by_role("textbox", name="Message").fill(text)
        chat.get_by_role("button", name="Send").click()


class Watch(Paper):
    """``/watch/{game}``, for the wall."""

    def open(self, game: str = "bazaar") -> Watch:
        self.page.goto(f"{self.server}/watch/{game}")
        self.live()
        return self


class Host(Paper):
    """``/host``, for who runs the game."""

    def sign_in(self, token: str, game: str | None = None) -> Host:
        self.page.goto(f"{self.server}/host" + (f"?game={game}" if game else ""))
        self.page.get_by_role("textbox", name="Admin token").or_(self.page.get_by_label("Admin token")).first.fill(
            token
        )
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.region("Games")).to_be_visible()
        if game is not None:
            expect(self.region("Rounds")).to_be_visible()
        return self

    def phase(self, button: str) -> None:
        """``Open``, ``Close`` or ``To lobby``."""
        name = {"Open": re.compile("^(Start|Next round)"), "Close": "Stop", "To lobby": "To lobby"}[button]
        self.region("Rounds").get_by_role("button", name=name).click()
