"""Test all claims of a campaign: rules first, then satellite scenes, then the risk of each.

Runs as a job, portion by portion, each committed with what it found: after a crash it goes on with the claims that it
had not come to. Reads claims and what they are measured against; writes `finding`, `evidence`, `claim.checked_at` and
the risk.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.jobs import Job, say_progress
from tracker.plantations.asking import ask_about_campaign, ask_about_claims
from tracker.plantations.evidence import Measured, claims_to_measure, keep_evidence, measure_claims
from tracker.plantations.fetching import claim_ids, portions
from tracker.plantations.findings import forget, write_findings
from tracker.plantations.risk import score_claims
from tracker.plantations.rules import RULES
from tracker.plantations.rules.rule import Asked
from tracker.rule_limits import WARN

FROM_SCENES = tuple(rule.name for rule in RULES if rule.ask is None)

NEVER = datetime(1, 1, 1, tzinfo=UTC)

Progress = Callable[[int, int], None]  # done, of how many

NOT_LOOKED_AT = text("""
    SELECT id FROM claim WHERE campaign_id = :campaign AND (checked_at IS NULL OR checked_at < :since) ORDER BY id""")


@dataclass(frozen=True)
class Wish:
    """What is to be checked."""

    campaign_id: int
    as_of: date
    since: datetime  # claims looked at after this are done: the job was begun before
    scheduler: str | None = None


def run_check(job_id: int, as_of: str, scheduler: str | None, only_new: bool) -> dict[str, Any]:
    """The job: may be begun again, and then goes on."""
    with transaction() as session:
        job = session.get_one(Job, job_id)
        assert job.campaign_id
        since = NEVER if only_new else job.queued_at
        wish = Wish(job.campaign_id, date.fromisoformat(as_of), since, scheduler)
    return check_claims(wish, lambda done, total: say_progress(job_id, done, total))


def check_claims(wish: Wish, progress: Progress) -> dict[str, Any]:
    """Everything that is asked of the claims of a campaign; how many there are and how many findings they have."""
    with transaction() as session:
        ids = claim_ids(session, session.get_one(Campaign, wish.campaign_id))
        left = np.array(list(session.scalars(NOT_LOOKED_AT, _its(wish))), dtype=int)
    steps = 2 * len(ids)  # each claim by rules, then by scenes
    touched: set[int] = set()
    done = len(ids) - len(left)
    for portion in portions(left):
        with transaction() as session:
            campaign = session.get_one(Campaign, wish.campaign_id)
            touched |= ask_about_claims(session, campaign, portion, wish.as_of)
        done += len(portion)
        progress(done, steps)
    with transaction() as session:
        ask_about_campaign(session, session.get_one(Campaign, wish.campaign_id))
    for measured in _measure(wish):
        done += measured
        progress(done, steps)
    others = np.array(sorted(touched - set(ids.tolist())), dtype=int)
    for portion in (*portions(ids), *portions(others)):
        with transaction() as session:
            score_claims(session, portion, wish.as_of)
    with transaction() as session:
        findings = session.scalar(text("SELECT count(*) FROM finding WHERE campaign_id = :campaign"), _its(wish))
    return {"claims": len(ids), "findings": findings}


def _its(wish: Wish) -> dict[str, Any]:
    return {"campaign": wish.campaign_id, "since": wish.since}


# scenes


def _measure(wish: Wish) -> Iterator[int]:
    """Ask the scenes about all claims, chunk by chunk; gives how many each chunk held."""
    with transaction() as session:
        claims = claims_to_measure(session, campaign_id=wish.campaign_id)
        for chunk in measure_claims(session, claims, wish.as_of, scheduler=wish.scheduler):
            with transaction() as writing:
                keep_evidence(writing, chunk)
                _keep_findings(writing, chunk)
            yield len(chunk)


def _keep_findings(session: Session, measured: Sequence[Measured]) -> None:
    """What measuring found beside its verdicts: a gain that such trees cannot bring."""
    ids = np.array([m.claim.claim_id for m in measured], dtype=int)
    forget(session, ids, FROM_SCENES)
    gains = [m.questions["gain"] for m in measured]
    rows = np.array([k for k, gain in enumerate(gains) if gain.get("implausible")], dtype=int)
    numbers = {name: np.array([gains[k][name] for k in rows]) for name in ("delta", "expected_gain")}
    write_findings(session, ids, "gain_implausible", Asked(rows, np.full(len(rows), WARN), numbers))
