"""What does a file hold? Its columns and first rows, and then all of it under our names. Reads files only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from flask_babel import gettext as _

from tracker.campaigns.tables import DIGITS
from tracker.errors import RowError, RowsRefused, WrongRequest
from tracker.kept_files import at_hand
from tracker.set_up.kinds import KINDS, Kind
from tracker.set_up.models import Upload
from tracker.sheets import Sheet, read_sheet

SHELF = "uploads"
SAMPLE_ROWS = 5
LONGEST_SAMPLE = 120  # letters of a cell that the preview shows
MAPS = ("areas", "settlements")  # kinds that come as maps
PASSED_ON = (b"SQLite format 3\0", b"PAR1", b"{")  # visits in these formats have our names already


@dataclass(frozen=True)
class Looked:
    columns: list[str]
    sample: list[dict[str, str]]
    rows: int
    layers: list[str]  # of a map with several; empty: one, or a table


@contextmanager
def the_file(upload: Upload) -> Iterator[Path]:
    with at_hand(upload.sha256, SHELF, upload.file_name) as path:
        yield path


def look(kind: Kind, path: Path, name: str, layer: str | None = None) -> Looked:
    """Columns and first rows. Raises RowsRefused when there is nothing to read."""
    if kind.name in MAPS and not _is_table(path):
        return _look_at_map(path, layer)
    if kind.name == "areas":
        raise _refused(_("Boundaries come as GeoPackage, Shapefile (zipped) or GeoJSON."))
    if kind.name == "visits" and _is_passed_on(path):
        return Looked([], [], 0, [])
    sheet = read_sheet(path, name)
    return Looked(sheet.columns, [_short(row) for row in sheet.rows[:SAMPLE_ROWS]], len(sheet.rows), [])


def _refused(message: str) -> RowsRefused:
    return RowsRefused([RowError(0, "file", "not_readable", message)])


def _is_table(path: Path) -> bool:
    """CSV or a spreadsheet; a zipped map holds a Shapefile or geodatabase."""
    import zipfile

    start = _start(path)
    if start.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            return True
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        return any(name.startswith(("xl/", "content.xml")) for name in names)
    return not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"SQLite"))


def _is_passed_on(path: Path) -> bool:
    return _start(path).startswith(PASSED_ON)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _look_at_map(path: Path, layer: str | None) -> Looked:
    from geo.vector_files import FileNotReadable, layers_of, read_features

    try:
        layers = layers_of(path)
        features = read_features(path, layer or (layers[0] if len(layers) > 1 else None))
    except FileNotReadable as error:
        raise _refused(str(error)) from None
    sample = [
        _short({name: str(column[at]) for name, column in features.attributes.items()})
        for at in range(min(SAMPLE_ROWS, len(features)))
    ]
    return Looked(list(features.attributes), sample, len(features), layers)


def _short(row: dict[str, str]) -> dict[str, str]:
    return {name: value[:LONGEST_SAMPLE] for name, value in row.items()}


def rows_under_our_names(upload: Upload, path: Path) -> list[dict[str, str]]:
    """A table with our columns, numbers and days in Western digits."""
    sheet = read_sheet(path, upload.file_name)
    chosen = chosen_fields(upload, sheet.columns)
    return [_row(chosen, row) for row in sheet.rows if any(row.values())]


def _row(chosen: dict[str, str], row: dict[str, str]) -> dict[str, str]:
    return {ours: row.get(theirs, "").strip() for ours, theirs in chosen.items()}


def chosen_fields(upload: Upload, columns: list[str]) -> dict[str, str]:
    """{our field: column}, complete. Raises WrongRequest for what is missing or unknown."""
    kind = KINDS[upload.kind]
    chosen = {ours: theirs for ours, theirs in upload.choice.get("fields", {}).items() if theirs}
    for field in kind.fields:
        if field.required and field.name not in chosen:
            raise WrongRequest(field=str(field.words), why=_("choose the column that holds it."))
    for theirs in chosen.values():
        if theirs not in columns:
            raise WrongRequest(field=theirs, why=_("the table has no such column."))
    return chosen


def features_of(upload: Upload, path: Path) -> Any:
    """A map's features; a table of settlements becomes points."""
    from geo.features import Features
    from geo.vector_files import FileNotReadable, read_features

    if not _is_table(path):
        try:
            return read_features(path, upload.choice.get("layer") or None)
        except FileNotReadable as error:
            raise _refused(str(error)) from None
    sheet = read_sheet(path, upload.file_name)
    chosen = chosen_fields(upload, sheet.columns)
    if "lon" not in chosen or "lat" not in chosen:
        raise WrongRequest(field="lon, lat", why=_("choose the columns that hold the position."))
    attributes = {
        column: np.array([row.get(column) or None for row in sheet.rows], dtype=object) for column in sheet.columns
    }
    return Features(attributes, _points(sheet, chosen), np.zeros(len(sheet.rows), dtype=bool))


def _points(sheet: Sheet, chosen: dict[str, str]) -> Any:
    lon, lat = (np.array([_degrees(row.get(chosen[c], "")) for row in sheet.rows], float) for c in ("lon", "lat"))
    points = np.full(len(sheet.rows), None, dtype=object)
    placed = np.isfinite(lon) & np.isfinite(lat)
    points[placed] = shapely.points(lon[placed], lat[placed])
    return points


def _degrees(words: str) -> float:
    try:
        return float(words.translate(DIGITS).replace("٫", "."))
    except ValueError:
        return float("nan")
