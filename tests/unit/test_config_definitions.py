"""Game definitions from TOML and from the bodies of HTTP requests."""

from __future__ import annotations

from typing import Any

import pytest

from tradegame.core.domain.definition import GameDefinition, GoodDefinition, HouseDefinition, to_json
from tradegame.core.domain.definition_warnings import warnings
from tradegame.infra.config import (
    ConfigError,
    default_games,
    load_settings,
    parse_game_definition,
    structure_game_definition,
)
from tradegame.infra.config.presets import presets
from tradegame.protocol.errors import BadRequestError


def game(**fields: Any) -> dict[str, Any]:
    return {"id": "one", "goods": {"grain": {"house": {"anchor": 22}}}, **fields}


def warned(**fields: Any) -> list[tuple[str, str]]:
    return [(path, str(why)) for path, why in warnings(parse_game_definition(game(**fields)))]


def complaints(data: object, where: str = "$") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        structure_game_definition(data, where)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_left_out_has_its_default() -> None:
    expected = GameDefinition(id="one", goods={"grain": GoodDefinition(house=HouseDefinition(anchor=22))})
    assert structure_game_definition(game(), "$") == expected


def test_the_default_games_are_what_their_own_data_gives() -> None:
    for definition in default_games():
        assert structure_game_definition(to_json(definition), "$") == definition


def test_every_problem_has_its_path() -> None:
    house = {"anchor": True, "size": 5.7, "sise": 1}
    data = game(goods={"grain": {"house": house}, "wood": {"endowment": "1"}}, news=[{"at_s": 1}], cash=None, x=1)
    assert complaints(data) == [
        "$.cash: expected an integer, found null",
        "$.goods.grain.house.anchor: expected an integer, found true",
        "$.goods.grain.house.size: expected an integer, found 5.7",
        "$.goods.grain.house.sise: unknown, expected one of anchor, spread, step, levels, size, stock, cash, target, "
        "slope, tick_s, drift_bps; did you mean size?",
        '$.goods.wood.endowment: expected an integer, found "1"',
        "$.news[0].text: missing",
        "$.x: unknown, expected one of id, title, about, cash, fee_bps, open_orders, max_players, goods, rounds, "
        "news, news_a_round, private_values, practice, treatments, wait_for_host, anonymous, disconnect_grace_s, quiz, "
        "quiz_first, groups, group",
    ]


@pytest.mark.parametrize("data", [None, [], "game", 5, True])
def test_a_game_is_a_table(data: object) -> None:
    [line] = complaints(data, "games[3]")
    assert line.startswith("games[3]: expected a table, found ")


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("goods", [], "expected a table, found a list"),
        ("goods", {}, "expected 1 to 100 goods, found 0"),
        ("news", {}, "expected a list, found a table"),
        ("news", "abc", 'expected a list, found "abc"'),
        ("rounds", 5, "expected a table, found 5"),
        ("title", 5, "expected a string, found 5"),
        ("fee_bps", 10_001, "expected 0 to 10000, found 10001"),
    ],
)
def test_a_wrong_field_is_told(field: str, value: object, problem: str) -> None:
    assert complaints(game(**{field: value})) == [f"$.{field}: {problem}"]


def test_ranges_are_checked_under_the_path_too() -> None:
    data = game(goods={"grain": {"house": {"anchor": 0, "size": 0}}})
    assert complaints(data, "games[1]") == [
        "games[1].goods.grain.house.anchor: expected 1 to 1000000000, found 0",
        "games[1].goods.grain.house.size: expected 1 to 1000000, found 0",
    ]


def test_null_is_as_good_as_left_out_where_a_field_is_optional() -> None:
    assert structure_game_definition(game(rounds=None), "$").rounds is None


def test_a_long_wrong_value_is_cut_short() -> None:
    [line] = complaints(game(cash="9" * 10_000))
    assert len(line) < 120


def test_a_body_that_is_wrong_is_a_bad_request_at_its_first_problem() -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_game_definition(game(cash=1.5, fee_bps="x"))
    assert caught.value.at == "$.cash"
    assert caught.value.message == "expected an integer, found 1.5 (and 1 more)"
    with pytest.raises(BadRequestError, match=r"^expected an integer, found 1\.5$"):
        parse_game_definition(game(cash=1.5))


def test_two_games_of_one_id_are_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, {"games": [game(), game(id="two"), game()]})
    assert str(caught.value) == 'flag games: games[2].id: "one" is already the id of games[0]'


AUCTION: dict[str, Any] = {
    "goods": {"wheat": {}},
    "private_values": {"good": "wheat", "low": 20},
    "wait_for_host": True,
}


def test_the_presets_and_the_default_games_give_no_warning() -> None:
    assert [warnings(parse_game_definition(table)) for table in presets().values()] == [[], [], []]


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        (
            {"rounds": {"open_s": 60}, "news": [{"at_s": 59, "text": "!"}, {"at_s": 60, "text": "!"}]},
            ("news[1].at_s", "never comes: the round closes after 60 s"),
        ),
        (
            {
                "rounds": {"open_s": 60},
                "goods": {"oil": {"settlement": {"values": [1, 2, 3, 4], "hints_at_s": [0, 90]}}},
            },
            ("goods.oil.settlement.hints_at_s[1]", "never comes: the round closes after 60 s"),
        ),
        (
            {"goods": {"salt": {}}, "news": [{"at_s": 0, "text": "!", "good": "salt", "anchor_bps": 5}]},
            ("news[0].anchor_bps", "moves nothing: salt has no house"),
        ),
        (
            {"goods": {"salt": {"house": {"anchor": 2, "spread": 4}}}},
            ("goods.salt.house.spread", "never bids: around 2 its best bid is 0"),
        ),
        (
            {"goods": {"salt": {"house": {"anchor": 20, "cash": 18}}}},
            ("goods.salt.house.cash", "never bids: its best bid is 19"),
        ),
        (
            {"goods": {"salt": {"house": {"anchor": 20, "stock": 0}}}},
            ("goods.salt.house.stock", "offers nothing until it has bought"),
        ),
        ({"cash": 22}, ("cash", "buys nothing: the cheapest unit costs 23")),
        (
            {**AUCTION, "cash": 19},
            ("cash", "buys nothing: the cheapest unit costs 20"),
        ),
        (
            {**AUCTION, "wait_for_host": False},
            ("wait_for_host", "opens at once, before anybody is there: true lets the host open the first round"),
        ),
        (
            {"rounds": {"open_s": 60, "repeat": 2}, "treatments": [{"from_round": 3, "fee_bps": 1}]},
            ("treatments[0].from_round", "never comes by the clock: there are 2 rounds"),
        ),
        ({"treatments": [{"from_round": 2, "to_round": 3, "good": "grain"}]}, ("treatments[0]", "changes nothing")),
        (
            {"treatments": [{"from_round": 2, "to_round": 3, "ceiling": 22}]},
            ("treatments", "in round 2 the house offers no grain: its best ask is 23"),
        ),
        (
            {"treatments": [{"from_round": 2, "floor": 22}]},
            ("treatments", "in round 2 the house bids for no grain: its best bid is 21"),
        ),
        (
            {**AUCTION, "treatments": [{"from_round": 2, "buyer_tax": 100, "demand_shift": -60}]},
            ("treatments", "in round 2 nobody can gain: the best unit is worth 120, and costs 20"),
        ),
        (
            {"goods": {f"g{number}": {} for number in range(50)}, "max_players": 8_334},
            ("max_players", "with more than 8333 players a round change holds everybody up"),
        ),
        ({"quiz_first": True}, ("quiz_first", "keeps nobody from trading: there is no quiz")),
    ],
)
def test_what_is_valid_and_yet_does_nothing_is_a_warning(fields: dict[str, Any], warning: tuple[str, str]) -> None:
    assert warned(**fields) == [warning]


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({}, 20_000),
        ({"goods": {f"g{number}": {} for number in range(15)}}, 20_000),
        ({"goods": {f"g{number}": {} for number in range(100)}}, 4_545),
        ({"goods": {"v": {}}, "private_values": {"good": "v", "units": 20}}, 7_575),
        ({"goods": {"v": {}}, "private_values": {"good": "v", "units": 1, "values": [[9] * 20]}}, 7_575),
        ({"goods": {f"g{number}": {} for number in range(100)}, "max_players": 100_000}, 100_000),
    ],
)
def test_there_are_as_many_players_as_a_round_change_goes_through_in_time(fields: dict[str, Any], most: int) -> None:
    assert parse_game_definition(game(**fields)).most_players == most


def test_news_that_may_come_too_late_is_a_warning() -> None:
    news = [{"at_s": 50, "jitter_s": 9, "text": "!"}, {"at_s": 50, "jitter_s": 10, "text": "!"}]
    assert warned(rounds={"open_s": 60}, news=news) == [
        ("news[1].jitter_s", "may not come: the round closes after 60 s")
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"news": [{"at_s": 10**6, "text": "!"}]},
        {"cash": 23},
        {"cash": 0, "goods": {"grain": {"endowment": 1, "house": {"anchor": 22}}}},
        {"cash": 0, "goods": {"salt": {}, "grain": {"house": {"anchor": 22}}}},
        {"goods": {"salt": {"house": {"anchor": 2, "spread": 3}}}},
        {"treatments": [{"from_round": 2, "floor": 21, "ceiling": 23}]},
        {**AUCTION, "treatments": [{"from_round": 2, "buyer_tax": 100, "demand_shift": -59}]},
        {**AUCTION, "wait_for_host": False, "rounds": {"open_s": 60}},
        {"goods": {f"g{number}": {} for number in range(50)}, "max_players": 8_333},
        {"goods": {f"g{number}": {} for number in range(50)}},
    ],
)
def test_what_will_work_is_none(fields: dict[str, Any]) -> None:
    assert warnings(parse_game_definition(game(**fields))) == []


def test_an_unknown_mark_is_told_what_there_is() -> None:
    for value, shown in (("lest", '"lest"'), (5, "5"), ([], "a list")):
        expected = f"$.goods.grain.mark: expected one of anchor, bid, book, last, found {shown}"
        assert complaints(game(goods={"grain": {"mark": value}})) == [expected]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"groups": ["A"] * 2}, "$.groups[1]: expected a name that no other group has"),
        ({"groups": ["a b", "AB"]}, "$.groups[1]: expected a name that no other group has"),
        ({"groups": [" A"]}, "$.groups[0]: expected printable characters"),
        ({"groups": [str(number) for number in range(21)]}, "$.groups: expected at most 20 groups"),
        ({"groups": ["A" * 33]}, "$.groups[0]: expected 1 to 32 characters"),
        ({"id": "o" * 31, "groups": ["A"]}, "$.id: expected at most 32 characters, with -1 behind it"),
        ({"group": {"of": "lab", "name": "A"}}, "$.group: expected none: a game with groups makes them"),
    ],
)
def test_groups_have_names_that_differ_and_ids_that_fit(fields: dict[str, Any], complaint: str) -> None:
    (found,) = complaints(game(**fields))
    assert found.startswith(complaint)


def test_no_game_has_the_id_of_a_group() -> None:
    with pytest.raises(ConfigError, match='"one-1" is already the id of'):
        load_settings(None, {}, {"games": [game(groups=["A"]), {**game(), "id": "one-1"}]})
