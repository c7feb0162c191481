"""A roster as the host gives it: lists, or a table pasted out of a spreadsheet; checked, and made a command."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from tradegame.protocol.bounds import LABEL_LENGTH, SEATS
from tradegame.protocol.commands import SeatRow, SetRoster
from tradegame.protocol.errors import BadRequestError
from tradegame.protocol.labels import is_label, is_pattern, look
from tradegame.protocol.names import is_name, is_printable, skeleton
from tradegame.protocol.reasons import Why, why
from tradegame.protocol.seats import NewRoster, NewSeat

COLUMNS = ("label", "name", "group", "team")
"""The order of a table's columns if its first line does not name them."""
HEADINGS: Mapping[str, str] = {
    **{name: name for name in COLUMNS},
    **dict.fromkeys(("id", "no", "number", "student id", "student number", "student no", "username"), "label"),
    **dict.fromkeys(("kennzeichen", "nr", "nummer", "matrikelnummer", "matrikelnr", "matrikel-nr"), "label"),
    **dict.fromkeys(("full name", "student", "vollständiger name", "schüler", "schülerin"), "name"),
    **dict.fromkeys(("class", "klasse", "gruppe"), "group"),
    "mannschaft": "team",
}
"""What spreadsheets call the columns, in lower case."""
SEPARATORS = ",;\t"
NAME_LENGTH = PART_LENGTH = 32

_Place = str | int
"""Where in what was given: the path in a list, or the line of a table."""


def set_roster(roster: NewRoster, key: str | None = None, groups: Sequence[str] = ()) -> SetRoster:
    """The command. ``groups``: of an entrance, where a seat has one of these or none, by which it is named then.

    Raises BadRequestError, which names the line of a table, or the place in a list.
    """
    known = {look(name): name for name in groups}
    names, seats = list(roster.names or ()), list(roster.seats or ())
    if roster.names is None and roster.seats is None and roster.csv is None and not roster.by_number:
        raise BadRequestError(why("need_names"), at="$.names")
    if roster.csv:
        if names or seats:
            raise BadRequestError(why("table_or_lists"), at="$.csv")
        names, seats = _of_table(roster.csv, known)
    else:
        for place, name in enumerate(names):
            _check_name(name, f"$.names[{place}]")
        for place, seat in enumerate(seats):
            _check_seat(seat, f"$.seats[{place}]", known)
    if roster.pattern and not is_pattern(roster.pattern):
        raise BadRequestError(why("need_pattern"), at="$.pattern")
    if roster.by_number and not (seats or roster.pattern):
        raise BadRequestError(why("need_seats"), at="$.pattern")
    rows = [
        SeatRow(seat.label, look(seat.label), seat.name or "", known.get(look(seat.group), seat.group), seat.team)
        for seat in seats
    ]
    _check_unique(rows)
    return SetRoster(
        names=tuple((name, skeleton(name)) for name in names),
        seats=tuple(rows),
        by_number=roster.by_number,
        shared=roster.shared,
        pattern=roster.pattern,
        key=key,
    )


def _of_table(text: str, groups: Mapping[str, str]) -> tuple[list[str], list[NewSeat]]:
    """Rows with a label are seats, those with a name alone are names."""
    names, seats, lines = list[str](), list[NewSeat](), list[int]()
    for line, cells in _rows(text):
        if cells["label"]:
            seat = NewSeat(cells["label"], cells["name"] or None, cells["group"], cells["team"])
            _check_seat(seat, line, groups)
            seats.append(seat)
            lines.append(line)
        elif cells["group"] or cells["team"]:
            raise _refused(line, why("label_first"))
        else:
            _check_name(cells["name"], line)
            names.append(cells["name"])
        if max(len(names), len(seats)) > SEATS:
            raise _refused(line, why("roster_full", most=SEATS))
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
                columns, named = _columns(row, reader.line_num)
                if named:
                    continue
            if any(row[len(columns) :]):
                raise _refused(reader.line_num, why("too_many_cells", most=len(columns)))
            yield reader.line_num, {**dict.fromkeys(COLUMNS, ""), **dict(zip(columns, row, strict=False))}
    except csv.Error as error:
        raise _refused(reader.line_num, str(error)) from None


def _columns(first: list[str], line: int) -> tuple[Sequence[str], bool]:
    """What the columns are, and whether the first line names them. It does if it names one."""
    named = [HEADINGS.get(cell.casefold().rstrip(".:*"), "") for cell in first]
    if not any(named):
        return ("name",) if len(first) == 1 else COLUMNS, False
    for place, name in enumerate(named):
        if not name or name in named[:place]:
            raise _refused(line, why("unknown_column", found=first[place][:PART_LENGTH]))
    return named, True


def _check_unique(rows: Sequence[SeatRow], lines: Sequence[int] = ()) -> None:
    seen: dict[str, int] = {}
    for place, row in enumerate(rows):
        if (before := seen.setdefault(row.look, place)) != place:
            if lines:
                raise _refused(lines[place], why("label_again_in_line", before=lines[before]))
            raise BadRequestError(why("label_again", place=f"$.seats[{before}]"), at=f"$.seats[{place}].label")


def _check_seat(seat: NewSeat, at: _Place, groups: Mapping[str, str]) -> None:
    """``groups``: those there are, by their looks; none: any will do."""
    if not 1 <= len(seat.label) <= LABEL_LENGTH or not is_label(seat.label):
        raise _refused(at, why("need_label"), ".label")
    if seat.name is not None:
        _check_name(seat.name, at, ".name")
    for name, text in (("group", seat.group), ("team", seat.team)):
        if len(text) > PART_LENGTH or not is_printable(text):
            raise _refused(at, why(f"need_{name}", most=PART_LENGTH), f".{name}")
    if groups and seat.group and look(seat.group) not in groups:
        raise _refused(at, why("need_known_group", groups=", ".join(groups.values())), ".group")


def _check_name(name: str, at: _Place, field: str = "") -> None:
    if not 1 <= len(name) <= NAME_LENGTH or not is_name(name):
        raise _refused(at, why("need_name"), field)


def _refused(at: _Place, said: str | Why, field: str = "") -> BadRequestError:
    """``at``: a place in a list, or the line of a table, which is then a parameter of the reason, too."""
    if isinstance(at, str):
        return BadRequestError(said, at=f"{at}{field}")
    error = BadRequestError(f"line {at}: {said}", at="$.csv")
    if isinstance(said, Why):
        error.why = Why(said.name, {**said.params, "line": at})
    return error
