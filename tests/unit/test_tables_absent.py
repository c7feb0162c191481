"""Who was expected and never came has a row, too: a grade of none is not the same as no grade."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tests.support.domain import BEGIN
from tests.support.term import log_of
from tradegame.core.games.replay import Replay
from tradegame.core.tables.export import export
from tradegame.core.use_cases.rosters import set_roster
from tradegame.protocol.commands import Entry, Join, Remove
from tradegame.protocol.names import skeleton
from tradegame.protocol.seats import NewRoster

ANN, BOB, EVE = "p-annannannann", "p-bobbobbobbob", "p-eveeveeveeve"
ROSTER = "label,name,group,team\n4711,Ann,red,one\n4712,Cem,red,two\n4713,,blue,\n,Bob\n,Bob\n,Eve\n"


def test_who_is_on_the_roster_and_never_came_comes_last(tmp_path: Path) -> None:
    some = (
        set_roster(NewRoster(csv=ROSTER)),
        Join(player=ANN, name="Ann", skeleton=skeleton("Ann"), label="4711", look="4711"),
        Join(player=BOB, name="Bob", skeleton=skeleton("Bob")),
        Join(player=EVE, name="Eve", skeleton=skeleton("Eve")),
        Remove(account=EVE),
    )
    log = log_of(Entry(BEGIN + number, (command,)) for number, command in enumerate(some))
    export(Replay(io.BytesIO(log)), tmp_path / "term")
    text = (tmp_path / "term" / "players.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [tuple(row[name] for name in ("player", "label", "name", "group", "team", "removed")) for row in rows] == [
        (ANN, "4711", "Ann", "red", "one", "false"),
        (BOB, "", "Bob", "", "", "false"),
        (EVE, "", "Eve", "", "", "true"),
        ("", "4712", "Cem", "red", "two", "false"),
        ("", "4713", "", "blue", "", "false"),
        ("", "", "Bob", "", "", "false"),
    ]
    assert [row["rank"] for row in rows] == ["1", "1", "", "", "", ""]
    assert [row["joined_at"] == "" for row in rows] == [False] * 3 + [True] * 3
