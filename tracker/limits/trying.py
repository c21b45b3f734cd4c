"""What would other limits change? Everything is judged with them, looked at, and taken back.

The trial is the judging itself, in a transaction that is rolled back: what it says is what will be. It holds the
campaign's lock, so that new visits wait meanwhile. Applying needs a trial whose starting point still holds.
"""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.audit import record
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.following import locked
from tracker.errors import CampaignClosed, NotAllowed, NotFound, RasaiError
from tracker.jobs import Job, enqueue, say_progress
from tracker.visits.judging import begin_pass, judge
from tracker.visits.models import DOUBTFUL, REJECTED, VALID
from tracker.visits.thresholds import set_limits

COUNTED = {VALID: "valid", DOUBTFUL: "doubtful", REJECTED: "rejected"}

COVERS = text("""
    SELECT NOT EXISTS (
        SELECT 1 FROM campaign_area k JOIN area_within w ON w.ancestor_id = k.area_id
        WHERE k.campaign_id = :campaign AND NOT in_areas(w.area_id, :areas))""")

STANDINGS_NOW = text("""
    SELECT sum(visits_valid) AS valid, sum(visits_doubtful) AS doubtful, sum(visits_rejected) AS rejected,
           sum(vaccinated) AS vaccinated, sum(vaccinated_confirmed) AS confirmed
    FROM coverage_count WHERE campaign_id = :campaign""")

FLAGS_NOW = text("SELECT rule, sum(visits) AS visits FROM team_flags WHERE campaign_id = :campaign GROUP BY rule")


class ChangedMeanwhile(RasaiError):
    """Limits were changed since the trial: what it showed no longer holds."""

    message = _l("Somebody has changed the limits since this was tried. Look at theirs and try again.")
    status = 409


def may_set_limits(session: Session, campaign: Campaign, scope: Scope) -> bool:
    """Limits hold for the whole round: they are set by who answers for all of it."""
    if scope.role not in ("admin", "coordinator"):
        return False
    return bool(session.scalar(COVERS, {"campaign": campaign.id, "areas": scope.areas}))


def begin_trial(session: Session, campaign: Campaign, scope: Scope, rule: str, changes: dict[str, Any]) -> Job:
    """Queue it. Raises NotAllowed, CampaignClosed, WrongRequest for what makes no sense."""
    _may(session, campaign, scope)
    with session.begin_nested() as attempt:  # refuses what cannot be set; nothing of it stays
        set_limits(session, campaign, rule, changes)
        attempt.rollback()
    session.refresh(campaign)
    return enqueue(
        session, "try_limits", str(campaign.id), campaign_id=campaign.id, person_id=scope.person_id,
        campaign=campaign.id, rule=rule, changes=changes,
    )  # fmt: skip


def try_limits(job_id: int, *, campaign: int, rule: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A job: `{"rule", "changes", "from", "before", "after", "flags"}`; nothing is changed."""
    with locked(campaign) as connection:
        assert connection is not None
        with Session(connection, expire_on_commit=False) as session:
            tried = session.get_one(Campaign, campaign)
            started_from = dict(tried.thresholds)
            before, flags_before = _standings(session, campaign), _flags(session, campaign)
            set_limits(session, tried, rule, changes)
            session.execute(text("UPDATE campaign SET revision = :of WHERE id = :id"), {"of": -job_id, "id": campaign})
            session.refresh(
                tried
            )  # a revision of its own: nothing kept between passes mistakes the trial for the truth
            after = _judged(session, tried, job_id, sum(before[name] for name in COUNTED.values()))
            flags_after = _flags(session, campaign)
            session.rollback()
    rules = sorted({*flags_before, *flags_after})
    return {
        "rule": rule, "changes": changes, "from": started_from, "before": before, "after": after,
        "flags": {name: [flags_before.get(name, 0), flags_after.get(name, 0)] for name in rules},
    }  # fmt: skip


def apply_trial(session: Session, campaign: Campaign, scope: Scope, job_id: int) -> None:
    """Let the limits of a trial hold. Raises NotAllowed, NotFound, ChangedMeanwhile."""
    _may(session, campaign, scope)
    result = trial(session, campaign, job_id).result
    if result is None:
        raise NotFound
    if result["from"] != campaign.thresholds:
        raise ChangedMeanwhile
    set_limits(session, campaign, result["rule"], result["changes"])
    facts = {"rule": result["rule"], "changes": result["changes"], "before": result["from"], "trial": job_id}
    record(session, scope, "set threshold", "campaign", campaign.code, facts)


def trial(session: Session, campaign: Campaign, job_id: int) -> Job:
    """Raises NotFound. Read as the owner of the tables: only who may set limits is shown it."""
    job = session.get(Job, job_id)
    if job is None or job.task != "try_limits" or job.campaign_id != campaign.id:
        raise NotFound
    return job


def _may(session: Session, campaign: Campaign, scope: Scope) -> None:
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    if not may_set_limits(session, campaign, scope):
        raise NotAllowed


def _standings(session: Session, campaign: int) -> dict[str, int]:
    row = session.execute(STANDINGS_NOW, {"campaign": campaign}).mappings().one()
    return {name: int(value or 0) for name, value in row.items()}


def _flags(session: Session, campaign: int) -> dict[str, int]:
    return {row.rule: int(row.visits) for row in session.execute(FLAGS_NOW, {"campaign": campaign})}


def _judged(session: Session, campaign: Campaign, job_id: int, total: int) -> dict[str, int]:
    """Sums over all visits as the new limits judge them."""
    sums = dict.fromkeys((*COUNTED.values(), "vaccinated", "confirmed"), 0)
    run = begin_pass(session, campaign, everything=True)
    if run is None:
        return sums
    for judged in judge(session, run):
        standing, given = judged.visits["standing"], judged.visits["vaccinated"]
        for number, name in COUNTED.items():
            sums[name] += int((standing == number).sum())
        sums["confirmed"] += int(given[standing == VALID].sum())
        sums["vaccinated"] += int(given[(standing == VALID) | (standing == DOUBTFUL)].sum())
        say_progress(job_id, sum(sums[name] for name in COUNTED.values()), total)
    return sums


def describe(changes: dict[str, Any]) -> str:
    """more_than=30 within_m=20; what goes back to its default says so."""
    back = _("the usual")
    return ", ".join(f"{name} = {back if value is None else f'{value:g}'}" for name, value in changes.items())
