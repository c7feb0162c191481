"""docs/protocol.md, read as far as a machine can: its tables, and the words that stand there as code."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from attrs import frozen

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"

_CODE = re.compile(r"`([^`]+)`")


@frozen
class Page:
    text: str

    @classmethod
    def read(cls) -> Page:
        return cls(PAGE.read_text("utf-8"))

    def rows(self, first_heading: str) -> list[list[str]]:
        """The cells of the rows of the table whose head begins with this, below the head; a cell as it is written."""
        lines = iter(self.text.splitlines())
        for line in lines:
            if line.startswith(f"| {first_heading} |"):
                next(lines)
                return [_cells(row) for row in takewhile(lambda line: line.startswith("|"), lines)]
        raise AssertionError(f"the page has no table that begins with {first_heading!r}")

    def row(self, beginning: str) -> str:
        """The one row, of whichever table, that begins with this."""
        (found,) = [line for line in self.text.splitlines() if line.startswith(f"| {beginning}")]
        return found

    def section(self, heading: str) -> str:
        """What stands below this heading, to the next one of its level."""
        found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", self.text, re.S | re.M)
        assert found is not None, f"the page has no heading {heading!r}"
        return found[1]

    @property
    def words(self) -> set[str]:
        """Every word that stands somewhere as code."""
        fenced = re.findall(r"^```(.*?)^```", self.text, re.S | re.M)
        inline = codes(re.sub(r"^```.*?^```", "", self.text, flags=re.S | re.M))
        return set(re.findall(r"\w+", " ".join([*fenced, *inline])))


def codes(cell: str) -> list[str]:
    """What stands between backticks."""
    return _CODE.findall(cell)


def words(codes: list[str]) -> set[str]:
    return {word for code in codes for word in re.findall(r"\w+", code)}


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]
