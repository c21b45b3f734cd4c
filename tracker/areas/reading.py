"""Which areas are there? Names and outlines are no secret to anyone signed in."""

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.areas.models import LEVELS

LIST = text("""
    SELECT a.code, a.name_en AS name, a.name_ur, a.name_ps, a.level, p.code AS parent, a.area_km2, a.vintage
    FROM area a LEFT JOIN area p ON p.id = a.parent_id
    WHERE a.vintage = coalesce(:vintage, (SELECT max(vintage) FROM area)) AND (:level IS NULL OR a.level = :level)
    ORDER BY array_position(CAST(:levels AS text[]), a.level), a.code""")

OUTLINES = text("""
    SELECT a.id, a.code, a.name_en AS name, a.name_ur, a.level, p.code AS parent,
           CAST(ST_AsGeoJSON(ST_SimplifyPreserveTopology(a.boundary, :tolerance), 5) AS json) AS geometry
    FROM area a LEFT JOIN area p ON p.id = a.parent_id
    WHERE a.vintage = coalesce(:vintage, (SELECT max(vintage) FROM area)) AND (:level IS NULL OR a.level = :level)
      AND (:parent IS NULL OR p.code = :parent) AND a.id > :after
    ORDER BY a.id LIMIT :limit""")

OUTLINE_TOLERANCE_DEGREES = 0.002  # about 200 m: for maps of a district and more


def list_areas(session: Session, level: str | None = None, vintage: date | None = None) -> list[dict[str, Any]]:
    """Areas of one vintage (the newest unless told), coarse levels first."""
    rows = session.execute(LIST, {"level": level, "vintage": vintage, "levels": list(LEVELS)}).mappings()
    return [{**row, "area_km2": round(row["area_km2"], 6), "vintage": row["vintage"].isoformat()} for row in rows]


def area_features(
    session: Session, level: str | None, parent: str | None, vintage: date | None, after: int, limit: int
) -> list[Any]:
    """Outlines, simplified for display, in order of id; `after` is the last id already seen."""
    return list(
        session.execute(
            OUTLINES,
            {
                "level": level,
                "parent": parent,
                "vintage": vintage,
                "after": after,
                "limit": limit,
                "tolerance": OUTLINE_TOLERANCE_DEGREES,
            },
        )
    )
