"""Who was expected and never came has a row, too: a grade of none is not the same as no grade."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from tests.support.domain import BEGIN
from tests.support.term import log_of
from tradegame.core.games.pseudonyms import Pseudonyms
from tradegame.core.games.replay import Replay
from tradegame.core.tables.export import export
from tradegame.core.use_cases.rosters import set_roster
from tradegame.protocol.commands import Command, Entry, Join, Remove, decode_entry, encode_entry
from tradegame.protocol.names import skeleton
from tradegame.protocol.seats import NewRoster

ANN, BOB, EVE = "p-annannannann", "p-bobbobbobbob", "p-eveeveeveeve"
ROSTER = "label,name,group,team\n4711,Ann,red,one\n4712,Cem,red,two\n4713,,blue,\n,Bob\n,Bob\n,Eve\n"


COMMANDS = (
    set_roster(NewRoster(csv=ROSTER)),
    Join(player=ANN, name="Ann", skeleton=skeleton("Ann"), label="4711", look="4711"),
    Join(player=BOB, name="Bob", skeleton=skeleton("Bob")),
    Join(player=EVE, name="Eve", skeleton=skeleton("Eve")),
    Remove(account=EVE),
)


def exported(directory: Path, *commands: Command, rewrite: Callable[[bytes], bytes] = bytes) -> list[dict[str, str]]:
    """The rows of the table players of a log of these commands."""
    entries = [encode_entry(Entry(BEGIN + number, (command,))) for number, command in enumerate(commands)]
    log = log_of(decode_entry(rewrite(value)) for value in entries)
    export(Replay(io.BytesIO(log)), directory / "term")
    text = (directory / "term" / "players.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_who_is_on_the_roster_and_never_came_comes_last(tmp_path: Path) -> None:
    rows = exported(tmp_path, *COMMANDS)
    assert [tuple(row[name] for name in ("player", "label", "name", "group", "team", "removed")) for row in rows] == [
        (ANN, "4711", "Ann", "red", "one", "false"),
        (BOB, "", "Bob", "", "", "false"),
        (EVE, "", "Eve", "", "", "true"),
        ("", "4712", "Cem", "red", "two", "false"),
        ("", "4713", "", "blue", "", "false"),
        ("", "", "Bob", "", "", "false"),
    ]
    assert {row["rank"] for row in rows} == {""}  # no round was played
    assert [row["joined_at"] == "" for row in rows] == [False] * 3 + [True] * 3


def test_of_two_with_one_name_both_came(tmp_path: Path) -> None:
    joins = [Join(player=player, name="Bob", skeleton=skeleton("Bob")) for player in (ANN, BOB)]
    rows = exported(tmp_path, set_roster(NewRoster(names=("Bob", "Bob", "Bob"))), *joins)
    assert [(row["player"], row["name"]) for row in rows] == [(ANN, "Bob"), (BOB, "Bob (2)"), ("", "Bob")]


def test_without_names_too_only_those_are_missing_who_never_came(tmp_path: Path) -> None:
    names = [f"Pupil {chr(65 + number)}" for number in range(20)]
    joins = [
        Join(player=f"p-{number:012}", name=name, skeleton=skeleton(name)) for number, name in enumerate(names[:-2])
    ]
    hide = Pseudonyms(b"a key of sixteen bytes", chat=False).entry
    rows = exported(tmp_path, set_roster(NewRoster(names=tuple(names))), *joins, rewrite=hide)
    assert [bool(row["player"]) for row in rows] == [True] * 18 + [False] * 2
