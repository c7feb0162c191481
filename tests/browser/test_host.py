"""The host's page: what its forms send and refuse, what it says of who and what is gone, and its debrief."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas
import pytest
import trio
from playwright.sync_api import expect

from tests.browser.chromium import PHONE
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.games import bazaar
from tests.browser.hosting import ask, turn
from tests.browser.pages import Host, Play, Watch, until
from tests.browser.test_watch import DENIED, WALL
from tests.e2e.test_damage import fill, page_of_one_log, spoil
from tests.support.player import Player
from tests.support.server import ADMIN_TOKEN
from tradegame.core.domain.codes import code_of

TIMERS = """window.timers = new Set();
const [begin, end] = [window.setInterval, window.clearInterval];
window.setInterval = (...given) => {
    const timer = begin(...given);
    if (given[1] === 250) timers.add(timer);
    return timer;
};
window.clearInterval = (timer) => { timers.delete(timer); end(timer); };"""
"""Counts the clocks that tick."""

NAMES = """e => [...e.querySelectorAll("td .text")].filter((name) => {
    const words = name.textContent.split(" "), range = document.createRange();
    return words.some((word) => {
        const at = name.textContent.indexOf(word);
        range.setStart(name.firstChild, at);
        range.setEnd(name.firstChild, at + word.length);
        return range.getClientRects().length > 1;
    });
}).map((name) => name.textContent)"""
"""The names of which a word stands in two lines."""


def test_the_link_that_the_server_prints_signs_in_and_keeps_the_token_out_of_the_address(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve()
    page = newcomer()
    page.goto(f"{server.http}/host#token={ADMIN_TOKEN}")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "token" not in page.url
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Admin token")).to_be_visible()
    page.goto(f"{server.http}/host#token={ADMIN_TOKEN}")  # in a tab that is there already
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_who_hosts_under_a_name_that_is_of_no_use_to_players_is_told(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve()
    for name in ("localhost", "127.0.0.1"):
        origin = f"http://{name}:{server.port}"
        conduct.origins.add(origin)
        host = Host(newcomer(), origin).sign_in(ADMIN_TOKEN, "bazaar")
        expect(host.region("Rounds")).to_contain_text("No other machine can open this")


def test_a_host_is_told_which_game_is_not_served_and_plays_another(
    newcomer: Newcomer, serve: Serve, tmp_path: Path
) -> None:
    store = tmp_path / "tradegame.db"
    trio.run(fill, str(store), 200)
    spoil(store, page_of_one_log(store, "bee"))
    server = serve(f"embedded:{store}", games=[])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "ant")
    expect(host.region("Health")).to_contain_text("not served: bee")
    Play(newcomer(), server.http).enter("Ann", game="ant")
    expect(host.region("Players")).to_contain_text("Ann")


def test_the_host_pauses_lets_it_go_on_and_gives_more_time(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 3_600})])
    rounds = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar").region("Rounds")
    play = Play(newcomer(), server.http).enter("Ann")
    clock, ticket = play.page.get_by_role("timer", name="Round clock"), play.region("Ticket")
    expect(clock).to_contain_text("Open")
    rounds.get_by_role("button", name="Pause").click()
    for shown in (rounds, clock):
        expect(shown).to_contain_text("Paused")
    expect(ticket).to_contain_text("The market is paused.")
    stands = clock.text_content()
    rounds.get_by_role("button", name="+30 s").click()
    expect(clock).not_to_have_text(stands or "")
    stands = clock.text_content()
    play.page.reload()
    expect(clock).to_have_text(stands or "")
    rounds.get_by_role("button", name="Go on").click()
    expect(clock).to_contain_text("Open")
    expect(ticket).not_to_contain_text("The market is paused.")


def auction() -> dict[str, Any]:
    """A double auction in wheat, whose values are drawn anew in each round."""
    return {"id": "auction", "cash": 1_000, "goods": {"wheat": {}}, "private_values": {"good": "wheat", "redraw": True}}


@pytest.mark.parametrize("preset", ["bazaar", "classroom", "pit"])
def test_a_game_is_made_of_each_preset_as_the_form_shows_it(newcomer: Newcomer, serve: Serve, preset: str) -> None:
    server = serve(games=[bazaar(id="first")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN)
    new = host.region("New game")
    new.get_by_role("combobox", name="Preset").select_option(preset)
    new.get_by_role("button", name="Create game").click()
    expect(host.region("Rounds")).to_contain_text(f"/{code_of(preset)}")
    made = ask(server, "GET", f"/games/{preset}")["rules"]
    (wanted,) = (each["definition"] for each in ask(server, "GET", "/presets")["presets"] if each["id"] == preset)
    assert (made["rounds"], made["cash"]) == (wanted["rounds"], wanted["cash"])


def test_news_that_moves_a_price_needs_a_good_with_a_house(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    news = host.region("News")
    news.get_by_role("textbox", name="Headline").fill("Rain at last")
    news.get_by_role("spinbutton").fill("-20")
    good = news.get_by_role("combobox")
    for chosen, said in (("", "Choose the good"), ("wood", "no house for wood")):
        good.select_option(chosen)
        news.get_by_role("button", name="Announce").click()
        expect(news.get_by_role("alert")).to_contain_text(said)
    assert ask(server, "GET", "/games/bazaar")["news"] == []
    good.select_option("grain")
    news.get_by_role("button", name="Announce").click()
    until(lambda: ask(server, "GET", "/games/bazaar")["news"], "the news")
    expect(news.get_by_role("alert")).to_be_empty()


def test_a_game_that_another_tab_deletes_is_gone_from_this_one(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(), bazaar(id="other", title="The other")])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    ask(server, "DELETE", "/games/bazaar")
    told = host.page.get_by_role("alert").filter(has_text="The bazaar is over: it was deleted.")
    expect(told).to_be_visible()
    expect(host.region("Rounds")).to_have_count(0)
    expect(host.region("Games")).not_to_contain_text("The bazaar")
    host.region("Games").get_by_role("button").click()
    expect(host.page.get_by_role("heading", name="The other")).to_be_visible()


def test_who_is_kicked_is_called_so_and_not_kicked_again(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        players = host.region("Players")
        expect(players.get_by_role("row", name=re.compile("^Ben here"))).to_be_visible()
        players.get_by_role("button", name="Kick Ben").click()
        host.page.get_by_role("dialog").get_by_role("button", name="Kick").click()
        expect(players.get_by_role("row", name=re.compile("^Ben kicked"))).to_be_visible()
        expect(players.get_by_role("button", name="Kick Ben")).to_be_hidden()


def test_who_is_removed_is_told_so_and_may_join_again_once_readmitted(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    ben = Play(newcomer(), server.http).enter("Ben")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    players = host.region("Players")
    players.get_by_role("button", name="Kick Ben").click()
    host.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(players.get_by_role("row", name=re.compile("^Ben removed"))).to_be_visible()
    expect(ben.page.get_by_role("alert")).to_contain_text("The host has removed you from this game.")
    host.page.reload()
    players.get_by_role("button", name="Readmit Ben").click()
    expect(players.get_by_role("row", name=re.compile("^Ben"))).to_have_count(0)
    ben.page.reload()
    expect(players.get_by_role("row", name=re.compile("^Ben here"))).to_be_visible()


def test_a_roster_is_pasted_and_says_which_line_is_no_name(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    roster = host.region("Roster")
    expect(roster).to_contain_text("Whoever has the address may join.")
    names = roster.get_by_role("textbox", name="Names, one a line")
    names.fill("Ada\n\n  Ben \nhouse\n")
    with conduct.allowing(r"roster: 400", r"status of 400"):
        roster.get_by_role("button", name="Save").click()
        expect(roster.get_by_role("alert")).to_contain_text("Line 4: ")
    names.fill("Ada\n\n  Ben \n")
    roster.get_by_role("button", name="Save").click()
    expect(roster).to_contain_text("Only these 2 names may join.")
    expect(roster.get_by_role("alert")).to_be_empty()
    assert ask(server, "GET", "/games/bazaar/roster")["names"] == ["Ada", "Ben"]
    host.page.reload()
    expect(names).to_have_value("Ada\nBen")
    names.fill("")
    roster.get_by_role("button", name="Save").click()
    expect(roster).to_contain_text("Whoever has the address may join.")


def test_a_log_without_names_has_none_and_what_was_said_only_if_it_is_wanted(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Benedikt") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("say", game="bazaar", text="good morning")
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        records = host.region("Records")
        hidden, talk = records.get_by_label("without names"), records.get_by_label("but with what was said")
        expect(talk).to_be_disabled()
        found = []
        for ticked in ([], [hidden], [talk]):
            for box in ticked:
                box.check()
            with host.page.expect_download() as download:
                records.get_by_role("link", name="Download log").click()
            log = download.value.path().read_text()
            found.append((download.value.suggested_filename, "Benedikt" in log, "good morning" in log))
        assert found == [
            ("bazaar.jsonl", True, True),
            ("bazaar-pseudonyms.jsonl", False, False),
            ("bazaar-pseudonyms.jsonl", False, True),
        ]


def test_the_tables_are_one_press_away_in_records_and_in_the_debrief(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "=1+1") as ben:
        ben.ask("join", game="bazaar")
        ben.ask("buy", game="bazaar", good="grain", qty=3)
        ben.ask("say", game="bazaar", text="good morning")
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        records = host.region("Records")

        def saved(region: Any, button: str) -> tuple[str, Path]:
            with host.page.expect_download() as download:
                region.get_by_role("link", name=button).click()
            expect(region.get_by_role("link", name=button)).to_be_enabled()
            return download.value.suggested_filename, download.value.path()

        name, file = saved(records, "Download workbook")
        assert name == "bazaar.xlsx"
        sheets = pandas.read_excel(file, sheet_name=None)
        assert list(sheets["players"]["name"]) == ["=1+1"]
        assert sheets["trades"]["qty"].sum() == 3
        records.get_by_label("without names").check()
        records.get_by_label("CSV with").select_option("semicolons")
        name, file = saved(records, "Download CSV (zip)")
        assert name == "bazaar-pseudonyms.zip"
        with zipfile.ZipFile(file) as archive:
            (row,) = csv.DictReader(io.StringIO(archive.read("players.csv").decode("utf-8-sig")), delimiter=";")
        assert row["player"] != ben.id
        assert row["name"].startswith("n-")
        turn(server, "closed")
        name, file = saved(host.region("Debrief"), "Download workbook")
        assert list(pandas.read_excel(file, sheet_name="results")["player"]) == [ben.id]


def test_who_is_to_be_erased_is_named_in_the_command_for_it(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Ben") as ben:
        ben.ask("join", game="bazaar")
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        host.region("Players").get_by_role("button", name="Kick Ben").click()
        dialog = host.page.get_by_role("dialog")
        dialog.get_by_text("Erase name and messages").click()
        expect(dialog).to_contain_text(f"tradegame erase {ben.id}")


def test_the_host_mutes_switches_the_chat_off_deletes_a_message_and_locks(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    with Player(server.url, "Ann") as ann:
        ann.ask("join", game="bazaar")
        ann.ask("say", game="bazaar", text="rude")
        ben = Play(newcomer(), server.http).enter("Ben")
        host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
        chat, dialog = host.region("Chat"), host.page.get_by_role("dialog")
        chat.get_by_role("button", name="Delete what Ann said: rude").click()
        expect(chat).not_to_contain_text("rude")
        expect(ben.region("Chat")).not_to_contain_text("rude")
        host.region("Players").get_by_role("button", name="Kick Ann").click()
        dialog.get_by_role("button", name="Mute").click()
        until(lambda: ann.ask("me", game="bazaar").get("muted"), "Ann is muted", page=host.page)
        host.region("Players").get_by_role("button", name="Kick Ann").click()
        dialog.get_by_role("button", name="Unmute").click()
        until(lambda: not ann.ask("me", game="bazaar").get("muted"), "Ann may speak", page=host.page)
        chat.get_by_role("button", name="Chat off").click()
        expect(ben.region("Chat").get_by_label("Message", exact=True)).to_be_disabled()
        chat.get_by_role("button", name="Chat on").click()
        expect(ben.region("Chat").get_by_label("Message", exact=True)).to_be_enabled()
        chat.get_by_role("button", name="Lock").click()
        expect(chat.get_by_role("button", name="Unlock")).to_be_visible()
        with Player(server.url, "Eve") as eve:
            assert eve.refused("join", game="bazaar")["code"] == "not_admitted"


def test_the_list_tells_the_phase_as_soon_as_the_game_in_hand_does_and_one_clock_ticks(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve(games=[bazaar(), bazaar(id="other", title="The other")])
    page = newcomer()
    page.add_init_script(TIMERS)
    host = Host(page, server.http).sign_in(ADMIN_TOKEN, "bazaar")
    for name in ("The other", "The bazaar") * 2:
        host.region("Games").get_by_role("button", name=name).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    until(lambda: page.evaluate("timers.size") == 1, "one clock", page=page)
    # the list itself is asked for every four seconds: not any more
    page.evaluate("window.setInterval(() => 0, 250); for (let timer = 0; timer < 1000; timer++) clearInterval(timer)")
    turn(server, "closed")
    expect(host.region("Games").get_by_role("button", name="The bazaar")).to_contain_text("Closed")


def test_past_the_last_round_the_clock_promises_no_number_of_rounds(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(rounds={"open_s": 600, "closed_s": 600, "repeat": 2})])
    wall = Watch(newcomer(), server.http).open()
    clock = wall.page.get_by_role("timer")
    expect(clock).to_contain_text("Round 1 of 2")
    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        for _ in range(2):
            ann.ask("buy", game="bazaar", good="grain", qty=1)
            turn(server, "closed")
            turn(server, "open")
    expect(clock).to_contain_text(re.compile(r"Round 3\s*(?!of)"))
    expect(clock).not_to_contain_text("of 2")


def test_a_browser_that_keeps_nothing_hosts_all_the_same(newcomer: Newcomer, serve: Serve) -> None:
    page = newcomer()
    page.add_init_script(DENIED)
    Host(page, serve().http).sign_in(ADMIN_TOKEN, "bazaar")


@pytest.mark.slow
def test_what_the_host_presses_is_given_up_when_nobody_answers_and_said_to_be_unknown(
    newcomer: Newcomer, serve: Serve, conduct: Conduct
) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    with conduct.allowing(r"/roster: 503", r"status of 503"):  # what the page asked by itself was in time for nothing
        server.pause()
        try:
            host.phase("Close")
            told = host.region("Rounds").get_by_role("alert")
            expect(told).to_contain_text("did not answer in 10 s. Whether it happened is not known")
        finally:
            server.resume()
        host.page.close()


def test_the_wall_has_all_results(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[auction()])
    for number in range(43):
        with Player(server.url, f"pupil {number}") as pupil:
            pupil.ask("join", game="auction")
    turn(server, "closed", "auction")
    wall = newcomer(viewport=WALL)
    wall.goto(f"{server.http}/host?game=auction&debrief")
    results = wall.get_by_role("region", name="Results")
    for number in (0, 42):  # nobody traded: all of them are first
        expect(results.get_by_role("row", name=re.compile(f"^1 pupil {number} "))).to_be_visible()
    assert results.evaluate("e => e.scrollHeight <= e.clientHeight"), "some are out of sight"
    first, second = (table.bounding_box() for table in results.get_by_role("table").all())
    assert first is not None
    assert second is not None
    assert second["x"] >= first["x"] + first["width"]


def test_the_debrief_says_what_it_draws_and_counts_one_as_one(newcomer: Newcomer, serve: Serve) -> None:
    settling = {"oil": {"endowment": 5, "settlement": {"values": [40, 80]}}}
    server = serve(games=[bazaar(goods=settling)])
    with Player(server.url, "Ann") as ann, Player(server.url, "Ben") as ben:
        for player in (ann, ben):
            player.ask("join", game="bazaar")
        ann.ask("order", game="bazaar", good="oil", side="ask", qty=1, price=60)
        ben.ask("buy", game="bazaar", good="oil", qty=1)
    turn(server, "closed")
    page = newcomer(viewport=WALL)
    page.goto(f"{server.http}/host?game=bazaar&debrief")
    oil = page.get_by_role("region", name="Debrief of oil")
    expect(oil).to_contain_text("1 unit in 1 trade, 60 to 60")
    expect(oil).to_contain_text("the line is what it was paid at")
    box = oil.get_by_role("img").bounding_box()
    assert box is not None
    assert box["width"] < 900


def test_the_debrief_draws_demand_after_the_tax_where_it_meets_supply(newcomer: Newcomer, serve: Serve) -> None:
    """A tax of 40 on buyers is drawn as if each unit were worth so much less to them."""

    def auction(game: str, values: list[int], **more: Any) -> dict[str, Any]:
        private = {"good": "wheat", "values": [values], "costs": [[90, 60, 30]]}
        return {"id": game, "goods": {"wheat": {}}, "cash": 1_000, "private_values": private, **more}

    tax = {"treatments": [{"from_round": 1, "buyer_tax": 40}]}
    server = serve(games=[auction("taxed", [150, 120, 80], **tax), auction("plain", [110, 80, 40])])
    drawn = {}
    page = newcomer(viewport=WALL)
    for game in ("taxed", "plain"):
        with Player(server.url, "Ann") as ann, Player(server.url, "Ben") as ben:
            for player in (ann, ben):
                player.ask("join", game=game)
            ben.ask("order", game=game, good="wheat", side="ask", qty=1, price=70)
            ann.ask("buy", game=game, good="wheat", qty=1)
        turn(server, "closed", game)
        page.goto(f"{server.http}/host?game={game}#token={ADMIN_TOKEN}")
        debrief = page.get_by_role("region", name="Debrief of wheat")
        drawn[game] = [debrief.locator(f"path.{name}").first.get_attribute("d") for name in ("demand", "supply")]
        expect(page.get_by_text("after the tax")).to_have_count(1 if game == "taxed" else 0)
        expect(page.get_by_text("Gains made, with the tax")).to_have_count(1 if game == "taxed" else 0)
    assert drawn["taxed"] == drawn["plain"]


def test_a_tape_that_is_cut_is_called_so(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[bazaar(open_orders=500)])
    with Player(server.url, "Ann") as ann, Player(server.url, "Ben") as ben:
        for player in (ann, ben):
            player.ask("join", game="bazaar")
        for _ in range(21):
            for _ in range(10):
                ann.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=5)
            ben.ask("buy", game="bazaar", good="wood", qty=10)
            ben.ask("order", game="bazaar", good="wood", side="ask", qty=10, price=5)
            ann.ask("buy", game="bazaar", good="wood", qty=10)
    turn(server, "closed")
    page = newcomer()
    page.goto(f"{server.http}/host?game=bazaar&debrief")
    expect(page.get_by_role("region", name="Debrief of wood")).to_contain_text("The last 200 trades, each at its price")


def test_a_name_is_not_broken_within_a_word_on_a_phone(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[auction()])
    long = ("Maximilian Oberhuber", "Anna-Katharina", "Konstantinos Papadopoulos")
    for name in (*long, *(f"pupil {number}" for number in range(12)), *long):  # two tables, one below the other
        with Player(server.url, name) as pupil:
            pupil.ask("join", game="auction")
    turn(server, "closed", "auction")
    page = newcomer(viewport=PHONE)
    page.goto(f"{server.http}/host?game=auction&debrief")
    results = page.get_by_role("region", name="Results")
    expect(results).to_contain_text("Konstantinos")
    assert results.evaluate(NAMES) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_while_a_round_is_open_the_players_come_before_the_debrief(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    order = "[...document.querySelectorAll('.main h2')].map((e) => e.textContent).slice(1, 4)"

    def until_order(*names: str) -> None:
        until(lambda: host.page.evaluate(order) == list(names), f"the order {names}", page=host.page)

    until_order("News", "Players", "Debrief")
    turn(server, "closed")
    until_order("Debrief", "News", "Players")
    turn(server, "open")
    until_order("News", "Players", "Debrief")
