"""What areas and settlements share on their way in: reading a row's attributes, refusing it, and the summary."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import shapely
from flask_babel import gettext as _

from geo.features import Features
from tracker.errors import RowError, WrongRequest

LONGEST_CODE = 100
LARGEST_NUMBER = 2_147_483_647
YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")


@dataclass
class ImportSummary:
    """What became of the rows of a file."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repaired: int = 0
    rejected: int = 0
    seconds: float = 0.0
    errors: list[RowError] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "errors"}

    def refuse(self, row: int, field_name: str, rule: str, message: str) -> None:
        """Refuse a row (1 is the first data row) and say why."""
        self.errors.append(RowError(row, field_name, rule, message))

    def refused_rows(self) -> set[int]:
        return {error.row for error in self.errors}


def check_fields(features: Features, fields: Iterable[str | None]) -> None:
    """Every field that the caller names must be in the file; raises WrongRequest."""
    for name in fields:
        if name and name not in features.attributes:
            there = ", ".join(features.attributes)
            raise WrongRequest(field=name, why=_("the file has no such field; it has {names}.").format(names=there))


class IncomingRow:
    """One row: its attributes as text and numbers; whatever cannot be read refuses it, by field."""

    def __init__(self, features: Features, index: int, summary: ImportSummary) -> None:
        self.row = index + 1
        self.attributes = {name: column[index] for name, column in features.attributes.items()}
        self.summary = summary
        self.is_good = True

    def refuse(self, field_name: str | None, rule: str, message: str) -> None:
        self.is_good = False
        self.summary.refuse(self.row, field_name or "", rule, message)

    def words(self, field_name: str | None) -> str | None:
        """Free text as it stands, without NUL, which no database text can hold; None where nothing stands."""
        value = self.attributes[field_name] if field_name else None
        if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
            return None
        if isinstance(value, (float, np.floating)) and float(value).is_integer():
            value = int(value)  # a code that the file keeps as a number
        words = str(value).replace("\0", "")
        return words if words.strip() else None

    def code(self, field_name: str, taken: Iterable[str]) -> str:
        """The row's code; refused where it is missing, too long or in `taken`."""
        code = (self.words(field_name) or "").strip()
        if not code:
            self.refuse(field_name, "code_missing", _("The row has no code. Give it one."))
        elif len(code) > LONGEST_CODE:
            self.refuse(field_name, "code_too_long", _("A code has at most {most} letters.").format(most=LONGEST_CODE))
        elif code in taken:
            self.refuse(
                field_name,
                "duplicate_code",
                _("{code} stands there already: every row needs a code of its own.").format(code=code),
            )
        return code

    def name(self, field_name: str) -> str:
        name = self.words(field_name)
        if name is None:
            self.refuse(field_name, "name_missing", _("The row has no name. Give it one."))
        return name or ""

    def count(self, field_name: str | None) -> int | None:
        """A whole number from 0 upwards; None where nothing stands."""
        words = self.words(field_name)
        if words is None:
            return None
        try:
            value = float(words)
        except ValueError:
            value = float("nan")
        if value.is_integer() and 0 <= value <= LARGEST_NUMBER:
            return int(value)
        self.refuse(field_name, "not_a_count", _("{value} is not a whole number from 0 upwards.").format(value=words))
        return None

    def yes(self, field_name: str | None) -> bool:
        """True where it says yes; nothing is no."""
        words = (self.words(field_name) or NO[0]).strip().lower()
        if words not in (*YES, *NO):
            self.refuse(field_name, "not_yes_or_no", _("{value} is neither yes nor no.").format(value=words))
        return words in YES

    def check_on_earth(self, shape: shapely.Geometry) -> None:
        """Refuse positions beyond ±180/±90."""
        if (np.abs(shapely.get_coordinates(shape)) > (180, 90)).any():
            self.refuse(
                "geometry",
                "outside_the_earth",
                _("It lies beyond 180° or 90°. Check the coordinate system of the file."),
            )
