"""Test all claims of a campaign: rules first, then satellite scenes, then the risk of each.

Runs as a job, portion by portion, each committed with what it found: after a crash it goes on with the claims that it
had not come to. Reads claims and what they are measured against; writes `finding`, `evidence`, `claim.checked_at` and
the risk.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.jobs import Job, say_progress
from tracker.plantations import relations
from tracker.plantations.evidence import Measured, claims_to_measure, keep_evidence, measure_claims
from tracker.plantations.fetching import claim_ids, fetch_campaign, fetch_claims, portions
from tracker.plantations.findings import forget, forget_pairs, write_findings
from tracker.plantations.risk import score_claims
from tracker.plantations.rules import RULES
from tracker.plantations.rules.rule import Asked, Claims, Pairs
from tracker.plantations.thresholds import claim_limits_of
from tracker.rule_limits import WARN

PAIR_RULES = ("duplicate_geometry", "overlap")
OF_GROUND = tuple(rule for rule in RULES if rule.ask and not rule.over_the_campaign)
OF_CAMPAIGN = tuple(rule for rule in RULES if rule.ask and rule.over_the_campaign)
FROM_SCENES = tuple(rule.name for rule in RULES if rule.ask is None)

Progress = Callable[[int, int], None]  # done, of how many

NOT_LOOKED_AT = text("""
    SELECT id FROM claim WHERE campaign_id = :campaign AND (checked_at IS NULL OR checked_at < :since) ORDER BY id""")
LOOKED_AT = text("UPDATE claim SET checked_at = clock_timestamp() WHERE id = ANY(:ids)")
CAMPAIGNS_OF = text("SELECT id, campaign_id FROM claim WHERE id = ANY(:ids)")


@dataclass(frozen=True)
class Wish:
    """What is to be checked."""

    campaign_id: int
    as_of: date
    since: datetime  # claims looked at after this are done: the job was begun before
    scheduler: str | None = None


def run_check(job_id: int, as_of: str, scheduler: str | None) -> dict[str, Any]:
    """The job: may be begun again, and then goes on."""
    with transaction() as session:
        job = session.get_one(Job, job_id)
        assert job.campaign_id
        wish = Wish(job.campaign_id, date.fromisoformat(as_of), job.queued_at, scheduler)
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
        touched |= _check_portion(wish, portion)
        done += len(portion)
        progress(done, steps)
    _check_campaign(wish)
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


# rules


def _check_portion(wish: Wish, ids: np.ndarray) -> set[int]:
    """Ask every rule about these claims; gives the claims of other campaigns that share ground with them."""
    with transaction() as session:
        campaign = session.get_one(Campaign, wish.campaign_id)
        limits = claim_limits_of(campaign)
        relations.prepare_ground(session, campaign)
        claims = fetch_claims(session, campaign, ids, wish.as_of)
        forget(session, ids, [rule.name for rule in OF_GROUND])
        for rule in OF_GROUND:
            assert rule.ask
            write_findings(session, ids, rule.name, rule.ask(claims, limits[rule.name]))
        others = _tell_the_others(session, claims)
        session.execute(LOOKED_AT, {"ids": ids.tolist()})
    return others


def _tell_the_others(session: Session, claims: Claims) -> set[int]:
    """A pair stands on both its claims: write it also on those of other campaigns, by the limits that hold there."""
    pairs = claims.pairs
    campaign_of = {r.id: r.campaign_id for r in session.execute(CAMPAIGNS_OF, {"ids": pairs.other_id.tolist()})}
    own = session.scalar(text("SELECT campaign_id FROM claim WHERE id = :id"), {"id": int(claims.id[0])})
    told = set()
    for campaign_id in sorted(set(campaign_of.values()) - {own}):
        there = np.array([campaign_of[other] == campaign_id for other in pairs.other_id.tolist()], dtype=bool)
        others = np.unique(pairs.other_id[there])
        mirrored = Pairs(
            np.searchsorted(others, pairs.other_id[there]), claims.id[pairs.claim[there]], pairs.overlap_ha[there],
            pairs.of_smaller[there], pairs.of_union[there], pairs.shows[there],
        )  # fmt: skip
        limits = claim_limits_of(session.get_one(Campaign, campaign_id))
        forget_pairs(session, others, claims.id, PAIR_RULES)
        for rule in OF_GROUND:
            if rule.name in PAIR_RULES and rule.ask:
                asked = rule.ask(replace(claims, pairs=mirrored), limits[rule.name])
                write_findings(session, others, rule.name, asked)
        told |= set(others.tolist())
    return told


def _check_campaign(wish: Wish) -> None:
    """Ask the rules that look at the sums of the whole campaign."""
    with transaction() as session:
        campaign = session.get_one(Campaign, wish.campaign_id)
        limits = claim_limits_of(campaign)
        claims = fetch_campaign(session, campaign)
        forget(session, claims.id, [rule.name for rule in OF_CAMPAIGN])
        for rule in OF_CAMPAIGN:
            assert rule.ask
            write_findings(session, claims.id, rule.name, rule.ask(claims, limits[rule.name]))


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
