"""A new game is what its form shows, whichever part of the form was touched."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask
from tests.browser.pages import Host, Play
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN
from tradegame.core.domain.codes import code_of

pytestmark = pytest.mark.slow


def test_fields_and_definition_are_one_whichever_is_changed(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(id="first")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    new.get_by_role("combobox", name="Preset").select_option("classroom")
    new.get_by_text("The whole definition").click()
    text = new.get_by_role("textbox", name="Definition")
    cash, opened = new.get_by_label("Cash of each player"), new.get_by_label("Open, s")
    shown = json.loads(text.input_value())
    assert (cash.input_value(), opened.input_value()) == (str(shown["cash"]), str(shown["rounds"]["open_s"]))
    shown["cash"], shown["rounds"]["open_s"], shown["fee_bps"] = 10_000, 900, 7
    text.fill(json.dumps(shown))
    expect(cash).to_have_value("10000")
    expect(opened).to_have_value("900")
    cash.fill("600")
    opened.fill("90")
    assert json.loads(text.input_value()) == {**shown, "cash": 600, "rounds": {**shown["rounds"], "open_s": 90}}
    text.fill("{")
    expect(new.get_by_role("alert")).to_contain_text("not JSON")
    expect(cash).to_be_disabled()
    expect(new.get_by_role("button", name="Create game")).to_be_disabled()
    text.fill(json.dumps({**shown, "cash": 601}))
    new.get_by_label("Address of the game").fill("mine")
    new.get_by_role("button", name="Create game").click()
    expect(host.region("Rounds")).to_contain_text(f"/{code_of('mine')}")
    rules = ask(server, "GET", "/games/mine")["rules"]
    assert (rules["cash"], rules["fee_bps"], rules["rounds"]["open_s"]) == (601, 7, 900)


def test_what_of_a_new_game_will_not_do_what_it_seems_to_is_said(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(id="first")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    new.get_by_text("The whole definition").click()
    text = new.get_by_role("textbox", name="Definition")
    late = {"id": "late", "goods": {"oil": {}}, "rounds": {"open_s": 60}, "news": [{"at_s": 60, "text": "!"}]}
    text.fill(json.dumps(late))
    new.get_by_role("button", name="Create game").click()
    said = new.get_by_role("status")
    expect(said).to_contain_text("late was made. But look at")
    expect(said).to_contain_text("news[0].at_s never comes: the round closes after 60 s")
    text.fill(json.dumps({**late, "id": "soon", "news": []}))
    new.get_by_role("button", name="Create game").click()
    expect(host.region("Rounds")).to_contain_text(f"/{code_of('soon')}")
    expect(said).to_be_empty()


def test_a_game_by_hand_waits_in_its_lobby_until_the_host_opens_it(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(id="first")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    new.get_by_role("combobox", name="Preset").select_option("bazaar")
    by_hand = new.get_by_label("I start and stop rounds by hand")
    by_hand.check()
    expect(new.get_by_label("Open, s")).to_be_hidden()
    by_hand.uncheck()
    expect(new.get_by_label("Open, s")).to_have_value("900")
    by_hand.check()
    new.get_by_role("button", name="Create game").click()
    expect(host.region("Rounds")).to_contain_text(f"/{code_of('bazaar')}")
    made = ask(server, "GET", "/games/bazaar")
    assert (made["phase"], made["ends_at"], made["rules"]["rounds"]) == ("lobby", None, None)
    ann = Play(newcomer(), server.http).enter("Ann", "bazaar")
    ann.reads("Chart", "The market opens soon")
    host.phase("Open")
    expect(ann.region("Chart").get_by_role("heading", name="The market opens soon")).to_be_hidden()
    assert ask(server, "GET", "/games/bazaar")["phase"] == "open"
    host.phase("Close")
    with Player(server.url, "Ben") as ben:
        assert ben.ask("join", game="bazaar")["state"]["phase"] == "closed"


def test_an_address_that_is_none_is_not_sent(newcomer: Newcomer, serve: Serve) -> None:
    host = Host(newcomer(), serve().http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    address = new.get_by_label("Address of the game")
    address.fill("No way")
    new.get_by_role("button", name="Create game").click()
    assert address.evaluate("field => field.validity.patternMismatch")
    expect(host.region("Games").get_by_role("button", name=re.compile("No way"))).to_have_count(0)


def test_games_of_one_title_are_told_apart_by_their_addresses(newcomer: Newcomer, serve: Serve) -> None:
    """As a host has them who made one from the preset that is served already."""
    server = serve(games=[bazaar(), bazaar(id="monday"), bazaar(id="other", title="The other")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "monday")
    page, wall = newcomer(), newcomer()
    page.goto(server.http)
    wall.goto(f"{server.http}/watch/nothing")
    for role, place in (("button", host.region("Games")), ("button", page), ("link", wall)):
        for name in ("The bazaar (bazaar)", "The bazaar (monday)", "The other"):
            expect(place.get_by_role(role, name=re.compile(f"^{re.escape(name)}"))).to_be_visible()
    host.page.get_by_role("button", name="Delete game").click()
    expect(host.page.get_by_role("dialog")).to_contain_text("Delete The bazaar (monday)?")


def test_goods_and_private_values_are_fields_and_a_game_is_duplicated_with_one_press(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve(games=[bazaar(id="first")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    new.get_by_role("combobox", name="Preset").select_option("bazaar")
    expect(new.get_by_label("Values: a line for each buyer")).to_be_hidden()
    new.get_by_role("combobox", name="Preset").select_option("classroom")
    new.locator("summary").get_by_text("Goods").click()
    new.locator("summary").get_by_text("Private values").click()
    new.get_by_role("button", name="Add a good").click()
    new.get_by_label("Good", exact=True).last.fill("salt")
    new.get_by_label("Everybody begins with").last.fill("7")
    new.get_by_label("The house's price").last.fill("30")
    traded = new.get_by_label("Good", exact=True).first
    traded.fill("wheat")
    new.get_by_label("Values: a line for each buyer").fill("120 90\n110, 80")
    new.get_by_label("Costs: a line for each seller").fill("40 70")
    new.get_by_label("A practice round comes first").check()
    new.get_by_label("Address of the game").fill("mine")
    new.get_by_role("button", name="Create game").click()
    expect(host.region("Rounds")).to_contain_text(f"/{code_of('mine')}")
    made = ask(server, "GET", "/games/mine/definition")["definition"]
    assert made["practice"] is True
    assert list(made["goods"]) == ["wheat", "salt"]
    assert (made["goods"]["salt"]["endowment"], made["goods"]["salt"]["house"]["anchor"]) == (7, 30)
    private = made["private_values"]
    assert (private["good"], private["values"], private["costs"]) == ("wheat", [[120, 90], [110, 80]], [[40, 70]])
    for copy in ("mine-2", "mine-3"):
        host.region("Rounds").get_by_role("button", name="Duplicate").click()
        expect(host.region("Rounds")).to_contain_text(f"/{code_of(copy)}")
        assert ask(server, "GET", f"/games/{copy}/definition")["definition"] == {**made, "id": copy}


def test_the_form_begins_with_the_preset_that_is_served_and_an_address_that_is_free(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve(games=[bazaar(id="classroom"), bazaar(id="classroom-2")])
    new = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN).region("New game")
    expect(new.get_by_role("combobox", name="Preset")).to_have_value("classroom")
    expect(new.get_by_label("Address of the game")).to_have_value("classroom-3")
    ask(server, "POST", "/games", bazaar(id="classroom-3"))
    expect(new.get_by_label("Address of the game")).to_have_value("classroom-4")
    new.get_by_role("button", name="Create game").click()
    expect(new.get_by_label("Address of the game")).to_have_value("classroom-5")
    assert ask(server, "GET", "/games/classroom-4/definition")["definition"]["id"] == "classroom-4"
    new.get_by_role("combobox", name="Preset").select_option("pit")
    expect(new.get_by_label("Address of the game")).to_have_value("pit")


def test_what_is_wrong_and_what_is_doubtful_is_said_in_german_with_its_numbers(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve(games=[bazaar(id="first")])
    page = newcomer(locale="de-DE")
    page.goto(f"{server.http}/host#token={ADMIN_TOKEN}")
    form = page.get_by_role("region", name="Neues Spiel")
    expect(page.locator("#preset option").first).to_have_text("Der Basar")
    expect(page.locator("#new-title")).to_have_value("Der Markt im Klassenzimmer")
    form.get_by_text("Die ganze Definition").click()
    create = form.get_by_role("button", name="Spiel anlegen")
    with conduct.allowing(r"v1/games: 400", r"status of 400"):
        page.locator("#definition").fill(json.dumps({"id": "neu", "goods": {"oil": {}}, "fee_bps": 10_001}))
        create.click()
        wrong = "$.fee_bps: Hier darf 0 bis 10.000 stehen, nicht 10.001."
        expect(form.get_by_role("alert")).to_have_text(wrong)
    page.locator("#definition").fill(json.dumps({"id": "neu", "goods": {"oil": {}}, "quiz_first": True}))
    create.click()
    expect(form.get_by_role("status")).to_contain_text("quiz_first hält niemanden vom Handeln ab")


def test_who_makes_or_deletes_a_game_sees_that_it_is_done(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(id="first", title="The first")])
    host = Host(newcomer(viewport={"width": 1366, "height": 650}), server.http).sign_in(ADMIN_TOKEN, "first")
    new, toasts = host.region("New game"), host.page.locator(".toasts")
    expect(new.get_by_role("combobox", name="Preset")).to_have_value("classroom")
    new.get_by_label("Title").fill("Monday")
    new.get_by_label("Address of the game").fill("monday")
    new.get_by_role("button", name="Create game").click()
    expect(toasts).to_contain_text("Made: Monday")
    expect(host.page.get_by_role("heading", name="Monday", level=1)).to_be_in_viewport()
    expect(new.get_by_label("Address of the game")).to_have_value("monday-2")
    host.page.get_by_role("button", name="Delete game").click()
    host.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(toasts).to_contain_text("Monday is over: it was deleted.")
    expect(host.page.get_by_role("heading", name="The first", level=1)).to_be_in_viewport()
    expect(host.region("Rounds")).to_be_visible()
