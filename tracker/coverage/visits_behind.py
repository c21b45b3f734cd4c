"""Which visits stand behind a settlement's numbers, or lie in a part of the map?

Kept counts tell which teams came near on which days; the visits are then read along (campaign, team, time), so that no
index on settlements or positions has to be kept while a round is written. Only what the person may see; writes nothing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.visits.models import REPLACED

# of a visit `v`: the own team's; else in one's areas, or nowhere and of a team of one's areas
VISIT_SEEN = """(CASE WHEN CAST(:scope_team_id AS integer) IS NOT NULL THEN v.team_id = :scope_team_id
    ELSE in_areas(v.area_id, :areas)
         OR (coalesce(v.area_id, 0) = 0 AND EXISTS (SELECT 1 FROM team k
             WHERE k.id = v.team_id AND in_areas(k.area_id, :areas))) END)"""

# of a team-day `d`
_THAT_DAY = f"""v.campaign_id = :campaign AND v.team_id = d.team_id
    AND v.visited_at >= CAST(d.day AS timestamp) AT TIME ZONE :zone
    AND v.visited_at < (CAST(d.day AS timestamp) + interval '1 day') AT TIME ZONE :zone
    AND v.standing <> {REPLACED} AND {VISIT_SEEN}"""

# needs `tile` with `around`, a box in degrees
VISITS_IN_BOX = f"""
    SELECT v.* FROM (
        SELECT DISTINCT c.team_id, c.day FROM coverage_count c, tile
        WHERE c.campaign_id = :campaign AND (CAST(:until AS date) IS NULL OR c.day <= :until)
          AND c.west <= ST_XMax(tile.around) AND c.east >= ST_XMin(tile.around)
          AND c.south <= ST_YMax(tile.around) AND c.north >= ST_YMin(tile.around)
    ) d JOIN visit v ON {_THAT_DAY}, tile
    WHERE v.lon BETWEEN ST_XMin(tile.around) AND ST_XMax(tile.around)
      AND v.lat BETWEEN ST_YMin(tile.around) AND ST_YMax(tile.around)"""

OF_UNIT = text(f"""
    SELECT v.instance_id, t.code AS team, v.visited_at, v.lon, v.lat, v.accuracy_m, v.children_eligible, v.vaccinated,
           v.absent, v.refused, v.other_missed, v.guests_vaccinated, v.zero_dose, v.is_revisit, v.standing, v.decided,
           count(*) OVER () AS visits, count(*) FILTER (WHERE v.lon IS NULL) OVER () AS without_position
    FROM (SELECT DISTINCT c.team_id, c.day FROM coverage_count c
          WHERE c.campaign_id = :campaign AND c.unit_id = :unit
            AND (CAST(:until AS date) IS NULL OR c.day <= :until)) d
    JOIN visit v ON v.unit_id = :unit AND {_THAT_DAY}
    JOIN team t ON t.id = v.team_id
    ORDER BY v.visited_at DESC, v.instance_id LIMIT :limit""")

FLAGS = text("SELECT instance_id, rule, numbers FROM flag WHERE instance_id = ANY(:ids) ORDER BY instance_id, rule")


def visits_of_unit(
    session: Session, campaign: Campaign, scope: Scope, unit_id: int, *, until: Any, limit: int
) -> tuple[Sequence[Row[Any]], dict[Any, list[Row[Any]]]]:
    """(visits, newest first; flags by instance_id). Each visit tells in `visits` how many there are in all.

    None for roles that see numbers only.
    """
    if not scope.sees_visits:
        return (), {}
    asked = {"campaign": campaign.id, "zone": campaign.timezone, "unit": unit_id, "until": until, "limit": limit}
    visits = session.execute(OF_UNIT, {**asked, **scope.binds()}).all()
    flags: dict[Any, list[Row[Any]]] = {visit.instance_id: [] for visit in visits}
    for flag in session.execute(FLAGS, {"ids": list(flags)}):
        flags[flag.instance_id].append(flag)
    return visits, flags
