"""The settlements of a campaign as points, with target and status: for lists and other programs' maps."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import area_in_scope
from tracker.coverage.units import binds, moment, units

PAGE = """
    SELECT s.id, s.code, s.name_en, s.name_ur, s.type, a.code AS area, units.target, units.status,
           ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat
    FROM units JOIN settlement s ON s.id = units.unit_id LEFT JOIN area a ON a.id = units.area_id
    WHERE units.is_settlement AND units.unit_id > :after ORDER BY units.unit_id LIMIT :limit"""


def settlement_features(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    *,
    now: datetime,
    area: str | None,
    after: int,
    limit: int,
) -> tuple[list[dict[str, Any]], int | None]:
    """(GeoJSON features in order of id, id to go on after or None at the end).

    `target` and `status` are null where a small target is not for this person's eyes. Raises NotFound for an area that
    is none of the person's.
    """
    asked = area_in_scope(session, campaign, scope, area) if area else None
    values = {**binds(campaign, scope, moment(campaign, now), asked), "after": after, "limit": limit}
    rows = session.execute(text(units(scope, None) + PAGE), values).all()
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row.lon, row.lat]},
            "properties": {
                "code": row.code,
                "name": row.name_en,
                "name_ur": row.name_ur,
                "type": row.type,
                "area": row.area,
                "status": row.status,
                "target": row.target,
            },
        }
        for row in rows
    ]
    return features, rows[-1].id if len(rows) == limit else None
