"""Ask for a check of a campaign's claims: a job in the caller's transaction, done by the worker (see checking)."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.jobs import Job, enqueue

TASK = "check_claims"


def enqueue_check(
    session: Session, campaign: Campaign, as_of: date, scheduler: str | None = None, person_id: int | None = None
) -> Job:
    """Queue a check of all claims of a campaign, in the caller's transaction."""
    words: dict[str, Any] = {"as_of": as_of.isoformat(), "scheduler": scheduler}
    return enqueue(session, TASK, campaign.code, campaign_id=campaign.id, person_id=person_id, **words)


def today() -> date:
    return datetime.now(UTC).date()
