"""Where on the map do areas lie? A point inside each and the box around it, and which areas a person works in.

Names and outlines are no secret to anybody who has signed in, so they are read once per process and kept until the
campaign's boundaries change.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign

Box = tuple[float, float, float, float]  # west, south, east, north; degrees
VINTAGES_KEPT = 4

# simplified first: a point inside is then found in a tenth of the time
PLACED = text("""
    SELECT a.id, a.code, a.level, a.name_en AS name, a.name_ur, a.name_ps, p.code AS parent, ST_X(inside) AS lon,
           ST_Y(inside) AS lat, ST_XMin(a.boundary) AS west, ST_YMin(a.boundary) AS south,
           ST_XMax(a.boundary) AS east, ST_YMax(a.boundary) AS north
    FROM area a LEFT JOIN area p ON p.id = a.parent_id,
         LATERAL (SELECT ST_PointOnSurface(ST_Simplify(a.boundary, 0.01, true)) AS inside) point
    WHERE a.vintage = :vintage""")

OWN_LEVELS = text("""
    WITH own AS (
        SELECT DISTINCT w.area_id FROM campaign_area k JOIN area_within w ON w.ancestor_id = k.area_id
        WHERE k.campaign_id = :campaign AND in_areas(w.area_id, :areas)
    )
    SELECT a.level, count(*) AS areas, array_agg(a.code) FILTER (WHERE a.parent_id IS NULL
        OR a.parent_id NOT IN (SELECT area_id FROM own)) AS highest
    FROM own JOIN area a ON a.id = own.area_id GROUP BY a.level""")


@dataclass(frozen=True)
class Placed:
    """An area as the map and the lists show it."""

    id: int
    code: str
    level: str
    name: str
    name_ur: str | None
    name_ps: str | None
    parent: str | None  # code
    lon: float  # of a point inside
    lat: float
    west: float
    south: float
    east: float
    north: float

    @property
    def box(self) -> Box:
        return self.west, self.south, self.east, self.north


_KEPT: dict[tuple[str, int, int], dict[str, Placed]] = {}  # by database, campaign and its revision


def placed_areas(session: Session, campaign: Campaign) -> dict[str, Placed]:
    """All areas of the campaign's boundaries by code."""
    key = (str(session.connection().engine.url), campaign.id, campaign.revision)
    if key not in _KEPT:
        while len(_KEPT) >= VINTAGES_KEPT:
            _KEPT.pop(next(iter(_KEPT)), None)
        rows = session.execute(PLACED, {"vintage": campaign.vintage}).mappings()
        _KEPT[key] = {row["code"]: Placed(**row) for row in rows}
    return _KEPT[key]


@dataclass(frozen=True)
class OwnAreas:
    """The areas of a campaign in which a person works."""

    levels: tuple[str, ...]  # those worth choosing, coarse first: with more than one area of theirs
    highest: tuple[str, ...]  # codes of the areas that lie in no other of theirs


def own_areas(session: Session, campaign: Campaign, scope: Scope) -> OwnAreas:
    found: dict[str, Any] = {
        row.level: row for row in session.execute(OWN_LEVELS, {"campaign": campaign.id, **scope.binds()})
    }
    levels = tuple(level for level in LEVELS if level in found and found[level].areas > 1)
    highest = tuple(sorted(code for row in found.values() for code in row.highest or ()))
    return OwnAreas(levels, highest)


def around(boxes: list[Box]) -> Box | None:
    """The box around all of them; None when there is none."""
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)
