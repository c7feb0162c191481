"""A log's tables in files: which, and where."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tradegame.core.games.replay import Replay
from tradegame.core.tables.csv_files import CsvFiles
from tradegame.core.tables.record import Tables
from tradegame.core.tables.rows import TABLES
from tradegame.core.tables.workbook import SHEET_ROWS, ExcelWorkbook


def export(
    replay: Replay,
    target: Path,
    separator: str = ",",
    progress: Callable[[int], None] = lambda done: None,
    sheet_rows: int = SHEET_ROWS,
) -> tuple[dict[str, int], list[str]]:
    """Write the tables of a log: ``NAME.xlsx`` is a workbook, ``NAME.zip`` CSV files, anything else a folder of them.

    Files of those names are replaced, once all is written. Returns how many rows each table has, and what there is to
    say of tables that a workbook had no room for. Raises WrongLogError and OSError; then nothing was replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".tradegame-export-", dir=target.parent) as name:
        folder = Path(name)
        book = target.suffix.lower() == ".xlsx"
        sheets = [kind.sheet for kind in TABLES]
        files = (
            ExcelWorkbook(folder / target.name, sheets, separator, sheet_rows) if book else CsvFiles(folder, separator)
        )
        tables = Tables(replay, files)
        try:
            tables.write(progress)
        finally:
            files.close()
        if target.suffix.lower() == ".zip":
            _pack(folder, target)
        else:
            into = target.parent if book else target
            into.mkdir(exist_ok=True)
            for file in folder.iterdir():
                file.replace(into / file.name)
    return tables.rows, [f"{sheet}: {note}" for sheet, note in files.notes().items()]


def _pack(folder: Path, target: Path) -> None:
    """All files of a folder in one archive, in the order of the tables."""
    packed = folder / "packed"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind in TABLES:
            archive.write(folder / f"{kind.sheet}.csv", f"{kind.sheet}.csv")
    packed.replace(target)
