"""The settlements of a campaign as points, with target and status: for lists and other programs' maps."""
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import IN_SCOPE, SMALL_TARGET, area_in_scope, moment
from tracker.coverage.statuses import STATUS

PAGE = text(f"""
    SELECT s.id, s.code, s.name_en, s.name_ur, s.type, a.code AS area, x.target, x.unreached, {STATUS} AS status, ST_X(x.point) AS lon, ST_Y(x.point) AS lat
    FROM (SELECT *, greatest(0, target - vaccinated_confirmed) AS unreached FROM campaign_settlement) x
    JOIN settlement s ON s.id = x.settlement_id LEFT JOIN area a ON a.id = x.area_id
    WHERE x.campaign_id = :campaign AND x.settlement_id > :after AND {IN_SCOPE}
      AND (CAST(:area AS integer) IS NULL OR x.area_id IN (SELECT area_id FROM area_within WHERE ancestor_id = :area))
    ORDER BY x.settlement_id LIMIT :limit""")


def settlement_features(session: Session, campaign: Campaign, scope: Scope, *, now: datetime, area: str | None, after: int,
                        limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """(GeoJSON features in order of id, id to go on after or None at the end)."""
    rows = session.execute(PAGE, {
        "campaign": campaign.id, "after": after, "limit": limit, "over_before": moment(campaign, now, None).over_before,
        "area": area_in_scope(session, campaign, scope, area).id if area else None, **scope.binds()}).all()
    features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [r.lon, r.lat]}, "properties": {
        "code": r.code, "name": r.name_en, "name_ur": r.name_ur, "type": r.type, "area": r.area, "status": r.status,
        "target": None if scope.role == "observer" and r.target < SMALL_TARGET else r.target}} for r in rows]
    return features, rows[-1].id if len(rows) == limit else None
