"""How many children were reached, where, by whom and when? One verb for the command, the API and the pages.

Reads kept counts only (`campaign_settlement`; up to a day, by team and by day `coverage_count`), never visits; writes
nothing. What depends on the date is computed from the moment given, so that the same question gives the same answer.
"""

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS, Area
from tracker.campaigns.models import Campaign
from tracker.coverage.models import SUMS
from tracker.coverage.statuses import STATUSES
from tracker.coverage.units import COUNTS, SETTLEMENT_SEEN, SUMMED, TOTALLED, binds, moment, units
from tracker.errors import NotFound, WrongRequest

ALL_LEVELS = (*LEVELS, "settlement", "team", "day")
ADDED = (
    "settlements", "settlements_visited", "target", *SUMS, "still_missed", "due", "no_word", "unreached", "cells",
    "cells_reached", "hidden", "claimed_of_target", "confirmed_of_target",
)  # fmt: skip
INTERNAL = ("at_level", "place", "team_id", "area_id")
OF_TARGETS = ("target", "unreached", "due")  # null where every target that they are made of is hidden
NOT_BY_TEAM = ("settlements", "settlements_visited", "still_missed", "due", "no_word", "unreached", "by_status")


def coverage_report(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    level: str,
    *,
    now: datetime,
    area: str | None = None,
    until: date | None = None,
) -> dict[str, Any]:
    """`{"campaign", "level", "counted_at", "rows", "total"}`; rows of one level add up to the total.

    Areas and settlements come worst first, teams and days in order; what lies in no area (or no settlement) of the
    campaign stands last, under code None. Raises WrongRequest for a level that is unknown or not loaded, NotFound for
    an area that is none of the person's.
    """
    if level not in ALL_LEVELS:
        levels = ", ".join(ALL_LEVELS)
        raise WrongRequest(field="level", why=_("{level} is none of {levels}.").format(level=level, levels=levels))
    if level in LEVELS and level not in (loaded := levels_loaded(session, campaign)):
        there = ", ".join(loaded)
        why = _("no areas of level {level} are loaded for this campaign; there are {levels}.")
        raise WrongRequest(field="level", why=why.format(level=level, levels=there))
    asked = area_in_scope(session, campaign, scope, area) if area else None
    values = {"level": level, **binds(campaign, scope, moment(campaign, now, until), asked)}
    found = session.execute(text(_statement(scope, level, until)), values).mappings()
    rows = [_row(dict(row), level) for row in found]
    total = _total_of(rows, level, campaign)
    return {
        "campaign": campaign.code,
        "level": level,
        "counted_at": (campaign.counted_at or now).isoformat(),
        "rows": [_published(row) for row in rows],
        "total": _published(total),
    }


def levels_loaded(session: Session, campaign: Campaign) -> list[str]:
    """Levels that the campaign's boundaries have, coarse first."""
    there = set(session.scalars(text("SELECT DISTINCT level FROM area WHERE vintage = :of"), {"of": campaign.vintage}))
    return [level for level in LEVELS if level in there]


def campaign_total(session: Session, campaign: Campaign, scope: Scope, *, now: datetime) -> dict[str, Any]:
    """The numbers of the whole campaign, as far as the person may see it."""
    coarsest = levels_loaded(session, campaign)[0]
    total: dict[str, Any] = coverage_report(session, campaign, scope, coarsest, now=now)["total"]
    return total


AREA_TOUCHED = text("""
    SELECT EXISTS (SELECT 1 FROM area_within w
                   WHERE w.ancestor_id = :area AND in_areas(w.area_id, :areas))
        OR EXISTS (SELECT 1 FROM campaign_settlement x JOIN area_within w ON w.area_id = x.area_id
                   WHERE x.campaign_id = :campaign AND w.ancestor_id = :area
                     AND x.settlement_id = ANY(:settlement_ids))""")


def area_in_scope(session: Session, campaign: Campaign, scope: Scope, code: str) -> Area:
    """The area of this code in the campaign's boundaries; NotFound unless it is, or holds, one of the person's."""
    area = session.query(Area).filter_by(vintage=campaign.vintage, code=code).one_or_none()
    if area is None:
        raise NotFound
    values = {"area": area.id, "campaign": campaign.id, **scope.binds()}
    if not scope.everything and not session.scalar(AREA_TOUCHED, values):
        raise NotFound
    return area


# one statement per kind of level


def _statement(scope: Scope, level: str, until: date | None) -> str:
    if level == "team":
        return BY_TEAM
    if level == "day":
        return BY_DAY
    return units(scope, until) + (BY_SETTLEMENT if level == "settlement" else BY_AREA)


BY_AREA = f""", placed AS (     -- a unit outside the campaign's areas is in no area of the level
        SELECT units.*, coalesce(w.ancestor_id, 0) AS at_level
        FROM units LEFT JOIN campaign_scope k ON k.area_id = units.area_id
        LEFT JOIN area_within w ON w.area_id = k.area_id AND w.ancestor_level = :level
    ), shown AS (               -- areas of campaign, question and person, also those where nothing was counted
        SELECT w.ancestor_id AS at_level FROM area_within w JOIN campaign_scope k ON k.area_id = w.area_id
        WHERE w.ancestor_level = :level AND in_areas(w.area_id, :areas)
          AND (CAST(:area AS integer) IS NULL OR w.area_id IN (SELECT area_id FROM asked_for))
        UNION SELECT at_level FROM placed
    ), totalled AS (
        SELECT at_level, {TOTALLED} FROM placed GROUP BY at_level
    )
    SELECT a.code, coalesce(a.name_en, '') AS name, a.name_ur, a.name_ps, CAST(:level AS text) AS level, totalled.*
    FROM shown LEFT JOIN area a ON a.id = shown.at_level LEFT JOIN totalled ON totalled.at_level = shown.at_level
    ORDER BY a.code IS NULL, totalled.unreached DESC NULLS LAST, a.code"""

BY_SETTLEMENT = f""", totalled AS (     -- all that counts in no settlement of the campaign together, under 0
        SELECT CASE WHEN is_settlement THEN unit_id ELSE 0 END AS place, max(status) AS status,
               max(team_id) AS team_id, max(CASE WHEN is_settlement THEN area_id END) AS area_id,
               max(last_day) AS last_day, {TOTALLED}
        FROM units GROUP BY place
    )
    SELECT s.code, coalesce(s.name_en, '') AS name, s.name_ur, s.name_ps, 'settlement' AS level, s.type, s.high_risk,
           team.code AS team, a.code AS area, a.name_en AS area_name, a.name_ur AS area_name_ur,
           a.name_ps AS area_name_ps, t.*
    FROM totalled t LEFT JOIN settlement s ON s.id = t.place LEFT JOIN team ON team.id = t.team_id
    LEFT JOIN area a ON a.id = t.area_id
    ORDER BY s.id IS NULL, t.unreached DESC NULLS LAST, s.code"""

_IN_ASKED = """(CAST(:area AS integer) IS NULL
    OR {area_id} IN (SELECT w.area_id FROM area_within w WHERE w.ancestor_id = CAST(:area AS integer)))"""

# stops of the plan in settlements that the person sees; small parts are hidden from those who may not see them
_PLANNED = f"""
    SELECT p.team_id, p.on_date,
           CASE WHEN least(p.target_children, x.target) >= :hide_below THEN p.target_children END AS target
    FROM plan_stop p JOIN campaign_settlement x ON x.campaign_id = :campaign AND x.settlement_id = p.settlement_id
    WHERE p.microplan_id = :microplan AND {SETTLEMENT_SEEN} AND {_IN_ASKED.format(area_id="x.area_id")}
      AND (CAST(:scope_team_id AS integer) IS NULL OR p.team_id = :scope_team_id)"""

_SUMS_OR_ZERO = ", ".join(f"coalesce(n.{name}, 0) AS {name}" for name in SUMS)
_TARGET_OR_NULL = "CASE WHEN CAST(:microplan AS integer) IS NOT NULL THEN coalesce(p.target, 0) END AS target"

BY_TEAM = f"""
    WITH counted AS (SELECT c.team_id, {SUMMED} {COUNTS} AND {_IN_ASKED.format(area_id="c.area_id")}
                     GROUP BY c.team_id),
    planned AS (SELECT team_id, sum(target) AS target, count(*) FILTER (WHERE target IS NULL) AS hidden
                FROM ({_PLANNED}) stops GROUP BY team_id)
    SELECT t.code, t.code AS name, NULL AS name_ur, NULL AS name_ps, 'team' AS level, t.type, t.supervisor, t.heard_at,
           {_TARGET_OR_NULL}, coalesce(p.hidden, 0) AS hidden, {_SUMS_OR_ZERO}
    FROM team t LEFT JOIN counted n ON n.team_id = t.id LEFT JOIN planned p ON p.team_id = t.id
    WHERE t.campaign_id = :campaign
      AND (n.team_id IS NOT NULL OR p.team_id IS NOT NULL
           OR (({_IN_ASKED.format(area_id="t.area_id")})
               AND (in_areas(t.area_id, :areas) OR t.id = :scope_team_id OR :areas = '{{(,)}}')))
    ORDER BY t.code"""

BY_DAY = f"""
    WITH counted AS (SELECT c.day, max(t.heard_at) AS heard_at, {SUMMED}
                     FROM (SELECT c.* {COUNTS} AND {_IN_ASKED.format(area_id="c.area_id")}) c
                     JOIN team t ON t.id = c.team_id GROUP BY c.day),
    planned AS (SELECT on_date AS day, sum(target) AS target, count(*) FILTER (WHERE target IS NULL) AS hidden
                FROM ({_PLANNED}) stops GROUP BY on_date),
    days AS (SELECT day FROM counted UNION SELECT day FROM planned
             UNION SELECT CAST(generate_series(k.starts_on, k.ends_on, interval '1 day') AS date)
                   FROM campaign k WHERE k.id = :campaign
             UNION SELECT unnest(k.catch_up) FROM campaign k WHERE k.id = :campaign)
    SELECT to_char(day, 'YYYY-MM-DD') AS code, to_char(day, 'YYYY-MM-DD') AS name, NULL AS name_ur, NULL AS name_ps,
           'day' AS level, n.heard_at, {_TARGET_OR_NULL}, coalesce(p.hidden, 0) AS hidden, {_SUMS_OR_ZERO}
    FROM days LEFT JOIN counted n USING (day) LEFT JOIN planned p USING (day)
    WHERE CAST(:until AS date) IS NULL OR day <= :until ORDER BY day"""


# from rows of the database to rows of the report


def _row(row: dict[str, Any], level: str) -> dict[str, Any]:
    """The row itself, with null where a number has no meaning at this level."""
    for key in INTERNAL:
        row.pop(key, None)
    if level in ("team", "day"):
        row |= dict.fromkeys(NOT_BY_TEAM)
        row |= {"claimed_of_target": row["vaccinated"], "confirmed_of_target": row["vaccinated_confirmed"]}
    else:
        row["by_status"] = {status: row.pop(f"is_{status}") or 0 for status in STATUSES}
        if row["settlements"] is None:  # an area in which nothing was counted
            row |= dict.fromkeys(ADDED, 0)
    if level != "settlement":
        row["status"] = None
    return row


def _total_of(rows: list[dict[str, Any]], level: str, campaign: Campaign) -> dict[str, Any]:
    """The sum of rows, with shares of the sums; a number that no row has stays null."""
    total: dict[str, Any] = {"code": None, "name": campaign.name, "level": "campaign", "status": None}
    for key in ADDED:
        known = [row[key] for row in rows if row.get(key) is not None]
        total[key] = sum(known) if known or level not in ("team", "day") else None
    counts = [row["by_status"] for row in rows if row["by_status"]]
    total["by_status"] = {s: sum(c[s] for c in counts) for s in STATUSES} if level not in ("team", "day") else None
    total["heard_at"] = max((row["heard_at"] for row in rows if row.get("heard_at")), default=None)
    return total


def _published(row: dict[str, Any]) -> dict[str, Any]:
    """Shares, dates as text, and nothing of what is hidden.

    Where small targets are hidden, they are left out of every sum, and the shares are those of the others: the
    difference of two answers then never gives one away.
    """
    target, claimed, confirmed = row["target"], row.pop("claimed_of_target"), row.pop("confirmed_of_target")
    cells, reached = row.get("cells"), row.get("cells_reached")
    row["reported_coverage"] = claimed / target if target else None
    row["confirmed_coverage"] = confirmed / target if target else None
    row["geographic_coverage"] = reached / cells if cells and reached is not None else None
    if row["level"] == "settlement":
        row["by_status"] = None
    if row.pop("hidden"):
        row["suppressed"] = True
        if not target:
            row |= dict.fromkeys(key for key in OF_TARGETS if key in row)
    for key in ("heard_at", "last_day"):
        if row.get(key) is not None:
            row[key] = row[key].isoformat()
    return row
