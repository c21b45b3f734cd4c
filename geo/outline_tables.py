"""Read tables whose rows carry an outline: a column `wkt`, or `lon`, `lat` and `radius_m`, in degrees WGS 84."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import shapely

WGS84 = pyproj.Geod(ellps="WGS84")
BEYOND = "\0"  # where csv puts cells beyond the header
LONGEST_CELL = 2_000_000  # letters: an outline of some 50,000 corners
CIRCLE_CORNERS = 64
LARGEST_RADIUS_M = 50_000.0
DELIMITERS = ",;\t"

NOT_WKT, NOT_FINITE, NO_RADIUS, NOT_A_NUMBER = "not_wkt", "not_finite", "no_radius", "not_a_number"
OFF_EARTH, TOO_MANY_CELLS = "coordinates", "too_many_cells"


class TableNotReadable(ValueError):
    """Why this is no table that can be read: a sentence without its subject."""


@dataclass(frozen=True)
class OutlineTable:
    """The rows of a table.

    columns : names in order.   rows : one dict of texts per row.   geometry : (n,) shapely or None
    closed : (n,) a ring was left open and has been closed.   problems : {index: why there is no geometry}
    """

    columns: list[str]
    rows: list[dict[str, str]]
    geometry: np.ndarray
    closed: np.ndarray
    problems: dict[int, str]


def read_outline_table(path: Path, columns: dict[str, str] | None = None) -> OutlineTable:
    """All rows; `columns` names those that are called otherwise ({"wkt": "shape"}). Raises TableNotReadable."""
    named = {name: (columns or {}).get(name, name) for name in ("wkt", "lon", "lat", "radius_m")}
    names, rows = _rows(path)
    outlines = _Outlines(len(rows))
    for k, row in enumerate(rows):
        if row.pop(BEYOND, None):
            outlines.problems[k] = TOO_MANY_CELLS
    if named["wkt"] in names:
        for k, row in enumerate(rows):
            outlines.take_wkt(k, row.get(named["wkt"], ""))
    elif named["lon"] in names and named["lat"] in names:
        for k, row in enumerate(rows):
            outlines.take_circle(k, *(row.get(named[name], "") for name in ("lon", "lat", "radius_m")))
    else:
        raise TableNotReadable(
            f"has no column {named['wkt']}, nor {named['lon']} and {named['lat']}; it has {', '.join(names) or 'none'}"
        )
    return OutlineTable(names, rows, outlines.geometry, outlines.closed, outlines.problems)


def _rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    limit = csv.field_size_limit(LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, restkey=BEYOND, restval="", delimiter=max(DELIMITERS, key=head.count))
            rows = list(reader)
            names = [name for name in reader.fieldnames or [] if name]
    except UnicodeDecodeError as error:
        raise TableNotReadable(f"is not UTF-8 text (byte {error.start}). Save it as “CSV UTF-8”") from None
    except csv.Error as error:
        too_long = f"holds a cell of over {LONGEST_CELL:,} letters. Simplify that outline"
        raise TableNotReadable(too_long if "field limit" in str(error) else f"is no CSV ({error})") from None
    finally:
        csv.field_size_limit(limit)
    if not names:
        raise TableNotReadable("is empty")
    if twice := [name for name in names if names.count(name) > 1]:
        raise TableNotReadable(f"has two columns called {twice[0]}. Give each a name of its own")
    return names, rows


class _Outlines:
    """Geometries of a table's rows as they are read."""

    def __init__(self, count: int) -> None:
        self.geometry = np.full(count, None, dtype=object)
        self.closed = np.zeros(count, dtype=bool)
        self.problems: dict[int, str] = {}

    def take_wkt(self, k: int, words: str) -> None:
        if not words.strip() or k in self.problems:
            return
        self.geometry[k], self.closed[k], problem = outline_from_wkt(words)
        if problem:
            self.problems[k] = problem

    def take_circle(self, k: int, lon: str, lat: str, radius: str) -> None:
        if not (lon.strip() or lat.strip()) or k in self.problems:
            return
        self.geometry[k], problem = outline_from_circle(lon, lat, radius)
        if problem:
            self.problems[k] = problem


def outline_from_wkt(words: str) -> tuple[shapely.Geometry | None, bool, str | None]:
    """(geometry or None, whether a ring had to be closed, what is wrong with the text)."""
    closed = False
    try:
        geometry = shapely.from_wkt(words)
    except (shapely.errors.GEOSException, ValueError):
        geometry = shapely.from_wkt(words, on_invalid="fix")
        closed = geometry is not None
    if geometry is None:
        return None, False, NOT_WKT
    geometry = shapely.force_2d(geometry)
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return None, False, NOT_FINITE
    return geometry, closed, None


def outline_from_circle(lon: str, lat: str, radius: str) -> tuple[shapely.Geometry | None, str | None]:
    """A circle of `radius` metres along the ellipsoid about a position in degrees, or what is wrong with the texts."""
    try:
        x, y = float(lon), float(lat)
    except ValueError:
        return None, NOT_A_NUMBER
    try:
        radius_m = float(radius)
    except ValueError:
        return None, NO_RADIUS
    if not np.isfinite([x, y]).all() or not 0 < radius_m <= LARGEST_RADIUS_M:
        return None, NOT_FINITE
    if abs(x) > 180 or abs(y) > 90:
        return None, OFF_EARTH
    turn = np.linspace(0, 360, CIRCLE_CORNERS, endpoint=False)
    many = np.ones(CIRCLE_CORNERS)
    east, north, _back = WGS84.fwd(x * many, y * many, turn, radius_m * many)
    return shapely.Polygon(np.round(np.column_stack([east, north])[::-1], 9)), None
