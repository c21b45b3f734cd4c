"""The settlements of a campaign one after another, each with everything that is counted of it.

For files and other programs: in order of id, from any place on, so that the cost of a page does not grow with what lies
before it. Reads kept counts as far as the person may see them; writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import Area
from tracker.campaigns.models import Campaign
from tracker.coverage.models import SUMS
from tracker.coverage.statuses import STATUS
from tracker.coverage.units import COUNT_SEEN, SHOWN, SILENT, binds, moment, settled

Row = dict[str, Any]
Box = tuple[float, float, float, float]  # west, south, east, north: degrees; west > east crosses the date line
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Wanted:
    """Which settlements; None: whichever."""

    area: Area | None = None
    until: date | None = None  # counted up to the end of this day
    team: str | None = None
    type: str | None = None
    statuses: tuple[str, ...] = ()
    box: Box | None = None
    days: tuple[date | None, date | None] | None = None  # its planned days meet these; None at an end: open
    only: int | None = None  # the settlement of this id


WANTED = f"""
    (CAST(:area AS integer) IS NULL
         OR x.area_id IN (SELECT w.area_id FROM area_within w WHERE w.ancestor_id = CAST(:area AS integer)))
    AND (CAST(:only AS integer) IS NULL OR x.unit_id = :only)
    AND (CAST(:type AS text) IS NULL OR s.type = :type)
    AND (CAST(:team AS text) IS NULL OR planned.code = :team)
    AND (CAST(:statuses AS text[]) IS NULL OR ({SHOWN} AND {STATUS} = ANY(:statuses)))
    AND (NOT :in_box OR (ST_Y(s.centre) BETWEEN :south AND :north
         AND CASE WHEN :west <= :east THEN ST_X(s.centre) BETWEEN :west AND :east
                  ELSE ST_X(s.centre) >= :west OR ST_X(s.centre) <= :east END))
    AND (CAST(:begins AS date) IS NULL OR x.last_day >= :begins)
    AND (CAST(:ends AS date) IS NULL OR x.first_day <= :ends)"""


def _statement(scope: Scope, wanted: Wanted, limited: bool) -> str:
    heard_where_seen = "" if scope.everything else f"AND {COUNT_SEEN}"
    return f"""
    WITH teams AS MATERIALIZED (SELECT id, code, heard_at FROM team WHERE campaign_id = :campaign)
    SELECT x.unit_id AS id, s.code, s.name_en AS name, s.name_ur, s.name_ps, s.type, s.high_risk, a.code AS area,
           a.name_en AS area_name, planned.code AS team, x.first_day, x.last_day,
           CASE WHEN {SHOWN} THEN x.target END AS target,
           CASE WHEN CAST(:scope_team_id AS integer) IS NULL AND k.target_fixed >= :hide_below
                THEN k.target_fixed END AS target_fixed,
           CASE WHEN {SHOWN} THEN {STATUS} END AS status, {SILENT} AS no_word,
           {", ".join(f"x.{name}" for name in SUMS)},
           greatest(0, x.missed_absent + x.missed_refused + x.missed_other - x.recovered) AS still_missed,
           CASE WHEN {SHOWN} THEN greatest(0, x.target - x.vaccinated_confirmed) END AS unreached,
           CASE WHEN {SHOWN} THEN x.vaccinated::float / nullif(x.target, 0) END AS reported_coverage,
           CASE WHEN {SHOWN} THEN x.vaccinated_confirmed::float / nullif(x.target, 0) END AS confirmed_coverage,
           x.cells_reached::float / nullif(x.cells, 0) AS geographic_coverage, x.cells, x.cells_reached,
           greatest(planned.heard_at, heard.heard_at) AS heard_at, ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat
    FROM (SELECT *, true AS is_settlement FROM ({settled(scope, wanted.until)}) y) x
    JOIN settlement s ON s.id = x.unit_id
    JOIN campaign_settlement k ON k.campaign_id = :campaign AND k.settlement_id = x.unit_id
    LEFT JOIN area a ON a.id = x.area_id LEFT JOIN teams planned ON planned.id = x.team_id
    LEFT JOIN LATERAL (         -- of those who worked there
        SELECT max(t.heard_at) AS heard_at FROM coverage_count c JOIN teams t ON t.id = c.team_id
        WHERE c.campaign_id = :campaign AND c.unit_id = x.unit_id {heard_where_seen}
    ) heard ON true
    WHERE x.unit_id > :after AND {WANTED}
    ORDER BY x.unit_id {"LIMIT :limit" if limited else ""}"""


def settlement_batches(
    session: Session, campaign: Campaign, scope: Scope, wanted: Wanted, *, now: datetime
) -> Iterator[list[Row]]:
    """All of them, some thousand at a time, from a cursor on the server."""
    statement = text(_statement(scope, wanted, limited=False))
    found = session.execute(
        statement, _values(campaign, scope, wanted, now, 0), execution_options={"yield_per": ROWS_AT_ONCE}
    )
    for part in found.mappings().partitions(ROWS_AT_ONCE):
        yield [dict(row) for row in part]


def settlement_page(
    session: Session, campaign: Campaign, scope: Scope, wanted: Wanted, *, now: datetime, after: int, limit: int
) -> list[Row]:
    """At most `limit` of them with an id above `after`."""
    values = {**_values(campaign, scope, wanted, now, after), "limit": limit}
    found: Sequence[Any] = session.execute(text(_statement(scope, wanted, limited=True)), values).mappings().all()
    return [dict(row) for row in found]


def count_settlements(session: Session, campaign: Campaign, scope: Scope, wanted: Wanted, *, now: datetime) -> int:
    statement = f"SELECT count(*) FROM ({_statement(scope, wanted, limited=False)}) found"
    return int(session.scalar(text(statement), _values(campaign, scope, wanted, now, 0)) or 0)


def _values(campaign: Campaign, scope: Scope, wanted: Wanted, now: datetime, after: int) -> dict[str, Any]:
    west, south, east, north = wanted.box or (0.0, 0.0, 0.0, 0.0)
    begins, ends = wanted.days or (None, None)
    return {
        **binds(campaign, scope, moment(campaign, now, wanted.until), wanted.area), "after": after,
        "only": wanted.only, "type": wanted.type, "team": wanted.team, "statuses": list(wanted.statuses) or None,
        "in_box": wanted.box is not None, "west": west, "south": south, "east": east, "north": north,
        "begins": begins, "ends": ends,
    }  # fmt: skip
