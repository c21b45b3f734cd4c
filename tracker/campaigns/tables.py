"""Teams and microplans arrive as tables: CSV in UTF-8, one header line, comma, semicolon or tab.

Reads files; knows no database. Whatever cannot be read is refused by row, field and rule.
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from tracker.errors import RowError, RowsRefused

# of Urdu, Pashto and Arabic keyboards
DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
DELIMITERS = ",;\t"
LONGEST_CELL = 2_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
TOO_MANY = "\0"  # where csv puts cells beyond the header

Row = dict[str, str]


@dataclass
class TableSummary:
    """What became of the rows of a table."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    version: int | None = None  # of the microplan; None: teams have none
    seconds: float = 0.0
    errors: list[RowError] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "errors" and value is not None}

    def refuse(self, row: int, column: str, rule: str, message: str) -> None:
        """Refuse a row (1 is the first data row) and say why."""
        self.errors.append(RowError(row, column, rule, message))

    def refuse_if_any(self) -> None:
        """All or nothing: one refused row refuses the table."""
        self.rejected = len({error.row for error in self.errors})
        if self.errors:
            raise RowsRefused(self.errors)


def read_table(file: Path, columns: Iterable[str]) -> list[Row]:
    """Rows by column name; blank lines are passed over. Raises RowsRefused for a missing column, or what is no text."""
    try:
        words = file.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(words, newline=""), delimiter=_delimiter(words), strict=True)
        header, *lines = list(reader) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        message = _("{file} is no CSV in UTF-8 ({why}). Save it as “CSV UTF-8”.").format(file=file.name, why=error)
        raise RowsRefused([RowError(0, "file", "not_readable", message)]) from None
    names = [name.strip().lower() for name in header]
    for column in columns:
        if column not in names:
            message = _("{file} has no column {column}; it has {names}.")
            there = ", ".join(names) or "–"
            refused = RowError(0, column, "column_missing", message.format(file=file.name, column=column, names=there))
            raise RowsRefused([refused])
    return [_row(names, cells) for cells in lines if any(cell.strip() for cell in cells)]


def check_cells(rows: list[Row], summary: TableSummary) -> None:
    """Refuse what is no row of a table: cells beyond the header, control characters, endless text."""
    for number, row in enumerate(rows, 1):
        if TOO_MANY in row:
            message = _("The row has more cells than the header. Is a comma in a name without quotes?")
            summary.refuse(number, "", "too_many_cells", message)
        for name, cell in row.items():
            if CONTROL.search(cell) or len(cell) > LONGEST_CELL:
                message = _("This is no text: it holds control characters, or is over {most} letters long.")
                summary.refuse(number, name, "not_text", message.format(most=LONGEST_CELL))


def whole_number(words: str, most: int) -> int | None:
    """A whole number from 0 to `most`, in Western, Urdu or Arabic digits; None when it is none."""
    words = words.translate(DIGITS)
    if not (words.isascii() and words.isdigit() and len(words) <= len(str(most))):
        return None
    return int(words) if int(words) <= most else None


def _row(names: list[str], cells: list[str]) -> Row:
    row = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
    if len(cells) > len(names):
        row[TOO_MANY] = ",".join(cells[len(names) :])
    return row


def _delimiter(words: str) -> str:
    """The one that parts the header: spreadsheets of some countries write semicolons."""
    header = words.split("\n", 1)[0]
    return max(DELIMITERS, key=header.count)
