"""Tables as an Excel workbook: a sheet a table, written row by row into temporary files (XlsxWriter's constant_memory).

Every cell is written as what its column is. So a text stays a text, whatever it looks like: no formula, no link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from tradegame.core.tables.columns import Column, Kind
from tradegame.core.tables.csv_files import CsvFiles
from tradegame.core.tables.record import Put

SHEET_ROWS = 1_048_576
"""What a sheet of Excel holds, its header included."""
EXACT = 10**15
"""Excel shows 15 digits of a number: one that has more is written as a text."""
_DAY_MS, _UNIX_EPOCH = 86_400_000, 25_569
"""Excel counts days, and has this number for 1 January 1970."""
_WIDTHS: Mapping[Kind, int] = {Kind.TEXT: 32, Kind.TIME: 24, Kind.ID: 17}


class _Sheet(Worksheet):  # type: ignore[misc]
    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
        """XlsxWriter takes a text from <r> to </r> for its own XML, and would write down what players say unescaped."""
        self._xml_inline_string(string, True, attributes)


class ExcelWorkbook:
    """The workbook ``file``. What finds no room in a sheet goes on in ``{file's name}-{table}.csv`` beside it."""

    def __init__(self, file: Path, sheets: Iterable[str], separator: str = ",", rows: int = SHEET_ROWS) -> None:
        """``sheets``: all tables, in their order. ``rows``: in a sheet, the header included."""
        self._stem, self._rows = file.stem, rows
        self._rest, self._left_out = CsvFiles(file.parent, separator), dict[str, int]()
        options = {"constant_memory": True, "tmpdir": str(file.parent)}
        self._book = Workbook(str(file), options)
        self._head = self._book.add_format({"bold": True, "bottom": 1})
        self._whole = self._book.add_format({"num_format": "0"})  # else 123456789012 is 1.23E+11
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._sheets = {sheet: self._book.add_worksheet(sheet, _Sheet) for sheet in sheets}

    def begin(self, sheet: str, header: Sequence[Column]) -> Put:
        """See `Sink`."""
        into, spill, row = self._sheets[sheet], None, 0
        into.freeze_panes(1, 0)
        for place, column in enumerate(header):
            into.set_column(place, place, _WIDTHS.get(column.kind, max(10, len(column.name) + 2)))
            into.write_string(0, place, column.name, self._head)
        writers = [self._writer(into, column.kind) for column in header]

        def put(cells: Sequence[Any]) -> None:
            nonlocal row, spill
            row += 1
            if row >= self._rows:
                if spill is None:
                    spill = self._rest.begin_as(self._rest_of(sheet), header)
                self._left_out[sheet] = row - self._rows + 1
                spill(cells)
                return
            for place, value in enumerate(cells):
                if value is not None:
                    writers[place](row, place, value)

        return put

    def notes(self) -> Mapping[str, str]:
        """See `Sink`."""
        return {
            sheet: f"{self._rows - 1} rows are in this workbook, {rows} more in {self._rest_of(sheet)}"
            for sheet, rows in self._left_out.items()
        }

    def close(self) -> None:
        """All rows are written."""
        self._rest.close()
        self._book.close()

    def _rest_of(self, sheet: str) -> str:
        return f"{self._stem}-{sheet}.csv"

    def _writer(self, sheet: Any, kind: Kind) -> Callable[[int, int, Any], Any]:
        if kind is Kind.INTEGER:
            number, text, whole = sheet.write_number, sheet.write_string, self._whole

            def write_integer(row: int, place: int, value: int) -> None:
                if abs(value) < EXACT:
                    number(row, place, value, whole)
                else:
                    text(row, place, str(value))

            return write_integer
        if kind is Kind.TIME:
            write, style = sheet.write_number, self._time
            return lambda row, place, ms: write(row, place, ms / _DAY_MS + _UNIX_EPOCH, style)
        if kind is Kind.FLAG:
            return sheet.write_boolean  # type: ignore[no-any-return]
        return sheet.write_string  # type: ignore[no-any-return]
