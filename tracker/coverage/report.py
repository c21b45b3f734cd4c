"""How many children were reached, where, by whom and when? One verb for the command, the API and the pages.

Reads kept counts only (`campaign_settlement`; with `until` or by team and day `coverage_count`), never visits; writes nothing. What depends
on the date is computed here from the date given, so that the same question gives the same answer.
"""
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS, Area
from tracker.campaigns.models import Campaign
from tracker.coverage.models import SUMS
from tracker.coverage.statuses import STATUS, STATUSES
from tracker.errors import NotFound, WrongRequest

ALL_LEVELS = (*LEVELS, "settlement", "team", "day")
SMALL_TARGET = 10           # below it, observers see no target and no share
ADDED = ("settlements", "settlements_visited", "target", *SUMS, "still_missed", "due", "no_word", "unreached", "cells", "cells_reached")
NOT_BY_TEAM = ("settlements", "settlements_visited", "still_missed", "due", "no_word", "unreached", "geographic_coverage")


@dataclass(frozen=True)
class Moment:
    """What "now" means for a report: days are local, `over_before` is the first day that is not over yet."""

    today: date
    until: date | None

    @property
    def over_before(self) -> date:
        return min(self.today, self.until + timedelta(days=1)) if self.until else self.today

    @property
    def begun_by(self) -> date:
        return min(self.today, self.until) if self.until else self.today


def moment(campaign: Campaign, now: datetime, until: date | None) -> Moment:
    return Moment(now.astimezone(ZoneInfo(campaign.timezone)).date(), until)


_SUM_COLUMNS = ", ".join(SUMS)
_SUMMED = ", ".join(f"CAST(sum({c}) AS integer) AS {c}" for c in SUMS)

IN_SCOPE = "(x.area_id <@ CAST(:areas AS int4multirange) OR x.settlement_id = ANY(:settlement_ids))"

# settlements of the campaign as they stand now, or with the visits of the days up to :until
NOW = f"""
    SELECT x.settlement_id AS unit_id, x.area_id, x.team_id, x.target, x.target_fixed, x.first_day, x.last_day, x.cells, x.cells_reached,
           {", ".join(f"x.{c}" for c in SUMS)}
    FROM campaign_settlement x WHERE x.campaign_id = :campaign AND {IN_SCOPE}"""

UNTIL = f"""
    SELECT x.settlement_id AS unit_id, x.area_id, x.team_id, x.target, x.target_fixed, x.first_day, x.last_day, x.cells,
           coalesce(n.cells_reached, 0) AS cells_reached, {", ".join(f"coalesce(n.{c}, 0) AS {c}" for c in SUMS)}
    FROM campaign_settlement x LEFT JOIN (
        SELECT unit_id, bit_count(bit_or(reached)) AS cells_reached, {_SUMMED}
        FROM coverage_count WHERE campaign_id = :campaign AND day <= :until AND unit_id > 0 GROUP BY unit_id
    ) n ON n.unit_id = x.settlement_id
    WHERE x.campaign_id = :campaign AND {IN_SCOPE}"""

# what counts in no settlement of the campaign: each such unit like one settlement without target
BUCKETS = f"""
    SELECT c.unit_id, c.area_id, {_SUMMED}
    FROM coverage_count c
    WHERE c.campaign_id = :campaign AND (CAST(:until AS date) IS NULL OR c.day <= :until)
      AND (c.area_id <@ CAST(:areas AS int4multirange) OR c.team_id = :scope_team_id)
      AND NOT EXISTS (SELECT 1 FROM campaign_settlement s WHERE s.campaign_id = :campaign AND s.settlement_id = c.unit_id)
    GROUP BY c.unit_id, c.area_id"""

TEAMS_OF_UNITS = """
    SELECT p.settlement_id AS unit_id, p.team_id FROM plan_stop p WHERE p.microplan_id = :microplan
    UNION SELECT unit_id, team_id FROM coverage_count WHERE campaign_id = :campaign"""


def _units(until: date | None) -> str:
    """All units with their sums and what follows from the date; `kind` tells settlements from buckets."""
    return f"""
    WITH campaign_scope AS MATERIALIZED (
        SELECT DISTINCT w.area_id FROM campaign_area c JOIN area_within w ON w.ancestor_id = c.area_id WHERE c.campaign_id = :campaign
    ), asked_for AS MATERIALIZED (       -- the areas below the one asked for; all when none is
        SELECT w.area_id FROM area_within w WHERE w.ancestor_id = :area
    ), counted AS (
        SELECT *, true AS is_settlement FROM ({UNTIL if until else NOW}) s
        UNION ALL
        SELECT unit_id, area_id, NULL, 0, 0, NULL, NULL, 0, 0, {_SUM_COLUMNS}, false FROM ({BUCKETS}) b
    ), units AS (
        SELECT x.*, t.heard_at AS team_heard_at,
               CASE WHEN x.is_settlement THEN {STATUS} END AS status,
               greatest(0, missed_absent + missed_refused + missed_other - recovered) AS still_missed,
               greatest(0, target - vaccinated_confirmed) AS unreached,
               is_settlement AND CASE WHEN :microplan IS NULL THEN first_day ELSE last_day END <= :begun_by AS is_due,
               is_settlement AND last_day <= :begun_by AND visits = 0 AND x.team_id IS NOT NULL
                   AND (t.heard_at IS NULL OR t.heard_at < (last_day + time '00:00') AT TIME ZONE :zone) AS is_silent
        FROM counted x LEFT JOIN team t ON t.id = x.team_id
        WHERE CAST(:area AS integer) IS NULL OR x.area_id IN (SELECT area_id FROM asked_for)
    )"""


_GROUPED = f"""
    count(*) FILTER (WHERE is_settlement) AS settlements, count(*) FILTER (WHERE is_settlement AND visits > visits_rejected) AS settlements_visited,
    coalesce(sum(target), 0) AS target, {", ".join(f"coalesce(sum({c}), 0) AS {c}" for c in SUMS)},
    coalesce(sum(still_missed), 0) AS still_missed, coalesce(sum(target) FILTER (WHERE is_due), 0) AS due,
    count(*) FILTER (WHERE is_silent) AS no_word, coalesce(sum(unreached), 0) AS unreached,
    coalesce(sum(cells), 0) AS cells, coalesce(sum(cells_reached), 0) AS cells_reached,
    {", ".join(f"count(*) FILTER (WHERE status = '{s}') AS is_{s}" for s in STATUSES)}"""


def _by_area(until: date | None) -> str:
    return f"""{_units(until)}, heard AS (
        SELECT w.ancestor_id AS area_id, max(t.heard_at) AS heard_at
        FROM ({TEAMS_OF_UNITS}) u JOIN units ON units.unit_id = u.unit_id JOIN team t ON t.id = u.team_id
        JOIN area_within w ON w.area_id = units.area_id AND w.ancestor_level = :level GROUP BY 1
    ), placed AS (
        SELECT units.*, w.ancestor_id AS at_level
        FROM units LEFT JOIN campaign_scope c ON c.area_id = units.area_id
        LEFT JOIN area_within w ON w.area_id = c.area_id AND w.ancestor_level = :level
    ), shown AS (       -- areas of the level that belong to the campaign and the person, also those without settlements
        SELECT DISTINCT at_level AS id FROM placed
        UNION SELECT a.id FROM area a JOIN campaign_scope c ON c.area_id = a.id
              WHERE a.level = :level AND a.id <@ CAST(:areas AS int4multirange)
                AND (CAST(:area AS integer) IS NULL OR a.id IN (SELECT area_id FROM asked_for))
    )
    SELECT a.id AS area_id, a.code, coalesce(a.name_en, '') AS name, a.name_ur, a.name_ps, CAST(:level AS text) AS level, h.heard_at, {_GROUPED}
    FROM shown LEFT JOIN area a ON a.id = shown.id LEFT JOIN placed ON placed.at_level IS NOT DISTINCT FROM shown.id
    LEFT JOIN heard h ON h.area_id = shown.id
    GROUP BY a.id, h.heard_at ORDER BY a.code NULLS LAST"""


def _by_settlement(until: date | None) -> str:
    return f"""{_units(until)}, heard AS (
        SELECT u.unit_id, max(t.heard_at) AS heard_at FROM ({TEAMS_OF_UNITS}) u JOIN team t ON t.id = u.team_id GROUP BY 1
    )
    SELECT s.id AS settlement_id, s.code, coalesce(s.name_en, '') AS name, s.name_ur, s.name_ps, 'settlement' AS level,
           max(h.heard_at) AS heard_at, max(units.status) AS status, max(s.type) AS type, bool_or(s.high_risk) AS high_risk,
           max(team.code) AS team, max(a.code) AS area, max(a.name_en) AS area_name, max(a.name_ur) AS area_name_ur,
           max(units.last_day) AS last_day, {_GROUPED}
    FROM units LEFT JOIN settlement s ON s.id = units.unit_id AND units.is_settlement LEFT JOIN heard h ON h.unit_id = s.id
    LEFT JOIN team ON team.id = units.team_id LEFT JOIN area a ON a.id = units.area_id AND units.is_settlement
    GROUP BY s.id ORDER BY s.code NULLS LAST"""


_CELLS_IN_SCOPE = """
    FROM coverage_count c
    WHERE c.campaign_id = :campaign AND (CAST(:until AS date) IS NULL OR c.day <= :until)
      AND (c.area_id <@ CAST(:areas AS int4multirange) OR c.team_id = :scope_team_id)
      AND (CAST(:area AS integer) IS NULL OR c.area_id IN (SELECT area_id FROM area_within WHERE ancestor_id = :area))"""

BY_TEAM = f"""
    WITH counted AS (SELECT c.team_id, {_SUMMED} {_CELLS_IN_SCOPE} GROUP BY c.team_id),
    planned AS (SELECT team_id, sum(target_children) AS target FROM plan_stop WHERE microplan_id = :microplan GROUP BY team_id)
    SELECT t.id AS team_id, t.code, t.code AS name, NULL AS name_ur, NULL AS name_ps, 'team' AS level, t.type, t.supervisor, t.heard_at, p.target,
           {", ".join(f"coalesce(n.{c}, 0) AS {c}" for c in SUMS)}
    FROM team t LEFT JOIN counted n ON n.team_id = t.id LEFT JOIN planned p ON p.team_id = t.id
    WHERE t.campaign_id = :campaign
      AND (n.team_id IS NOT NULL OR ((t.area_id <@ CAST(:areas AS int4multirange) OR t.id = :scope_team_id OR :areas = '{{(,)}}')
           AND (CAST(:area AS integer) IS NULL OR t.area_id IN (SELECT area_id FROM area_within WHERE ancestor_id = :area))))
    ORDER BY t.code"""

BY_DAY = f"""
    WITH counted AS (SELECT c.day, max(t.heard_at) AS heard_at, {_SUMMED}
                     FROM (SELECT c.* {_CELLS_IN_SCOPE}) c JOIN team t ON t.id = c.team_id GROUP BY c.day),
    planned AS (SELECT on_date, sum(p.target_children) AS target FROM plan_stop p JOIN campaign_settlement x
                ON x.campaign_id = :campaign AND x.settlement_id = p.settlement_id
                WHERE p.microplan_id = :microplan AND {IN_SCOPE}
                  AND (CAST(:area AS integer) IS NULL OR x.area_id IN (SELECT area_id FROM area_within WHERE ancestor_id = :area)) GROUP BY 1)
    SELECT to_char(coalesce(n.day, p.on_date), 'YYYY-MM-DD') AS code, to_char(coalesce(n.day, p.on_date), 'YYYY-MM-DD') AS name,
           NULL AS name_ur, NULL AS name_ps, 'day' AS level, n.heard_at, p.target, {", ".join(f"coalesce(n.{c}, 0) AS {c}" for c in SUMS)}
    FROM counted n FULL JOIN planned p ON p.on_date = n.day
    WHERE CAST(:until AS date) IS NULL OR coalesce(n.day, p.on_date) <= :until ORDER BY 1"""


def coverage_report(session: Session, campaign: Campaign, scope: Scope, level: str, *, now: datetime, area: str | None = None,
                    until: date | None = None) -> dict[str, Any]:
    """`{"campaign", "level", "counted_at", "rows", "total"}`; rows of one level add up to the total.

    Raises WrongRequest for an unknown level, NotFound for an area that is none of the person's.
    """
    if level not in ALL_LEVELS:
        raise WrongRequest(field="level", why=_("{level} is none of {levels}.").format(level=level, levels=", ".join(ALL_LEVELS)))
    at = moment(campaign, now, until)
    statement = {"settlement": _by_settlement(until), "team": BY_TEAM, "day": BY_DAY}.get(level) or _by_area(until)
    found = session.execute(text(statement), {
        "campaign": campaign.id, "microplan": campaign.microplan_id, "level": level, "until": until, "zone": campaign.timezone,
        "area": area_in_scope(session, campaign, scope, area).id if area else None, "over_before": at.over_before, "begun_by": at.begun_by,
        **scope.binds()}).mappings()
    rows = [_row(dict(r), level) for r in found]
    rows = [r for r in rows if r["code"] is not None or r["visits"]]
    if scope.role == "observer":
        rows = [_without_small_target(r) for r in rows]
    return {"campaign": campaign.code, "level": level, "counted_at": (campaign.counted_at or now).isoformat(), "rows": rows, "total": total_of(rows, level)}


def area_in_scope(session: Session, campaign: Campaign, scope: Scope, code: str) -> Area:
    """The area of this code in the campaign's boundaries; NotFound unless it is, or holds, one of the person's."""
    area = session.query(Area).filter_by(vintage=campaign.vintage, code=code).one_or_none()
    if area is None:
        raise NotFound
    touches = scope.everything or session.scalar(text("""
        SELECT EXISTS (SELECT 1 FROM area_within w WHERE w.ancestor_id = :area AND w.area_id <@ CAST(:areas AS int4multirange))
            OR EXISTS (SELECT 1 FROM campaign_settlement x JOIN area_within w ON w.area_id = x.area_id
                       WHERE x.campaign_id = :campaign AND w.ancestor_id = :area AND x.settlement_id = ANY(:settlement_ids))"""),
        {"area": area.id, "campaign": campaign.id, **scope.binds()})
    if not touches:
        raise NotFound
    return area


def _row(found: dict[str, Any], level: str) -> dict[str, Any]:
    """A report row out of a row of the database: integers, shares, statuses."""
    by_status = {s: found.pop(f"is_{s}") for s in STATUSES if f"is_{s}" in found}
    row = {key: int(value) if key in ADDED and value is not None else value for key, value in found.items()}
    row["heard_at"] = row["heard_at"].isoformat() if row["heard_at"] else None
    if isinstance(row.get("last_day"), date):
        row["last_day"] = row["last_day"].isoformat()
    if level in ("team", "day"):
        row |= dict.fromkeys(NOT_BY_TEAM)
    elif level == "settlement":
        if row["code"] is None:
            row["status"] = None
    else:
        row["by_status"] = by_status
    return _with_shares(row)


def _with_shares(row: dict[str, Any]) -> dict[str, Any]:
    target, cells = row.get("target"), row.get("cells")
    row["reported_coverage"] = row["vaccinated"] / target if target else None
    row["confirmed_coverage"] = row["vaccinated_confirmed"] / target if target else None
    row["geographic_coverage"] = row["cells_reached"] / cells if cells else None
    return row


def _without_small_target(row: dict[str, Any]) -> dict[str, Any]:
    """For observers: a target under ten could point at families; it is left out of the row and of the total."""
    if row.get("target") is not None and 0 < row["target"] < SMALL_TARGET:
        row |= {"target": None, "unreached": None, "due": None, "reported_coverage": None, "confirmed_coverage": None, "suppressed": True}
    return row


def total_of(rows: list[dict[str, Any]], level: str) -> dict[str, Any]:
    """The sum of rows, with shares of the sums."""
    total: dict[str, Any] = {"code": None, "name": "", "level": level}
    for key in ADDED:
        known = [r[key] for r in rows if r.get(key) is not None]
        total[key] = sum(known) if known or level not in ("team", "day") else None
    if level == "settlement":
        total["by_status"] = {s: sum(r["status"] == s for r in rows) for s in STATUSES}
    elif level in LEVELS:
        total["by_status"] = {s: sum(r["by_status"].get(s, 0) for r in rows) for s in STATUSES}
    total["heard_at"] = max((r["heard_at"] for r in rows if r["heard_at"]), default=None)
    return _with_shares(total)
