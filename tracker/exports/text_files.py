"""A list as CSV or GeoJSON: pieces of text, written while the rows come, nothing kept.

A CSV is safe to open in a spreadsheet: a text that would be run as a formula gets an apostrophe before it. Its last
columns say of every row which filter, base, time and person it comes from: files may be pasted together.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import shapely

from tracker.exports.columns import Column
from tracker.exports.shapes import shapes_of
from tracker.exports.statement import Statement

BYTE_ORDER_MARK = "\ufeff"  # with it, old spreadsheets read UTF-8
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
SAID_COLUMNS = ("filter", "base", "as_of", "taken_by")
Batches = Iterator[list[dict[str, Any]]]


def as_csv(batches: Batches, columns: Sequence[Column], said: Statement, *, mark: bool = False) -> Iterator[str]:
    names = [column.name for column in columns]
    stated = [formula_safe(said.as_dict()[name]) for name in SAID_COLUMNS]
    yield (BYTE_ORDER_MARK if mark else "") + _csv_lines([[*names, *SAID_COLUMNS]])
    for batch in batches:
        yield _csv_lines([[*(_cell(row.get(name)) for name in names), *stated] for row in batch])


def _csv_lines(rows: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    return formula_safe(value) if isinstance(value, str) else value


def formula_safe(words: str) -> str:
    """The same words; what a spreadsheet would run begins with an apostrophe."""
    return f"'{words}" if words.startswith(FORMULA) else words


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, datetime):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else value


def properties(row: dict[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: plain(row.get(column.name)) for column in columns}


def as_geojson(batches: Batches, columns: Sequence[Column], said: Statement, geometry: str | None) -> Iterator[str]:
    """A FeatureCollection in WGS 84; `about` stands before the features. A plain table has features without place."""
    about = json.dumps(said.as_dict(), ensure_ascii=False)
    yield f'{{"type": "FeatureCollection", "about": {about}, "features": ['
    separator = "\n"
    for batch in batches:
        if not batch:
            continue
        drawn = shapely.to_geojson(shapes_of(batch, geometry)).tolist()
        yield separator + ",\n".join(
            f'{{"type": "Feature", "geometry": {shape or "null"}, "properties": '
            f"{json.dumps(properties(row, columns), ensure_ascii=False)}}}"
            for row, shape in zip(batch, drawn, strict=True)
        )
        separator = ",\n"
    yield "\n]}\n"
