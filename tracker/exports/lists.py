"""Which lists can be taken out, and how their rows come: always as the person may see them, some thousand at a time.

A list is one entry here: its columns, its geometry, who may have it, and a function that yields batches of rows. A
list with a geometry gives it as WKB in EPSG:4326 under "geometry", or is placed by its columns lon and lat.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.identity import SEE_NUMBERS, SEE_VISITS
from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign
from tracker.coverage.gaps import rank_gaps
from tracker.coverage.report import area_in_scope, coverage_report, levels_loaded
from tracker.coverage.settlement_stream import Wanted, settlement_batches
from tracker.coverage.statuses import STATUSES
from tracker.denominators.bases import all_changes
from tracker.exports.columns import Column, columns
from tracker.visits.streaming import VisitsWanted, visit_batches

Batches = Iterator[list[dict[str, Any]]]
COUNTED = (
    "visits", "visits_valid", "visits_doubtful", "visits_rejected", "eligible", "vaccinated", "vaccinated_confirmed",
    "vaccinated_rejected", "guests", "zero_dose", "missed_absent", "missed_refused", "missed_other", "recovered",
)  # fmt: skip
SHARES = ("reported_coverage", "confirmed_coverage", "geographic_coverage")
SETTLEMENT_COLUMNS = columns(
    "code", "name", "name_ur", "name_ps", "type", "high_risk", "area", "area_name", "team", "first_day", "last_day",
    "target", "target_fixed", "status", "silent", *COUNTED, "still_missed", "unreached", *SHARES, "cells",
    "cells_reached", "heard_at", "lon", "lat",
)  # fmt: skip
VISIT_COLUMNS = columns(
    "instance_id", "replaces", "team", "visited_at", "lon", "lat", "accuracy_m", "settlement", "children_eligible",
    "vaccinated", "absent", "refused", "other_missed", "guests_vaccinated", "zero_dose", "finger_marked", "is_revisit",
    "mock_location", "note", "settlement_resolved", "area_resolved", "standing", "flags",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """The filter of a list; None: no matter. Which of them a list heeds, its entry says."""

    area: str | None = None
    level: str | None = None
    until: date | None = None
    team: str | None = None
    status: str | None = None

    def said(self) -> dict[str, str]:
        named = {name: getattr(self, name) for name in ("area", "level", "until", "team", "status")}
        return {name: str(value) for name, value in named.items() if value}


@dataclass(frozen=True)
class List:
    """`read(session, campaign, scope, asked, now)` yields batches of rows."""

    name: str
    words: Any  # what it lists
    columns: tuple[Column, ...]
    geometry: str | None  # Point, MultiPolygon; None: a plain table
    roles: frozenset[str]
    filters: tuple[str, ...]
    read: Callable[[Session, Campaign, Scope, Asked, datetime], Batches]


def _settlements(session: Session, campaign: Campaign, scope: Scope, asked: Asked, now: datetime) -> Batches:
    area = area_in_scope(session, campaign, scope, asked.area) if asked.area else None
    statuses = (asked.status,) if asked.status else ()
    wanted = Wanted(area=area, until=asked.until, team=asked.team, statuses=statuses)
    for batch in settlement_batches(session, campaign, scope, wanted, now=now):
        yield [as_listed(row) for row in batch]


def as_listed(row: dict[str, Any]) -> dict[str, Any]:
    """A settlement of the stream under the names of the list."""
    return {**row, "silent": row["no_word"]}


def _areas(session: Session, campaign: Campaign, scope: Scope, asked: Asked, now: datetime) -> Batches:
    loaded = levels_loaded(session, campaign)
    levels = [asked.level] if asked.level else [level for level in LEVELS if level in loaded]
    for level in levels:
        yield area_rows(session, campaign, scope, level, now=now, area=asked.area, until=asked.until)


OUTLINES = text("""
    SELECT a.id, a.code, a.area_km2, p.code AS parent, ST_AsBinary(a.boundary) AS geometry
    FROM area a LEFT JOIN area p ON p.id = a.parent_id
    WHERE a.vintage = :vintage AND a.code = ANY(:codes)""")


def area_rows(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    level: str,
    *,
    now: datetime,
    area: str | None = None,
    until: date | None = None,
) -> list[dict[str, Any]]:
    """The report's rows of one level with outline, parent and id; what lies in no area has none of them."""
    report = coverage_report(session, campaign, scope, level, now=now, area=area, until=until)
    codes = [row["code"] for row in report["rows"] if row["code"] is not None]
    found = session.execute(OUTLINES, {"vintage": campaign.vintage, "codes": codes})
    outline = {row.code: {"id": row.id, "area_km2": row.area_km2, "parent": row.parent, "geometry": bytes(row.geometry)}
               for row in found}  # fmt: skip
    return [{**row, **(row["by_status"] or {}), **outline.get(row["code"], {})} for row in report["rows"]]


def _gaps(session: Session, campaign: Campaign, scope: Scope, asked: Asked, now: datetime) -> Batches:
    rows = rank_gaps(session, campaign, scope, now=now, area=asked.area)
    placed = session.execute(POSITIONS, {"campaign": campaign.id, "codes": [row["code"] for row in rows]})
    where = {row.code: {"lon": row.lon, "lat": row.lat} for row in placed}
    yield [{**row, **row["reasons"], **where[row["code"]]} for row in rows]


POSITIONS = text("""
    SELECT x.code, ST_X(x.point) AS lon, ST_Y(x.point) AS lat
    FROM campaign_settlement x WHERE x.campaign_id = :campaign AND x.code = ANY(:codes)""")


def _by(level: str) -> Callable[[Session, Campaign, Scope, Asked, datetime], Batches]:
    def read(session: Session, campaign: Campaign, scope: Scope, asked: Asked, now: datetime) -> Batches:
        report = coverage_report(session, campaign, scope, level, now=now, area=asked.area, until=asked.until)
        yield [{**row, "day": row["code"]} if level == "day" else row for row in report["rows"]]

    return read


def _visits(session: Session, campaign: Campaign, scope: Scope, asked: Asked, now: datetime) -> Batches:
    area = area_in_scope(session, campaign, scope, asked.area) if asked.area else None
    return visit_batches(session, campaign, scope, VisitsWanted(area_id=area.id if area else None, team=asked.team))


def _changes(session: Session, campaign: Campaign, scope: Scope, asked: Asked, now: datetime) -> Batches:
    return all_changes(session, campaign, scope)


LISTS = {entry.name: entry for entry in (
    List("settlements", _l("Settlements with target, status and counts"), SETTLEMENT_COLUMNS, "Point", SEE_NUMBERS,
         ("area", "until", "team", "status"), _settlements),
    List("gaps", _l("Settlements with children not reached, the most urgent first"),
         columns("rank", "code", "name", "name_ur", "name_ps", "area", "area_name", "team", "target",
                 "vaccinated_confirmed", "unreached", "no_visit", "absent", "refused", "other", "zero_dose",
                 "days_waiting", "status", "lon", "lat"),
         "Point", SEE_NUMBERS, ("area",), _gaps),
    List("areas", _l("Areas of each level with their numbers and outlines"),
         columns("code", "name", "name_ur", "name_ps", "level", "parent", "area_km2", "settlements",
                 "settlements_visited", "target", *COUNTED, "still_missed", "due", "no_word", "unreached", *SHARES,
                 "cells", "cells_reached", *STATUSES, "heard_at"),
         "MultiPolygon", SEE_NUMBERS, ("area", "level", "until"), _areas),
    List("teams", _l("Teams with what they reported"),
         columns("code", "type", "supervisor", "target", *COUNTED, "reported_coverage", "confirmed_coverage",
                 "heard_at"),
         None, SEE_NUMBERS, ("area", "until"), _by("team")),
    List("days", _l("Days of the round"),
         columns("day", "target", *COUNTED, "reported_coverage", "confirmed_coverage", "heard_at"),
         None, SEE_NUMBERS, ("area", "until"), _by("day")),
    List("target_changes", _l("Changes of targets, the largest first"),
         columns("code", "name", "name_ur", "name_ps", "area", "area_name", "old_target", "new_target", "change",
                 "reason", "changed_at", "changed_by"),
         None, SEE_NUMBERS, (), _changes),
    List("visits", _l("Visits as sent, and what became of them"), VISIT_COLUMNS, "Point", SEE_VISITS,
         ("area", "team"), _visits),
)}  # fmt: skip


def read_asked(query: Mapping[str, str], until: date | None) -> Asked:
    """The filter out of an address; empty words are none."""
    words = {name: query.get(name) or None for name in ("area", "level", "team", "status")}
    return Asked(until=until, **words)
