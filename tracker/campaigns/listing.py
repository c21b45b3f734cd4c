"""Campaigns as lists and the head of every page show them: when, where, in which phase, and whether teams are heard.

Reads campaigns, their areas and teams; writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope, scoped
from tracker.campaigns.models import Campaign, Team

LIVELY = timedelta(minutes=30)  # newest submission not older than that: the live dot is filled

AREAS = text("""
    SELECT o.campaign_id, a.code, a.name_en, a.name_ur, a.name_ps
    FROM campaign_area o JOIN area a ON a.id = o.area_id
    WHERE o.campaign_id = ANY(:campaign_ids) ORDER BY a.code""")

HEARD = text("""
    SELECT count(*) AS teams, count(t.heard_at) AS heard, max(t.heard_at) AS last_heard_at
    FROM team t
    WHERE t.campaign_id = :campaign_id
      AND (:everything OR in_areas(t.area_id, :areas) OR t.id = :scope_team_id)""")


@dataclass(frozen=True)
class Heard:
    """How many teams of one's areas have sent anything in this round, and when the newest of it came in."""

    teams: int
    heard: int
    last_heard_at: datetime | None

    @property
    def is_lively(self) -> bool:
        return self.last_heard_at is not None and datetime.now(UTC) - self.last_heard_at < LIVELY


def last_day(campaign: Campaign) -> date:
    """Catch-up days included."""
    return max((campaign.ends_on, *campaign.catch_up))


def phase(campaign: Campaign, now: datetime) -> str:
    """closed, planned, running or over: today in the campaign's own zone."""
    if campaign.state == "closed":
        return "closed"
    today = now.astimezone(ZoneInfo(campaign.timezone)).date()
    if today < campaign.starts_on:
        return "planned"
    return "running" if today <= last_day(campaign) else "over"


def areas_of(session: Session, campaigns: Sequence[Campaign]) -> dict[int, list[dict[str, Any]]]:
    """Code and names of the areas that each campaign covers, by campaign id."""
    areas: dict[int, list[dict[str, Any]]] = {campaign.id: [] for campaign in campaigns}
    for area in session.execute(AREAS, {"campaign_ids": list(areas)}).mappings():
        areas[area["campaign_id"]].append(dict(area))
    return areas


def teams_heard(session: Session, campaign: Campaign, scope: Scope) -> Heard:
    """Of the teams of one's areas."""
    binds = {"campaign_id": campaign.id, "everything": scope.everything, **scope.binds()}
    return Heard(**session.execute(HEARD, binds).mappings().one())


def days_of(campaign: Campaign) -> list[date]:
    """All its days, catch-up days included."""
    length = (campaign.ends_on - campaign.starts_on).days + 1
    return sorted({campaign.starts_on + timedelta(days=n) for n in range(length)} | set(campaign.catch_up))


def find_teams(session: Session, campaign: Campaign, scope: Scope, words: str, limit: int) -> Sequence[Row[str, str]]:
    """Teams that the person sees and whose code holds these words: code, type."""
    asked = Team.code.icontains(words, autoescape=True)
    query = select(Team.code, Team.type).where(Team.campaign_id == campaign.id, asked).order_by(Team.code).limit(limit)
    return session.execute(scoped(query, scope)).all()
