"""Pages for each player's own report, by the command line: whose is which, and what stays a secret."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.support.command_line import tradegame
from tests.support.domain import BEGIN, define_game
from tests.support.term import SEED, entries, log_of
from tradegame.controller.http import report_pages
from tradegame.core.domain.definition import GoodDefinition, PrivateValuesDefinition, to_json
from tradegame.core.domain.game import Game
from tradegame.core.games.export import base_line, end_line, entry_line
from tradegame.core.repositories import GameMeta, LogEntry, StoredGame
from tradegame.protocol.commands import Entry, Join, Reveal, SetPhase, encode_entry
from tradegame.protocol.report import Report

LASTING = define_game(
    goods={"wheat": GoodDefinition()}, private_values=PrivateValuesDefinition(good="wheat", units=2, low=20, high=60)
)


def class_log(*more: Entry) -> bytes:
    """A class whose values last, after its first round."""
    people = tuple(Join(player=name, name=f"=</script>{name}") for name in ("ann", "bob"))
    some = [Entry(BEGIN, people), Entry(BEGIN + 1, (SetPhase(phase="closed"),)), *more]
    meta = GameMeta("g", to_json(LASTING), "e", 3, 1, BEGIN)
    line, chain = base_line(StoredGame(meta, 1, 1, None))
    lines, game = [line], Game.create(LASTING, "e", BEGIN, 1)
    for number, entry in enumerate(some, 1):
        game.apply(entry)
        line, chain = entry_line(LogEntry(number, 1, f"n-{number}", encode_entry(entry)), chain)
        lines.append(line)
    return b"".join([*lines, end_line(len(some), chain)])


def pages(log: bytes, folder: Path, *flags: str) -> tuple[str, dict[str, Report]]:
    """What the command says, and the report in each player's page, by name."""
    file = folder / "game.jsonl"
    file.write_bytes(log)
    made = folder / "pages"
    result = tradegame("export", str(file), "-o", str(made), "--pages", *flags)
    assert result.exit_code == 0, result.output
    with (made / report_pages.INDEX).open(encoding="utf-8-sig", newline="") as index:
        rows = list(csv.DictReader(index))
    assert {row["file"] for row in rows} | {report_pages.INDEX} == {each.name for each in made.iterdir()}
    found = {}
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{32}\.html", row["file"])
        page = (made / row["file"]).read_text("utf-8")
        (data,) = re.findall(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
        found[row["name"]] = msgspec.json.decode(data, type=Report)
        assert found[row["name"]].player == row["player"]
        assert "</script>ann" not in page
    return result.output, found


def test_a_page_has_one_players_report_and_is_listed_by_name(tmp_path: Path) -> None:
    said, found = pages(class_log(Entry(BEGIN + 2, (Reveal(),))), tmp_path)
    assert "2 pages" in said
    assert "left out" not in said
    assert {name: report.name for name, report in found.items()} == {
        f"'=</script>{name}": f"=</script>{name}" for name in ("ann", "bob")
    }
    assert all(report.compared is not None and report.key == "" for report in found.values())


def test_while_private_values_last_places_are_left_out_unless_the_host_reveals_them(tmp_path: Path) -> None:
    for flags, secret in ((), True), (("--reveal",), False):
        folder = tmp_path / str(secret)
        folder.mkdir()
        said, found = pages(class_log(), folder, *flags)
        assert ("left out" in said) is secret
        assert {(report.secret, report.compared is None) for report in found.values()} == {(secret, secret)}


def test_a_page_is_whole_in_itself(tmp_path: Path) -> None:
    before, after = report_pages._frame()
    (imports,) = re.findall(r'<script type="importmap">(.*?)</script>', before)
    names = json.loads(imports)["imports"]
    modules = report_pages._modules("report/paper.js")
    assert names.keys() == modules.keys()
    for text in modules.values():
        assert set(re.findall(r'(?:from|import) "([^"]+)"', text)) <= names.keys()
    assert not re.search(r"(src|href)=|url\(|@import", before + after)
    assert "common/urls.js" not in modules, "it asks where it was loaded from"


@pytest.mark.parametrize("flags", [["--pages"], []])
def test_of_a_changed_log_nothing_is_made(tmp_path: Path, flags: list[str]) -> None:
    file = tmp_path / "game.jsonl"
    file.write_bytes(log_of(entries(SEED, 50))[:-5])
    result = tradegame("export", str(file), "-o", str(tmp_path / "made"), *flags)
    assert (result.exit_code, (tmp_path / "made").exists()) == (1, False)
