"""A roster as the host gives it: what is understood, and how what is not is told."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradegame.core.use_cases.rosters import COLUMNS, set_roster
from tradegame.protocol.commands import SeatRow
from tradegame.protocol.errors import BadRequestError
from tradegame.protocol.seats import NewRoster, NewSeat


def seats(text: str) -> list[tuple[str, ...]]:
    return [(row.label, row.name, row.group, row.team) for row in set_roster(NewRoster(csv=text)).seats]


@pytest.mark.parametrize(
    "text",
    [
        "1,Ann,east,reds\n2,Bob,,",
        "\ufefflabel;name;group;team\r\n1;Ann;east;reds\r\n\r\n2;Bob;;\r\n",
        "Name\tLabel\tTeam\tGroup\nAnn\t1\treds\teast\nBob\t2",
        "Matrikelnummer;Name;Gruppe;Team\n1;Ann;east;reds\n2;Bob",
        "Student No.,Full name,Class,Team\n1,Ann,east,reds\n2,Bob",
        'label, name, group, team\n"1", "Ann", east, reds\n2, Bob',
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(text: str) -> None:
    assert seats(text) == [("1", "Ann", "east", "reds"), ("2", "Bob", "", "")]


def test_what_has_no_label_is_a_name() -> None:
    command = set_roster(NewRoster(csv="Ann\nBob\nAnn\n"))
    assert command.names == (("Ann", "ann"), ("Bob", "bob"), ("Ann", "ann"))
    assert command.seats == ()
    mixed = set_roster(NewRoster(csv="label,name\n1,Ann\n,Bob\n3,\n"))
    assert (mixed.names, [row.label for row in mixed.seats]) == ((("Bob", "bob"),), ["1", "3"])
    assert [row.label for row in set_roster(NewRoster(csv="label\n17\n18")).seats] == ["17", "18"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,Ann\n\n2,host", "line 3: expected 1 to 32 printable"),
        ("1,Ann\n2,Bob\n 1 ,Cid", "line 3: line 1 has the same label"),
        ("label,name\ns1,Ann\nS 1,Bob", "line 3: line 2 has the same label"),
        (f"{'x' * 65},Ann", "line 1: expected a label of 1 to 64"),
        ("1,J\ufffdrg", "line 1: expected 1 to 32 printable"),
        ("J\ufffdrg-1,Ann", "line 1: expected a label of 1 to 64"),
        ("1,Ann,a\u202eb", "line 1: expected a group of at most 32"),
        (f"1,Ann,,{'x' * 33}", "line 1: expected a team of at most 32"),
        ("label,name,group\n,Ann,east", "line 2: expected a label before group"),
        ("Surname,First name,ID\nMiller,Ann,1", "line 1: the first line names columns: Surname is none"),
        ("name,student\nAnn,1", "line 1: the first line names columns: student is none, or there twice"),
        ("1,Ann,a,b,c", "line 1: expected at most 4 cells"),
        ('1,"Ann\n2,Bob', "line 2: unexpected end of data"),
        ("\n".join(f"{number},Ann" for number in range(501)), "line 501: a roster has at most 500"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadRequestError, match=said) as refused:
        set_roster(NewRoster(csv=text))
    assert refused.value.at == "$.csv"


def test_lists_say_which_entry_is_wrong() -> None:
    for roster, at in [
        (NewRoster(names=("Ann", "the house")), "$.names[1]"),
        (NewRoster(seats=(NewSeat("1"), NewSeat("\u200b"))), "$.seats[1].label"),
        (NewRoster(seats=(NewSeat("1", "mint"),)), "$.seats[0].name"),
        (NewRoster(seats=(NewSeat("1", group="\n"),)), "$.seats[0].group"),
        (NewRoster(seats=(NewSeat("a"), NewSeat("A"))), "$.seats[1].label"),
        (NewRoster(csv="1,Ann", names=("Bob",)), "$.csv"),
        (NewRoster(names=(), pattern="("), "$.pattern"),
        (NewRoster(by_number=True), "$.pattern"),
        (NewRoster(), "$.names"),
        (NewRoster(by_number=True, names=("Ann",)), "$.pattern"),
    ]:
        with pytest.raises(BadRequestError) as refused:
            set_roster(roster)
        assert refused.value.at == at


def test_a_roster_becomes_a_command() -> None:
    roster = NewRoster(names=("Zoë",), seats=(NewSeat("S 1", "Ann", "east"),), by_number=True, pattern="s#")
    command = set_roster(roster, "k")
    assert (command.names, command.seats) == ((("Zoë", "zoe\u0308"),), (SeatRow("S 1", "s1", "Ann", "east"),))
    assert (command.by_number, command.pattern, command.key) == (True, "s#", "k")


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6)


@given(st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_a_table_comes_back_as_it_was_or_is_refused_with_a_line(rows: list[tuple[str, ...]], separator: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows([COLUMNS, *rows])
    try:
        command = set_roster(NewRoster(csv=written.getvalue()))
    except BadRequestError as error:
        refused: BadRequestError | None = error
    else:
        refused = None
    if refused is not None:
        assert refused.message.startswith("line ")
    else:
        told = [(row.label, row.name, row.group, row.team) for row in command.seats]
        stripped = [tuple(cell.strip() for cell in row) for row in rows]
        assert told == [row for row in stripped if row[0]]
        assert [name for name, _ in command.names] == [row[1] for row in stripped if not row[0] and row[1]]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_whatever_is_pasted_there_is_an_answer(text: str) -> None:
    with suppress(BadRequestError):
        set_roster(NewRoster(csv=text))


def test_a_seat_has_one_of_the_groups_there_are_or_none() -> None:
    groups = ("Red", "Blue")
    command = set_roster(NewRoster(csv="label,group\n1,BLUE\n2,\n3,r e d\n"), groups=groups)
    assert [row.group for row in command.seats] == ["Blue", "", "Red"]
    for roster, at, words in (
        (
            NewRoster(csv="label,group\n1,Blue\n2,green\n"),
            "$.csv",
            "line 3: expected one of the game's groups, Red, Blue",
        ),
        (NewRoster(seats=(NewSeat("1", group="green"),)), "$.seats[0].group", "expected one of"),
    ):
        with pytest.raises(BadRequestError, match=words) as refused:
            set_roster(roster, groups=groups)
        assert refused.value.at == at
    assert set_roster(NewRoster(csv="label,group\n1,green\n")).seats[0].group == "green"
