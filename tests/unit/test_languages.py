"""The catalogue of the pages against the protocol: whatever the wire names has words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

import tradegame.controller.http
from tradegame.protocol.bounds import MarkSource, PhaseName, Role
from tradegame.protocol.errors import ALL
from tradegame.protocol.http import SeparatorName

ENGLISH = Path(tradegame.controller.http.__file__).parent / "site" / "languages" / "en.json"
OF_CLIENTS = {"closed", "unreachable", "unsent"}
"""The codes that tradegame.js has of its own."""


def words(area: str) -> set[str]:
    keys = [key.split(".") for key in json.loads(ENGLISH.read_text())]
    return {name for kind, name in keys if kind == area}


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
    ],
)
def test_every_name_on_the_wire_has_words_and_no_other(area: str, kind: Any, more: set[str]) -> None:
    assert words(area) == set(get_args(kind)) | more
