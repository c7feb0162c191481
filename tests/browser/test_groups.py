"""Four markets of one definition: one door, one page for the host, one wall, one debrief."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.chromium import PHONE
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer, Serve
from tests.browser.hosting import ask, turn
from tests.browser.pages import Host, Play, Watch, until
from tests.browser.pseudo import speak
from tests.browser.test_accessibility import clean
from tests.browser.test_languages import check
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN
from tradegame.core.domain.codes import code_of

SOON = """const own = window.setInterval;
window.setInterval = (call, ms, ...more) => own(call, ms % 20000 === 0 ? 1500 : ms, ...more);"""
"""The wall turns to the next group sooner."""


HEADED = """table => {
    const shown = getComputedStyle(table.tHead).display !== "none";
    const head = (cell) => shown
        ? table.tHead.rows[0].cells[cell.cellIndex].textContent
        : getComputedStyle(cell, "::before").content.slice(1, -1);
    const cells = (row) => [...row.cells].filter((cell) => cell.querySelector("button") === null);
    return [...table.tBodies[0].rows].map((row) => cells(row).map(head));
}"""
"""What the cells of each row are headed by: in the first row, or each by itself."""


def lab(**fields: Any) -> dict[str, Any]:
    """Two groups in which one sells and one buys."""
    return {
        "id": "lab",
        "title": "The lab",
        "cash": 1_000,
        "goods": {"wheat": {}},
        "private_values": {"good": "wheat", "units": 1, "low": 20, "high": 180, "redraw": True},
        "groups": ["A", "B"],
        "wait_for_host": True,
        **fields,
    }


def group_of(page: Play) -> str:
    heading = page.page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("·")
    return heading.inner_text().split()[-1]


def role_of(player: Player, game: str) -> str:
    """Once the round has dealt to them."""
    return str(until(lambda: player.ask("me", game=game).get("role"), "a role"))


def trade(server: ServerProcess, prices: dict[str, int]) -> None:
    """Four people, two in each group, who trade at these prices."""
    people = [Player(server.url, f"p{number}") for number in range(4)]
    groups: dict[str, list[Player]] = {}
    for player in people:
        group = player.ask("join", game="lab")["me"]["group"]
        player.ask("join", game=group)
        groups.setdefault(group, []).append(player)
    turn(server, "open", "lab")
    for group, price in prices.items():
        for player in groups[group]:
            side = "ask" if role_of(player, group) == "seller" else "bid"
            player.ask("order", game=group, good="wheat", side=side, qty=1, price=price)
    for player in people:
        player.close()


def test_people_come_in_by_one_code_and_play_in_their_groups(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[lab()])
    pages = []
    for name in ("Ann", "Bob"):
        page = newcomer(viewport=PHONE)
        page.goto(f"{server.http}/{code_of('lab')}")
        page.get_by_role("textbox", name="Your name").fill(name)
        page.get_by_role("button", name="Play", exact=True).click()
        pages.append(Play(page, server.http))
    groups = [group_of(page) for page in pages]
    assert sorted(groups) == ["A", "B"]
    for page, group in zip(pages, groups, strict=True):
        page.page.reload()
        assert group_of(page) == group
        page.page.goto(f"{server.http}/?game=lab-{'BA'.index(group) + 1}")  # the other's
        assert group_of(page) == group


def test_the_host_runs_all_groups_by_one_set_of_buttons(newcomer: Newcomer, serve: Serve, conduct: Conduct) -> None:
    server = serve(games=[lab(rounds={"lobby_s": 0, "open_s": 600, "closed_s": 60, "repeat": 3})])
    ann = Play(newcomer(), server.http).enter("Ann", "lab")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "lab")
    rounds = host.region("Rounds")
    table = rounds.get_by_role("region", name="Groups")
    expect(table.get_by_role("row", name=re.compile("^A Round 1 Lobby"))).to_be_visible()
    expect(host.region("Games").get_by_role("button")).to_have_count(1)
    host.phase("Open")
    for name in "AB":
        expect(table.get_by_role("row", name=re.compile(f"^{name} Round 1 Open"))).to_be_visible()
    rounds.get_by_role("button", name="Pause", exact=True).click()
    expect(table.get_by_text("Paused")).to_have_count(2)
    rounds.get_by_role("button", name="Go on").click()
    expect(table.get_by_text("Open")).to_have_count(2)
    rounds.get_by_role("button", name="+30 s").click()
    expect(table.get_by_text(re.compile("^10:2"))).to_have_count(2)

    group = group_of(ann)
    players = host.region("Players")
    expect(players.get_by_role("row", name=re.compile(f"^Ann here · {group}"))).to_be_visible()
    players.get_by_role("button", name="Kick Ann").click()
    dialog = host.page.get_by_role("dialog")
    other = "B" if group == "A" else "A"
    expect(dialog.get_by_role("combobox", name="Group").get_by_role("option")).to_have_text([other])
    dialog.get_by_role("button", name="Other group").click()
    expect(players.get_by_role("row", name=re.compile(f"^Ann here · {other}"))).to_be_visible()
    expect(ann.page.get_by_role("heading", level=1)).to_contain_text(f"· {other}")

    ask(server, "POST", "/games/lab-1/phase", {"phase": "closed"})
    expect(table.get_by_role("row", name=re.compile("^A Round 1 Closed"))).to_be_visible()
    with conduct.allowing(r"pause: 409|time: 409", r"status of 409"):
        ask(server, "POST", "/games/lab-2/phase", {"phase": "lobby"})
        expect(table.get_by_role("row", name=re.compile("^B Round 1 Lobby"))).to_be_visible()
        rounds.get_by_role("button", name="Pause", exact=True).click()
        expect(rounds.get_by_role("alert")).to_contain_text("lab-2")
    table.get_by_role("button", name="Look at group B").click()
    expect(host.page.get_by_role("heading", level=1)).to_have_text("The lab · B")
    expect(host.region("Records").get_by_role("button", name="Delete game")).to_have_count(0)
    expect(host.region("Chat").get_by_role("table")).to_have_count(1)
    host.region("Rounds").get_by_role("button", name="All groups").click()
    expect(host.page.get_by_role("heading", level=1)).to_have_text("The lab")
    expect(host.region("Records").get_by_role("button", name="Delete game")).to_be_visible()
    expect(host.region("Records")).to_contain_text("Each group's log is on its own page.")
    chat = host.region("Chat")
    expect(chat).to_contain_text("Each group talks for itself")
    expect(chat.get_by_role("table")).to_have_count(0)
    chat.get_by_role("button", name="Lock").click()
    chat.get_by_role("button", name="Unlock").click()
    expect(host.page.get_by_text("New players can join again.")).to_be_visible()


def test_a_robot_sits_in_and_goes_from_the_page_of_all_groups(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[lab()])
    with Player(server.url, "Ann") as ann:
        ann.ask("join", game=ann.ask("join", game="lab")["me"]["group"])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "lab")
    players, dialog = host.region("Players"), host.page.get_by_role("dialog")
    for press, words in (("Let a robot sit in", "a robot sits in"), ("Take the robot away", "away")):
        players.get_by_role("button", name="Ann", exact=True).click()
        dialog.get_by_role("button", name=press).click()
        expect(players.get_by_role("row", name=re.compile(f"^Ann {words} · [AB]"))).to_be_visible()


def test_the_archives_of_workbooks_and_of_text_files_have_two_names(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[lab()])
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "lab")
    for button, called in (("Download workbook", "lab.zip"), ("Download CSV (zip)", "lab-csv.zip")):
        with host.page.expect_download() as download:
            host.region("Records").get_by_role("link", name=button).click()
        assert download.value.suggested_filename == called
        expect(host.region("Records").get_by_role("link", name=button)).to_be_enabled()


def test_the_host_makes_groups_by_a_number(newcomer: Newcomer, serve: Serve) -> None:
    server = serve()
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "bazaar")
    form = host.region("New game")
    form.get_by_label("Address of the game").fill("monday")
    form.get_by_label("Groups: so many markets").fill("3")
    form.get_by_role("button", name="Create game").click()
    expect(host.region("Rounds").get_by_role("region", name="Groups").get_by_role("row")).to_have_count(4)
    assert [each["name"] for each in ask(server, "GET", "/games/monday")["groups"]] == ["A", "B", "C"]


def test_the_debrief_compares_the_groups(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[lab()])
    trade(server, {"lab-1": 50, "lab-2": 60})
    turn(server, "closed", "lab")
    host = Host(newcomer(), server.http).sign_in(ADMIN_TOKEN, "lab")
    debrief = host.region("Debrief")
    table = debrief.get_by_role("region", name="Groups")
    expect(table.get_by_role("row", name=re.compile(r"^A 2 1 50\b"))).to_be_visible()
    expect(table.get_by_role("row", name=re.compile(r"^B 2 1 60\b"))).to_be_visible()
    plots = debrief.get_by_role("img", name=re.compile("^Prices"))
    expect(plots).to_have_count(2)
    scales = [plot.locator("text").all_inner_texts() for plot in plots.all()]
    assert scales[0] == scales[1]
    for width in (390, 768, 1024, 1366):
        host.page.set_viewport_size({"width": width, "height": 900})
        rows = debrief.locator(".compared table").evaluate(HEADED)  # with two more, if there was anything to gain
        assert [row[:4] for row in rows] == [["Group", "Players", "Trades", "Mean price"]] * 2, width
        heads = [["Group", "Round", "Phase", "Time left", "Players"]] * 2
        assert host.region("Rounds").locator("table.groups").evaluate(HEADED) == heads, width
        assert host.width_over() == 0, width
    alone = newcomer()
    alone.goto(f"{server.http}/host?game=lab&debrief")
    expect(alone.get_by_role("row", name=re.compile(r"^B 2 1 60\b"))).to_be_visible()


def test_the_wall_turns_through_the_groups_until_somebody_chooses_one(newcomer: Newcomer, serve: Serve) -> None:
    server = serve(games=[lab()])
    page = newcomer()
    page.add_init_script(SOON)
    wall = Watch(page, server.http).open("lab")
    title = page.get_by_role("heading", level=1)
    for name in "ABA":
        expect(title).to_have_text(f"The lab · {name}")
    expect(wall.region("Chart")).to_contain_text(code_of("lab"))
    strip = page.get_by_role("navigation", name="Groups")
    strip.get_by_role("button", name="B").click()
    expect(title).to_have_text("The lab · B")
    expect(strip.get_by_role("button", name="B")).to_be_focused()
    page.wait_for_timeout(4_000)  # two turns
    expect(title).to_have_text("The lab · B")
    ask(server, "DELETE", "/games/lab")
    expect(page.get_by_role("alert")).to_contain_text("lab")


def test_the_pages_of_groups_have_every_word_from_the_catalogues_and_are_whole(
    newcomer: Newcomer, serve: Serve
) -> None:
    server = serve(games=[lab()])
    trade(server, {"lab-1": 50, "lab-2": 60})
    turn(server, "closed", "lab")
    page = newcomer()
    speak(page)
    presets = ask(server, "GET", "/presets")["presets"]
    texts = [text for each in presets for text in (each["title"], each["about"], *each["definition"]["goods"])]
    own = ("The lab", "lab", "A", "B", "p0", "p1", "p2", "p3", *texts)
    for path, shown in (
        (f"host?game=lab#token={ADMIN_TOKEN}", ".compared"),
        ("host?game=lab-1", ".debrief figure"),
        ("host?game=lab&debrief", ".compared"),
        ("watch/lab", ".cover table"),
    ):
        page.goto(f"{server.http}/{path}")
        expect(page.locator(shown).first).to_be_visible()
        check(page, path, *own)
    plain = newcomer()
    for path, shown in (
        (f"host?game=lab#token={ADMIN_TOKEN}", ".compared"),
        ("host?game=lab&debrief", ".compared"),
        ("watch/lab", ".cover table"),
    ):
        plain.goto(f"{server.http}/{path}")
        expect(plain.locator(shown).first).to_be_visible()
        clean(plain, path)
