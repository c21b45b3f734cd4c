"""Which settlements are meant? The rows behind a number: filtered, worst first, a page at a time.

Reads kept counts, as far as the person may see them; writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import Area
from tracker.campaigns.models import Campaign
from tracker.coverage.units import binds, moment, units

ORDERS = {  # as in the address: SQL
    "unreached": "unreached DESC NULLS LAST, code",
    "name": "name, code",
    "confirmed": "vaccinated_confirmed::float / nullif(target, 0) NULLS LAST, code",
}

LIST = """
    , meant AS (
        SELECT units.unit_id AS id, s.code, s.name_en AS name, s.name_ur, s.name_ps, s.type, s.high_risk,
               units.target, units.unreached, units.status, units.is_silent, units.last_day, units.visits,
               units.visits_rejected, units.vaccinated, units.vaccinated_confirmed, units.cells, units.cells_reached,
               units.missed_absent, units.missed_refused, units.missed_other, units.recovered, units.heard_at,
               t.code AS team, a.code AS area, ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat
        FROM units JOIN settlement s ON s.id = units.unit_id LEFT JOIN team t ON t.id = units.team_id
        LEFT JOIN area a ON a.id = units.area_id
        WHERE units.is_settlement AND (CAST(:settlement AS text) IS NULL OR s.code = :settlement)
          AND (CAST(:statuses AS text[]) IS NULL OR units.status = ANY(:statuses))
          AND (NOT :silent_only OR units.is_silent) AND (CAST(:team AS text) IS NULL OR t.code = :team)
    )
    SELECT *, count(*) OVER () AS found FROM meant"""


@dataclass(frozen=True)
class Wish:
    """Which settlements; None: whichever."""

    settlement: str | None = None  # code
    team: str | None = None  # code of the team that has it on its (last) planned day
    statuses: tuple[str, ...] = ()
    silent_only: bool = False  # no word yet


def list_settlements(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    wish: Wish,
    *,
    now: datetime,
    until: date | None = None,
    area: Area | None = None,
    order: str = "unreached",
    limit: int,
    offset: int = 0,
) -> Sequence[Any]:
    """Rows; each tells in `found` how many there are in all. A hidden small target is null, and so is what needs it."""
    values = {
        **binds(campaign, scope, moment(campaign, now, until), area), "settlement": wish.settlement, "team": wish.team,
        "statuses": list(wish.statuses) or None, "silent_only": wish.silent_only, "limit": limit, "offset": offset,
    }  # fmt: skip
    statement = f"{units(scope, until)}{LIST} ORDER BY {ORDERS[order]} LIMIT :limit OFFSET :offset"
    return session.execute(text(statement), values).mappings().all()
