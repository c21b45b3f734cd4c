"""Kept counts for tests, as judging would leave them."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from tests.builders import FIRST_DAY
from tracker.areas.models import Area, Settlement
from tracker.campaigns.models import Campaign, Team
from tracker.coverage.counts import refresh_settlement_sums
from tracker.coverage.models import CampaignSettlement, CoverageCount


def a_count(
    session: Session,
    campaign: Campaign,
    team: Team,
    place: Settlement | Area | None,
    day: date = FIRST_DAY,
    *,
    vaccinated: int = 0,
    reached: str | None = None,
    **sums: Any,
) -> None:
    """One unit, day and team: a settlement's, an area's "no settlement", or (None) that of nowhere.

    Unless said otherwise every visit is valid and all vaccinated children are confirmed.
    """
    unit, area = _unit(session, campaign, place)
    sums = {"visits": 1, "vaccinated": vaccinated, "vaccinated_confirmed": vaccinated, **sums}
    sums.setdefault("visits_valid", sums["visits"] - sums.get("visits_doubtful", 0) - sums.get("visits_rejected", 0))
    key = {"campaign_id": campaign.id, "unit_id": unit, "day": day, "team_id": team.id, "area_id": area}
    if isinstance(place, Settlement) and session.get(CampaignSettlement, (campaign.id, place.id)):
        reached = reached or "1" * place.cells
    session.add(CoverageCount(**key, reached=reached, **sums))
    session.flush()
    refresh_settlement_sums(session, campaign, {unit})
    session.expire_all()


def _unit(session: Session, campaign: Campaign, place: Settlement | Area | None) -> tuple[int, int]:
    if place is None:
        return 0, 0
    if isinstance(place, Area):
        return -place.id, place.id
    planned = session.get(CampaignSettlement, (campaign.id, place.id))
    return place.id, planned.area_id if planned else 0
