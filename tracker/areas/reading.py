"""Which areas are there? Names and outlines are no secret to anyone signed in."""

from datetime import date
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.areas.models import LEVELS

LIST = text("""
    SELECT a.code, a.name_en AS name, a.name_ur, a.name_ps, a.level, p.code AS parent, a.area_km2, a.vintage
    FROM area a LEFT JOIN area p ON p.id = a.parent_id
    WHERE a.vintage = coalesce(:vintage, (SELECT max(vintage) FROM area)) AND (:level IS NULL OR a.level = :level)
    ORDER BY array_position(CAST(:levels AS text[]), a.level), a.code""")

METRES_PER_DEGREE = 111_320.0  # of latitude; simplification need not be more exact

OUTLINES = text("""
    SELECT a.id, a.code, a.name_en AS name, a.name_ur, a.name_ps, a.level, p.code AS parent,
           ST_AsGeoJSON(CASE WHEN :tolerance > 0 THEN ST_SimplifyPreserveTopology(a.boundary, :tolerance)
                        ELSE a.boundary END, 6) AS outline
    FROM area a LEFT JOIN area p ON p.id = a.parent_id
    WHERE a.vintage = coalesce(:vintage, (SELECT max(vintage) FROM area)) AND (:level IS NULL OR a.level = :level)
      AND (:parent IS NULL OR p.code = :parent) AND a.id > :after
    ORDER BY a.id LIMIT :limit""")


def list_areas(session: Session, level: str | None = None, vintage: date | None = None) -> list[dict[str, Any]]:
    """Areas of one vintage (the newest unless told), coarse levels first."""
    rows = session.execute(LIST, {"level": level, "vintage": vintage, "levels": list(LEVELS)}).mappings()
    return [{**row, "area_km2": round(row["area_km2"], 6), "vintage": row["vintage"].isoformat()} for row in rows]


def area_features(
    session: Session,
    level: str | None = None,
    parent: str | None = None,
    vintage: date | None = None,
    *,
    tolerance_m: float = 0,
    after: int = 0,
    limit: int = 100,
) -> tuple[list[dict[str, Any]], int | None]:
    """Areas of one vintage (the newest unless told) as GeoJSON features, and the id to go on after (None: the end).

    parent : code of the area right above.   tolerance_m : how far a simplified outline may stray; 0 is as imported
    The geometries are JSON already (orjson.Fragment): a province has some hundred thousand positions.
    """
    asked = {"level": level, "parent": parent, "vintage": vintage, "after": after, "limit": limit + 1}
    rows = session.execute(OUTLINES, {**asked, "tolerance": tolerance_m / METRES_PER_DEGREE}).all()
    features = [
        {
            "type": "Feature",
            "properties": {key: getattr(row, key) for key in ("code", "name", "name_ur", "name_ps", "level", "parent")},
            "geometry": orjson.Fragment(row.outline),
        }
        for row in rows[:limit]
    ]
    return features, rows[limit - 1].id if len(rows) > limit else None
