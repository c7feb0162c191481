"""The catalogue of the pages against the protocol: whatever the wire names has words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

import tradegame.controller.http
from tradegame.core.use_cases.rosters import set_roster
from tradegame.infra.config.presets import presets
from tradegame.protocol.bounds import ID_PATTERN, Became, MarkSource, PhaseName, Role
from tradegame.protocol.errors import ALL
from tradegame.protocol.http import SeparatorName, UnreadyPart
from tradegame.protocol.names import is_name
from tradegame.protocol.reasons import REASONS
from tradegame.protocol.seats import NewRoster, NewSeat

CATALOGUES = sorted((Path(tradegame.controller.http.__file__).parent / "site" / "languages").glob("*.json"))
ENGLISH = json.loads(next(file for file in CATALOGUES if file.stem == "en").read_text(encoding="utf-8"))
OF_CLIENTS = {"closed", "unreachable", "unsent"}
"""The codes that tradegame.js has of its own."""


def words(area: str) -> set[str]:
    keys = [key.split(".") for key in ENGLISH]
    return {name for kind, name in keys if kind == area}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_language_has_every_word_in_the_same_order(file: Path) -> None:
    assert list(json.loads(file.read_text(encoding="utf-8"))) == list(ENGLISH)


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_nobody_can_be_called_what_the_pages_call_the_host(file: Path) -> None:
    """They would whisper in the host's name."""
    catalogue = json.loads(file.read_text(encoding="utf-8"))
    for key in ("names.host", "names.house"):
        assert not is_name(catalogue[key]), catalogue[key]


def test_every_error_code_has_words_and_no_other() -> None:
    codes = {name for name in words("error") if not name.isdigit()}
    assert codes == {error.code for error in ALL} | OF_CLIENTS


@pytest.mark.parametrize(
    ("area", "kind", "more"),
    [
        ("phase", PhaseName, {"paused"}),
        ("role", Role, set()),
        ("source", MarkSource, set()),
        ("separator", SeparatorName, set()),
        ("became", Became, set()),
        ("unready", UnreadyPart, set()),
    ],
)
def test_every_name_on_the_wire_has_words_and_no_other(area: str, kind: Any, more: set[str]) -> None:
    assert words(area) == set(get_args(kind)) | more


def test_every_reason_has_words_with_no_parameter_that_it_does_not_have() -> None:
    assert words("why") == set(REASONS)
    for name, said in REASONS.items():
        assert set(re.findall(r"{(\w+)}", ENGLISH[f"why.{name}"])) <= set(re.findall(r"{(\w+)}", said)), name


def test_the_presets_say_to_people_what_their_files_say() -> None:
    for name, preset in presets().items():
        assert (ENGLISH[f"preset.{name}"], ENGLISH[f"preset_about.{name}"]) == (preset["title"], preset["about"])
        for number, news in enumerate(preset.get("news", ()), 1):
            assert ENGLISH[f"preset_news.{name}_{number}"] == news["text"]
    assert words("preset") == words("preset_about") == set(presets())
    goods = {good for preset in presets().values() for good in preset["goods"]}
    assert words("preset_good") == goods
    assert {good: ENGLISH[f"preset_good.{good}"] for good in goods} == {good: good for good in goods}
    assert len(words("preset_news")) == sum(len(preset.get("news", ())) for preset in presets().values())


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_the_goods_of_the_presets_have_ids_that_a_game_takes(file: Path) -> None:
    catalogue = json.loads(file.read_text(encoding="utf-8"))
    goods = [catalogue[name] for name in catalogue if name.startswith("preset_good.")]
    assert len(set(goods)) == len(goods)
    assert all(map(ID_PATTERN.match, goods))


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_rosters_columns_are_called_by_names_that_the_server_knows(file: Path) -> None:
    columns = json.loads(file.read_text(encoding="utf-8"))["roster.columns"]
    seat = NewSeat("1", "Ann", "east", "reds")
    assert set_roster(NewRoster(csv=f"{columns}\n1,Ann,east,reds")) == set_roster(NewRoster(seats=(seat,)))
