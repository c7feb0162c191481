"""Everything by keyboard alone, and where the focus is can be seen at every step."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.pages import Host, Play
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN

pytestmark = pytest.mark.slow

MOST_STEPS = 150
"""Presses of Tab from anywhere to anywhere."""

FOCUS = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const about = `${e.tagName} ${e.getAttribute("aria-label") || e.name || e.textContent.trim().slice(0, 40)}`;
    const shows = (e) => {
        const style = getComputedStyle(e);
        const box = e.getBoundingClientRect();
        const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
        return box.width > 2 && box.height > 2 && style.opacity !== "0" && (outline || style.boxShadow !== "none");
    };
    // A radio that is not seen itself shows its focus on its label.
    const label = e.closest("label") || (e.labels && e.labels[0]);
    return { about, shown: shows(e) || (label ? shows(label) || [...label.children].some(shows) : false),
             inView: e.getBoundingClientRect().bottom > 0 && e.getBoundingClientRect().top < innerHeight };
}"""


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until the target has the focus; wherever it goes on its way, it is seen there."""
    expect(target).to_be_attached()
    trail = []
    for _ in range(MOST_STEPS):
        if target.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press(key)
        focus = page.evaluate(FOCUS)
        if focus is not None:
            trail.append(focus["about"])
            assert focus["shown"], f"the focus cannot be seen on {focus['about']}"
            assert focus["inView"], f"the focus is out of view on {focus['about']}"
    raise AssertionError(f"Tab does not lead to {target}; it went {trail}")


def choose_radio(page: Page, ticket: Locator, name: str, other: str) -> None:
    """Tab to whichever radio of the two is checked, and by an arrow to the one that is meant."""
    wanted = ticket.get_by_role("radio", name=re.compile(f"^{name}\\b"))
    checked = wanted if wanted.is_checked() else ticket.get_by_role("radio", name=re.compile(f"^{other}\\b"))
    tab_to(page, checked)
    if not wanted.is_checked():
        page.keyboard.press("ArrowRight" if name in ("Sell", "Limit") else "ArrowLeft")
    expect(wanted).to_be_checked()


def type_in(page: Page, target: Locator, text: str) -> None:
    tab_to(page, target)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_one_joins_orders_cancels_buys_and_chats_by_keyboard_alone(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    play = Play(page, server.http)
    page.goto(f"{server.http}/")
    type_in(page, page.get_by_role("textbox", name="Your name"), "Ann")
    page.keyboard.press("Enter")
    play.live()

    wood = play.good("wood")
    if wood.get_attribute("role") in ("option", "radio") or wood.evaluate("e => e.tabIndex") < 0:
        # One stop for all goods, and arrows among them.
        tab_to(page, play.region("Goods").locator("[tabindex='0'], button").first)
        for _ in range(5):
            if wood.evaluate("e => e === document.activeElement"):
                break
            page.keyboard.press("ArrowDown")
    else:
        tab_to(page, wood)
    page.keyboard.press("Enter")
    expect(play.region("Chart")).to_contain_text(re.compile("wood", re.IGNORECASE))

    ticket = play.region("Ticket")
    choose_radio(page, ticket, "Sell", "Buy")
    choose_radio(page, ticket, "Limit", "Market")
    type_in(page, ticket.get_by_role("spinbutton", name="Quantity"), "2")
    type_in(page, ticket.get_by_role("spinbutton", name="Limit price"), "77")
    tab_to(page, ticket.get_by_role("button", name=re.compile("^Place ask")))
    page.keyboard.press("Enter")
    cancel = play.region("Your orders").get_by_role("button", name=re.compile("^Cancel"))
    expect(cancel).to_have_count(1)
    tab_to(page, cancel)
    page.keyboard.press("Enter")
    expect(cancel).to_have_count(0)

    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("order", game="bazaar", good="wood", side="ask", qty=3, price=41)
        choose_radio(page, ticket, "Buy", "Sell")
        choose_radio(page, ticket, "Market", "Limit")
        type_in(page, ticket.get_by_role("spinbutton", name="Quantity"), "1")
        page.keyboard.press("Enter")
        ben.push(lambda push: push["push"] == "events" and any(e["type"] == "trade" for e in push["events"]))
        expect(play.region("Portfolio")).to_contain_text("9,959")

        orders = play.region("Your orders")
        tab_to(page, orders.get_by_role("tab", selected=True))
        page.keyboard.press("ArrowRight")
        expect(orders.get_by_role("row", name=re.compile("bought wood Ben 1 41"))).to_be_visible()

        type_in(page, play.region("Chat").get_by_role("textbox", name="Message"), "by hand")
        page.keyboard.press("Enter")
        ben.push(lambda push: push["push"] == "events" and any(e.get("text") == "by hand" for e in push["events"]))


def test_single_keys_choose_and_can_be_switched_off(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    page = newcomer()
    play = Play(page, server.http).enter("Ann")
    sell = play.region("Ticket").get_by_role("radio", name="Sell")
    page.keyboard.press("s")
    expect(sell).to_be_checked()
    page.keyboard.press("Escape")  # out of the quantity, which has the focus now
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Help")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("b")
    expect(sell).to_be_checked()
    page.get_by_role("button", name="Help").click()
    dialog.get_by_role("checkbox").check()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(sell).not_to_be_checked()


def test_a_host_opens_and_closes_a_round_announces_and_asks_before_a_kick_by_keyboard_alone(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve()
    page = newcomer()
    host = Host(page, server.http)
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        page.goto(f"{server.http}/host?game=bazaar")
        type_in(page, page.get_by_label("Admin token"), ADMIN_TOKEN)
        page.keyboard.press("Enter")
        expect(host.region("Rounds")).to_be_visible()
        for button, phase in (("Stop", "closed"), ("Next round", "open")):
            tab_to(page, host.region("Rounds").get_by_role("button", name=button, exact=True))
            page.keyboard.press("Enter")
            ben.push(
                lambda push, phase=phase: (
                    push["push"] == "events"  # type: ignore[misc]
                    and any(e["type"] == "round" and e["phase"] == phase for e in push["events"])
                )
            )
        type_in(page, host.region("News").get_by_role("textbox", name="Headline"), "Rain at last")
        page.keyboard.press("Enter")
        ben.push(lambda push: push["push"] == "events" and any(e.get("text") == "Rain at last" for e in push["events"]))

        kick = host.region("Players").get_by_role("button", name="Kick Ben")
        tab_to(page, kick)
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        # Where it was before.
        expect(kick).to_be_focused()
