"""A lesson from ``tradegame serve`` to the grades: forty phones and a host, by what the pages say and their buttons.

Eight phones tell the same in less time. The pictures of docs/class.md are taken on the way:
``TRADEGAME_TEST_PICTURES=docs/images make test-browser ARGS='-m "browser and long" -k lesson'``.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pandas
import pytest
from attrs import frozen
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import PHONE, chromium
from tests.browser.conduct import Conduct
from tests.browser.conftest import Newcomer
from tests.browser.lesson import ADDRESS, PATIENCE_S, ROOT, Desk, Lesson, Pupil, Served, scanned, tradegame_serve
from tests.browser.screenshots import shrink
from tests.support.term import Ledger
from tradegame.cluster.processes.ports import quiet_ports
from tradegame.core.games.replay import Replay

PRESSES = 10
"""So many has the host until all trade, and a paste."""

NAMES = [
    *("Ada", "Ben", "Cem", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "June", "Kai", "Lou", "Mia", "Noor", "Oskar"),
    *("Pia", "Quinn", "Rosa", "Sami", "Tove", "Uma", "Vito", "Wanda", "Xenia", "Yuki", "Zoë", "Amir", "Bea", "Chidi"),
    *("Dora", "Emre", "Finn", "Gita", "Hugo", "Ines", "Jonas", "Kwame", "Leila", "Mateo", "Nora"),
]

PLAIN_HTTP = "^The Cross-Origin-Opener-Policy header has been ignored"
"""The browser says so of every page by plain http that is not of its own machine."""

Roster = list[tuple[str, str, str]]
"""Label, name and group of each."""


@pytest.fixture(scope="module")
def port() -> int:
    (port,) = quiet_ports(1)
    return port


@pytest.fixture(scope="module")
def browser(playwright: Playwright, port: int) -> Iterator[Browser]:
    with chromium(playwright, f"--host-resolver-rules=MAP {ADDRESS} 127.0.0.1:{port}", "--no-proxy-server") as started:
        yield started


@pytest.fixture
def served(port: int, conduct: Conduct, tmp_path: Path) -> Iterator[Served]:
    with tradegame_serve(tmp_path, port) as said, conduct.allowing(PLAIN_HTTP):
        conduct.origins |= {ROOT, said.origin}
        yield said


@frozen
class Album:
    """Pictures for the docs."""

    folder: Path

    def take(self, page: Page, name: str) -> None:
        path = self.folder / f"class-{name}.png"
        expect(page.locator(".toast")).to_have_count(0)
        page.screenshot(path=path, animations="disabled")
        shrink(path)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(Path(os.environ.get("TRADEGAME_TEST_PICTURES", tmp_path)))


@pytest.mark.parametrize("count", [8, pytest.param(40, marks=pytest.mark.long)])
def test_a_lesson_from_the_door_to_the_grades(count: int, served: Served, newcomer: Newcomer, album: Album) -> None:
    roster = [(f"24-{place:03}", name, "AB"[place % 2]) for place, name in enumerate(NAMES[:count], 1)]
    desk = Desk(newcomer(deadline_s=PATIENCE_S), served.root)
    sheet, wall = prepare(desk, served.link, roster)
    (game,) = parse_qs(urlsplit(desk.page.url).query)["game"]
    hasty = frozenset(NAMES[2:count:4])
    phone = partial(newcomer, viewport=PHONE, deadline_s=PATIENCE_S, instructed=False)
    lesson = Lesson(served, game, phone, hasty)
    album.take(sheet, "cards")
    doors = ways_in(lesson, sheet, wall, roster)
    look_in(lesson, doors, album)
    *_, late = doors
    lesson.come_in({name: door for name, door in doors.items() if name != late})
    expect(desk.region("Rounds")).to_contain_text(f"{count - 1} here, {count - 1} in all")
    players = desk.region("Players")
    expect(players.get_by_role("row", name=re.compile(r"\bready\b"))).to_have_count(count - 1)
    expect(players.get_by_role("button", name=re.compile("^Not ready"))).to_have_count(0)
    expect(wall.get_by_role("main")).to_contain_text(f"{count - 1} here, {count - 1} in all")
    expect(wall.get_by_text("What everybody earned is the host's to reveal.")).to_be_hidden()
    album.take(wall, "wall")
    desk.page.evaluate("scrollTo(0, 0)")
    album.take(desk.page, "host")
    desk.button("Rounds", "Start practice")
    lesson.come_in({late: doors[late]})
    lesson.dealt()
    for _ in lesson.trade(0):
        pass
    assert len(lesson.pupils) == count
    assert (desk.presses <= PRESSES, desk.pastes) == (True, 1), desk.presses
    desk.button("Rounds", "Stop")
    lesson.ended(0, "The practice round is over")

    desk.button("Rounds", "Next round")
    lesson.dealt()
    for turn, (buyer, seller) in enumerate(lesson.trade(1)):
        if turn == 1:
            album.take(buyer.page, "trade")
            pause(lesson, desk, buyer)
        if turn == 2:
            lesson.pupils[seller.name] = move(lesson, seller)
    desk.button("Rounds", "Stop")
    lesson.ended(1, "Round 1 is over")

    desk.button("Rounds", "Next round")
    lesson.dealt()
    drop_out(lesson, desk)
    for _ in lesson.trade(2):
        pass
    desk.button("Rounds", "End the game")
    desk.press(desk.page.get_by_role("dialog").get_by_role("button", name="End the game"))
    lesson.ended(2, "Round 2 is over")
    lesson.pupils[buyer.name].show("Chart")
    album.take(lesson.pupils[buyer.name].page, "over")
    best = max(lesson.pupils, key=lesson.total)
    expect(wall.locator(".winners")).to_contain_text(best)
    standings = wall.get_by_role("region", name="Standings")
    expect(standings.get_by_role("row").nth(1)).to_contain_text(f"{lesson.total(best):,}")
    expect(standings.get_by_label("all rounds")).to_be_hidden()
    album.take(wall, "wall-over")
    with desk.page.expect_download() as download:
        desk.press(desk.region("Records").get_by_role("link", name="Download workbook"))
    compare(download.value.path(), lesson, roster)


def prepare(desk: Desk, link: str, roster: Roster) -> tuple[Page, Page]:
    """A game, who is who, and how they come in: a sheet of cards, and the wall."""
    desk.page.goto(link)
    desk.presses += 1  # the link in the terminal
    desk.press(desk.region("New game").get_by_label("I start and stop rounds by hand"))
    desk.press(desk.region("New game").get_by_label("A practice round comes first"))
    desk.button("New game", "Create game")
    expect(desk.region("Rounds").get_by_role("button", name="Start practice")).to_be_visible()
    panel = desk.region("Roster")
    table = "\n".join("\t".join(line) for line in [("label", "name", "group"), *roster])
    desk.paste(panel.get_by_role("textbox", name="Names, one a line"), table)
    desk.press(panel.get_by_label("Enter by number"))
    desk.button("Roster", "Save")
    expect(panel).to_contain_text(f"{len(roster)} people have a seat.")
    sheet = desk.tab(panel.get_by_role("link", name="Links and QR codes"))
    wall = desk.tab(desk.region("Rounds").get_by_role("link", name="Put the market on the wall"))
    expect(sheet.get_by_role("listitem")).to_have_count(len(roster))
    return sheet, wall


def ways_in(lesson: Lesson, sheet: Page, wall: Page, roster: Roster) -> dict[str, tuple[str, str | None]]:
    """By name, the address that they open and the number that they type.

    A third scan their card, a third the wall, and a third type what is on it: the latter two enter by their number.
    """
    links = [each["url"] for each in lesson.get("/links").json()["links"]]
    cards = [unquote(card.get_attribute("src") or "") for card in sheet.get_by_role("img").all()]
    code = wall.get_by_role("main").get_by_role("img", name="QR").get_attribute("src") or ""
    shown = "http://" + wall.locator(".invitation .address").inner_text()
    on_the_wall = scanned(wall.request.get(code).text(), shown)
    doors: dict[str, tuple[str, str | None]] = {}
    for place, ((label, name, _), card) in enumerate(zip(roster, cards, strict=True)):
        ways = (scanned(card, *links), None), (on_the_wall, label), (shown.lower(), label)
        doors[name] = ways[place % len(ways)]
    return doors


def look_in(lesson: Lesson, doors: dict[str, tuple[str, str | None]], album: Album) -> None:
    """What a phone shows at the door, and then: one tries the card at home."""
    first, second, *_ = doors
    door = lesson.phone()
    door.goto(doors[second][0])
    expect(door.get_by_role("textbox", name="Your number")).to_be_visible()
    album.take(door, "door")
    door.close()
    home = Pupil(lesson.phone(), first, reads=False)
    home.page.goto(doors[first][0])
    home.arrived()
    expect(home.page.get_by_role("dialog", name="Instructions")).to_be_visible()
    side = re.compile("Whether you buy or sell is told when the round opens.$")
    expect(home.page.get_by_label("For you alone")).to_have_text(side)
    album.take(home.page, "guide")
    home.page.close()


def pause(lesson: Lesson, desk: Desk, buyer: Pupil) -> None:
    """The market stops for everybody, and goes on with the offer that rested."""
    desk.button("Rounds", "Pause")
    for pupil in lesson.pupils.values():
        pupil.clock("Paused")
    expect(buyer.fill_ticket("Buy", "Now", 1)).to_be_disabled()
    expect(buyer.show("Ticket")).to_contain_text("The market is paused.")
    desk.button("Rounds", "Go on")
    buyer.clock("Round 1Open")


def move(lesson: Lesson, pupil: Pupil) -> Pupil:
    """The same player with the same order on another phone, by the code that the old one shows; which is gone then."""
    pupil.show("Standings")
    pupil.page.get_by_role("button", name="Another device").locator("visible=true").click()
    dialog = pupil.page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("Good once, for")
    other = Pupil(lesson.phone(), pupil.name, reads=pupil.reads)
    other.page.goto("http://" + dialog.locator(".address").inner_text())
    other.page.get_by_text("I already play on another device").click()
    other.page.get_by_role("textbox", name="Code").fill(dialog.locator(".device-code").inner_text().lower())
    other.page.get_by_role("button", name="Play on here").click()
    other.arrived()
    expect(other.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))).to_be_visible()
    pupil.page.close()
    return other


def drop_out(lesson: Lesson, desk: Desk) -> None:
    """Somebody's phone is gone. A robot sits in for them and trades, until they are back."""
    (_, absent), (cost, seller) = lesson.offers(True)[0], lesson.offers(False)[-1]
    phone = absent.page.context
    absent.page.close()
    desk.player(absent.name, "away")
    desk.button("Players", absent.name)
    desk.press(desk.page.get_by_role("dialog").get_by_role("button", name="Let a robot sit in"))
    desk.player(absent.name, "a robot sits in")
    before = lesson.volume
    seller.rest("Sell", 1, cost)
    lesson.traded_since(before, seller.page)
    back = lesson.pupils[absent.name] = Pupil(phone.new_page(), absent.name, reads=absent.reads)
    back.page.goto(f"{ROOT}/?game={lesson.game}")
    back.arrived()
    desk.player(absent.name, "here")


def compare(workbook: Path, lesson: Lesson, roster: Roster) -> None:
    """What the host takes home is what the log tells, what the phones did, and what they said."""
    sheets = pandas.read_excel(workbook, sheet_name=None, keep_default_na=False, na_values=[""])
    players, rounds, trades, orders = (sheets[name] for name in ("players", "rounds", "trades", "orders"))
    assert sorted(zip(players["label"], players["name"], players["group"], strict=True)) == roster
    assert not players["robot"].any()
    assert [*zip(rounds["round"], rounds["practice"], strict=True)] == [(0, True), (1, False), (2, False)]

    log = lesson.get("/log").content
    ledger, replay = Ledger(Replay(io.BytesIO(log)).begin()), Replay(io.BytesIO(log))
    replay.begin()
    for _ in ledger.play(entry for entry, _ in replay.entries()):
        pass
    counted = orders["kind"].value_counts()
    assert counted["limit"] == ledger.counts["order"]
    assert counted["market"] == ledger.counts["buy"] + ledger.counts["sell"]
    assert len(trades) == ledger.counts["trades"]
    trades["notional"] = trades["qty"] * trades["price"]
    for column, expected in (("qty", ledger.volume), ("notional", ledger.notional)):
        assert trades.groupby(["round", "good"])[column].sum().to_dict() == expected

    names = dict(zip(players["player"], players["name"], strict=True))
    found = {(row.round, names[row.buyer], names[row.seller], row.price) for row in trades.itertuples()}
    assert found > lesson.deals
    assert len(trades) == len(lesson.deals) + 1, "and what the robot bought"
    assert len(set(orders[orders["by_robot"]]["player"])) == 1
    results = {(row.round, names[row.player]): (row.gain, row.rank) for row in sheets["results"].itertuples()}
    assert results == lesson.told
    totals = {name: lesson.total(name) for name in names.values()}
    assert dict(zip(players["name"], players["total"], strict=True)) == totals
