"""A table as people send it: CSV, XLSX, XLS or ODS, with titles above the head, merged heads and Urdu digits.

Told apart by content. The head is the first row with at least two different words; where cells of it are merged across
columns, the row below belongs to it too ("Target / Boys"). Every cell comes as text; which number it is, is for those
who know the column. Reads files; knows no database.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from tracker.errors import RowError, RowsRefused

SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # zipped (XLSX, ODS) and old (XLS)
DELIMITERS = ",;\t|"
LOOK_FOR_HEAD = 25  # rows
MOST_ROWS = 300_000
LARGEST_BYTES = 60_000_000
UNPACKED_TIMES = 60  # a spreadsheet packs to a tenth or so

Grid = list[list[str]]


@dataclass(frozen=True)
class Sheet:
    """`rows` by column; `first_row` is where the first of them stands in the file, as a spreadsheet numbers it."""

    columns: list[str]
    rows: list[dict[str, str]]
    first_row: int


def read_sheet(path: Path, name: str | None = None) -> Sheet:
    """The table in a file; `name` is that of the file as sent. Raises RowsRefused when there is none."""
    told = name or path.name
    if path.stat().st_size > LARGEST_BYTES:
        raise _refused(_("{file} is larger than {most} MB.").format(file=told, most=LARGEST_BYTES // 1_000_000))
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(SPREADSHEETS):
        grid, merged = _spreadsheet(path, told)
    else:
        grid, merged = _csv(path, told), set[int]()
    return _with_head(grid, merged, told)


def _refused(message: str) -> RowsRefused:
    return RowsRefused([RowError(0, "file", "not_readable", message)])


def _csv(path: Path, name: str) -> Grid:
    words = _text(path.read_bytes(), name)
    head = words.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=head.count)
    try:
        return [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(words, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise _refused(_("{file} is no table ({why}).").format(file=name, why=error)) from None


def _text(raw: bytes, name: str) -> str:
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise _refused(_("{file} is no CSV in UTF-8 and no spreadsheet. Save it as “CSV UTF-8” or XLSX.").format(file=name))


def _spreadsheet(path: Path, name: str) -> tuple[Grid, set[int]]:
    """The first sheet with anything in it; and the rows in which cells are merged across columns."""
    import python_calamine  # a binary library: only for those who send a spreadsheet

    _refuse_bomb(path, name)
    try:
        book = python_calamine.load_workbook(str(path))
        for sheet_name in book.sheet_names:
            sheet = book.get_sheet_by_name(sheet_name)
            cells = sheet.to_python(skip_empty_area=False)
            if any(any(cell != "" for cell in row) for row in cells):
                break
        else:
            return [], set()
    except Exception as error:  # the library has one error for each format
        raise _refused(
            _("{file} cannot be read ({why}). Save it anew as XLSX.").format(file=name, why=str(error)[:120])
        ) from None
    grid = [[_cell(value) for value in row] for row in cells]
    across = set()
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if top < LOOK_FOR_HEAD:
            _fill(grid, top, left, bottom, right)
            across |= set(range(top, bottom + 1)) if right > left else set()
    return grid, across


def _refuse_bomb(path: Path, name: str) -> None:
    import zipfile

    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    is_bomb = unpacked > 20_000_000 and unpacked > UNPACKED_TIMES * path.stat().st_size
    if is_bomb or unpacked > 800_000_000:
        raise _refused(_("{file} unpacks to too much.").format(file=name))


def _fill(grid: Grid, top: int, left: int, bottom: int, right: int) -> None:
    """Every cell of a merged range says what its first one says."""
    if top >= len(grid) or left >= len(grid[top]):
        return
    for row in grid[top : bottom + 1]:
        for place in range(left, min(right + 1, len(row))):
            row[place] = grid[top][left]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value).strip()


def _with_head(grid: Grid, merged: set[int], name: str) -> Sheet:
    head = next((at for at, row in enumerate(grid[:LOOK_FOR_HEAD]) if len({c for c in row if c}) >= 2), None)
    if head is None:
        raise _refused(_("{file} holds no table: no row with a head was found.").format(file=name))
    last = head
    while last in merged and last + 1 < len(grid):
        last += 1
    columns = _names(grid[head : last + 1])
    rows = grid[last + 1 :]
    if len(rows) > MOST_ROWS:
        raise _refused(_("{file} has over {most} rows.").format(file=name, most=MOST_ROWS))
    named = [dict(zip(columns, row, strict=False)) for row in rows]
    while named and not any(named[-1].values()):
        named.pop()
    return Sheet([c for c in columns if c], [{k: v for k, v in row.items() if k} for row in named], last + 2)


def _names(head: Grid) -> list[str]:
    """One name for each column, from all rows of the head; a second column of one name gets a number."""
    width = max(map(len, head))
    names: list[str] = []
    for place in range(width):
        parts = dict.fromkeys(row[place] for row in head if place < len(row) and row[place])
        name = " / ".join(" ".join(part.split()) for part in parts)
        names.append(_apart(name, names))
    return names


def _apart(name: str, taken: Iterable[str]) -> str:
    if not name or name not in taken:
        return name
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"
