"""What Biome does not break: long strings and comments."""

from __future__ import annotations

from pathlib import Path

from tests.support.process import REPOSITORY

COLUMNS = 120
PLACES = ("tradegame/controller/http/site", "tests/javascript", "tools/javascript", "docs/examples")
KINDS = {".js", ".mjs", ".ts", ".css", ".html"}


def is_ours(file: Path) -> bool:
    return file.suffix in KINDS and not {"node_modules", "vendor"} & set(file.parts)


def test_no_line_of_the_javascript_is_longer_than_120_columns() -> None:
    files = [file for place in PLACES for file in (REPOSITORY / place).rglob("*") if is_ours(file)]
    long = [
        f"{file.relative_to(REPOSITORY)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert len(files) > 80
    assert long == []
