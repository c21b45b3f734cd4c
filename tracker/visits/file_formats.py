"""Read visits from files, batch by batch: CSV, NDJSON, GeoPackage, Parquet, told apart by content.

Every batch is a table of texts (a missing value is ""), so that one reader judges them all. Memory stays the same however long the file is.
"""
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

import geo.vector_files  # noqa: F401  (limits GDAL's drivers before the next import registers them)
import pyogrio  # isort: skip

from tracker.visits.visit_row import COUNTS, FIELDS

BLOCK_BYTES = 1 << 20
ROWS_AT_ONCE = 10_000


class NotAVisitsFile(ValueError):
    """The file as a whole cannot be read; the sentence says why."""


@dataclass
class Batch:
    """Rows in file order. `texts`: one string array per field that the file has; `row`: number of each row, the first is 1.

    `bytes_of`: where a text was no UTF-8, the raw bytes by (field, index). `odd`: numbers of rows with a wrong number of columns.
    """

    row: pa.Array
    texts: dict[str, pa.Array]
    bytes_of: dict[tuple[str, int], bytes] = field(default_factory=dict)


@dataclass
class VisitsFile:
    """An opened file: its media type, its columns, and its batches."""

    media_type: str
    columns: list[str]
    batches: Iterator[Batch]
    odd_rows: list[tuple[int, str]] = field(default_factory=list)     # (row, text): rows that do not fit the head


def open_visits(path: Path) -> VisitsFile:
    """Recognise the format by its first bytes. Raises NotAVisitsFile."""
    with path.open("rb") as file:
        start = file.read(64)
    try:
        if start.startswith(b"PAR1"):
            return _open_parquet(path)
        if start.startswith(b"SQLite format 3\0"):
            return _open_geopackage(path)
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return _open_ndjson(path)
        return _open_csv(path)
    except (pa.ArrowInvalid, pyogrio.errors.DataSourceError, UnicodeDecodeError) as error:
        raise NotAVisitsFile(f"{path.name} cannot be read as CSV, NDJSON, GeoPackage or Parquet ({str(error)[:200]}).") from None


def _open_csv(path: Path) -> VisitsFile:
    opened = VisitsFile("text/csv", [], iter(()))
    skipped: list[int] = []

    def note_odd(row: pcsv.InvalidRow) -> str:
        opened.odd_rows.append((row.number or 0, row.text or ""))
        skipped.append(row.number or 0)
        return "skip"

    with path.open("rb") as file:
        head = file.readline(1 << 16)
    columns = next(iter(_csv_rows(head.decode("utf-8-sig"))), [])
    reader = pcsv.open_csv(
        path, read_options=pcsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=pcsv.ParseOptions(newlines_in_values=True, invalid_row_handler=note_odd),
        convert_options=pcsv.ConvertOptions(column_types=dict.fromkeys(columns, pa.binary()), strings_can_be_null=False))
    opened.columns = columns
    opened.batches = _csv_batches(reader, columns, skipped)
    return opened


def _csv_rows(text: str) -> Iterator[list[str]]:
    yield from csv.reader([text])


def _csv_batches(reader: pcsv.CSVStreamingReader, columns: list[str], skipped: list[int]) -> Iterator[Batch]:
    """Batches with row numbers that count the skipped rows too (the head is line 1 of the file, data row 1 is the next)."""
    next_row = 1
    for batch in reader:
        gone = {number - 1 for number in skipped}       # pyarrow counts the head as row 1
        numbers = []
        while len(numbers) < batch.num_rows:
            if next_row not in gone:
                numbers.append(next_row)
            next_row += 1
        texts, raw = {}, {}
        for name, column in zip(columns, batch.columns, strict=True):
            try:
                texts[name] = column.cast(pa.string())
            except pa.ArrowInvalid:
                values = column.to_pylist()
                texts[name] = pa.array([v.decode("utf-8", errors="replace") for v in values], pa.string())
                raw |= {(name, k): v for k, v in enumerate(values) if not _is_utf8(v)}
        yield Batch(pa.array(numbers, pa.int32()), texts, raw)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _open_ndjson(path: Path) -> VisitsFile:
    return VisitsFile("application/x-ndjson", list(FIELDS), _ndjson_batches(path))


def _ndjson_batches(path: Path) -> Iterator[Batch]:
    """One object a line; empty lines do not count. What is no object becomes a row whose fields are all missing but `body`."""
    numbers: list[int] = []
    rows: list[dict[str, str]] = []
    with path.open("rb") as file:
        number = 0
        for line in file:
            if not line.strip():
                continue
            number += 1
            numbers.append(number)
            rows.append(_as_texts(line))
            if len(rows) == ROWS_AT_ONCE:
                yield _from_dicts(numbers, rows)
                numbers, rows = [], []
    if rows:
        yield _from_dicts(numbers, rows)


def _as_texts(line: bytes) -> dict[str, str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {"body": line[:200].decode("utf-8", errors="replace")}
    if not isinstance(value, dict):
        return {"body": line[:200].decode("utf-8", errors="replace")}
    return {str(k): _as_text(v) for k, v in value.items() if v is not None}


def _as_text(value: object) -> str:
    """A JSON value as a file's text; true and false as words, numbers as Python writes them (floats come back exactly)."""
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode() if not value.isascii() else value
    return json.dumps(value) if isinstance(value, (bool, int, float)) else repr(value)


def _from_dicts(numbers: list[int], rows: list[dict[str, str]]) -> Batch:
    names = dict.fromkeys(name for row in rows for name in row)
    return Batch(pa.array(numbers, pa.int32()), {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in names})


def _open_parquet(path: Path) -> VisitsFile:
    file = pq.ParquetFile(path, memory_map=True)
    return VisitsFile("application/vnd.apache.parquet", file.schema_arrow.names, _arrow_batches(
        lambda: file.iter_batches(batch_size=ROWS_AT_ONCE)))


def _open_geopackage(path: Path) -> VisitsFile:
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    layer = "visits" if "visits" in layers else layers[0] if len(layers) == 1 else None
    if layer is None:
        raise NotAVisitsFile(f"{path.name} has several layers ({', '.join(layers)}) and none is called visits.")
    names = [str(n) for n in pyogrio.read_info(path, layer=layer)["fields"]]

    def batches() -> Iterator[pa.RecordBatch]:
        with pyogrio.raw.open_arrow(path, layer=layer, read_geometry=False, batch_size=ROWS_AT_ONCE, use_pyarrow=True) as (_meta, reader):
            yield from reader

    return VisitsFile("application/geopackage+sqlite3", names, _arrow_batches(batches))


def _arrow_batches(read: Callable[[], Iterator[pa.RecordBatch]]) -> Iterator[Batch]:
    row = 1
    for batch in read():
        numbers = pa.array(range(row, row + batch.num_rows), pa.int32())
        row += batch.num_rows
        yield Batch(numbers, {name: _texts_of(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)})


def _texts_of(name: str, column: pa.Array) -> pa.Array:
    """A typed column as texts that say the same."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), None, column)
        if name in COUNTS or name in ("is_revisit", "mock_location"):
            try:
                column = column.cast(pa.int64())
            except pa.ArrowInvalid:
                pass        # a half child: refused row by row, with its value
    elif pa.types.is_timestamp(kind):
        if kind.tz is None:
            return pc.fill_null(pc.strftime(column, "%Y-%m-%dT%H:%M:%S"), "")        # says no zone: refused row by row
        column = pc.strftime(column.cast(pa.timestamp("us", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
    elif pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([_uuid_or_text(v) for v in column.to_pylist()], pa.string())
    return pc.fill_null(column.cast(pa.string()), "")


def _uuid_or_text(value: bytes | None) -> str:
    if value is None:
        return ""
    if len(value) == 16:
        h = value.hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    return value.decode("utf-8", errors="replace")
