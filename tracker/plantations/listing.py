"""The claims of a campaign as a list, riskiest first, and what stands over it. Within a scope; writes nothing."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.plantations.reading import OF_SCOPE, scope_binds
from tracker.plantations.rules.rule import GROUPS

UNKNOWN_RISK = -1  # not checked yet: after all others

LISTED = text(f"""
    WITH page AS (          -- first the claims of the page, then what is told of each
        SELECT c.* FROM claim c
        WHERE c.campaign_id = :campaign AND {OF_SCOPE}
          AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
          AND (CAST(:rule AS text) IS NULL
               OR EXISTS (SELECT FROM finding f WHERE f.claim_id = c.id AND f.rule = :rule))
          AND (CAST(:gain AS text) IS NULL
               OR EXISTS (SELECT FROM evidence e WHERE e.claim_id = c.id AND e.claim_version = c.version
                                                   AND e.questions->'gain'->>'verdict' = :gain))
          AND (CAST(:words AS text) IS NULL OR strpos(lower(c.code), :words) > 0
               OR strpos(lower(c.implementer), :words) > 0)
          AND (CAST(:after_code AS text) IS NULL
               OR (-coalesce(c.risk, {UNKNOWN_RISK}), c.code COLLATE "C")
                  > (-CAST(:after_risk AS integer), :after_code COLLATE "C"))
        ORDER BY -coalesce(c.risk, {UNKNOWN_RISK}), c.code COLLATE "C" LIMIT :limit
    )
    SELECT c.id, c.code AS claim, c.kind, c.implementer, c.claimed_ha, c.measured_ha, c.stems, c.planted_on, c.species,
           c.risk, c.decision, c.checked_at,
           coalesce(f.worst, '') AS worst, coalesce(f.rules, '{{}}') AS rules, e.questions->'gain'->>'verdict' AS gain
    FROM page c
    LEFT JOIN LATERAL (
        SELECT (array_agg(f.severity ORDER BY array_position(ARRAY['reject','doubt','warn'], f.severity)))[1] AS worst,
               array_agg(DISTINCT f.rule) AS rules
        FROM finding f WHERE f.claim_id = c.id
    ) f ON true
    LEFT JOIN evidence e ON e.claim_id = c.id AND e.claim_version = c.version
    ORDER BY -coalesce(c.risk, {UNKNOWN_RISK}), c.code COLLATE "C" """)

SUMS = text(f"""
    SELECT c.kind, c.decision, count(*) AS claims, sum(c.claimed_ha) AS claimed_ha, sum(c.measured_ha) AS measured_ha
    FROM claim c WHERE c.campaign_id = :campaign AND {OF_SCOPE} GROUP BY c.kind, c.decision""")

RULES_ASKED = text(f"""
    SELECT f.rule, count(DISTINCT f.claim_id) AS claims FROM finding f JOIN claim c ON c.id = f.claim_id
    WHERE c.campaign_id = :campaign AND {OF_SCOPE} GROUP BY f.rule ORDER BY 2 DESC, 1""")


@dataclass(frozen=True)
class ClaimFilter:
    """Which claims are meant. None: whichever."""

    kind: str | None = None
    rule: str | None = None
    gain: str | None = None  # verdict
    words: str | None = None  # in code or implementer


def list_claims(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    wish: ClaimFilter,
    *,
    limit: int,
    after: tuple[int, str] | None = None,
) -> tuple[list[dict[str, Any]], tuple[int, str] | None]:
    """A page of claims, riskiest first, and where the next one begins (None: there is none)."""
    risk, code = after or (None, None)
    values = {
        "campaign": campaign.id, **scope_binds(scope), "kind": wish.kind, "rule": wish.rule, "gain": wish.gain,
        "words": wish.words and wish.words.lower(), "after_risk": risk, "after_code": code, "limit": limit + 1,
    }  # fmt: skip
    rows = [dict(row) for row in session.execute(LISTED, values).mappings()]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], (UNKNOWN_RISK if last["risk"] is None else last["risk"], last["claim"])


def sums_by_group(session: Session, campaign: Campaign, scope: Scope) -> dict[str, dict[str, Any]]:
    """Hectares of planting, regeneration and farm forestry, each on its own; groups without a claim are left out."""
    rows = session.execute(SUMS, {"campaign": campaign.id, **scope_binds(scope)}).all()
    groups = {}
    for group in ("planting", "regeneration", "farm_forestry", "kind_not_told"):
        its = [row for row in rows if GROUPS.get(row.kind, "kind_not_told") == group]
        if its:
            groups[group] = {
                "claims": sum(row.claims for row in its),
                "claimed_ha": sum(row.claimed_ha or 0.0 for row in its),
                "measured_ha": sum(row.measured_ha for row in its),
            }
    return groups


def rules_asked(session: Session, campaign: Campaign, scope: Scope) -> list[tuple[str, int]]:
    """How many claims each rule found something in, most first."""
    rows = session.execute(RULES_ASKED, {"campaign": campaign.id, **scope_binds(scope)})
    return [(row.rule, row.claims) for row in rows]


WHERE = text("""
    SELECT ST_XMin(b.box) AS west, ST_YMin(b.box) AS south, ST_XMax(b.box) AS east, ST_YMax(b.box) AS north,
           (SELECT a.level FROM area a JOIN campaign c ON c.vintage = a.vintage WHERE c.id = :campaign
            ORDER BY array_position(ARRAY['tehsil','district','union_council','division','province'], a.level) LIMIT 1)
               AS level
    FROM (SELECT ST_Extent(a.boundary) AS box FROM campaign_area k JOIN area a ON a.id = k.area_id
          WHERE k.campaign_id = :campaign AND (:everything OR in_areas(a.id, :areas)
              OR EXISTS (SELECT FROM area_within w WHERE w.ancestor_id = a.id AND in_areas(w.area_id, :areas)))) b""")


def where_to_draw(session: Session, campaign: Campaign, scope: Scope) -> tuple[list[float] | None, str]:
    """The box of the campaign's areas that a person sees (degrees; None: there is none), and a level with outlines."""
    row = session.execute(WHERE, {"campaign": campaign.id, **scope_binds(scope)}).one()
    box = None if row.west is None else [row.west, row.south, row.east, row.north]
    return box, row.level or "district"
