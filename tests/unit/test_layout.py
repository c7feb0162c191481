"""What holds for every file of the package."""

from __future__ import annotations

from pathlib import Path

import tradegame

MOST_LINES = 350


def test_no_file_is_longer_than_fits_in_the_head() -> None:
    package = Path(tradegame.__file__).parent
    lines = {str(file.relative_to(package)): len(file.read_text().splitlines()) for file in package.rglob("*.py")}
    assert {file: length for file, length in lines.items() if length > MOST_LINES} == {}
