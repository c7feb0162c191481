"""Tables as CSV: RFC 4180 (a header, CRLF, quotes only where they are needed) in UTF-8, with a byte order mark.

Without the mark Excel takes the file for one in the machine's old code page, and no name with an umlaut survives.

**What people write may be a formula to a spreadsheet** that opens the file: ``=HYPERLINK(…)``, said in the chat, sends
the host's data away. So an apostrophe goes in front of what would begin one, at the beginning of a text and wherever a
program that splits at another separator, or at a quotation mark, would begin a cell. Of the two ways that there are
(to leave it as it is and to warn, or this) this one protects those who read no warning. It is undone exactly by
`unguarded`: an apostrophe in such a place gets another one, too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import define, field

from tradegame.core.tables.columns import Column, Kind, spelled
from tradegame.core.tables.record import Put
from tradegame.protocol.http import SeparatorName

SEPARATORS: Mapping[SeparatorName, str] = {"comma": ",", "semicolon": ";", "tab": "\t"}
_BEGIN = r"""(^|[\t\n\r;,|"])"""
_FORMULA = r"(?=['=+\-@＝＋－＠])"
_UNGUARDED, _GUARDED = re.compile(_BEGIN + _FORMULA), re.compile(_BEGIN + "'" + _FORMULA)


def guarded(text: str) -> str:
    """A text of which no spreadsheet makes a formula."""
    return _UNGUARDED.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """The text that ``guarded`` was given."""
    return _GUARDED.sub(r"\1", text)


def _flag(value: bool) -> str:
    return "true" if value else "false"


_SPELLING: Mapping[Kind, Callable[[Any], str]] = {Kind.TEXT: guarded, Kind.TIME: spelled, Kind.FLAG: _flag}


@define
class CsvFiles:
    """A file a table in ``folder``, which is there: ``trades.csv`` and so on."""

    folder: Path
    separator: str = ","
    _files: ExitStack = field(factory=ExitStack, init=False)

    def begin(self, sheet: str, header: Sequence[Column]) -> Put:
        """See `Sink`."""
        return self.begin_as(f"{sheet}.csv", header)

    def begin_as(self, name: str, header: Sequence[Column]) -> Put:
        """The same, in a file of this name."""
        file = self._files.enter_context((self.folder / name).open("w", encoding="utf-8-sig", newline=""))
        write = csv.writer(file, delimiter=self.separator, lineterminator="\r\n").writerow
        write([column.name for column in header])
        spell = [(place, _SPELLING[column.kind]) for place, column in enumerate(header) if column.kind in _SPELLING]

        def put(cells: Sequence[Any]) -> None:
            row = list(cells)
            for place, spelling in spell:
                if row[place] is not None:
                    row[place] = spelling(row[place])
            write(row)

        return put

    def notes(self) -> Mapping[str, str]:
        """Everything finds room."""
        return {}

    def close(self) -> None:
        """All rows are written."""
        self._files.close()
