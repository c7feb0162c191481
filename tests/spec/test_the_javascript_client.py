"""tradegame.js says the same as the vocabulary, and what is generated from the vocabulary is fresh."""

from __future__ import annotations

import re

import pytest

from tests.support.process import REPOSITORY
from tools.generate import FILES, SITE, TABLES

SCRIPT = (SITE / "tradegame.js").read_text("utf-8")


def the_set(name: str) -> set[str]:
    """What a constant set of the client holds; sets in it are spread."""
    (inside,) = re.findall(rf"^const {name} = new Set\(\[(.*?)\]\);", SCRIPT, re.M)
    spread = [each for other in re.findall(r"\.\.\.(\w+)", inside) for each in the_set(other)]
    return {*re.findall(r'"(\w+)"', inside), *spread}


@pytest.mark.parametrize("name", ["KEYED", "READS", "LATER", "BEFORE_THE_KEY", "TROUBLE"])
def test_its_tables_are_those_of_the_vocabulary(name: str) -> None:
    assert the_set(name) == set(TABLES[name][1])


def test_its_subprotocol_and_close_codes_are_those_of_the_vocabulary() -> None:
    assert f'const PROTOCOL = "{TABLES["SUBPROTOCOL"][1]}";' in SCRIPT
    codes, first, last = TABLES["CLOSE_CODES"][1], *TABLES["STOP"][1]
    assert f"const GOING_AWAY = {codes['GOING_AWAY']};" in SCRIPT
    assert f"const ABNORMAL = {codes['LOST']};" in SCRIPT
    assert f"code >= {first} && code <= {last}" in SCRIPT
    explained = {
        int(code) for line in re.findall(r"^const WHY\w* = (.*);", SCRIPT, re.M) for code in re.findall(r"\d{4}", line)
    }
    assert explained <= set(codes.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_generated_is_fresh(path: object) -> None:
    for file, make in FILES.items():
        if file == path:
            old = file.read_text("utf-8")
            assert make(old) == old, f"{file.relative_to(REPOSITORY)} is stale: run python -m tools.generate"
