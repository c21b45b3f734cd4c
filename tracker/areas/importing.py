"""Take boundaries of one level into one vintage: all of the file, or nothing.

Reads features in EPSG:4326; writes `area`, `area_within`, `area_piece` and where the settlements of that vintage lie.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from flask_babel import gettext as _
from geoalchemy2 import WKBElement
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import boundaries
from geo.features import Features
from tracker.areas.incoming import ImportSummary, IncomingRow, check_fields
from tracker.areas.models import LEVELS, Area
from tracker.areas.placing import one_import_at_a_time, place_settlements
from tracker.areas.tree import rebuild_tree

OUTSIDE_PARENT_SHARE = 0.01
SIBLING_OVERLAP_SHARE = 0.01


@dataclass(frozen=True)
class AreaFields:
    """Which attribute of the file holds what."""

    code: str
    name: str
    name_ur: str | None = None
    name_ps: str | None = None
    parent: str | None = None  # holds the parent's code; None: the parent is whoever covers most
    population: str | None = None
    population_year: int | None = None  # of the whole file


@dataclass
class _Outline:
    """An area of the file that may still be taken."""

    row: int
    code: str
    shape: shapely.Geometry
    values: dict[str, Any]  # columns of `area` that come from the file
    parent_code: str  # empty: none
    parent: Area | None = None


def newest_vintage(session: Session) -> date | None:
    """The newest boundary vintage; None when no area is loaded."""
    newest: date | None = session.scalar(text("SELECT max(vintage) FROM area"))
    return newest


def import_areas(
    session: Session, features: Features, fields: AreaFields, level: str, vintage: date, keep_good: bool = False
) -> ImportSummary:
    """Check every row and write them; with any refused row nothing is written, unless `keep_good`.

    Refused: duplicate code, missing or unknown parent, empty or wrong geometry, over 1 % outside the parent, over 1 %
    common ground with another area of the level. Open and crossing rings are repaired and counted.
    """
    check_fields(features, (fields.code, fields.name, fields.name_ur, fields.name_ps, fields.parent, fields.population))
    one_import_at_a_time(session)
    summary = ImportSummary(read=len(features))
    known = {area.code: area for area in session.query(Area).filter_by(vintage=vintage)}
    shapes, mended = boundaries.repaired(features.geometry)
    outlines = _readable(features, fields, shapes, known, level, summary)
    outlines = _with_parents(outlines, known, level, fields.parent, summary)
    outlines = _within(outlines, known, summary)
    outlines = _apart(outlines, known, level, summary)
    summary.rejected = len(summary.refused_rows())
    if summary.errors and not keep_good:
        return summary
    summary.repaired = int(sum((mended | features.closed)[o.row - 1] for o in outlines))
    changed = _write(session, outlines, known, vintage, summary)
    if changed:
        rebuild_tree(session, vintage, [area.id for area in changed])
        place_settlements(session, vintage)
    return summary


def _readable(
    features: Features,
    fields: AreaFields,
    shapes: boundaries.Shapes,
    known: dict[str, Area],
    level: str,
    summary: ImportSummary,
) -> list[_Outline]:
    """The rows with a code of their own, a name and an outline."""
    taken = {area.code for area in known.values() if area.level != level}
    outlines = []
    for index, shape in enumerate(shapes):
        row = IncomingRow(features, index, summary)
        code = row.code(fields.code, taken)
        taken.add(code)
        population = row.count(fields.population)
        values = {
            "level": level,
            "name_en": row.name(fields.name),
            "name_ur": row.words(fields.name_ur),
            "name_ps": row.words(fields.name_ps),
            "population": population,
            "population_year": fields.population_year if population is not None else None,
        }
        if shape is None:
            row.refuse(
                "geometry",
                "no_outline",
                _("{code} has no outline, or one that encloses nothing. Draw it as a polygon.").format(code=code),
            )
        else:
            row.check_on_earth(shape)
        if row.is_good:
            parent_code = (row.words(fields.parent) or "").strip()
            outlines.append(_Outline(row.row, code, shape, values, parent_code))
    return outlines


def _with_parents(
    outlines: list[_Outline], known: dict[str, Area], level: str, parent_field: str | None, summary: ImportSummary
) -> list[_Outline]:
    """Each with its parent: by code, else whoever of the level above covers most. The highest level has none."""
    above = {area.code: area for area in known.values() if LEVELS.index(area.level) < LEVELS.index(level)}
    if parent_field:
        for outline in outlines:
            outline.parent = above.get(outline.parent_code)
            if outline.parent is None:
                summary.refuse(
                    outline.row,
                    parent_field,
                    "parent_unknown",
                    _(
                        '{code}: there is no area "{parent}" above level {level} in this vintage. '
                        "Import the level above first, or correct the code."
                    ).format(code=outline.code, parent=outline.parent_code, level=level),
                )
    elif above:
        nearest = max((area.level for area in above.values()), key=LEVELS.index)
        candidates = [area for area in above.values() if area.level == nearest]
        covering = boundaries.largest_overlap(_array(o.shape for o in outlines), _array(map(_shape, candidates)))
        for outline, index in zip(outlines, covering, strict=True):
            outline.parent = candidates[index] if index >= 0 else None
            if outline.parent is None:
                summary.refuse(
                    outline.row,
                    "geometry",
                    "parent_missing",
                    _("{code} touches no {level}.").format(code=outline.code, level=nearest),
                )
    else:
        return outlines
    return [outline for outline in outlines if outline.parent]


def _within(outlines: list[_Outline], known: dict[str, Area], summary: ImportSummary) -> list[_Outline]:
    """Those that lie in their parent, and in which their children that are loaded already still lie."""
    by_id = {known[o.code].id: o for o in outlines if o.code in known}
    pairs = [(o, o.code, o.shape, o.parent.code, _shape(o.parent)) for o in outlines if o.parent]
    for child in known.values():
        if child.parent_id in by_id:
            changed = by_id[child.parent_id]
            pairs.append((changed, child.code, _shape(child), changed.code, changed.shape))
    if not pairs:
        return outlines
    outside = boundaries.share_outside(_array(pair[2] for pair in pairs), _array(pair[4] for pair in pairs))
    for (outline, inner, _inner, outer, _outer), share in zip(pairs, outside, strict=True):
        if share > OUTSIDE_PARENT_SHARE:
            summary.refuse(
                outline.row,
                "geometry",
                "outside_parent",
                _(
                    "{share:.1%} of {inner} lies outside {outer}; up to 1 % may. "
                    "Correct the outline, or load changed boundaries as a new vintage."
                ).format(share=share, inner=inner, outer=outer),
            )
    return _still_good(outlines, summary)


def _apart(outlines: list[_Outline], known: dict[str, Area], level: str, summary: ImportSummary) -> list[_Outline]:
    """Areas of one level may not share ground: the later of two rows is refused, and loaded areas stay."""
    coming = {o.code for o in outlines}
    loaded = [area for area in known.values() if area.level == level and area.code not in coming]
    codes = [area.code for area in loaded] + [o.code for o in outlines]
    shapes = _array([*map(_shape, loaded), *(o.shape for o in outlines)])
    for first, second, share in boundaries.overlapping_pairs(shapes, SIBLING_OVERLAP_SHARE):
        if second >= len(loaded):
            summary.refuse(
                outlines[second - len(loaded)].row,
                "geometry",
                "overlaps_sibling",
                _(
                    "{code} and {other} share {share:.1%} of the smaller of the two; up to 1 % may.",
                ).format(code=codes[second], other=codes[first], share=share),
            )
    return _still_good(outlines, summary)


def _still_good(outlines: list[_Outline], summary: ImportSummary) -> list[_Outline]:
    refused = summary.refused_rows()
    return [o for o in outlines if o.row not in refused]


def _array(shapes: Iterable[shapely.Geometry]) -> boundaries.Shapes:
    return np.array(list(shapes), dtype=object)


def _shape(area: Area) -> shapely.Geometry:
    return shapely.from_wkb(bytes(area.boundary.data))


def _write(
    session: Session, outlines: list[_Outline], known: dict[str, Area], vintage: date, summary: ImportSummary
) -> list[Area]:
    """Add the new areas and change those that differ; return both."""
    changed = []
    km2 = boundaries.geodesic_km2(_array(o.shape for o in outlines))
    for outline, size in zip(outlines, km2, strict=True):
        wkb = shapely.to_wkb(shapely.set_srid(outline.shape, 4326), byte_order=1, include_srid=True)
        values = {**outline.values, "parent_id": outline.parent.id if outline.parent else None}
        area = known.get(outline.code)
        if area is None:
            area = Area(vintage=vintage, code=outline.code)
            session.add(area)
            summary.created += 1
        elif all(getattr(area, key) == value for key, value in values.items()) and bytes(area.boundary.data) == wkb:
            summary.unchanged += 1
            continue
        else:
            summary.updated += 1
        for key, value in values.items():
            setattr(area, key, value)
        area.boundary, area.area_km2 = WKBElement(wkb, extended=True), float(size)
        changed.append(area)
    session.flush()
    return changed
