"""Ask every rule about claims and keep what it finds: about some claims with their ground, or about a whole campaign.

Knows no rule: it runs the list. What a rule found before in the claims asked about is replaced. Reads claims and what
they are measured against; writes `finding` and `claim.checked_at`.
"""

from dataclasses import replace
from datetime import date

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.plantations import relations
from tracker.plantations.fetching import fetch_campaign, fetch_claims
from tracker.plantations.findings import forget, forget_pairs, write_findings
from tracker.plantations.rules import RULES
from tracker.plantations.rules.rule import Claims, Pairs
from tracker.plantations.thresholds import claim_limits_of

PAIR_RULES = ("duplicate_geometry", "overlap")
OF_GROUND = {rule.name: rule.ask for rule in RULES if rule.ask and not rule.over_the_campaign}
OF_CAMPAIGN = {rule.name: rule.ask for rule in RULES if rule.ask and rule.over_the_campaign}

LOOKED_AT = text("UPDATE claim SET checked_at = clock_timestamp() WHERE id = ANY(:ids)")
CAMPAIGNS_OF = text("SELECT id, campaign_id FROM claim WHERE id = ANY(:ids)")


def ask_about_claims(session: Session, campaign: Campaign, ids: np.ndarray, as_of: date) -> set[int]:
    """Ask the rules of ground about these claims (ids sorted).

    Gives the other claims that share ground with them: their findings have changed too.
    """
    limits = claim_limits_of(campaign)
    relations.prepare_ground(session, campaign)
    claims = fetch_claims(session, campaign, ids, as_of)
    forget(session, ids, OF_GROUND)
    for name, ask in OF_GROUND.items():
        write_findings(session, ids, name, ask(claims, limits[name]))
    others = _tell_the_others(session, claims)
    session.execute(LOOKED_AT, {"ids": ids.tolist()})
    return others


def _tell_the_others(session: Session, claims: Claims) -> set[int]:
    """A pair stands on both its claims: write it also on those not asked about, by the limits of their campaigns."""
    pairs = claims.pairs
    campaign_of = {r.id: r.campaign_id for r in session.execute(CAMPAIGNS_OF, {"ids": pairs.other_id.tolist()})}
    is_elsewhere = ~np.isin(pairs.other_id, claims.id)
    told = set()
    for campaign_id in sorted(set(campaign_of.values())):
        there = is_elsewhere & np.array([campaign_of[other] == campaign_id for other in pairs.other_id.tolist()], bool)
        others = np.unique(pairs.other_id[there])
        mirrored = Pairs(
            np.searchsorted(others, pairs.other_id[there]), claims.id[pairs.claim[there]], pairs.overlap_ha[there],
            pairs.of_smaller[there], pairs.of_union[there], pairs.shows[there],
        )  # fmt: skip
        limits = claim_limits_of(session.get_one(Campaign, campaign_id))
        forget_pairs(session, others, claims.id, PAIR_RULES)
        for name in PAIR_RULES:
            write_findings(session, others, name, OF_GROUND[name](replace(claims, pairs=mirrored), limits[name]))
        told |= set(others.tolist())
    return told


def ask_about_campaign(session: Session, campaign: Campaign) -> None:
    """Ask the rules that look at the sums of the whole campaign."""
    limits = claim_limits_of(campaign)
    claims = fetch_campaign(session, campaign)
    forget(session, claims.id, OF_CAMPAIGN)
    for name, ask in OF_CAMPAIGN.items():
        write_findings(session, claims.id, name, ask(claims, limits[name]))
