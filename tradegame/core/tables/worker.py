"""``python -m tradegame.core.tables.worker FILE.xlsx|FILE.zip SEPARATOR``: tables of the log that comes on stdin.

With ``FILE.reports``: the players' own reports. What a server runs: a process of its own, so that a long replay takes
neither the interpreter nor, where others want it, the processor from those who play. One file is made: a workbook that
had no room for all rows becomes an archive of itself and the CSV files with the rest. Exit code 1: the log is wrong,
and stderr has the line.
"""

from __future__ import annotations

import os
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

from tradegame.core.games.replay import Replay, WrongLogError
from tradegame.core.tables import report_file
from tradegame.core.tables.export import export

NICE = 10


def main(arguments: list[str]) -> int:
    """The exit code."""
    target, replay = Path(arguments[0]), Replay(sys.stdin.buffer)
    with suppress(AttributeError, OSError):  # not on Windows, nor in each sandbox
        os.nice(NICE)
    notes: list[str] = []
    try:
        if target.suffix == report_file.SUFFIX:
            report_file.write(replay, target)
        else:
            _, notes = export(replay, target, arguments[1])
    except WrongLogError as wrong:
        print(f"line {replay.line}: {wrong}", file=sys.stderr)
        return 1
    if notes:
        _together(target)
    return 0


def _together(book: Path) -> None:
    files = sorted(book.parent.iterdir())
    with zipfile.ZipFile(book.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
            file.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
