"""From a roster to a seat: what the host pastes, prints and renews, and the three ways that students come in."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask
from tests.browser.pages import Host, Play, until
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN

TABLE = "Label;Name;Group\nXQ-11;Ann;east\nXQ-12;;west\n"


def roster(server: ServerProcess, **more: Any) -> None:
    ask(server, "POST", "/games/bazaar/roster", {"csv": TABLE, **more})


def links(server: ServerProcess) -> list[str]:
    return [each["url"] for each in ask(server, "GET", "/games/bazaar/links")["links"]]


def door(page: Page, server: ServerProcess) -> Page:
    page.goto(f"{server.http}/?game=bazaar")
    return page


def alert(page: Page, text: str) -> None:
    expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()


def test_a_class_comes_in_by_links_from_a_sheet(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    panel = host.region("Roster")
    table = panel.get_by_role("textbox", name="Names, one a line")
    with conduct.allowing(r"roster: 400", r"status of 400"):
        table.fill(TABLE + "XQ 11;Eve\nxq-11;Eve\n")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("alert")).to_contain_text("Line 5: Line 2 has the same label.")
    panel.get_by_label("Or a CSV file").set_input_files(
        {"name": "class.csv", "mimeType": "text/csv", "buffer": b"\xef\xbb\xbf" + TABLE.encode()}
    )
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("2 people have a seat.")
    with host.page.expect_popup() as opened:
        panel.get_by_role("link", name="Links and QR codes").click()
    sheet = opened.value
    cards = sheet.get_by_role("listitem")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("Ann")
    expect(cards.first).to_contain_text("XQ-11")
    drawn = "[...document.querySelectorAll('img')].every((each) => each.naturalWidth > 0)"
    until(lambda: sheet.evaluate(drawn), "the codes", page=sheet)
    sheet.emulate_media(media="print")
    expect(sheet.get_by_role("button", name="Print")).to_be_hidden()

    ann, bob = Play(newcomer(viewport=PHONE), server.http), Play(newcomer(), server.http)
    link, nameless = links(server)
    ann.page.goto(link)
    ann.live()
    assert "seat=" not in ann.page.url
    bob.page.goto(nameless)
    bob.page.get_by_role("textbox", name="Your name").fill("Bob")
    bob.page.get_by_role("button", name="Play", exact=True).click()
    bob.live()
    expect(panel.get_by_role("row", name="XQ-12 Bob taken")).to_be_visible()
    for page in (ann.page, bob.page):
        page.reload()
    bob.live()
    laptop = Play(newcomer(), server.http)
    laptop.page.goto(link)
    laptop.live()
    laptop.rest("Buy", 1, 1)
    ann.live()
    expect(ann.show("Your orders")).to_contain_text("1")
    for page in (ann.page, bob.page, laptop.page):
        assert "XQ-1" not in page.content()

    panel.get_by_role("button", name="New link for XQ-11").click()
    host.page.get_by_role("dialog").get_by_role("button", name="New link").click()
    made = host.page.get_by_role("dialog").filter(has_text="The new link for Ann")
    expect(made).to_contain_text("#seat=s.bazaar.1.")
    for page in (ann.page, laptop.page):
        expect(page.get_by_text("The host lets people in by a personal link")).to_be_visible()
    laptop.page.goto(link)
    alert(laptop.page, "This personal link is not valid any more.")
    made.get_by_role("button", name="Close").click()
    laptop.page.goto(links(server)[0])
    laptop.live()
    expect(laptop.show("Your orders")).to_contain_text("1")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_a_roster_is_read_in_the_encoding_that_a_spreadsheet_saved_it_in(
    newcomer: Newcomer, serve: Serve, encoding: str
) -> None:
    server = serve()
    panel = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar").region("Roster")
    saved = "Matrikelnummer;Name\r\n1;Jürgen Weiß\r\n2;Özlem Çelik\r\n".encode(encoding)
    file = {"name": "class.csv", "mimeType": "text/csv", "buffer": saved}
    panel.get_by_label("Or a CSV file").set_input_files(file)
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("row", name="1 Jürgen Weiß free")).to_be_visible()
    expect(panel.get_by_role("row", name="2 Özlem Çelik free")).to_be_visible()
    kept = "1,Jürgen Weiß,,\n2,Özlem Çelik,,"
    table = panel.get_by_role("textbox", name="Names, one a line")
    expect(table).to_have_value(f"label,name,group,team\n{kept}")


def test_a_card_of_a_game_that_was_made_anew_says_that_it_is_void(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    roster(server, by_number=True)
    card = links(server)[0]
    for made_anew in (False, True):
        if made_anew:
            ask(server, "DELETE", "/games/bazaar")
            ask(server, "POST", "/games", bazaar())
            roster(server, by_number=True)
        page = newcomer(viewport=PHONE)
        page.goto(card)
        if made_anew:
            alert(page, "This personal link is not valid any more. Ask the host for another one.")
        else:
            Play(page, server.http).live()
            page.close()  # or it would be in the new game before there is a roster


def test_who_played_in_a_game_that_was_made_anew_is_asked_in_kindly(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    roster(server, by_number=True)
    page = newcomer(viewport=PHONE)
    page.goto(links(server)[0])
    Play(page, server.http).live()
    page.goto("about:blank")
    ask(server, "DELETE", "/games/bazaar")
    ask(server, "POST", "/games", bazaar())
    roster(server, by_number=True)
    door(page, server)
    expect(page.get_by_text("You are not in this game yet.")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()
    page.get_by_role("textbox", name="Your number").fill("xq-11")
    page.get_by_role("button", name="Play", exact=True).click()
    Play(page, server.http).live()


def test_who_enters_a_number_has_its_seat_and_nobody_else(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    roster(server, by_number=True)
    page = door(newcomer(viewport=PHONE), server)
    number, play = page.get_by_role("textbox", name="Your number"), page.get_by_role("button", name="Play", exact=True)
    expect(page.get_by_role("textbox", name="Your name")).to_be_hidden()
    number.fill("xq-13")
    play.click()
    alert(page, "No seat is open for this number.")
    number.fill("xq-12")
    play.click()
    alert(page, "What do you want to be called?")
    page.get_by_role("textbox", name="Your name").fill("Bob")
    play.click()
    Play(page, server.http).live()
    other = door(newcomer(), server)
    other.get_by_role("textbox", name="Your number").fill("XQ-12")
    other.get_by_role("button", name="Play", exact=True).click()
    alert(other, "Somebody has entered with this number already.")


def test_two_play_for_one_team(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    panel = host.region("Roster")
    teams = panel.get_by_label("A number is a team's")
    expect(teams).to_be_disabled()
    panel.get_by_label("Enter by number").check()
    teams.check()
    panel.get_by_label("Names, one a line").fill("label,name\nT1,The Bulls\nT2,The Bears")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("People enter by their team's number.")
    for _ in range(2):
        page = door(newcomer(viewport=PHONE), server)
        page.get_by_role("textbox", name="Your team's number").fill("t1")
        page.get_by_role("button", name="Play", exact=True).click()
        Play(page, server.http).live()
    expect(host.region("Players").get_by_role("row")).to_have_count(2)  # with the head
    expect(panel.get_by_role("row", name="T1")).to_contain_text("The Bulls")
    host.page.reload()
    expect(teams).to_be_checked()


def test_a_pattern_says_what_a_number_looks_like(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    panel = host.region("Roster")
    panel.get_by_label("Enter by number").check()
    panel.get_by_label("What a number looks like").fill("####")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("People enter by their number.")
    page = door(newcomer(), server)
    expect(page.get_by_text("It looks like this: ####")).to_be_visible()


def test_another_device_plays_on_by_a_code(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    phone = Play(newcomer(viewport=PHONE), server.http).enter("Ann")
    phone.show("Standings")
    phone.page.get_by_role("button", name="Another device").locator("visible=true").click()
    dialog = phone.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Ann on another device")
    expect(dialog.get_by_role("status")).to_contain_text("Good once, for")
    code = dialog.locator(".device-code").inner_text()
    page = door(newcomer(), server)
    page.get_by_text("I already play on another device").click()
    field, use = page.get_by_role("textbox", name="Code"), page.get_by_role("button", name="Play on here")
    field.fill("BCDF-GHJK")
    use.click()
    alert(page, "This code is wrong")
    field.fill(code.lower())
    use.click()
    laptop = Play(page, server.http)
    laptop.live()
    expect(page.get_by_text("You play on as Ann here")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("Ann")
    expect(dialog.get_by_role("status")).to_have_text("Ann plays on another device now, too.")
    dialog.get_by_role("button", name="Close").click()
    laptop.rest("Buy", 1, 1)
    phone.live()
    expect(phone.show("Your orders")).to_contain_text("1")
    again = door(newcomer(), server)
    again.get_by_text("I already play on another device").click()
    again.get_by_role("textbox", name="Code").fill(code)
    again.get_by_role("button", name="Play on here").click()
    alert(again, "was used before")


def test_who_waits_before_a_locked_game_goes_back_to_the_door_and_is_let_in_once_it_is_open(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve()
    ask(server, "POST", "/games/bazaar/access", {"locked": True})
    page = newcomer()
    joins: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda sent: '"join"' in str(sent) and joins.append("")))

    def come(name: str) -> None:
        page.locator("#name").fill(name)
        page.get_by_role("button", name="Play", exact=True).click()
        expect(page.locator(".card").get_by_role("status")).to_contain_text("The game is locked")

    page.goto(f"{server.http}/?game=bazaar")
    come("Ann")
    back = page.get_by_role("button", name="Play as somebody else")
    back.evaluate("(button) => (button.same = true)")
    tried = len(joins)
    until(lambda: len(joins) > tried + 1, "it tried again", page=page)
    assert back.evaluate("(button) => button.same"), "what is about to be pressed stays"
    expect(page.get_by_role("link", name="Only watch")).to_be_visible()
    back.click()
    expect(page.get_by_text("I already play on another device")).to_be_visible()
    come("Anna")
    ask(server, "POST", "/games/bazaar/access", {"locked": False})
    Play(page, server.http).live()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sheet_needs_the_token(newcomer: Newcomer, serve: Serve, scheme: str) -> None:
    server = serve()
    roster(server)
    page = newcomer(scheme=scheme)
    page.goto(f"{server.http}/host?game=bazaar&sheet")
    page.get_by_label("Admin token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("listitem")).to_have_count(2)
