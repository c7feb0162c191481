"""docs/ against the code: its tables name what there is, with its defaults and ranges, and nothing else."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.support import views
from tradegame.controller import backlog
from tradegame.controller.websocket import handshake
from tradegame.core.domain import definition
from tradegame.core.domain.bounds import within
from tradegame.core.domain.game import Game
from tradegame.infra.config import Settings, parse_game_definition
from tradegame.infra.config.presets import presets
from tradegame.protocol.commands import Entry, Join
from tradegame.protocol.errors import BadRequestError

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(__file__).parents[2] / "tradegame"
HOSTING, PROTOCOL = ((DOCS / name).read_text() for name in ("hosting.md", "protocol.md"))

TABLES: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "The game": (definition.GameDefinition, ()),
    "A good: `goods.NAME`": (definition.GoodDefinition, ("goods", "tea")),
    "The house: `goods.NAME.house`": (definition.HouseDefinition, ("goods", "tea", "house")),
    "Settlement: `goods.NAME.settlement`": (definition.SettlementDefinition, ("goods", "oil", "settlement")),
    "Private values": (definition.PrivateValuesDefinition, ("private_values",)),
    "Rounds: `rounds`": (definition.RoundsDefinition, ("rounds",)),
    "Treatments: a `[[games.treatments]]` each": (definition.TreatmentDefinition, ("treatments", 0)),
    "Quiz: a `[[games.quiz]]` each": (definition.QuestionDefinition, ("quiz", 0)),
    "News: a `[[games.news]]` each": (definition.NewsDefinition, ("news", 0)),
}
"""Each chapter's table: the class whose fields it lists, and where one stands in ``WHOLE``."""

WHOLE: dict[str, Any] = {
    "id": "whole",
    "goods": {"tea": {"house": {"anchor": 30}}, "oil": {"settlement": {"values": [1, 2, 3]}}, "wheat": {}},
    "private_values": {"good": "wheat", "low": 0, "high": 10**9},
    "rounds": {"open_s": 60},
    "treatments": [{"from_round": 1}],
    "quiz": [{"text": "?", "choices": list("abcdef"), "right": 0}],
    "news": [{"at_s": 1, "text": "rain", "good": "tea"}] * 1_000,
}


def rows(chapter: str) -> dict[str, tuple[str, str]]:
    """The table's keys, each with the cells for default and range."""
    text = HOSTING.split(f"\n### {chapter}\n")[1].split("\n## ")[0].split("\n### ")[0]
    cells = [
        [cell.strip(" `") for cell in line.split("|")[1:4]] for line in text.splitlines() if line.startswith("| `")
    ]
    return {key: (default, given) for key, default, given in cells}


def number(text: str) -> int:
    return 10 ** int(text.removeprefix("10^")) if text.startswith("10^") else int(text.replace(" ", ""))


def takes(where: tuple[str | int, ...], key: str, value: int) -> bool:
    """Whether a game with this value at that place is one."""
    game = copy.deepcopy(WHOLE)
    place: Any = game
    for step in where:
        place = place[step]
    place[key] = value
    try:
        parse_game_definition(game)
    except BadRequestError:
        return False
    return True


@pytest.mark.parametrize("chapter", TABLES)
def test_every_key_of_a_game_is_in_the_table_with_its_default(chapter: str) -> None:
    kind, _ = TABLES[chapter]
    table = rows(chapter)
    assert set(table) == {field.name for field in attrs.fields(kind)}
    for field in attrs.fields(kind):
        default, _ = table[field.name]
        if field.default is attrs.NOTHING:
            assert default == "", f"{field.name} must be given"
        elif type(field.default) is int:
            assert number(default) == field.default, field.name
        else:
            assert default == {"": '""', False: "false", None: "none", (): "none"}[field.default], field.name


@pytest.mark.parametrize("chapter", TABLES)
def test_the_ranges_of_numbers_are_those_that_are_taken(chapter: str) -> None:
    kind, where = TABLES[chapter]
    table = rows(chapter)
    for field in attrs.fields(attrs.resolve_types(kind)):
        ranges = [bound for bound in getattr(field.type, "__metadata__", ()) if bound.ge is not None]
        found = re.fullmatch(r"(-?[\d ^]+) to ([\d ^]+)", table[field.name][1])
        if found is None:
            assert not ranges or field.name == "high", f"{field.name} has no range"
        elif ranges:
            low, high = map(number, found.groups())
            assert ranges == [within(low, high)], field.name
            assert takes(where, field.name, low)
            assert takes(where, field.name, high)
            assert not takes(where, field.name, low - 1)
            assert not takes(where, field.name, high + 1)


@pytest.mark.parametrize("preset", ["bazaar", "classroom", "pit"])
def test_every_field_of_what_is_shown_is_named_in_the_protocol(preset: str) -> None:
    game = Game.create(parse_game_definition(presets()[preset]), "e", 0, 1)
    game.apply(Entry(at=0, commands=tuple(Join(player=name, key=None, name=name) for name in ("ann", "ben"))))
    game.apply(Entry(at=3_000_000, commands=()))
    shown = [views.public_state(game.state), views.account(game.state, "ann"), views.debrief(game.state)]
    shown += [views.summary(game.state), *views.standings(game.state, 10)]
    words = set(re.findall(r"\w+", PROTOCOL))
    goods, players = set(game.state.markets), set(game.state.players)
    for name in {name for each in shown for name in names(each)} - goods - players:
        assert name in words, f"{name} is shown, and not in the protocol"


def names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for each in value.values() for name in names(each)}
    if isinstance(value, (list, tuple)):
        return {name for each in value for name in names(each)}
    return set()


def test_the_example_of_treatments_is_the_same_as_toml_and_as_json() -> None:
    (toml,) = re.findall(r"```toml\n(\[\[games\.treatments\]\].*?)```", HOSTING, re.DOTALL)
    (pasted,) = re.findall(r'```json\n("treatments": .*?)```', HOSTING, re.DOTALL)
    auction = {"id": "taxed", "goods": {"wheat": {}}, "private_values": {"good": "wheat"}, "wait_for_host": True}
    treatments = json.loads(f"{{{pasted}}}")
    assert tomllib.loads(toml)["games"] == treatments
    assert len(parse_game_definition({**auction, **treatments}).treatments) == 3


def test_the_bounds_of_the_security_page_are_in_the_code() -> None:
    page = (DOCS / "SECURITY.md").read_text()
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    names = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", page))
    assert len(names) > 20
    assert {name for name in names if not re.search(rf"^(\w+, )*{name}\b.* = ", code, re.MULTILINE)} == set()
    settings = Settings()
    for section, name in re.findall(r"`(limits|session|server)\.(\w+)`", page):
        assert hasattr(getattr(settings, section), name), f"{section}.{name}"


NO_BOUND_ON_CLIENTS = {
    "BYTES_A_UNIT",  # converts
    "FRAMING_BYTES",
    "MAX_ID",  # of a request's id: docs/protocol.md
    "MAX_NUMBER",
    "LEVEL_TRIES",
    "MAX_FUNDS",  # of a definition, which is the host's: docs/hosting.md
    "MAX_GROUPS",
    "MAX_PRICE",
    "MAX_QTY",
    "MAX_UNITS",
    "AT_ONCE",  # of sessions that the store is asked for at a time
    "BACKLOG_BYTES",  # the defaults of settings, which are on the page: see below
    "FRAME_BYTES",
    "OUTBOX_BYTES",
    "PART_BYTES",  # how a snapshot and a log are cut
    "GATHER_MOST_S",
}


def test_every_bound_in_the_code_is_on_the_security_page() -> None:
    page = set(re.findall(r"\w+", (DOCS / "SECURITY.md").read_text()))
    bound = re.compile(
        r"(?:^|_)(?:KEPT|MOST|MOST_S|AT_ONCE|BURST|PER_S|WAITING|BYTES|FRAGMENTS|FLIGHT|ROW|TRIES)$|^MAX_"
    )
    found = set()
    for folder in ("core", "controller", "infra/embedded", "infra/kv", "utils"):
        for path in (SOURCE / folder).rglob("*.py"):
            for names in re.findall(r"^([A-Z][A-Z0-9_]*(?:, [A-Z][A-Z0-9_]*)*)(?:: [^=]+)? = ", path.read_text(), re.M):
                found |= {name for name in names.split(", ") if bound.search(name)}
    assert found - page - NO_BOUND_ON_CLIENTS == set()


def test_what_a_part_takes_for_granted_is_the_default_of_its_setting() -> None:
    limits = Settings().limits
    assert limits.frame_bytes == handshake.FRAME_BYTES
    assert limits.outbox_bytes == handshake.OUTBOX_BYTES
    assert limits.outboxes_bytes == backlog.BACKLOG_BYTES
