"""A list as GeoPackage, GeoParquet or XLSX: written to a file batch by batch, with what it says of itself inside.

GeoPackage: tables `about` and `data_dictionary` beside the layer. GeoParquet 1.1: the key `rasai` beside `geo`. XLSX:
sheets About and Data dictionary; texts are texts, never formulas.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import xlsxwriter

from tracker.exports import columns as kinds
from tracker.exports.columns import KIND_WORDS, Column
from tracker.exports.shapes import shapes_of
from tracker.exports.statement import Statement
from tracker.exports.text_files import iso, plain
from tracker.visits.file_formats import gdal

Batches = Iterator[list[dict[str, Any]]]
TYPES = {
    kinds.TEXT: pa.string(), kinds.WHOLE: pa.int64(), kinds.NUMBER: pa.float64(), kinds.YES_NO: pa.bool_(),
    kinds.MOMENT: pa.timestamp("us", "UTC"), kinds.DAY: pa.date32(),
}  # fmt: skip
WORLD = "EPSG:4326"
SHEET_ROWS = 1_048_575  # below the head; what is more goes on in another sheet
NARROWEST, WIDEST = 8, 40  # of a sheet's columns, in characters
GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": [], "edges": "planar"}},
}  # fmt: skip  without "crs" it is OGC:CRS84


def dictionary(columns: Sequence[Column]) -> list[dict[str, str]]:
    """The columns in words, in the reader's language."""
    return [{"column": c.name, "kind": str(KIND_WORDS[c.kind]), "meaning": str(c.words)} for c in columns]


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, TYPES[column.kind]) for column in columns])


def _table(batch: list[dict[str, Any]], columns: Sequence[Column]) -> pa.Table:
    rows = [{column.name: _typed(row.get(column.name), column.kind) for column in columns} for row in batch]
    return pa.Table.from_pylist(rows, _schema(columns))


def _typed(value: Any, kind: str) -> Any:
    """Reports write times and days as texts: typed again for files that know such types."""
    if isinstance(value, str) and kind == kinds.MOMENT:
        return datetime.fromisoformat(value)
    if isinstance(value, str) and kind == kinds.DAY:
        return date.fromisoformat(value)
    return value


def _with_shapes(table: pa.Table, batch: list[dict[str, Any]], geometry: str) -> pa.Table:
    outlines = shapely.to_wkb(shapes_of(batch, geometry)).tolist()
    return table.append_column("geometry", pa.array(outlines, pa.binary()))


def write_parquet(
    path: Path, batches: Batches, columns: Sequence[Column], said: Statement, geometry: str | None
) -> None:
    schema = _schema(columns)
    about = {"about": said.as_dict(), "data_dictionary": dictionary(columns)}
    metadata = {"rasai": json.dumps(about, ensure_ascii=False)}
    if geometry:
        schema = schema.append(pa.field("geometry", pa.binary()))
        metadata["geo"] = json.dumps(GEO)
    schema = schema.with_metadata(metadata)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            table = _table(batch, columns)
            table = _with_shapes(table, batch, geometry) if geometry else table
            writer.write_table(table.cast(schema))


def write_geopackage(
    path: Path, batches: Batches, columns: Sequence[Column], said: Statement, geometry: str | None
) -> None:
    is_begun = False
    for batch in _at_least_one(batches):
        table = _table(batch, columns)
        as_told: dict[str, Any] = {"geometry_name": None}
        if geometry:
            table = _with_shapes(table, batch, geometry)
            as_told = {"geometry_name": "geometry", "geometry_type": geometry, "crs": WORLD}
        gdal().raw.write_arrow(table, path, layer=said.list_name, driver="GPKG", append=is_begun, **as_told)
        is_begun = True
    about = [{"name": name, "value": value} for name, value in said.as_dict().items()]
    for layer, rows in (("about", about), ("data_dictionary", dictionary(columns))):
        gdal().raw.write_arrow(
            pa.Table.from_pylist(rows), path, layer=layer, driver="GPKG", append=True, geometry_name=None
        )


def _at_least_one(batches: Batches) -> Batches:
    """A layer without rows has its columns all the same."""
    first = next(batches, [])
    yield first
    yield from batches


def write_xlsx(path: Path, batches: Batches, columns: Sequence[Column], said: Statement, geometry: str | None) -> None:
    book = xlsxwriter.Workbook(path, {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "tmpdir": str(path.parent), "default_date_format": "yyyy-mm-dd",
    })  # fmt: skip
    try:
        head = book.add_format({"bold": True, "bottom": 1})
        _fill_sheets(book, head, batches, columns, said.list_name)
        _small_sheet(book, head, "About", ["name", "value"], [list(pair) for pair in said.as_dict().items()])
        words = [list(row.values()) for row in dictionary(columns)]
        _small_sheet(book, head, "Data dictionary", ["column", "kind", "meaning"], words)
    finally:
        book.close()


def _fill_sheets(book: Any, head: Any, batches: Batches, columns: Sequence[Column], name: str) -> None:
    sheet, at, sheets = _new_sheet(book, head, name, columns), 0, 1
    for row in (row for batch in batches for row in batch):
        if at == SHEET_ROWS:
            sheets += 1
            sheet, at = _new_sheet(book, head, f"{name} {sheets}", columns), 0
        at += 1
        for place, column in enumerate(columns):
            _write(sheet, at, place, row.get(column.name))


def _new_sheet(book: Any, head: Any, name: str, columns: Sequence[Column]) -> Any:
    sheet = book.add_worksheet(name[:31])
    sheet.freeze_panes(1, 1)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, min(WIDEST, max(NARROWEST, len(column.name) + 2)))
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column.name, head)
    return sheet


def _small_sheet(book: Any, head: Any, name: str, names: list[str], rows: list[list[str]]) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 1, 24)
    sheet.set_column(2, 2, 80)
    for place, word in enumerate(names):
        sheet.write_string(0, place, word, head)
    for at, row in enumerate(rows, 1):
        for place, word in enumerate(row):
            sheet.write_string(at, place, word)


def _write(sheet: Any, at: int, place: int, value: Any) -> None:
    """Times as texts: a sheet knows no zones."""
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(at, place, value)
    elif isinstance(value, int | float):
        sheet.write_number(at, place, value)
    elif isinstance(value, datetime):
        sheet.write_string(at, place, iso(value))
    else:
        sheet.write_string(at, place, str(plain(value)))


WRITERS = {"xlsx": write_xlsx, "gpkg": write_geopackage, "parquet": write_parquet}
