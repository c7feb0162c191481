"""A roster as the host gives it: lists, or a table pasted out of a spreadsheet; checked, and made a command."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from tradegame.protocol.bounds import LABEL_LENGTH, SEATS
from tradegame.protocol.commands import SeatRow, SetRoster
from tradegame.protocol.errors import BadRequestError
from tradegame.protocol.labels import LABEL_EXPECTED, PATTERN_EXPECTED, is_label, is_pattern, look
from tradegame.protocol.names import NAME_EXPECTED, is_name, is_printable, skeleton
from tradegame.protocol.seats import NewRoster, NewSeat

COLUMNS = ("label", "name", "group", "team")
"""The order of a table's columns if its first line does not name them."""
SEPARATORS = ",;\t"
NAME_LENGTH = PART_LENGTH = 32

_Place = str
"""Where in what was given: for the message, and for ``at``."""


def set_roster(roster: NewRoster, key: str | None = None) -> SetRoster:
    """The command. Raises BadRequestError, which names the line of a table, or the place in a list."""
    names, seats = list(roster.names or ()), list(roster.seats or ())
    if roster.names is None and roster.seats is None and roster.csv is None and not roster.by_number:
        raise BadRequestError("expected names, seats or csv: empty ones let everybody in", at="$.names")
    if roster.csv:
        if names or seats:
            raise BadRequestError("expected a table or lists, not both", at="$.csv")
        names, seats = _of_table(roster.csv)
    else:
        for place, name in enumerate(names):
            _check_name(name, f"$.names[{place}]")
        for place, seat in enumerate(seats):
            _check_seat(seat, f"$.seats[{place}]")
    if roster.pattern and not is_pattern(roster.pattern):
        raise BadRequestError(f"expected {PATTERN_EXPECTED}", at="$.pattern")
    if roster.by_number and not (seats or roster.pattern):
        raise BadRequestError("expected seats, or the pattern of a number", at="$.pattern")
    rows = [SeatRow(seat.label, look(seat.label), seat.name or "", seat.group, seat.team) for seat in seats]
    _check_unique(rows)
    return SetRoster(
        names=tuple((name, skeleton(name)) for name in names),
        seats=tuple(rows),
        by_number=roster.by_number,
        pattern=roster.pattern,
        key=key,
    )


def _of_table(text: str) -> tuple[list[str], list[NewSeat]]:
    """Rows with a label are seats, those with a name alone are names."""
    names, seats, lines = list[str](), list[NewSeat](), list[int]()
    for line, cells in _rows(text):
        at = f"line {line}"
        if cells["label"]:
            seat = NewSeat(cells["label"], cells["name"] or None, cells["group"], cells["team"])
            _check_seat(seat, at)
            seats.append(seat)
            lines.append(line)
        elif cells["group"] or cells["team"]:
            raise _refused(at, "expected a label before group and team")
        else:
            _check_name(cells["name"], at)
            names.append(cells["name"])
        if max(len(names), len(seats)) > SEATS:
            raise _refused(at, f"a roster has at most {SEATS} seats and {SEATS} names")
    _check_unique([SeatRow(seat.label, look(seat.label)) for seat in seats], lines)
    return names, seats


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines that are not empty, from 1, each by the names of the columns.

    Commas, semicolons or tabs separate, whichever the first line has most of. Of a single column each line is a name.
    """
    text = text.removeprefix("\ufeff")
    lines = io.StringIO(text, newline="")  # which leaves line breaks as they are, as csv asks for
    separator = max(SEPARATORS, key=next((line for line in lines if line.strip()), "").count)
    lines.seek(0)
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    columns: Sequence[str] = ()
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            if not columns:
                columns = _columns(row)
                if [cell.casefold() for cell in row] == list(columns):
                    continue
            if any(row[len(columns) :]):
                raise _refused(f"line {reader.line_num}", f"expected at most {len(columns)} cells")
            yield reader.line_num, {**dict.fromkeys(COLUMNS, ""), **dict(zip(columns, row, strict=False))}
    except csv.Error as error:
        raise _refused(f"line {reader.line_num}", str(error)) from None


def _columns(first: list[str]) -> Sequence[str]:
    """What the first line names the columns, or else what they are."""
    named = [cell.casefold() for cell in first]
    if set(named) <= set(COLUMNS) and len(set(named)) == len(named):
        return named
    return ("name",) if len(first) == 1 else COLUMNS


def _check_unique(rows: Sequence[SeatRow], lines: Sequence[int] = ()) -> None:
    seen: dict[str, int] = {}
    for place, row in enumerate(rows):
        if (before := seen.setdefault(row.look, place)) != place:
            if lines:
                raise _refused(f"line {lines[place]}", f"line {lines[before]} has the same label")
            raise BadRequestError(f"$.seats[{before}] has the same label", at=f"$.seats[{place}].label")


def _check_seat(seat: NewSeat, at: _Place) -> None:
    if not 1 <= len(seat.label) <= LABEL_LENGTH or not is_label(seat.label):
        raise _refused(at, f"expected a label of {LABEL_EXPECTED}", ".label")
    if seat.name is not None:
        _check_name(seat.name, at, ".name")
    for name, text in (("group", seat.group), ("team", seat.team)):
        if len(text) > PART_LENGTH or not is_printable(text):
            raise _refused(at, f"expected a {name} of at most {PART_LENGTH} printable characters", f".{name}")


def _check_name(name: str, at: _Place, field: str = "") -> None:
    if not 1 <= len(name) <= NAME_LENGTH or not is_name(name):
        raise _refused(at, f"expected {NAME_EXPECTED}", field)


def _refused(at: _Place, message: str, field: str = "") -> BadRequestError:
    """``at``: a place in a list, or the line of a table, which the message then names."""
    if at.startswith("$"):
        return BadRequestError(message, at=f"{at}{field}")
    return BadRequestError(f"{at}: {message}", at="$.csv")
