"""Take boundaries of one level into one vintage: all of the file, or nothing.

Reads features in EPSG:4326; writes `area`, `area_within`, `area_piece` and where the settlements of that vintage lie.
"""
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
import shapely
from flask_babel import gettext as _
from geoalchemy2 import WKBElement
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import boundaries
from geo.vector_files import Features
from tracker.areas.models import LEVELS, Area
from tracker.areas.placing import place_settlements
from tracker.errors import RowError, WrongRequest

OUTSIDE_PARENT_SHARE = 0.01
SIBLING_OVERLAP_SHARE = 0.01


@dataclass(frozen=True)
class AreaFields:
    """Which attribute of the file holds what."""

    code: str
    name: str
    name_ur: str | None = None
    name_ps: str | None = None
    parent: str | None = None
    population: str | None = None
    population_year: int | None = None


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


@dataclass
class _Row:
    """One row on its way in. `row`: 1 is the first data row of the file."""

    row: int
    code: str
    name_en: str
    name_ur: str | None
    name_ps: str | None
    parent_code: str | None
    population: int | None
    shape: Any
    parent: Area | None = None


def newest_vintage(session: Session) -> date | None:
    """The newest boundary vintage; None when no area is loaded."""
    return session.scalar(text("SELECT max(vintage) FROM area"))


def import_areas(session: Session, features: Features, fields: AreaFields, level: str, vintage: date, keep_good: bool = False) -> ImportSummary:
    """Check every row and write them; with any refused row nothing is written, unless `keep_good`.

    Refused: duplicate code, missing or unknown parent, empty or wrong geometry, over 1 % outside the parent, over 1 % common ground
    with another area of the level. Crossing rings are repaired and counted.
    """
    for name in (fields.code, fields.name, fields.name_ur, fields.name_ps, fields.parent, fields.population):
        if name and name not in features.attributes:
            raise WrongRequest(field=name, why=_("the file has no such field; it has {names}").format(names=", ".join(features.attributes)))
    summary = ImportSummary(read=len(features))
    existing = {a.code: a for a in session.query(Area).filter_by(vintage=vintage)}
    shapes, changed = boundaries.repaired(features.geometry)
    rows = _readable_rows(features, fields, shapes, existing, level, summary)
    rows = _with_parents(rows, existing, level, fields, summary)
    rows = _inside_parents(rows, summary)
    rows = _apart_from_siblings(rows, [a for a in existing.values() if a.level == level], summary)
    summary.rejected = len({e.row for e in summary.errors})
    if summary.errors and not keep_good:
        return summary
    summary.repaired = int(sum(changed[r.row - 1] for r in rows))
    _write(session, rows, existing, level, vintage, fields.population_year, summary)
    if summary.created or summary.updated:
        _rebuild_tree(session, vintage)
        place_settlements(session, vintage)
    return summary


def _text(value: Any) -> str | None:
    """An attribute as text; codes that a file stores as numbers lose their decimal point."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value).strip().replace("\0", "") or None


def _readable_rows(features: Features, fields: AreaFields, shapes: np.ndarray, existing: dict[str, Area], level: str,
                   summary: ImportSummary) -> list[_Row]:
    rows, seen = [], set()

    def value(name: str | None, k: int) -> str | None:
        return _text(features.attributes[name][k]) if name else None

    for k in range(len(features)):
        code, name = value(fields.code, k), value(fields.name, k)
        refuse = _refuser(summary, k + 1)
        if code is None:
            refuse(fields.code, "code_missing", _("The row has no code. Give it one."))
        elif code in seen or (code in existing and existing[code].level != level):
            refuse(fields.code, "duplicate_code", _("{code} stands twice. Each area needs its own code.").format(code=code))
        elif name is None:
            refuse(fields.name, "name_missing", _("{code} has no name.").format(code=code))
        elif shapes[k] is None:
            refuse("geometry", "geometry_empty_or_wrong", _("{code} has no outline, or one that encloses nothing. Draw it as a polygon.").format(code=code))
        elif (np.abs(shapely.get_coordinates(shapes[k])) > (180, 90)).any():
            refuse("geometry", "outside_the_earth", _("{code} lies beyond 180° or 90°. Check the coordinate system.").format(code=code))
        else:
            population = value(fields.population, k)
            rows.append(_Row(k + 1, code, name, value(fields.name_ur, k), value(fields.name_ps, k), value(fields.parent, k),
                             int(float(population)) if population and population.replace(".", "", 1).isdigit() else None, shapes[k]))
        seen.add(code)
    return rows


def _refuser(summary: ImportSummary, row: int):
    return lambda field_, rule, message: summary.errors.append(RowError(row, field_, rule, message))


def _with_parents(rows: list[_Row], existing: dict[str, Area], level: str, fields: AreaFields, summary: ImportSummary) -> list[_Row]:
    """Each row's parent by code, else by the largest overlap with the next level above that is loaded."""
    above = [a for a in existing.values() if LEVELS.index(a.level) < LEVELS.index(level)]
    if not above and not fields.parent:
        return rows
    nearest_level = max((a.level for a in above), key=LEVELS.index, default=None)
    candidates = [a for a in above if a.level == nearest_level]
    by_overlap = {}
    if not fields.parent:
        found = boundaries.largest_overlap(np.array([r.shape for r in rows]), np.array([_shape(a) for a in candidates]))
        by_overlap = {r.row: candidates[i] if i >= 0 else None for r, i in zip(rows, found, strict=True)}
    good = []
    for r in rows:
        r.parent = next((a for a in above if a.code == r.parent_code), None) if fields.parent else by_overlap[r.row]
        if r.parent:
            good.append(r)
        elif fields.parent:
            _refuser(summary, r.row)(fields.parent, "parent_unknown", _(
                "{code}: no area {parent} above level {level} in this vintage. Import the level above first, or correct the code.").format(
                    code=r.code, parent=r.parent_code, level=level))
        else:
            _refuser(summary, r.row)("geometry", "parent_missing", _("{code} touches no area of the level above.").format(code=r.code))
    return good


def _inside_parents(rows: list[_Row], summary: ImportSummary) -> list[_Row]:
    children = [r for r in rows if r.parent]
    if not children:
        return rows
    outside = boundaries.share_outside(np.array([r.shape for r in children]), np.array([_shape(r.parent) for r in children]))
    bad = {r.row: share for r, share in zip(children, outside, strict=True) if share > OUTSIDE_PARENT_SHARE}
    for r in children:
        if r.row in bad:
            _refuser(summary, r.row)("geometry", "outside_parent", _("{code}: {share:.1%} of it lies outside its parent {parent}; 1 % is allowed.").format(
                code=r.code, share=bad[r.row], parent=r.parent.code if r.parent else ""))
    return [r for r in rows if r.row not in bad]


def _apart_from_siblings(rows: list[_Row], others: list[Area], summary: ImportSummary) -> list[_Row]:
    """Areas of one level may not share ground; the later of two rows is refused, loaded areas stay."""
    new_codes = {r.code for r in rows}
    loaded = [a for a in others if a.code not in new_codes]
    codes = [a.code for a in loaded] + [r.code for r in rows]
    shapes = np.array([_shape(a) for a in loaded] + [r.shape for r in rows], dtype=object)
    bad = {}
    for i, j, share in boundaries.overlapping_pairs(shapes, SIBLING_OVERLAP_SHARE) if len(shapes) > 1 else []:
        if j >= len(loaded):
            bad[j - len(loaded)] = (codes[i], share)
    for k, (other, share) in sorted(bad.items()):
        _refuser(summary, rows[k].row)("geometry", "overlaps_sibling", _("{code} covers {share:.1%} of the smaller of itself and {other}; 1 % is allowed.").format(
            code=rows[k].code, share=share, other=other))
    return [r for k, r in enumerate(rows) if k not in bad]


def _shape(area: Area | None) -> Any:
    return shapely.from_wkb(bytes(area.boundary.data)) if area else None


def _write(session: Session, rows: list[_Row], existing: dict[str, Area], level: str, vintage: date, year: int | None, summary: ImportSummary) -> None:
    km2 = boundaries.geodesic_km2(np.array([r.shape for r in rows], dtype=object))
    for r, size in zip(rows, km2, strict=True):
        wkb = shapely.to_wkb(shapely.set_srid(r.shape, 4326), byte_order=1, include_srid=True)
        values = {"level": level, "name_en": r.name_en, "name_ur": r.name_ur, "name_ps": r.name_ps, "population": r.population,
                  "population_year": year if r.population is not None else None, "parent_id": r.parent.id if r.parent else None}
        area = existing.get(r.code)
        if area is None:
            area = Area(vintage=vintage, code=r.code)
            session.add(area)
            summary.created += 1
        elif all(getattr(area, k) == v for k, v in values.items()) and bytes(area.boundary.data) == wkb:
            summary.unchanged += 1
            continue
        else:
            summary.updated += 1
        for key, value in values.items():
            setattr(area, key, value)
        area.boundary, area.area_km2 = WKBElement(wkb, extended=True), float(size)
    session.flush()


REBUILD_TREE = (
    text("DELETE FROM area_within w USING area a WHERE a.id = w.area_id AND a.vintage = :vintage"),
    text("""
        WITH RECURSIVE climb AS (       -- every area, then the areas above it one by one
            SELECT id AS area_id, id AS ancestor_id, level, parent_id FROM area WHERE vintage = :vintage
            UNION ALL
            SELECT c.area_id, p.id, p.level, p.parent_id FROM climb c JOIN area p ON p.id = c.parent_id
        )
        INSERT INTO area_within (area_id, ancestor_id, ancestor_level) SELECT area_id, ancestor_id, level FROM climb"""),
    text("DELETE FROM area_piece p USING area a WHERE a.id = p.area_id AND a.vintage = :vintage"),
    text("""
        INSERT INTO area_piece (area_id, piece)
        SELECT id, CAST(ST_Subdivide(boundary, 64) AS geography) FROM area WHERE vintage = :vintage"""),
)


def _rebuild_tree(session: Session, vintage: date) -> None:
    """Who lies within whom, and the small pieces that distances are measured to."""
    for statement in REBUILD_TREE:
        session.execute(statement, {"vintage": vintage})
