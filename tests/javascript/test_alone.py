"""tradegame.js by itself: with a server that says what it is told to, on a clock that is moved by hand."""

from __future__ import annotations

import pytest

from tests.javascript.conftest import DIRECTORY
from tests.support.javascript import run

DEADLINE_S = 60.0
FILES = sorted(path.name for path in DIRECTORY.glob("unit/*.test.mjs"))


@pytest.mark.parametrize("file", FILES)
def test_the_client_keeps_what_its_tests_say(node: str, file: str) -> None:
    run([node, "--test-reporter=spec", f"unit/{file}"], DIRECTORY, DEADLINE_S)


def test_there_are_such_tests() -> None:
    assert FILES
