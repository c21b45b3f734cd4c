"""Visits one after another, as a person may see them: for files and other programs.

In order of team and time, along the index on (campaign, team, time), from any place on: the cost of a page does not
grow with what lies before it. Only reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.visits.models import STANDINGS
from tracker.visits.reading import FIRST_MOMENT, LAST_MOMENT, WAITING
from tracker.visits.rules import names_of
from tracker.visits.visit_row import COUNTS

ROWS_AT_ONCE = 5_000
Row = dict[str, Any]
Box = tuple[float, float, float, float]  # west, south, east, north: degrees; west > east crosses the date line


@dataclass(frozen=True)
class VisitsWanted:
    """Which visits; None: whichever."""

    area_id: int | None = None
    team: str | None = None
    standing: str | None = None
    box: Box | None = None
    begins: datetime | None = None
    ends: datetime | None = None  # to the moment, both ends in
    only: str | None = None  # instance_id


@dataclass(frozen=True)
class After:
    """The visit after which to go on."""

    team_id: int
    visited_at: datetime
    instance_id: str


START = After(0, FIRST_MOMENT, "00000000-0000-0000-0000-000000000000")

FOUND = f"""
    WITH unjudged AS (
        SELECT DISTINCT submission_id FROM waiting WHERE campaign_id = :campaign AND submission_id IS NOT NULL
    )
    SELECT CAST(v.instance_id AS text) AS instance_id, CAST(v.replaces AS text) AS replaces, t.code AS team, v.team_id,
           v.visited_at, v.lon, v.lat, v.accuracy_m, d.code AS settlement, {", ".join(f"v.{c}" for c in COUNTS)},
           v.is_revisit, v.mock_location, v.note, r.code AS settlement_resolved, a.code AS area_resolved,
           CASE WHEN v.submission_id IN (SELECT submission_id FROM unjudged) THEN :waiting
                ELSE (CAST(:standings AS text[]))[v.standing] END AS standing, v.flags
    FROM visit v JOIN team t ON t.id = v.team_id LEFT JOIN settlement d ON d.id = v.settlement_id
    LEFT JOIN settlement r ON r.id = v.unit_id LEFT JOIN area a ON a.id = v.area_id
    WHERE v.campaign_id = :campaign
      AND (v.team_id, v.visited_at, v.instance_id) > (:after_team, :after_at, CAST(:after_id AS uuid))
      AND v.visited_at >= :begins AND v.visited_at <= :ends
      AND (CAST(:only AS uuid) IS NULL OR v.instance_id = CAST(:only AS uuid))
      AND (CAST(:team AS text) IS NULL OR t.code = :team)
      AND (CAST(:area AS integer) IS NULL
           OR v.area_id IN (SELECT w.area_id FROM area_within w WHERE w.ancestor_id = CAST(:area AS integer)))
      AND (NOT :in_box OR (v.lat BETWEEN :south AND :north
           AND CASE WHEN :west <= :east THEN v.lon BETWEEN :west AND :east
                    ELSE v.lon >= :west OR v.lon <= :east END))
      AND (CAST(:standing AS text) IS NULL OR :standing =
           CASE WHEN v.submission_id IN (SELECT submission_id FROM unjudged) THEN :waiting
                ELSE (CAST(:standings AS text[]))[v.standing] END)
      AND (:everything OR in_areas(v.area_id, :areas) OR v.team_id = :scope_team_id
           OR (coalesce(v.area_id, 0) = 0 AND in_areas(t.area_id, :areas)))
    ORDER BY v.team_id, v.visited_at, v.instance_id"""


def visit_batches(session: Session, campaign: Campaign, scope: Scope, wanted: VisitsWanted) -> Iterator[list[Row]]:
    """All of them, some thousand at a time, from a cursor on the server."""
    found = session.execute(
        text(FOUND), _values(campaign, scope, wanted, START), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    for part in found.mappings().partitions(ROWS_AT_ONCE):
        yield [_told(dict(row)) for row in part]


def visit_page(
    session: Session, campaign: Campaign, scope: Scope, wanted: VisitsWanted, *, after: After, limit: int
) -> list[Row]:
    """At most `limit` of them after a place; each says in `team_id` how to go on after it."""
    values = {**_values(campaign, scope, wanted, after), "limit": limit}
    return [_told(dict(row)) for row in session.execute(text(f"{FOUND} LIMIT :limit"), values).mappings()]


def count_visits(session: Session, campaign: Campaign, scope: Scope, wanted: VisitsWanted) -> int:
    statement = text(f"SELECT count(*) FROM ({FOUND}) found")
    return int(session.scalar(statement, _values(campaign, scope, wanted, START)) or 0)


def _told(row: Row) -> Row:
    row["flags"] = ";".join(names_of(row["flags"]))
    return row


def _values(campaign: Campaign, scope: Scope, wanted: VisitsWanted, after: After) -> dict[str, Any]:
    west, south, east, north = wanted.box or (0.0, 0.0, 0.0, 0.0)
    return {
        "campaign": campaign.id, "waiting": WAITING, "standings": [STANDINGS[n] for n in sorted(STANDINGS)],
        "after_team": after.team_id, "after_at": after.visited_at, "after_id": after.instance_id,
        "begins": wanted.begins or FIRST_MOMENT, "ends": wanted.ends or LAST_MOMENT, "only": wanted.only,
        "team": wanted.team, "area": wanted.area_id, "standing": wanted.standing, "in_box": wanted.box is not None,
        "west": west, "south": south, "east": east, "north": north, "everything": scope.everything, **scope.binds(),
    }  # fmt: skip
