"""Names: which may be borne, which look alike, and what a second Anna is called in a game."""

from __future__ import annotations

import unicodedata

import pytest

from tests.support.domain import BEGIN, Table
from tradegame.core.domain import snapshot
from tradegame.protocol import confusables
from tradegame.protocol.commands import Entry, Join
from tradegame.protocol.names import is_name, skeleton

ZWNJ, ZWJ = "\u200c", "\u200d"


@pytest.mark.parametrize(
    "name",
    [
        f"host{ZWJ}",
        f"h{ZWNJ}ost",
        "\uff48\uff4f\uff53\uff54",  # full width
        "h\u043est",  # a Cyrillic o
        "\u0397OUSE",  # a Greek capital eta
        "\u041d\u03bf\u0455\u03a4",  # each letter of another script
        "HOST",
        "The  House",
        "the\u00a0house",
        "mlnt",
        "h\u034fost",
        "news\ufe0f",
        "f\u00adees",
    ],
    ids=ascii,
)
def test_what_looks_like_a_name_of_the_games_own_is_refused(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    "name",
    ["Robot 1", "robot", "R0B0T 10", "r\u043ebot 2", "Robot I", "Robot_7", "Robot1", "\U0001f916 Robot", "my robot"],
)
def test_nobody_is_called_like_a_robot(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("name", ["Robotnik", "Robotics", "Frobot", "Robert 1", "Roboter"])
def test_a_name_that_only_begins_like_a_robots_is_one(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "\u17b4",
        "a\u17b5",
        "\u2800",
        "\u3164",
        "\u0301",
        f"a{ZWJ}b",
        f"a{ZWNJ}",
        f"{ZWJ}a",
        f"\u0645{ZWNJ}",
        f"1{ZWJ}2",
        "a \ufe0f",
        "a\ufe0f\ufe0f",
        "a\u202eb",
        "a\u200bb",
        "a\u2060b",
        "a\tb",
        "a\U0001d159",
    ],
    ids=ascii,
)
def test_nothing_that_is_not_seen_is_part_of_a_name(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Anna",
        "Zoë",
        "Zoe\u0308",
        "O'Neil",
        "李小龙",
        "Hosta",
        "Anna (2)",
        f"می{ZWNJ}خواهم",  # Persian: between two Arabic letters
        f"क्{ZWJ}ष",  # Hindi: after a virama
        f"ශ්{ZWJ}රී",  # Sinhala
        f"র{ZWJ}্য",  # Bengali: before one
        "👩‍👩‍👧‍👦 family",
        "👨🏽‍🚀",
        "❤️‍🔥",
        "1️⃣",
    ],
)
def test_names_of_people_stay(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "ANNA"),
        ("Anna", "\u0410nn\u0430"),
        ("Zoë", "Zоё"),
        ("Zoë", "Zoe\u0308"),
        ("AI", "Al"),
        ("modern", "modem"),
        ("0skar", "Oskar"),
        (f"می{ZWNJ}خواهم", "میخواهم"),
        ("Ann  Lee", "Ann Lee"),
    ],
)
def test_names_that_look_the_same_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("Anna", "Anne"), ("Zoë", "Zoe"), ("An na", "Anna"), ("李", "季")])
def test_names_that_look_different_have_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_a_skeleton_is_its_own_and_no_entry_leads_to_another() -> None:
    prototypes = confusables.table()
    assert len(prototypes) > 2_000
    for code in prototypes:
        once = skeleton(chr(code))
        assert skeleton(once) == once
        assert unicodedata.normalize("NFKD", chr(code)) == chr(code)


# In a game


def joined(table: Table, player: str, name: str) -> str:
    look = skeleton(name)
    table.do(Join(player=player, name=name, skeleton="" if look == name else look))
    return table.game.state.players[player].name


def test_a_second_anna_is_anna_2() -> None:
    table = Table.of()
    names = [joined(table, f"p{n}", name) for n, name in enumerate(["Anna", "anna", "Аnnа", "Ben", "ANNA"])]
    assert names == ["Anna", "anna (2)", "Аnnа (3)", "Ben", "ANNA (4)"]


def test_a_number_that_somebody_bears_already_is_passed_over() -> None:
    table = Table.of()
    names = [joined(table, f"p{n}", name) for n, name in enumerate(["Anna (2)", "Anna", "Anna", "Anna (2)", "Anna"])]
    assert names == ["Anna (2)", "Anna", "Anna (3)", "Anna (2) (2)", "Anna (4)"]


def test_two_nodes_that_let_two_annas_in_at_once_give_them_two_names() -> None:
    """Each appends its own join, and knows nothing of the other's: the log's order decides."""
    table = Table.of()
    table.game.apply(Entry(BEGIN, (Join(player="a", name="Anna", skeleton="anna"),)))
    table.game.apply(Entry(BEGIN, (Join(player="b", name="Anna", skeleton="anna"),)))
    assert [player.name for player in table.game.state.players.values()] == ["Anna", "Anna (2)"]


def test_the_numbers_are_those_that_the_skeleton_of_the_whole_name_has() -> None:
    table = Table.of()
    shown = [joined(table, f"p{n}", "Anna") for n in range(130)]
    assert shown[-1] == "Anna (130)"
    assert len({skeleton(name) for name in shown}) == 130
    again = [joined(table, f"q{n}", name) for n, name in enumerate(shown)]
    assert not set(again) & set(shown)


def test_a_loaded_game_knows_the_names_that_are_taken() -> None:
    table = Table.of()
    for n in range(3):
        joined(table, f"p{n}", "Anna")
    loaded = Table(snapshot.load(snapshot.dump(table.game)))
    for each in (table, loaded):
        assert joined(each, "p3", "anna") == "anna (4)"
    assert snapshot.dump(loaded.game) == snapshot.dump(table.game)
