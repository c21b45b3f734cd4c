"""Ask for a check of a campaign's claims: a job in the caller's transaction, done by the worker (see checking)."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.jobs import Job, enqueue, waiting_or_running

TASK = "check_claims"


def enqueue_check(
    session: Session, campaign: Campaign, as_of: date, scheduler: str | None = None, *, only_new: bool = False
) -> Job:
    """Queue a check of a campaign's claims, in the caller's transaction.

    only_new : rules ask only about claims that no rule has looked at
    """
    words: dict[str, Any] = {"as_of": as_of.isoformat(), "scheduler": scheduler, "only_new": only_new}
    return enqueue(session, TASK, campaign.code, campaign_id=campaign.id, **words)


def check_soon(session: Session, campaign: Campaign) -> None:
    """Have what was just registered checked; a check that waits already will do."""
    job = waiting_or_running(session, TASK, campaign.code)
    if job is None or job.begun_at:
        enqueue_check(session, campaign, today(), only_new=True)


def today() -> date:
    return datetime.now(UTC).date()
