"""Read visits from files: CSV, NDJSON, GeoPackage, Parquet, told apart by content and read part by part.

A part is a table of texts (a missing value is ""), some lines of JSON, or a single row that fits nothing. Memory stays
the same however long the file is. Only reads.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely

from tracker.visits import csv_rows
from tracker.visits.visit_row import COUNTS, YES_OR_NO

ROWS_AT_ONCE = 5_000
LONGEST_LINE_BYTES = 1 << 18
POINT = 0  # shapely's number of the type
NOWHERE_DEG = 999.0
BOM = b"\xef\xbb\xbf"
CSV, NDJSON = "text/csv", "application/x-ndjson"
PARQUET, GEOPACKAGE = "application/vnd.apache.parquet", "application/geopackage+sqlite3"


class NotAVisitsFile(ValueError):
    """The file as a whole cannot be read; the sentence says why."""


@dataclass(frozen=True)
class Texts:
    """Rows of which every value is a text."""

    number: np.ndarray  # (n,) int32: of the data row in the file; the first is 1
    texts: dict[str, pa.Array]  # string arrays, one per column
    broken: dict[int, dict[str, str]] = field(default_factory=dict)
    # by index of the row: values that are no UTF-8, with lone surrogates for the bytes; in `texts` they stand mended


@dataclass(frozen=True)
class Lines:
    """Rows that are JSON, not read yet."""

    number: np.ndarray
    lines: list[bytes]


@dataclass(frozen=True)
class Misfit:
    """A row that is none: what can be told of it, and which rule it breaks."""

    number: int
    values: dict[str, str]
    rule: str


Part = Texts | Lines | Misfit


@dataclass(frozen=True)
class VisitsFile:
    """An opened file."""

    media_type: str
    columns: list[str] | None  # None: every row names its own fields
    parts: Iterator[Part]


@contextmanager
def open_visits(path: Path, name: str) -> Iterator[VisitsFile]:
    """Recognise the format by its first bytes. `name`: as people know the file.

    Raises NotAVisitsFile, also while the parts are read.
    """
    with ExitStack() as open_until_then:
        with _told_of(name):
            opened = _open(path, open_until_then)
        yield replace(opened, parts=_guarded(opened.parts, name))


def _open(path: Path, open_until_then: ExitStack) -> VisitsFile:
    file = open_until_then.enter_context(path.open("rb"))
    start = file.read(64).removeprefix(BOM).lstrip(b" \t\r\n")
    file.seek(0)
    if start.startswith(b"PAR1"):
        return _open_parquet(path)
    if start.startswith(b"SQLite format 3\0"):
        return _open_geopackage(path, Path(open_until_then.enter_context(tempfile.TemporaryDirectory())))
    if start.startswith(b"{"):
        return VisitsFile(NDJSON, None, _ndjson_parts(file))
    if start[:1] in (b"[", b"<", b"\0") or start.startswith((b"PK\3\4", b"\x1f\x8b")):
        raise ValueError("it is none of these")
    return _open_csv(file)


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """What the readers raise over a file that is not as it should be, in one sentence."""
    try:
        yield
    except UnicodeDecodeError:
        raise NotAVisitsFile(f"{name} is not UTF-8. Save it as UTF-8.") from None
    except (pa.ArrowException, OSError, ValueError, pyproj.exceptions.CRSError, *_gdal_errors()) as error:
        why = str(error).split("\n")[0][:200]
        raise NotAVisitsFile(f"{name} cannot be read as CSV, NDJSON, GeoPackage or Parquet: {why}.") from error


def _guarded(parts: Iterator[Part], name: str) -> Iterator[Part]:
    while True:
        with _told_of(name):
            part = next(parts, None)
        if part is None:
            return
        yield part


def _open_csv(file: BinaryIO) -> VisitsFile:
    columns = csv_rows.read_head(file)
    if len(set(columns)) < len(columns):
        raise ValueError("two of its columns have one name")
    return VisitsFile(CSV, columns, _csv_parts(file, columns))


def _csv_parts(file: BinaryIO, columns: list[str]) -> Iterator[Part]:
    for rows in csv_rows.read_rows(file, len(columns)):
        if isinstance(rows, csv_rows.Misfit):
            values = dict(zip(columns, (v.decode("utf-8", "surrogateescape") for v in rows.values), strict=False))
            yield Misfit(rows.number, values, "unclosed_quote" if rows.is_unclosed else "columns")
        else:
            yield _as_texts(rows.number, dict(zip(columns, rows.columns, strict=True)))


def _as_texts(number: np.ndarray, columns: dict[str, pa.Array]) -> Texts:
    """Columns of bytes or text as texts; what is no UTF-8 stands mended, and as it was in `broken`."""
    texts, broken = {}, dict[int, dict[str, str]]()
    for name, column in columns.items():
        try:
            texts[name] = column.cast(pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            values = [v.decode("utf-8", "surrogateescape") for v in column.cast(pa.binary()).to_pylist()]
            for k, value in enumerate(values):
                if any("\ud800" <= c <= "\udfff" for c in value):
                    broken.setdefault(k, {})[name] = value
                    values[k] = value.encode("utf-8", "replace").decode()
            texts[name] = pa.array(values, pa.string())
    return Texts(number, texts, broken)


def _ndjson_parts(file: BinaryIO) -> Iterator[Part]:
    """One object a line; empty lines do not count."""
    number, lines = 1, list[bytes]()
    for line in _lines(file):
        if line is not None:
            lines.append(line)
        if lines and (line is None or len(lines) == ROWS_AT_ONCE):
            yield Lines(np.arange(number, number + len(lines), dtype=np.int32), lines)
            number, lines = number + len(lines), []
        if line is None:
            yield Misfit(number, {}, "line_too_long")
            number += 1
    if lines:
        yield Lines(np.arange(number, number + len(lines), dtype=np.int32), lines)


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Lines that are not empty; None for one that is longer than any visit."""
    start = file.read(len(BOM))
    file.seek(len(BOM) if start == BOM else 0)
    while line := file.readline(LONGEST_LINE_BYTES):
        if len(line) < LONGEST_LINE_BYTES or line.endswith(b"\n"):
            if line.strip():
                yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE_BYTES)
        yield None


def _open_parquet(path: Path) -> VisitsFile:
    file = pq.ParquetFile(path)
    names = [n for n in file.schema_arrow.names if not n.startswith("__index_level_")]  # pandas' own
    return VisitsFile(PARQUET, names, _arrow_parts(lambda: file.iter_batches(ROWS_AT_ONCE, columns=names)))


def gdal() -> Any:
    """pyogrio, with our short list of drivers. Only where a GeoPackage is at hand: it takes 40 MB of memory."""
    import geo.vector_files  # noqa: F401  (limits GDAL's drivers before the next import registers them)

    import pyogrio  # isort: skip

    return pyogrio


def _gdal_errors() -> tuple[type[Exception], ...]:
    errors = gdal().errors
    return errors.DataSourceError, errors.DataLayerError, errors.FieldError


def _open_geopackage(path: Path, folder: Path) -> VisitsFile:
    """The layer called visits, or the only one. Its points are the positions where it has no columns lon and lat."""
    named = folder / "visits.gpkg"
    named.symlink_to(path.absolute())  # the driver looks at the name too
    layers = [str(name) for name, _ in gdal().list_layers(named)]
    layer = "visits" if "visits" in layers else layers[0] if len(layers) == 1 else None
    if layer is None:
        raise ValueError(f"it has several layers ({', '.join(layers)}) and none is called visits")
    about = gdal().read_info(named, layer=layer)
    columns = [str(n) for n in about["fields"]]
    if "lon" in columns or "lat" in columns or about["geometry_type"] is None:
        return VisitsFile(GEOPACKAGE, columns, _arrow_parts(lambda: _of_layer(named, layer, False)))
    if about["geometry_type"] not in ("Point", "Point Z", "Unknown"):
        raise ValueError(f"its layer {layer} holds {about['geometry_type']} instead of points")
    to_wgs84 = pyproj.Transformer.from_crs(about["crs"], "EPSG:4326", always_xy=True) if about["crs"] else None

    def with_positions() -> Iterator[pa.RecordBatch]:
        for batch in _of_layer(named, layer, True):
            geometry = batch.schema.names[-1]
            lon, lat = _positions(batch.column(geometry), to_wgs84)
            batch = batch.select([n for n in batch.schema.names if n != geometry])
            yield batch.append_column("lon", lon).append_column("lat", lat)

    return VisitsFile(GEOPACKAGE, [*columns, "lon", "lat"], _arrow_parts(with_positions))


def _of_layer(path: Path, layer: str, geometry: bool) -> Iterator[pa.RecordBatch]:
    how = {"layer": layer, "read_geometry": geometry, "batch_size": ROWS_AT_ONCE, "use_pyarrow": True}
    with gdal().raw.open_arrow(path, **how) as (_about, reader):
        yield from reader


def _positions(wkb: pa.Array, to_wgs84: pyproj.Transformer | None) -> tuple[pa.Array, pa.Array]:
    """Longitude and latitude of points; null where there is none."""
    points = shapely.from_wkb(np.array(wkb.to_pylist(), dtype=object), on_invalid="ignore")
    there = (shapely.get_type_id(points) == POINT) & ~shapely.is_empty(points)
    lon, lat = np.full(len(points), np.nan), np.full(len(points), np.nan)
    lon[there], lat[there] = shapely.get_x(points[there]), shapely.get_y(points[there])
    if to_wgs84:
        lon[there], lat[there] = _on_earth(to_wgs84, lon[there], lat[there])
    return pa.array(lon, mask=~there), pa.array(lat, mask=~there)


def _on_earth(to_wgs84: pyproj.Transformer, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of coordinates in another system; where it does not reach, NOWHERE_DEG, which is refused in its row."""
    lon, lat = to_wgs84.transform(x, y)
    back_x, back_y = to_wgs84.transform(lon, lat, direction="INVERSE")
    scale = np.maximum(1.0, np.maximum(np.abs(x), np.abs(y)))
    with np.errstate(invalid="ignore"):
        fits = np.maximum(np.abs(back_x - x), np.abs(back_y - y)) <= 1e-6 * scale
    return np.where(fits, lon, NOWHERE_DEG), np.where(fits, lat, NOWHERE_DEG)


def _arrow_parts(read: Callable[[], Iterator[pa.RecordBatch]]) -> Iterator[Part]:
    row = 1
    for batch in read():
        number = np.arange(row, row + batch.num_rows, dtype=np.int32)
        row += batch.num_rows
        columns = {name: _said(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        yield _as_texts(number, columns)


def _said(name: str, column: pa.Array) -> pa.Array:
    """A typed column as texts that say the same."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_nested(kind):
        raise ValueError(f"its column {name} holds {kind}")
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16:
        return pc.fill_null(pa.array([v and _uuid(v) for v in column.to_pylist()], pa.string()), "")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pc.fill_null(column.cast(pa.binary()), b"")
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), None, column)  # what pandas writes where nothing is
        column = _whole(column) if name in (*COUNTS, *YES_OR_NO) else column
    elif pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""  # without one it is refused row by row
        column = pc.strftime(column.cast(pa.timestamp("us", kind.tz and "UTC"), safe=False), f"%Y-%m-%dT%H:%M:%S{zone}")
    return pc.fill_null(column.cast(pa.string()), "")


def _whole(column: pa.Array) -> pa.Array:
    """Whole numbers that were kept as floats, as pandas does where some are missing."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column  # a half child: refused in its row, with its value


def _uuid(value: bytes) -> str:
    h = value.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
