"""Which campaigns may a person see, and have their teams been heard? For the list and for the head of every page.

Reads campaigns, teams and stops; writes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope

LIVELY = timedelta(minutes=30)  # newest submission not older than that: the live dot is filled

CAMPAIGNS = text("""
    SELECT c.id, c.code, c.name, c.kind, c.starts_on, c.ends_on, c.catch_up, c.timezone, c.state, c.illustration
    FROM campaign c
    WHERE :everything
       OR EXISTS (SELECT FROM campaign_area o JOIN area_within w ON w.ancestor_id = o.area_id OR w.area_id = o.area_id
                  WHERE o.campaign_id = c.id AND w.area_id <@ CAST(:areas AS int4multirange))
       OR EXISTS (SELECT FROM team t WHERE t.campaign_id = c.id AND t.id = :scope_team_id)
    ORDER BY c.starts_on DESC, c.code""")

AREAS = text("""
    SELECT o.campaign_id, a.code, a.name_en, a.name_ur, a.name_ps
    FROM campaign_area o JOIN area a ON a.id = o.area_id
    WHERE o.campaign_id = ANY(:campaign_ids) ORDER BY a.code""")

HEARD = text("""
    SELECT count(*) AS teams, count(t.heard_at) AS heard, max(t.heard_at) AS last_heard_at
    FROM team t
    WHERE t.campaign_id = :campaign_id
      AND (:everything OR t.area_id <@ CAST(:areas AS int4multirange) OR t.id = :scope_team_id)""")


@dataclass(frozen=True)
class Heard:
    """How many teams of one's areas have sent anything in this round, and when the newest of it came in."""

    teams: int
    heard: int
    last_heard_at: datetime | None

    @property
    def is_lively(self) -> bool:
        return self.last_heard_at is not None and datetime.now(UTC) - self.last_heard_at < LIVELY


@dataclass(frozen=True)
class Listed:
    """A campaign as lists show it."""

    id: int
    code: str
    name: str
    kind: str
    starts_on: date
    ends_on: date
    catch_up: tuple[date, ...]
    timezone: str
    state: str
    illustration: bool
    areas: tuple[dict[str, Any], ...]  # code and names in three languages

    @property
    def last_day(self) -> date:
        return max((self.ends_on, *self.catch_up))

    @property
    def phase(self) -> str:
        """closed, planned, running or over: today in the campaign's own zone."""
        if self.state == "closed":
            return "closed"
        today = datetime.now(ZoneInfo(self.timezone)).date()
        if today < self.starts_on:
            return "planned"
        return "running" if today <= self.last_day else "over"


def campaigns_seen(session: Session, scope: Scope) -> list[Listed]:
    """Campaigns that touch one's areas, the newest first."""
    rows = session.execute(CAMPAIGNS, {"everything": scope.everything, **scope.binds()}).mappings().all()
    areas: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for area in session.execute(AREAS, {"campaign_ids": list(areas)}).mappings():
        areas[area["campaign_id"]].append(dict(area))
    return [Listed(**{**row, "catch_up": tuple(row["catch_up"])}, areas=tuple(areas[row["id"]])) for row in rows]


def teams_heard(session: Session, campaign_id: int, scope: Scope) -> Heard:
    """Of the teams of one's areas."""
    binds = {"campaign_id": campaign_id, "everything": scope.everything, **scope.binds()}
    return Heard(**session.execute(HEARD, binds).mappings().one())
