"""Take settlements, as points or outlines, and locate each in its areas once.

Reads features in EPSG:4326; writes `settlement` and `settlement_place` for every vintage.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from flask_babel import gettext as _
from psycopg2.extras import execute_values
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import boundaries
from geo.boundaries import WGS84
from geo.cells import inhabited_cells
from geo.features import Features
from geo.morton import tile_keys
from tracker.areas.incoming import ImportSummary, IncomingRow, check_fields
from tracker.areas.models import OTHER_RADIUS_M, SETTLEMENT_RADIUS_M
from tracker.areas.placing import one_import_at_a_time, place_settlements, vintages

LARGEST_RADIUS_M = 25_000.0  # of an outline: beyond, it is no settlement, and its cells would fill the memory
UNKNOWN_TYPE = "other"


@dataclass(frozen=True)
class SettlementFields:
    """Which attribute of the file holds what."""

    code: str
    name: str
    name_ur: str | None = None
    name_ps: str | None = None
    population: str | None = None
    under_five: str | None = None
    type: str | None = None
    high_risk: str | None = None
    compound: str | None = None


COLUMNS = (
    "code", "name_en", "name_ur", "name_ps", "type", "population", "under_five", "high_risk", "compound", "centre",
    "extent", "radius_m", "utm_epsg", "cell_m", "cell_east_m", "cell_north_m", "tile_key",
)  # fmt: skip

# what an import can change; the grid follows from it
COMPARED = text("""
    SELECT code, name_en, name_ur, name_ps, type, population, under_five, high_risk, compound,
           ST_AsBinary(centre) AS centre, ST_AsBinary(extent) AS extent
    FROM settlement WHERE code = ANY(:codes)""")

WRITE = f"""
    INSERT INTO settlement ({", ".join(COLUMNS)}) VALUES %s
    ON CONFLICT (code) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in COLUMNS[1:])} RETURNING id"""
ONE_ROW = "(" + ", ".join("ST_GeomFromWKB(%s, 4326)" if c in ("centre", "extent") else "%s" for c in COLUMNS) + ")"


@dataclass(frozen=True)
class _Settlement:
    """A settlement of the file that can be taken."""

    row: int
    values: tuple[Any, ...]  # the columns of COMPARED that are no geometry, in its order
    centre: shapely.Point
    extent: shapely.Geometry | None  # None: given as a point
    radius_m: float

    @property
    def code(self) -> str:
        return str(self.values[0])

    @property
    def outlines(self) -> tuple[bytes, bytes | None]:
        return shapely.to_wkb(self.centre, byte_order=1), shapely.to_wkb(self.extent, byte_order=1)


def import_settlements(
    session: Session, features: Features, fields: SettlementFields, keep_good: bool = False
) -> ImportSummary:
    """Check every row and write what is new or changed; with any refused row nothing is written, unless `keep_good`.

    Refused: duplicate code, no name, neither point nor polygon, an outline wider than 50 km, numbers that are none.
    """
    check_fields(features, vars(fields).values())
    one_import_at_a_time(session)
    summary = ImportSummary(read=len(features))
    shapes, mended = boundaries.repaired(features.geometry)
    rows = _readable(features, fields, shapes, summary)
    summary.rejected = len(summary.refused_rows())
    if summary.errors and not keep_good:
        return summary
    summary.repaired = int(sum((mended | features.closed)[r.row - 1] for r in rows))
    stored = {r.code: r for r in session.execute(COMPARED, {"codes": [r.code for r in rows]})}
    changed = [r for r in rows if r.code not in stored or _differs(r, stored[r.code])]
    summary.created = sum(r.code not in stored for r in rows)
    summary.updated = len(changed) - summary.created
    summary.unchanged = len(rows) - len(changed)
    if changed:
        ids = _write(session, changed)
        for vintage in vintages(session):
            place_settlements(session, vintage, ids)
    return summary


def _readable(
    features: Features, fields: SettlementFields, shapes: boundaries.Shapes, summary: ImportSummary
) -> list[_Settlement]:
    taken: set[str] = set()
    rows = []
    for index, outline in enumerate(shapes):
        row = IncomingRow(features, index, summary)
        code = row.code(fields.code, taken)
        taken.add(code)
        kind = (row.words(fields.type) or UNKNOWN_TYPE).strip().lower()
        values = (
            code,
            row.name(fields.name),
            row.words(fields.name_ur),
            row.words(fields.name_ps),
            kind,
            row.count(fields.population),
            row.count(fields.under_five),
            row.yes(fields.high_risk),
            row.yes(fields.compound),
        )
        shape = outline or _point(features.geometry[index])
        if shape is None:
            row.refuse("geometry", "no_place", _("A settlement is a point or a polygon; this row has neither."))
            continue
        row.check_on_earth(shape)
        centre = shapely.centroid(shape)
        radius_m = _outer_radius_m(centre, shape) if outline else SETTLEMENT_RADIUS_M.get(kind, OTHER_RADIUS_M)
        if radius_m > LARGEST_RADIUS_M:
            row.refuse(
                "geometry",
                "too_wide",
                _(
                    "The outline reaches {km:.0f} km from its centre; {most:.0f} km is the most for one settlement."
                ).format(km=radius_m / 1000, most=LARGEST_RADIUS_M / 1000),
            )
        if row.is_good:
            rows.append(_Settlement(row.row, values, centre, outline, radius_m))
    return rows


def _point(geometry: shapely.Geometry | None) -> shapely.Point | None:
    """The point itself (a multipoint of one counts); None for anything else."""
    if (
        geometry is None
        or shapely.get_num_coordinates(geometry) != 1
        or not np.isfinite(shapely.get_coordinates(geometry)).all()
    ):
        return None
    return shapely.Point(shapely.get_coordinates(geometry)[0])


def _differs(row: _Settlement, stored: Any) -> bool:
    extent = bytes(stored.extent) if stored.extent is not None else None
    return row.values != tuple(stored[:9]) or row.outlines != (bytes(stored.centre), extent)


def _write(session: Session, rows: list[_Settlement]) -> list[int]:
    cursor = session.connection().connection.cursor()
    found = execute_values(cursor, WRITE, (_columns(row) for row in rows), ONE_ROW, page_size=500, fetch=True)
    return [id_ for (id_,) in found]


def _columns(row: _Settlement) -> tuple[Any, ...]:
    """The values of COLUMNS: what the file says, and the inhabited cells that follow from it."""
    grid = inhabited_cells(row.centre, row.extent, row.radius_m, row.values[4])
    key = tile_keys(np.array([row.centre.x]), np.array([row.centre.y]))[0]
    return (
        *row.values,
        *row.outlines,
        row.radius_m,
        grid.utm_epsg,
        grid.cell_m,
        grid.east_m.tolist(),
        grid.north_m.tolist(),
        int(key),
    )


def _outer_radius_m(centre: shapely.Point, extent: shapely.Geometry) -> float:
    """Geodesic distance from the centre to the farthest vertex."""
    vertices = shapely.get_coordinates(extent)
    lon, lat = np.full(len(vertices), centre.x), np.full(len(vertices), centre.y)
    return float(np.max(WGS84.inv(lon, lat, vertices[:, 0], vertices[:, 1])[2]))
