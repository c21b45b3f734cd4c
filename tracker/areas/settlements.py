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
from geo.morton import tile_keys
from geo.vector_files import Features
from tracker.areas.importing import ImportSummary, _text
from tracker.areas.models import OTHER_RADIUS_M, SETTLEMENT_RADIUS_M
from tracker.areas.placing import place_settlements, vintages
from tracker.errors import RowError, WrongRequest

LARGEST_NUMBER = 2_147_483_647


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

    def named(self) -> list[str]:
        return [name for name in vars(self).values() if name]


COLUMNS = ("code", "name_en", "name_ur", "name_ps", "type", "population", "under_five", "high_risk", "compound", "centre", "extent",
           "radius_m", "utm_epsg", "cell_m", "cell_east_m", "cell_north_m", "tile_key")

# what an import can change; the grid follows from it
COMPARED = text("""
    SELECT code, name_en, name_ur, name_ps, type, population, under_five, high_risk, compound, ST_AsBinary(centre) AS centre,
           ST_AsBinary(extent) AS extent
    FROM settlement WHERE code = ANY(:codes)""")

UPSERT = f"""
    INSERT INTO settlement ({", ".join(COLUMNS)}) VALUES %s
    ON CONFLICT (code) DO UPDATE SET {", ".join(f"{c} = excluded.{c}" for c in COLUMNS[1:])} RETURNING id"""
TEMPLATE = "(%s,%s,%s,%s,%s,%s,%s,%s,%s,ST_GeomFromWKB(%s,4326),ST_GeomFromWKB(%s,4326),%s,%s,%s,%s,%s,%s)"


def import_settlements(session: Session, features: Features, fields: SettlementFields, keep_good: bool = False) -> ImportSummary:
    """Check every row and write those that are new or changed; with any refused row nothing is written, unless `keep_good`."""
    for name in fields.named():
        if name not in features.attributes:
            raise WrongRequest(field=name, why=_("the file has no such field; it has {names}").format(names=", ".join(features.attributes)))
    summary = ImportSummary(read=len(features))
    rows, repaired = _readable_rows(features, fields, summary)
    summary.rejected = len({e.row for e in summary.errors})
    if summary.errors and not keep_good:
        return summary
    summary.repaired = repaired
    existing = {r.code: r for r in session.execute(COMPARED, {"codes": list(rows)})}
    changed = {code: row for code, row in rows.items() if code not in existing or _differs(row, existing[code])}
    summary.created = len(rows.keys() - existing.keys())
    summary.updated = len(changed) - summary.created
    summary.unchanged = len(rows) - len(changed)
    if changed:
        ids = _write(session, list(changed.values()))
        for vintage in vintages(session):
            place_settlements(session, vintage, ids)
    return summary


def _readable_rows(features: Features, fields: SettlementFields, summary: ImportSummary) -> tuple[dict[str, tuple[Any, ...]], int]:
    """{code: values of COLUMNS up to `extent`} of the rows that can be taken, and how many outlines were repaired."""
    outlines, changed = boundaries.repaired(features.geometry)
    rows: dict[str, tuple[Any, ...]] = {}
    repaired = 0
    for k in range(len(features)):
        errors_before = len(summary.errors)

        def refuse(field: str, rule: str, message: str, row: int = k + 1) -> None:
            summary.errors.append(RowError(row, field, rule, message))

        read = _Reader(features, k, refuse)
        code, name = read.words(fields.code), read.words(fields.name)
        shape = outlines[k] if outlines[k] is not None else _point(features.geometry[k])
        if code is None:
            refuse(fields.code, "code_missing", _("The row has no code. Give it one."))
        elif code in rows:
            refuse(fields.code, "duplicate_code", _("{code} stands twice. Each settlement needs its own code.").format(code=code))
        if name is None:
            refuse(fields.name, "name_missing", _("The settlement has no name."))
        if shape is None:
            refuse("geometry", "geometry_empty_or_wrong", _("A settlement is a point or a polygon; this row has neither."))
        elif (np.abs(shapely.get_coordinates(shape)) > (180, 90)).any():
            refuse("geometry", "outside_the_earth", _("The position lies beyond 180° or 90°. Check the coordinate system."))
        values = (code, name, read.words(fields.name_ur), read.words(fields.name_ps), (read.words(fields.type) or "hamlet").lower(),
                  read.number(fields.population), read.number(fields.under_five), read.yes(fields.high_risk), read.yes(fields.compound))
        if len(summary.errors) == errors_before and code:
            is_point = shapely.get_type_id(shape) == 0
            rows[code] = (*values, shapely.to_wkb(shape if is_point else shapely.centroid(shape), byte_order=1),
                          None if is_point else shapely.to_wkb(shape, byte_order=1))
            repaired += bool(changed[k])
    return rows, repaired


def _point(geometry: Any) -> Any:
    """The point itself (a multipoint of one counts); None for anything else."""
    if geometry is None or shapely.is_empty(geometry):
        return None
    if shapely.get_type_id(geometry) == 4 and shapely.get_num_geometries(geometry) == 1:
        geometry = shapely.get_geometry(geometry, 0)
    return geometry if shapely.get_type_id(geometry) == 0 and np.isfinite(shapely.get_coordinates(geometry)).all() else None


class _Reader:
    """Attributes of one row; what cannot be read is refused by field."""

    def __init__(self, features: Features, k: int, refuse: Any) -> None:
        self.features, self.k, self.refuse = features, k, refuse

    def words(self, field: str | None) -> str | None:
        return _text(self.features.attributes[field][self.k]) if field else None

    def number(self, field: str | None) -> int | None:
        words = self.words(field)
        if words is None:
            return None
        try:
            value = float(words)
        except ValueError:
            value = float("nan")
        if not (value.is_integer() and 0 <= value <= LARGEST_NUMBER):
            self.refuse(field, "not_a_count", _("{value} is not a whole number from 0 upwards.").format(value=words))
            return None
        return int(value)

    def yes(self, field: str | None) -> bool:
        words = (self.words(field) or "no").lower()
        if words not in ("true", "false", "yes", "no", "1", "0"):
            self.refuse(field, "not_yes_or_no", _("{value} is neither yes nor no.").format(value=words))
        return words in ("true", "yes", "1")


def _differs(row: tuple[Any, ...], stored: Any) -> bool:
    return row != (*stored[:9], bytes(stored.centre), bytes(stored.extent) if stored.extent is not None else None)


def _write(session: Session, rows: list[tuple[Any, ...]]) -> list[int]:
    cursor = session.connection().connection.cursor()
    found = execute_values(cursor, UPSERT, [_with_grid(row) for row in rows], TEMPLATE, page_size=500, fetch=True)
    return [id_ for (id_,) in found]


def _with_grid(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row completed by its radius and its inhabited cells."""
    kind, centre = row[4], shapely.from_wkb(row[9])
    extent = shapely.from_wkb(row[10]) if row[10] else None
    radius_m = SETTLEMENT_RADIUS_M.get(kind, OTHER_RADIUS_M) if extent is None else _outer_radius_m(centre, extent)
    grid = inhabited_cells(centre, extent, radius_m, kind)
    return (*row, radius_m, grid.utm_epsg, grid.cell_m, grid.east_m.tolist(), grid.north_m.tolist(),
            int(tile_keys(np.array(centre.x), np.array(centre.y))))


def _outer_radius_m(centre: shapely.Point, extent: Any) -> float:
    """Geodesic distance from the centre to the farthest vertex."""
    vertices = shapely.get_coordinates(extent)
    lon, lat = np.full(len(vertices), centre.x), np.full(len(vertices), centre.y)
    return float(np.max(WGS84.inv(lon, lat, vertices[:, 0], vertices[:, 1])[2]))
