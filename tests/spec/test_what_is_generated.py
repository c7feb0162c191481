"""What is generated from the vocabulary, the JavaScript client's tables among it, is fresh."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.generate import FILES, is_bundled


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_generated_is_fresh(path: Path) -> None:
    old = path.read_text("utf-8")
    assert FILES[path](old) == old, f"{path.name} is stale: run make client"


def test_the_javascript_client_is_bundled_from_the_modules_that_are_there() -> None:
    assert is_bundled(), "tradegame.js is stale: run make client"
