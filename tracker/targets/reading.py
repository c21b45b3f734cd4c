"""Read a version: its team-days, its stops with names and ground, as far as one may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import shapely
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.errors import NotFound, WrongRequest

# a team sees its own day, of the published plan, on that day; supervisors and above what their areas and teams hold
SEEN = """(:everything
    OR (:plans AND (in_areas({t}.area_id, :areas) OR EXISTS (
        SELECT 1 FROM settlement_place l WHERE l.settlement_id = {s}.settlement_id AND in_areas(l.area_id, :areas))))
    OR ({s}.team_id = :scope_team_id AND {s}.microplan_id = :published AND {s}.on_date = :today))"""

STOPS = text(f"""
    SELECT s.microplan_id, s.settlement_id, s.block, s.again, s.team_id, t.code AS team, t.supervisor, s.on_date,
           s.position, s.children, s.minutes, s.lon, s.lat, s.box, s.walk_km, s.walk_minutes, s.arrive_minute, s.zone,
           s.is_priority, s.needs, s.is_fixed, p.code, p.name_en, p.name_ur, p.name_ps, p.type, p.radius_m,
           ST_AsBinary(p.extent) AS extent, x.area_id, coalesce(k.landmark, '') AS landmark
    FROM target_stop s JOIN team t ON t.id = s.team_id JOIN settlement p ON p.id = s.settlement_id
    LEFT JOIN campaign_settlement x ON x.campaign_id = :campaign AND x.settlement_id = s.settlement_id
    LEFT JOIN plan_place k ON k.campaign_id = :campaign AND k.settlement_id = s.settlement_id
    WHERE s.microplan_id = :plan AND (CAST(:on AS date) IS NULL OR s.on_date = :on)
      AND (CAST(:team AS text) IS NULL OR t.code = :team)
      AND (CAST(:area AS int) IS NULL OR EXISTS (
          SELECT 1 FROM area_within w WHERE w.area_id = x.area_id AND w.ancestor_id = :area))
      AND {SEEN.format(s="s", t="t")}
    ORDER BY t.code, s.on_date, s.position""")

DAYS = text(f"""
    SELECT d.team_id, t.code AS team, t.type AS team_type, t.supervisor, d.on_date, d.stops, d.children, d.minutes,
           d.walk_km, d.is_connected, d.is_fixed, d.changed_at,
           (SELECT min(s.zone) FROM target_stop s WHERE s.microplan_id = d.microplan_id AND s.team_id = d.team_id
            AND s.on_date = d.on_date) AS zone
    FROM target_day d JOIN team t ON t.id = d.team_id
    WHERE d.microplan_id = :plan AND EXISTS (
        SELECT 1 FROM target_stop s WHERE s.microplan_id = d.microplan_id AND s.team_id = d.team_id
        AND s.on_date = d.on_date AND {SEEN.format(s="s", t="t")})
    ORDER BY t.code, d.on_date""")

AREA = text("SELECT id FROM area WHERE vintage = :vintage AND code = :code")


@dataclass(frozen=True)
class Wanted:
    """What of a plan."""

    version: int | None = None
    on: date | None = None
    team: str | None = None
    area: str | None = None


def area_id(session: Session, campaign: Campaign, code: str | None) -> int | None:
    """Raises WrongRequest."""
    if code is None:
        return None
    found = session.scalar(AREA, {"vintage": campaign.vintage, "code": code})
    if found is None:
        why = _("no area {code} in vintage {vintage}.").format(code=code, vintage=campaign.vintage)
        raise WrongRequest(field="area", why=why)
    return int(found)


def binds(campaign: Campaign, scope: Any, today: date | None) -> dict[str, Any]:
    return {
        **scope.binds(), "everything": scope.everything, "campaign": campaign.id, "published": campaign.microplan_id,
        "plans": scope.role in ("admin", "coordinator", "supervisor"), "today": today,
    }  # fmt: skip


def stops_of(
    session: Session, campaign: Campaign, plan_id: int, scope: Any, wanted: Wanted, today: date | None = None
) -> list[dict[str, Any]]:
    """Stops with names, ground and landmark, team by team, day by day, in walking order."""
    its = {
        **binds(campaign, scope, today), "plan": plan_id, "on": wanted.on, "team": wanted.team,
        "area": area_id(session, campaign, wanted.area),
    }  # fmt: skip
    return [dict(row) for row in session.execute(STOPS, its).mappings()]


def team_days(
    session: Session, campaign: Campaign, plan_id: int, scope: Any, today: date | None = None
) -> list[dict[str, Any]]:
    """Totals of the team-days that one may see."""
    its = {**binds(campaign, scope, today), "plan": plan_id}
    return [dict(row) for row in session.execute(DAYS, its).mappings()]


def extent_of(stop: dict[str, Any]) -> shapely.Geometry | None:
    return None if stop["extent"] is None else shapely.from_wkb(bytes(stop["extent"]))


def by_team_day(stops: Sequence[dict[str, Any]]) -> dict[tuple[str, date], list[dict[str, Any]]]:
    """Stops in order, by team and day. Raises NotFound when there are none."""
    if not stops:
        raise NotFound
    groups: dict[tuple[str, date], list[dict[str, Any]]] = {}
    for stop in stops:
        groups.setdefault((stop["team"], stop["on_date"]), []).append(stop)
    return groups


def block_code(stop: dict[str, Any]) -> str:
    """Settlement, with the number of the block where it is cut: SET-12/3."""
    return f"{stop['code']}/{stop['block']}" if stop["block"] else str(stop["code"])


def clock_words(minute: int) -> str:
    """08:00 of 480. A plan that is short of teams may run past midnight: it says 23:59."""
    hours, minutes = divmod(min(minute, 24 * 60 - 1), 60)
    return f"{hours:02d}:{minutes:02d}"
